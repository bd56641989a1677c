#include "system.hpp"
#include "transfer.hpp"
#include "verbs.hpp"

#include <algorithm>
#include <chrono>
#include <stdexcept>

namespace driver {

using zerobuffer::DuplexClient;
using zerobuffer::DuplexServer;
using zerobuffer::Frame;

namespace {

using Work = std::vector<std::byte> (*)(HeldServer& held, std::span<const std::byte> request);

std::vector<std::byte> echo(HeldServer& /*held*/, std::span<const std::byte> request) {
    return {request.begin(), request.end()};
}

std::vector<std::byte> twice(HeldServer& held, std::span<const std::byte> request) {
    std::vector<std::byte> response = echo(held, request);
    response.insert(response.end(), request.begin(), request.end());
    return response;
}

std::vector<std::byte> complement(HeldServer& held, std::span<const std::byte> request) {
    if (refuses_change(request)) held.refused_changes++;
    std::vector<std::byte> response = echo(held, request);
    for (std::byte& byte : response) byte = ~byte;
    return response;
}

std::vector<std::byte> faulty(HeldServer& held, std::span<const std::byte> request) {
    if (held.requests % 2 == 1) throw std::runtime_error("faulty");
    return echo(held, request);
}

Work work_of(const std::string& handler) {
    if (handler == "echo") return echo;
    if (handler == "double") return twice;
    if (handler == "xor") return complement;
    if (handler == "faulty") return faulty;
    throw bad_params("\"handler\" must be one of echo, double, xor and faulty");
}

} // namespace

Result serve(const Call& call) {
    const std::string name = call.params.text("name");
    return call.dispatcher.handles.keep(std::make_shared<HeldServer>(DuplexServer(name, config_of(call.params))));
}

Result handle(const Call& call) {
    const std::uint64_t handle = call.params.number("handle");
    const Work work = work_of(call.params.text("handler"));
    const auto delay = call.params.seconds("delay");
    const auto held = call.dispatcher.handles.get<HeldServer>(handle);
    // It outlives the thread of its server, which is its last member.
    held->server.start([&held = *held, work, delay](const Frame& request) {
        if (delay.count() > 0) held.ending.wait(delay);
        held.requests++;
        return work(held, request.data());
    });
    return nullptr;
}

Result service(const Call& call) {
    const auto held = call.dispatcher.handles.get<HeldServer>(call.params.number("handle"));
    return Service{.requests = held->requests, .refused_changes = held->refused_changes};
}

Result dial(const Call& call) {
    // It looks this often whether it is still wanted.
    constexpr std::chrono::nanoseconds look = std::chrono::milliseconds(50);
    const std::string name = call.params.text("name");
    const zerobuffer::BufferConfig config = config_of(call.params);
    const Clock clock(call.params.seconds("timeout"));
    for (;;) {
        const auto left = clock.left();
        try {
            return call.dispatcher.handles.keep(std::make_shared<DuplexClient>(name, config, std::min(left, look)));
        } catch (const zerobuffer::NotFoundError&) {
            if (left <= look) throw;
        }
        call.dispatcher.sleep(std::chrono::nanoseconds::zero());
    }
}

Result send(const Call& call) {
    const std::uint64_t handle = call.params.number("handle");
    Maker maker(call.params.recipe("payload"));
    const auto timeout = call.params.seconds("timeout");
    const bool in_place = call.params.flag("in_place");
    const auto client = call.dispatcher.handles.get<DuplexClient>(handle);
    const auto content = maker.content(0);
    if (in_place) {
        zerobuffer::Slot slot = client->acquire(content.size(), timeout);
        std::copy(content.begin(), content.end(), slot.data().begin());
        slot.commit();
    } else {
        client->send(content, timeout);
    }
    return nullptr;
}

Result receive(const Call& call) {
    const auto client = call.dispatcher.handles.get<DuplexClient>(call.params.number("handle"));
    return blob(client->receive(call.params.seconds("timeout")).data());
}

Result ping(const Call& call) {
    const std::uint64_t handle = call.params.number("handle");
    const Clock clock(call.params.seconds("timeout"));
    Maker maker(call.params.recipe("payload"));
    const std::uint64_t count = call.params.number("count");
    const auto client = call.dispatcher.handles.get<DuplexClient>(handle);
    const auto content = maker.content(0);
    std::vector<double> trips;
    while (trips.size() < count) {
        const auto begin = std::chrono::steady_clock::now();
        try {
            client->request(content, clock.left()).release();
        } catch (const zerobuffer::Error& error) {
            throw clock.ended(error, trips.size(), "answers");
        }
        trips.push_back(std::chrono::duration<double>(std::chrono::steady_clock::now() - begin).count());
    }
    return trips;
}

} // namespace driver
