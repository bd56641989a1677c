// Becoming the writer, and what the reader makes of it: docs/stream.md, "Connecting".

#include "child.hpp"
#include "foreign.hpp"
#include "lock.hpp"

#include <csignal>

#include <unistd.h>

namespace {

using namespace std::chrono_literals;
using namespace zerobuffer;
using test::Foreign;
using test::Pair;
using test::read_whole;

constexpr std::uint64_t nobody = (1U << 22U) - 1;

detail::LockDescriptor open_locks(const std::string& name) {
    return detail::LockDescriptor::open(AT_FDCWD, detail::Names(name).segment(), O_RDWR);
}

} // namespace

TEST(connect, a_writer_of_ours_stands_in_the_connection_while_it_is_connected) {
    Reader reader(test::unique_name());
    for (std::uint64_t number = 1; number <= 3; number++) {
        Writer writer(reader.name());
        const auto own = static_cast<std::uint64_t>(::getpid());
        CHECK_EQUAL(test::control(reader.name()).reserved.connection, number << 32U | own);
        CHECK_EQUAL(test::control(reader.name()).writer_pid, own);
        writer.close();
        CHECK_EQUAL(test::control(reader.name()).reserved.connection, number << 32U);
        CHECK_EQUAL(test::control(reader.name()).writer_pid, 0U);
    }
}

TEST(connect, a_writer_beside_which_somebody_writes_goes_on_plain) {
    Pair pair({.metadata_size = 0, .payload_size = 1024});
    pair.write(48);
    static_cast<void>(pair.read());
    const std::uint64_t committed = test::control(pair.reader.name()).reserved.committed;
    // A frame of somebody else.
    test::poke(pair.reader.name(), offsetof(ControlBlock, payload_write_pos), 128);
    pair.write(48);
    const ControlBlock block = test::control(pair.reader.name());
    CHECK_EQUAL(block.payload_write_pos, 192U);
    CHECK_EQUAL(block.reserved.committed, committed);
    CHECK_EQUAL(block.reserved.connection, std::uint64_t{1} << 32U);
    CHECK_EQUAL(block.writer_pid, static_cast<std::uint64_t>(::getpid()));
}

TEST(connect, nobody_is_plain_because_a_reader_stands_inside_a_release) {
    const std::string name = test::unique_name();
    const test::Gate created;
    test::Child reading([&] {
        Reader reader(name, {.metadata_size = 0, .payload_size = 1024});
        created.open();
        CHECK(arm_point("reader.free", 1, Deed::halt));
        read_whole(reader, 1);
        for (;;) {
            try {
                read_whole(reader, 1);
                return;
            } catch (const WriterDeadError&) {
                std::this_thread::yield(); // between the two
            }
        }
    });
    created.wait();
    Writer(name).write(test::ramp(48, 1));
    reading.await_halt();
    const auto error = CHECK_THROWS(WriterExistsError, Writer(name));
    CHECK(error.values().find("pid") == error.values().end());
    CHECK_EQUAL(test::control(name).writer_pid, 0U);
    CHECK_EQUAL(detail::number_of(test::control(name).reserved.connection), 1U);
    reading.go_on();
    Writer writer(name, test::patience);
    CHECK_EQUAL(detail::number_of(test::control(name).reserved.connection), 2U);
    writer.write(test::ramp(48, 1));
    CHECK_EQUAL(reading.wait(), 0);
}

/// It is killed between its position and the free bytes: the ring is full, or has room for one frame.
TEST(connect, what_a_foreign_death_leaves_open_is_not_guessed) {
    Reader reader(test::unique_name(), {.metadata_size = 0, .payload_size = 128});
    Writer(reader.name()).write(test::ramp(48, 1));
    test::poke(reader.name(), offsetof(ControlBlock, writer_pid), nobody);
    test::poke(reader.name(), offsetof(ControlBlock, payload_write_pos), 0);
    CHECK_THROWS(WriterExistsError, Writer(reader.name()));
    read_whole(reader, 1);
    CHECK_THROWS(WriterDeadError, reader.read(test::patience));
    Writer successor(reader.name());
    successor.write(test::ramp(48, 1));
    successor.write(test::ramp(48, 2));
    CHECK_THROWS(BufferFullError, successor.write(test::ramp(48, 3), 0ns));
    read_whole(reader, 2);
}

/// It has written a whole frame, and what it left fills the ring.
TEST(connect, what_a_dead_foreign_writer_left_is_kept) {
    Reader reader(test::unique_name(), {.metadata_size = 0, .payload_size = 128});
    Foreign foreign(reader.name());
    foreign.write(48);
    foreign.write(48);
    test::poke(reader.name(), offsetof(ControlBlock, writer_pid), nobody);
    Writer successor(reader.name());
    CHECK_THROWS(BufferFullError, successor.write(test::ramp(48, 1), 0ns));
    read_whole(reader, 2);
    successor.write(test::ramp(48, 1));
    read_whole(reader, 1);
}

TEST(connect, a_frame_that_is_older_than_a_foreign_writer_is_not_taken_for_its_own) {
    Reader reader(test::unique_name());
    Writer(reader.name()).write(test::ramp(10, 1));
    Foreign foreign(reader.name());
    read_whole(reader, 1);
    foreign.write(10);
    read_whole(reader, 1);
}

TEST(connect, a_foreign_writer_that_was_seen_idle_may_not_restart) {
    Reader reader(test::unique_name());
    Foreign foreign(reader.name());
    CHECK_THROWS(TimeoutError, reader.read(0ns));
    foreign.write(10);
    foreign.restart();
    foreign.write(10);
    read_whole(reader, 1);
    CHECK_THROWS(SequenceError, reader.read(test::patience));
}

/// Nothing but its pid tells it from one that went on.
TEST(connect, a_stream_ends_with_the_death_of_its_writer) {
    Reader reader(test::unique_name());
    Foreign foreign(reader.name());
    test::poke(reader.name(), offsetof(ControlBlock, writer_pid), nobody);
    for (int stream = 0; stream < 3; stream++) {
        CHECK_THROWS(WriterDeadError, reader.read(test::patience));
        foreign.restart();
        foreign.write(10);
        read_whole(reader, 1);
    }
}

TEST(connect, a_writer_that_comes_plain_does_not_stand_in_the_connection) {
    Reader reader(test::unique_name());
    const auto own = static_cast<std::uint64_t>(::getpid());
    // One of ours has died while it was connecting; then somebody else has written.
    test::poke(reader.name(), offsetof(ControlBlock, reserved.connection), std::uint64_t{1} << 32U | own);
    test::poke(reader.name(), offsetof(ControlBlock, payload_write_pos), 64);
    const Writer writer(reader.name());
    CHECK_EQUAL(test::control(reader.name()).writer_pid, own);
    CHECK_EQUAL(test::control(reader.name()).reserved.connection, std::uint64_t{2} << 32U);
}

/// Its post is missing for ever, but no frame of a foreign writer waits for it.
TEST(connect, what_was_not_posted_is_forgotten_when_nobody_is_there) {
    Reader reader(test::unique_name());
    test::Child dying([&] {
        Writer writer(reader.name());
        CHECK(arm_point("writer.commit", 1, Deed::die));
        writer.write(test::ramp(10, 1));
    });
    CHECK_EQUAL(dying.wait(), SIGKILL);
    Writer(reader.name()).close();
    read_whole(reader, 1);
    CHECK_THROWS(WriterDeadError, reader.read(test::patience));
    Foreign foreign(reader.name());
    foreign.write(10);
    read_whole(reader, 1);
}

TEST(connect, a_dead_reader_whose_objects_are_being_removed_is_neither_alive_nor_replaced) {
    const std::string name = test::unique_name();
    test::Child dying([&] {
        const Reader reader(name);
        ::raise(SIGKILL);
    });
    CHECK_EQUAL(dying.wait(), SIGKILL);
    {
        const auto removing = open_locks(name);
        CHECK(take_lock(removing, detail::Lock::removal));
        CHECK_THROWS(BufferInUseError, Reader(name));
        CHECK_THROWS(ReaderDeadError, Writer(name));
    }
    const Reader reader(name);
}

TEST(connect, a_reader_that_closes_while_frames_are_lent_gives_its_lock_back) {
    Pair pair({});
    pair.write(10);
    const Frame lent = pair.read();
    const auto locks = open_locks(pair.reader.name());
    CHECK(is_locked(locks, detail::Lock::reader));
    pair.reader.close();
    CHECK(!is_locked(locks, detail::Lock::reader));
    const auto error = CHECK_THROWS(ReaderDeadError, pair.writer.check_reader());
    CHECK_EQUAL(std::get<std::string>(error.values().at("reason")), "closed");
}

TEST(connect, a_reader_without_a_pid_is_said_to_be_closed) {
    Reader reader(test::unique_name());
    test::poke(reader.name(), offsetof(ControlBlock, reader_pid), 0);
    const auto error = CHECK_THROWS(ReaderDeadError, Writer(reader.name()));
    CHECK_EQUAL(std::get<std::string>(error.values().at("reason")), "closed");
}

TEST(connect, a_buffer_of_root_is_for_everybody_who_may_open_it) {
    if (::geteuid() != 0) throw test::Skipped("only root can be somebody else");
    Reader reader(test::unique_name(), {.mode = 0666});
    test::Child somebody([&] {
        CHECK_EQUAL(::seteuid(1), 0);
        Writer(reader.name()).write(test::ramp(10, 1));
    });
    CHECK_EQUAL(somebody.wait(), 0);
    read_whole(reader, 1);
}
