#include "summary.hpp"
#include "system.hpp"
#include "verbs.hpp"

#include <algorithm>
#include <chrono>
#include <stdexcept>

namespace driver {

using zerobuffer::DuplexClient;
using zerobuffer::DuplexServer;
using zerobuffer::Frame;

namespace {

using Work = std::vector<std::byte> (*)(Station& station, std::span<const std::byte> request);

std::vector<std::byte> echo(Station& /*station*/, std::span<const std::byte> request) {
    return {request.begin(), request.end()};
}

std::vector<std::byte> twice(Station& station, std::span<const std::byte> request) {
    std::vector<std::byte> response = echo(station, request);
    response.insert(response.end(), request.begin(), request.end());
    return response;
}

std::vector<std::byte> complement(Station& station, std::span<const std::byte> request) {
    if (refuses_change(request)) station.refused_changes++;
    std::vector<std::byte> response = echo(station, request);
    for (std::byte& byte : response) byte = ~byte;
    return response;
}

std::vector<std::byte> faulty(Station& station, std::span<const std::byte> request) {
    if (station.requests % 2 == 1) throw std::runtime_error("faulty");
    return echo(station, request);
}

Work work_of(const std::string& handler) {
    if (handler == "echo") return echo;
    if (handler == "double") return twice;
    if (handler == "xor") return complement;
    if (handler == "faulty") return faulty;
    throw bad_params("\"handler\" must be one of echo, double, xor and faulty");
}

} // namespace

Json serve(const Call& call) {
    const std::string name = call.params.text("name");
    return call.desk.table.keep(std::make_shared<Station>(DuplexServer(name, config_of(call.params))));
}

Json handle(const Call& call) {
    const std::uint64_t handle = call.params.number("handle");
    const Work work = work_of(call.params.text("handler"));
    const auto delay = call.params.seconds("delay");
    const auto station = call.desk.table.get<Station>(handle);
    // The station outlives the thread of its server, which is its last member.
    station->server.start([&station = *station, work, delay](const Frame& request) {
        if (delay.count() > 0) station.ending.wait(delay);
        station.requests++;
        return work(station, request.data());
    });
    return nullptr;
}

Json service(const Call& call) {
    const auto station = call.desk.table.get<Station>(call.params.number("handle"));
    return Json::Object{{"requests", station->requests.load()}, {"refused_changes", station->refused_changes.load()}};
}

Json dial(const Call& call) {
    // It looks this often whether it is still wanted.
    constexpr std::chrono::nanoseconds look = std::chrono::milliseconds(50);
    const std::string name = call.params.text("name");
    const zerobuffer::BufferConfig config = config_of(call.params);
    const Clock clock(call.params.seconds("timeout"));
    for (;;) {
        const auto left = clock.left();
        try {
            return call.desk.table.keep(std::make_shared<DuplexClient>(name, config, std::min(left, look)));
        } catch (const zerobuffer::NotFoundError&) {
            if (left <= look) throw;
        }
        call.desk.sleep(std::chrono::nanoseconds::zero());
    }
}

Json send(const Call& call) {
    const std::uint64_t handle = call.params.number("handle");
    Maker maker(call.params.recipe("payload"));
    const auto timeout = call.params.seconds("timeout");
    const bool in_place = call.params.flag("in_place");
    const auto client = call.desk.table.get<DuplexClient>(handle);
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

Json receive(const Call& call) {
    const auto client = call.desk.table.get<DuplexClient>(call.params.number("handle"));
    return blob(client->receive(call.params.seconds("timeout")).data());
}

Json ping(const Call& call) {
    const std::uint64_t handle = call.params.number("handle");
    const Clock clock(call.params.seconds("timeout"));
    Maker maker(call.params.recipe("payload"));
    const std::uint64_t count = call.params.number("count");
    const auto client = call.desk.table.get<DuplexClient>(handle);
    const auto content = maker.content(0);
    Json::Array trips;
    while (trips.size() < count) {
        const auto begin = std::chrono::steady_clock::now();
        client->send(content, clock.left());
        client->receive(clock.left()).release();
        trips.emplace_back(std::chrono::duration<double>(std::chrono::steady_clock::now() - begin).count());
    }
    return trips;
}

} // namespace driver
