#include "buffers.hpp"
#include "case.hpp"
#include "child.hpp"
#include "foreign.hpp"

#include <atomic>
#include <stdexcept>
#include <thread>

namespace {

using namespace std::chrono_literals;
using namespace zerobuffer;

constexpr BufferConfig small{.metadata_size = 0, .payload_size = 4096};

std::vector<std::byte> echo(const Frame& request) { return test::copy(request.data()); }

/// Files of a channel that are left.
std::size_t left(const std::string& name) {
    return test::files_of(name + "_request").size() + test::files_of(name + "_response").size();
}

} // namespace

TEST(duplex, responses_come_in_the_order_of_requests) {
    const std::string name = test::unique_name();
    CHECK_THROWS(NotFoundError, DuplexClient(name, small));
    {
        DuplexServer server(name, small);
        server.start(echo);
        CHECK_THROWS(BusyError, server.start(echo));
        for (int client_number = 0; client_number < 3; client_number++) {
            DuplexClient client(name, small, test::patience);
            CHECK_THROWS(WriterExistsError, DuplexClient(name, small));
            for (std::size_t size = 1; size <= 8; size++) client.send(test::ramp(size));
            for (std::size_t size = 1; size <= 8; size++) CHECK_EQUAL(client.receive(test::patience).size(), size);
            Slot slot = client.acquire(5);
            slot.commit();
            CHECK_THROWS(BusyError, client.request(test::ramp(1)));
            CHECK_EQUAL(client.receive(test::patience).size(), 5U);
            CHECK_EQUAL(client.request(test::ramp(700), test::patience).size(), 700U);
        }
        CHECK_EQUAL(server.last_failure(), "");
    }
    CHECK_EQUAL(left(name), 0U);
}

TEST(duplex, a_handler_that_fails_costs_its_client_an_error_alone) {
    const std::string name = test::unique_name();
    DuplexServer server(name, small);
    server.start([](const Frame& request) -> std::vector<std::byte> {
        if (request.size() == 13) throw std::runtime_error("thirteen");
        if (request.size() == 14) return {};
        if (request.size() == 15) return test::ramp(2 * small.payload_size);
        return echo(request);
    });
    DuplexClient client(name, small, test::patience);
    std::uint64_t number = 0;
    for (const std::size_t bad : {13U, 14U, 15U}) {
        const auto error = CHECK_THROWS(HandlerError, client.request(test::ramp(bad), test::patience));
        CHECK_EQUAL(std::get<std::uint64_t>(error.values().at("request")), ++number);
        CHECK_EQUAL(std::get<std::string>(error.values().at("reason")), server.last_failure());
        CHECK_EQUAL(client.request(test::ramp(3), test::patience).size(), 3U);
        number++;
    }
}

TEST(duplex, an_error_is_cut_to_what_always_fits) {
    const std::string name = test::unique_name();
    DuplexServer server(name, small);
    server.start([](const Frame& /*request*/) -> std::vector<std::byte> {
        throw std::runtime_error(std::string(small.payload_size, 'x'));
    });
    for (const std::uint64_t size : {64U, 256U}) {
        DuplexClient client(name, {.metadata_size = 0, .payload_size = size}, test::patience);
        for (int request = 0; request < 5; request++) {
            const auto error = CHECK_THROWS(HandlerError, client.request(test::ramp(1), test::patience));
            const std::string cut(size / 2 - 16 - failure_mark.size(), 'x');
            CHECK_EQUAL(std::get<std::string>(error.values().at("reason")), cut.empty() ? "its handler failed" : cut);
        }
    }
}

/// It connects and sends before the server looks for the first time, and its block says nothing beyond the protocol.
TEST(duplex, a_foreign_client_is_answered_and_sees_a_failure_as_the_end_of_its_server) {
    const std::string name = test::unique_name();
    DuplexServer server(name, small);
    Reader responses(name + "_response", small);
    test::poke(responses.name(), offsetof(ControlBlock, reader_pid), 1);
    test::poke(responses.name(), offsetof(ControlBlock, reserved.released), 0);
    test::Foreign client(name + "_request");
    client.write(10);
    server.start([](const Frame& request) {
        if (request.size() == 13) throw std::runtime_error("thirteen");
        return echo(request);
    });
    CHECK_EQUAL(responses.read(test::patience).size(), 10U);
    // Its release was one of ours.
    test::poke(responses.name(), offsetof(ControlBlock, reserved.released), 0);
    client.write(13);
    CHECK_THROWS(WriterDeadError, responses.read(test::patience));
    CHECK_EQUAL(server.last_failure(), "thirteen");
}

TEST(duplex, a_response_that_comes_too_late_is_nobodys) {
    const std::string name = test::unique_name();
    DuplexServer server(name, small);
    std::atomic<bool> slow{true};
    server.start([&](const Frame& request) {
        while (slow.exchange(false)) std::this_thread::sleep_for(50ms);
        return echo(request);
    });
    DuplexClient client(name, small);
    CHECK_THROWS(TimeoutError, client.request(test::ramp(10), 1ms));
    CHECK_EQUAL(client.request(test::ramp(20), test::patience).size(), 20U);
}

TEST(duplex, a_response_reaches_nobody_but_who_asked) {
    const std::string name = test::unique_name();
    DuplexServer server(name, small);
    server.start([&](const Frame& request) {
        std::this_thread::sleep_for(30ms);
        return echo(request);
    });
    for (int round = 0; round < 3; round++) {
        DuplexClient gone(name, small, test::patience);
        gone.send(test::ramp(10));
        gone.close();
        // The next one of the same process comes while the handler works.
        DuplexClient client(name, small, test::patience);
        CHECK_EQUAL(client.request(test::ramp(20), test::patience).size(), 20U);
    }
}

TEST(duplex, what_has_been_moved_away_is_closed) {
    DuplexServer server(test::unique_name());
    DuplexServer serving = std::move(server);
    CHECK_THROWS(ClosedError, server.start(echo));
    CHECK_THROWS(ClosedError, server.last_failure());
    CHECK_THROWS(ClosedError, (server.close(), 0));
    serving.close();
    const std::string name = test::unique_name();
    server = DuplexServer(name);
    DuplexClient client(name);
    // Nobody said how large they are to be.
    CHECK_EQUAL(test::control(name + "_request").payload_size, 1U << 20U);
    CHECK_EQUAL(test::control(name + "_response").payload_size, 1U << 22U);
    CHECK_EQUAL(test::control(name + "_request").metadata_size, 4096U);
    CHECK_EQUAL(test::control(name + "_response").metadata_size, 4096U);
    const DuplexClient asking = std::move(client);
    CHECK_THROWS(ClosedError, (client.send(test::ramp(1)), 0));
    CHECK_THROWS(ClosedError, client.acquire(1));
    CHECK_THROWS(ClosedError, client.receive(0ns));
    CHECK_THROWS(ClosedError, client.request(test::ramp(1)));
    CHECK_THROWS(ClosedError, (client.close(), 0));
}

/// Both threads stand before close() or in it while the handler works; the thread that serves is waited for once.
TEST(duplex, two_threads_may_close_a_server) {
    const std::string name = test::unique_name();
    DuplexServer server(name, small);
    const std::uint64_t both = 2;
    std::atomic<bool> working{false};
    std::atomic<std::uint64_t> closing{0};
    server.start([&](const Frame& request) {
        working = true;
        working.notify_all();
        while (closing < both) std::this_thread::yield();
        for (int more = 0; more < 1000; more++) std::this_thread::yield();
        return echo(request);
    });
    DuplexClient client(name, small);
    client.send(test::ramp(1));
    working.wait(false);
    const auto close = [&] {
        closing++;
        server.close();
    };
    test::Thread first(close);
    test::Thread second(close);
    first.join();
    second.join();
    client.close();
    CHECK_EQUAL(left(name), 0U);
}

TEST(duplex, a_server_that_ends_is_noticed) {
    const std::string name = test::unique_name();
    DuplexServer server(name, small);
    DuplexClient client(name, small);
    client.send(test::ramp(1));
    test::Thread closing([&] { server.close(); });
    // It has answered nothing, so its end shows in the request buffer.
    CHECK_THROWS(ReaderDeadError, client.receive(test::patience));
    closing.join();
    CHECK_THROWS(ClosedError, server.start(echo));
    client.close();
    CHECK_THROWS(ClosedError, client.receive(0ns));
    CHECK_EQUAL(left(name), 0U);
}
