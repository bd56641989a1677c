#include "buffers.hpp"
#include "case.hpp"
#include "child.hpp"
#include "connect.hpp"
#include "writer_core.hpp"

#include <atomic>
#include <deque>
#include <random>
#include <thread>

#include <unistd.h>

namespace {

using namespace std::chrono_literals;
using namespace zerobuffer;
using test::Pair;

} // namespace

TEST(threads, one_writes_and_another_reads) {
    Pair pair({.metadata_size = 0, .payload_size = 4096});
    constexpr std::uint64_t frames = 5000;
    test::Thread writing([&] {
        std::mt19937_64 dice(test::seed());
        for (std::uint64_t frame = 0; frame < frames; frame++) pair.write(1 + dice() % 2000);
    });
    try {
        for (std::uint64_t sequence = 1; sequence <= frames; sequence++) CHECK_EQUAL(pair.read().sequence(), sequence);
    } catch (...) {
        pair.reader.close();
        throw;
    }
    writing.join();
}

TEST(threads, readers_wait_in_line_and_get_every_frame_once) {
    Pair pair({.metadata_size = 0, .payload_size = 1024});
    constexpr std::uint64_t frames = 600;
    std::atomic<std::uint64_t> sum{0};
    std::deque<test::Thread> readers;
    for (int reader = 0; reader < 3; reader++) {
        readers.emplace_back([&] {
            for (std::uint64_t frame = 0; frame < frames / 3; frame++) sum += pair.read().sequence();
        });
    }
    for (std::uint64_t frame = 0; frame < frames; frame++) pair.write(100);
    for (test::Thread& reader : readers) reader.join();
    CHECK_EQUAL(sum.load(), frames * (frames + 1) / 2);
}

TEST(threads, close_ends_what_waits) {
    Pair pair({.metadata_size = 0, .payload_size = 64});
    std::atomic<int> closed{0};
    test::Thread reading([&] {
        try {
            static_cast<void>(pair.reader.read(test::patience));
        } catch (const ClosedError&) {
            closed++;
        }
    });
    std::this_thread::sleep_for(5ms); // so that it most likely waits by now; if not, it must end all the same
    pair.reader.close();
    reading.join();
    Pair full({.metadata_size = 0, .payload_size = 64});
    full.write(48);
    test::Thread writing([&] {
        try {
            full.write(48);
        } catch (const ClosedError&) {
            closed++;
        }
    });
    std::this_thread::sleep_for(5ms);
    full.writer.close();
    writing.join();
    CHECK_EQUAL(closed.load(), 2);
}

/// No point lies between the last look whether the writer is closed and the commit: a halt stops both threads.
TEST(threads, a_writer_that_is_closed_leaves_once_the_call_in_another_thread_is_over) {
    const Reader reader(test::unique_name(), {.metadata_size = 0, .payload_size = 64});
    const auto writer = detail::connect(detail::Names(reader.name()), 0s, {});
    auto writing = writer->begin();
    std::atomic<bool> left{false};
    test::Thread closing([&] {
        writer->close();
        left = true;
    });
    while (!writer->closed()) std::this_thread::yield();
    std::this_thread::sleep_for(50ms); // what does not wait is over by then
    const bool too_early = left;
    const std::uint64_t claim = test::control(reader.name()).writer_pid;
    writing.unlock();
    closing.join();
    CHECK(!too_early);
    CHECK_EQUAL(claim, static_cast<std::uint64_t>(::getpid()));
    CHECK_EQUAL(test::control(reader.name()).writer_pid, 0U);
}

TEST(threads, one_writes_at_a_time) {
    Pair pair({.metadata_size = 0, .payload_size = 64});
    pair.write(48);
    test::Thread writing([&] {
        for (bool written = false; !written;) {
            try {
                pair.write(48);
                written = true;
            } catch (const BusyError&) {
                std::this_thread::yield();
            }
        }
    });
    for (bool busy = false; !busy;) {
        try {
            pair.writer.set_metadata(test::ramp(1));
        } catch (const BusyError&) {
            busy = true;
        } catch (const MetadataTooLargeError&) {
            std::this_thread::yield();
        }
    }
    static_cast<void>(pair.read());
    writing.join();
    static_cast<void>(pair.read());
}
