#include "dispatcher.hpp"

#include "verbs.hpp"

#include <algorithm>
#include <new>
#include <stdexcept>
#include <string_view>

namespace driver {

namespace {

bool makes(std::string_view verb) { return verb == "create" || verb == "serve" || verb == "dial"; }

} // namespace

PendingRequests::Entry::Entry(PendingRequests& all, const Request& request) : all_(all) {
    const std::lock_guard lock(all_.mutex_);
    number_ = ++all_.last_;
    all_.calls_.emplace(number_,
                        Call{.id = request.id, .verb = request.method, .begin = std::chrono::steady_clock::now()});
}

PendingRequests::Entry::~Entry() {
    const std::lock_guard lock(all_.mutex_);
    all_.calls_.erase(number_);
    all_.changed_.notify_all();
}

void PendingRequests::await_makers() {
    constexpr auto patience = std::chrono::seconds(10);
    std::unique_lock lock(mutex_);
    changed_.wait_until(lock, std::chrono::steady_clock::now() + patience, [this] {
        return std::none_of(calls_.begin(), calls_.end(), [](const auto& call) { return makes(call.second.verb); });
    });
}

std::vector<RequestUnderWay> PendingRequests::others(std::uint64_t number) const {
    const auto now = std::chrono::steady_clock::now();
    std::vector<RequestUnderWay> requests;
    const std::lock_guard lock(mutex_);
    for (const auto& [its_number, call] : calls_) {
        if (its_number == number) continue;
        const std::chrono::duration<double> age = now - call.begin;
        requests.push_back({.id = call.id, .verb = call.verb, .seconds = age.count()});
    }
    return requests;
}

Result Dispatcher::perform(const Request& request) {
    const Verb verb = find_verb(request.method);
    if (verb == nullptr) throw Failure(method_not_found, "there is no verb \"" + request.method + "\"");
    const PendingRequests::Entry entry(pending, request);
    const Call call{.dispatcher = *this, .params = Params(*request.params), .number = entry.number()};
    try {
        // Every request has one, also where nothing waits. (Each verb looks at all its parameters before it does
        // anything.)
        static_cast<void>(call.params.seconds("timeout"));
        // A request that comes during the end makes nothing, as the end may not wait for it.
        if (makes(request.method)) sleep(std::chrono::nanoseconds::zero());
        return verb(call);
    } catch (const zerobuffer::Error& error) {
        throw Failure(error);
    } catch (const std::invalid_argument& error) {
        throw bad_params(error.what());
    } catch (const std::bad_alloc&) {
        throw Failure(zerobuffer::Code::resource_exhausted, "there is not enough memory for this");
    }
}

} // namespace driver
