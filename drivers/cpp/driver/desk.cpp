#include "desk.hpp"

#include "verbs.hpp"

#include <algorithm>
#include <new>
#include <stdexcept>
#include <string_view>

namespace driver {

namespace {

bool makes(std::string_view verb) { return verb == "create" || verb == "serve" || verb == "dial"; }

} // namespace

UnderWay::Entry::Entry(UnderWay& all, const Request& request) : all_(all) {
    const std::lock_guard lock(all_.mutex_);
    number_ = ++all_.last_;
    all_.calls_.emplace(
        number_,
        Call{.id = request.id.value_or(nullptr), .verb = request.method, .begin = std::chrono::steady_clock::now()});
}

UnderWay::Entry::~Entry() {
    const std::lock_guard lock(all_.mutex_);
    all_.calls_.erase(number_);
    all_.changed_.notify_all();
}

void UnderWay::await_makers() {
    constexpr auto patience = std::chrono::seconds(10);
    std::unique_lock lock(mutex_);
    changed_.wait_until(lock, std::chrono::steady_clock::now() + patience, [this] {
        return std::none_of(calls_.begin(), calls_.end(), [](const auto& call) { return makes(call.second.verb); });
    });
}

Json UnderWay::plain(std::uint64_t without) const {
    const auto now = std::chrono::steady_clock::now();
    Json::Array requests;
    const std::lock_guard lock(mutex_);
    for (const auto& [number, call] : calls_) {
        if (number == without || call.id.is_null()) continue;
        requests.emplace_back(Json::Object{
            {"id", call.id},
            {"verb", call.verb},
            {"seconds", std::chrono::duration<double>(now - call.begin).count()},
        });
    }
    return requests;
}

Json Desk::perform(const Request& request) {
    const Verb verb = find_verb(request.method);
    if (verb == nullptr) throw Failure(method_not_found, "there is no verb \"" + request.method + "\"");
    const UnderWay::Entry entry(under_way, request);
    const Call call{.desk = *this, .params = Params(request.params), .number = entry.number()};
    try {
        // Every request has one, also where nothing waits. (Each verb looks at all its parameters before it does
        // anything.)
        static_cast<void>(call.params.seconds("timeout"));
        // What comes too late to be waited for makes nothing.
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
