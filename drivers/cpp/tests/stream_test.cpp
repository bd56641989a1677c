// Writers that follow each other, and readers that do: docs/stream.md.

#include "buffers.hpp"
#include "case.hpp"
#include "child.hpp"
#include "foreign.hpp"
#include "names.hpp"
#include "semaphore.hpp"

#include <csignal>
#include <cstdlib>
#include <cstring>
#include <filesystem>
#include <fstream>
#include <random>
#include <thread>

#include <fcntl.h>
#include <sys/mman.h>
#include <unistd.h>

namespace {

using namespace std::chrono_literals;
using namespace zerobuffer;

/// A first writer sends one frame and leaves, a second one streams.
void reconnect(std::uint64_t payload, std::size_t frame, std::uint64_t frames) {
    Reader reader(test::unique_name(), {.metadata_size = 0, .payload_size = payload});
    const auto content = test::ramp(frame - header_size);
    const test::Gate connected;
    test::Thread writing([&] {
        Writer(reader.name()).write(content, test::patience);
        Writer second(reader.name());
        connected.open();
        for (std::uint64_t sequence = 1; sequence <= frames; sequence++) second.write(content, test::patience);
    });
    try {
        CHECK_EQUAL(reader.read(test::patience).sequence(), 1U);
        connected.wait();
        for (std::uint64_t sequence = 1; sequence <= frames; sequence++) {
            const Frame got = reader.read(test::patience);
            CHECK_EQUAL(got.sequence(), sequence);
            CHECK_EQUAL(got.size(), content.size());
        }
        CHECK_THROWS(WriterDeadError, reader.read(test::patience));
    } catch (...) {
        reader.close();
        throw;
    }
    writing.join();
    CHECK_EQUAL(test::control(reader.name()).payload_free_bytes, payload);
}

using test::Foreign;
using test::read_whole;

} // namespace

TEST(stream, a_reconnect_loses_no_frame_of_64_bytes) { reconnect(64, 16 + 16, 100'000); }

TEST(stream, a_reconnect_loses_no_frame_of_a_small_ring) { reconnect(4096, 1008, 100'000); }

TEST(stream, a_reconnect_loses_no_frame_of_a_large_ring) { reconnect(65536, 4080, 100'000); }

TEST(stream, a_reconnect_loses_no_frame_of_the_default_ring) { reconnect(10240, 1000, 200'000); }

/// A writer that has connected to what a dead reader left is told so, whatever the next reader does meanwhile.
TEST(stream, readers_that_restart_lose_no_writer) {
    const std::string name = test::unique_name();
    constexpr int restarts = 500;
    test::Child writing([&] {
        for (int lives = 0;;) {
            try {
                Writer writer(name, 1s);
                for (;;) writer.write(test::ramp(900), 2s);
            } catch (const ReaderDeadError&) {
                lives++;
            } catch (const NotFoundError&) {
                return;
            }
        }
    });
    for (int restart = 0; restart < restarts; restart++) {
        const test::Gate created;
        test::Child reading([&] {
            Reader reader(name, {.metadata_size = 0, .payload_size = 4096});
            created.open();
            for (;;) {
                try {
                    static_cast<void>(reader.read(test::patience));
                } catch (const WriterDeadError&) {
                    std::this_thread::yield();
                }
            }
        });
        created.wait();
        std::this_thread::sleep_for(std::chrono::microseconds(restart * 37 % 2000));
        reading.kill();
        CHECK_EQUAL(reading.wait(), SIGKILL);
    }
    Reader last(name, {.metadata_size = 0, .payload_size = 4096});
    CHECK_EQUAL(last.read(test::patience).sequence(), 1U);
    last.close();
    CHECK_EQUAL(writing.wait(), 0);
}

/// Writers of ours and foreign ones follow each other while a reader reads.
TEST(stream, foreign_writers_and_ours_take_turns) {
    Reader reader(test::unique_name(), {.metadata_size = 0, .payload_size = 1024});
    constexpr int turns = 300;
    constexpr std::uint64_t frames = 40;
    test::Thread writing([&] {
        for (int turn = 0; turn < turns; turn++) {
            Writer ours(reader.name(), test::patience);
            for (std::uint64_t frame = 1; frame <= frames; frame++) ours.write(test::ramp(77, frame), test::patience);
            ours.close();
            Foreign foreign(reader.name());
            for (std::uint64_t frame = 1; frame <= frames; frame++) foreign.write(77);
            foreign.close();
        }
    });
    for (std::uint64_t read = 0; read < 2 * turns * frames;) {
        try {
            const Frame frame = reader.read(test::patience);
            CHECK_EQUAL(frame.sequence(), read % frames + 1);
            CHECK(test::copy(frame.data()) == test::ramp(77, frame.sequence()));
            read++;
        } catch (const WriterDeadError&) {
            std::this_thread::yield(); // between two of them
        }
    }
    writing.join();
    CHECK_EQUAL(test::control(reader.name()).payload_free_bytes, 1024U);
    CHECK_EQUAL(test::tokens(detail::Names(reader.name()).data_semaphore()), 0);
}

/// Writers die anywhere, and the next one comes at once: what was committed is read once, and no space is lost.
TEST(stream, writers_that_die_at_random_lose_nothing) {
    constexpr std::uint64_t rounds = 400;
    void* const memory = ::mmap(nullptr, rounds * 8, PROT_READ | PROT_WRITE, MAP_SHARED | MAP_ANONYMOUS, -1, 0);
    const std::span written(static_cast<std::uint64_t*>(memory), rounds);
    std::vector<std::uint64_t> read(rounds);
    std::uint64_t newest = 0;
    std::mt19937_64 dice(test::seed());
    Reader reader(test::unique_name(), {.metadata_size = 0, .payload_size = 4096});
    const auto take = [&](std::chrono::nanoseconds timeout) {
        const Frame frame = reader.read(timeout);
        std::uint64_t round = 0;
        std::memcpy(&round, frame.data().data(), sizeof round);
        CHECK(round >= newest && round < rounds);
        newest = round;
        CHECK_EQUAL(frame.sequence(), ++read[round]);
        CHECK(test::copy(frame.data().subspan(8)) == test::ramp(frame.size() - 8, frame.sequence()));
    };
    const auto names = points();
    for (std::uint64_t round = 0; round < rounds; round++) {
        test::Child writing([&] {
            Writer writer(reader.name(), test::patience);
            CHECK(arm_point(names[dice() % names.size()], 1 + dice() % 40, Deed::die));
            for (;;) {
                auto content = test::ramp(dice() % 1200, writer.next_sequence());
                content.insert(content.begin(), sizeof round, std::byte{0});
                std::memcpy(content.data(), &round, sizeof round);
                detail::store(written[round], writer.write(content, test::patience));
            }
        });
        try {
            for (std::uint64_t frames = dice() % 40; frames > 0; frames--) take(test::patience);
        } catch (const WriterDeadError&) {
            // Noticed before the next one comes, or not: both must do.
        }
        dice.discard(2000);
        writing.kill();
        writing.wait();
    }
    try {
        for (;;) take(test::patience);
    } catch (const WriterDeadError&) {
        CHECK_EQUAL(test::control(reader.name()).payload_free_bytes, 4096U);
    }
    for (std::uint64_t round = 0; round < rounds; round++) {
        CHECK(read[round] == written[round] || read[round] == written[round] + 1);
    }
    ::munmap(memory, rounds * 8);
}

/// Ours know who lives by the locks, and not by the pid, which means nothing in another pid namespace.
TEST(stream, a_pid_says_nothing_about_ours) {
    const std::string name = test::unique_name();
    constexpr std::uint64_t living = 1;
    constexpr std::uint64_t nobody = (1U << 22U) - 1;
    const test::Gate created;
    test::Child reading([&] {
        const Reader reader(name);
        created.open();
        ::pause();
    });
    created.wait();
    test::poke(name, offsetof(ControlBlock, reader_pid), nobody);
    {
        Writer writer(name);
        writer.write(test::ramp(10));
        // Somebody who sees the same memory, but neither the process nor its lock file.
        test::Child other([&] {
            ::setenv("ZEROBUFFER_LOCK_DIR", ("/tmp/" + name).c_str(), 1);
            CHECK_THROWS(BufferInUseError, Reader(name));
            ::rmdir(("/tmp/" + name).c_str());
        });
        CHECK_EQUAL(other.wait(), 0);
        writer.check_reader();
        reading.kill();
        CHECK_EQUAL(reading.wait(), SIGKILL);
        test::poke(name, offsetof(ControlBlock, reader_pid), living);
        CHECK_THROWS(ReaderDeadError, writer.write(test::ramp(10)));
        CHECK_THROWS(ReaderDeadError, Writer(name));
    }
    Reader reader(name);
    test::Child writing([&] {
        Writer writer(name);
        writer.write(test::ramp(10, 1));
        ::raise(SIGKILL);
    });
    CHECK_EQUAL(writing.wait(), SIGKILL);
    test::poke(name, offsetof(ControlBlock, writer_pid), living);
    test::poke(name, offsetof(ControlBlock, reserved.connection), (std::uint64_t{1} << 32U) + living);
    read_whole(reader, 1);
    CHECK_THROWS(WriterDeadError, reader.read(test::patience));
    Writer successor(name);
    CHECK_THROWS(TimeoutError, reader.read(0ns));
    test::poke(name, offsetof(ControlBlock, writer_pid), nobody);
    CHECK(reader.writer_state() == WriterState::alive);
    CHECK_THROWS(WriterExistsError, Writer(name));
}

/// A child that outlives its parent does not keep it alive.
TEST(stream, a_child_of_fork_holds_no_lock) {
    const std::string name = test::unique_name();
    const test::Gate forked;
    const test::Gate over;
    const auto die_with_a_child = [&](auto&& before) {
        test::Child parent([&] {
            before();
            if (::fork() == 0) {
                forked.open();
                over.wait();
                ::_exit(0);
            }
            ::raise(SIGKILL);
        });
        forked.wait();
        CHECK_EQUAL(parent.wait(), SIGKILL);
    };
    die_with_a_child([&] { static_cast<void>(new Reader(name)); });
    {
        CHECK_THROWS(ReaderDeadError, Writer(name));
        Reader reader(name);
        die_with_a_child([&] { (new Writer(name))->write(test::ramp(10, 1)); });
        read_whole(reader, 1);
        CHECK_THROWS(WriterDeadError, reader.read(test::patience));
        Writer successor(name);
        successor.write(test::ramp(10, 1));
        read_whole(reader, 1);
    }
    over.open();
    over.open();
}

TEST(stream, what_belongs_to_another_program_stays) {
    const std::string name = test::unique_name();
    const std::filesystem::path path = detail::Names(name).segment();
    for (const std::string& content :
         {std::string("x"), std::string(200, 'x'), std::string(1 << 20, '\0') + "behind a megabyte of zeros"}) {
        std::ofstream(path) << content;
        CHECK_THROWS(InvalidOiebError, Reader(name));
        CHECK_EQUAL(std::filesystem::file_size(path), content.size());
        CHECK_EQUAL(test::files_of(name).size(), 1U);
    }
    // What a creation left that was killed may go.
    std::ofstream(path, std::ios::trunc) << std::string(4096, '\0');
    const Reader reader(name);
}

TEST(stream, a_buffer_of_another_user_is_refused_unless_asked) {
    if (::geteuid() != 0) throw test::Skipped("only root can give a file away");
    Reader reader(test::unique_name());
    const std::string path = detail::Names(reader.name()).segment();
    CHECK_EQUAL(::chown(path.c_str(), 1, 1), 0);
    const auto error = CHECK_THROWS(PermissionDeniedError, Writer(reader.name()));
    CHECK(std::string_view(error.what()).find("any_owner") != std::string_view::npos);
    CHECK_EQUAL(std::get<std::string>(error.values().at("name")), reader.name());
    CHECK_EQUAL(std::get<std::string>(error.values().at("path")), path);
    CHECK_EQUAL(std::get<std::uint64_t>(error.values().at("user")), 1U);
    Writer(reader.name(), 0s, {.any_owner = true}).write(test::ramp(10, 1));
    read_whole(reader, 1);
}

TEST(stream, a_file_that_is_no_semaphore_is_refused) {
    Reader reader(test::unique_name());
    const auto file = detail::semaphore_file(detail::Names(reader.name()).data_semaphore());
    const auto refused = [&](std::string_view words) {
        // Not over the one that the reader has open.
        std::filesystem::remove(file);
        std::ofstream(file) << words;
        CHECK_THROWS(InvalidOiebError, Writer(reader.name()));
    };
    std::string words(sizeof(::sem_t), '\0');
    refused(std::string_view(words).substr(1));
    words[3] = '\x80';
    refused(words);
    words[3] = '\0';
    words[8] = '\x7f';
    refused(words);
}

TEST(stream, a_lock_file_with_two_names_is_refused) {
    const std::string name = test::unique_name();
    { const Reader makes_the_folder(name); }
    const std::filesystem::path lock = detail::Names(name).lock_path();
    const std::filesystem::path victim = lock.string() + ".victim";
    std::ofstream(victim) << "mine";
    std::filesystem::permissions(victim, std::filesystem::perms::owner_read);
    std::filesystem::create_hard_link(victim, lock);
    CHECK_THROWS(SystemError, Reader(name, {.mode = 0666}));
    CHECK(std::filesystem::status(victim).permissions() == std::filesystem::perms::owner_read);
    std::filesystem::remove(lock);
    std::filesystem::remove(victim);
}
