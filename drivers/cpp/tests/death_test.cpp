#include "buffers.hpp"
#include "case.hpp"
#include "child.hpp"
#include "names.hpp"

#include <csignal>
#include <thread>

#include <unistd.h>

namespace {

using namespace std::chrono_literals;
using namespace zerobuffer;

constexpr BufferConfig small{.metadata_size = 64, .payload_size = 4096};

/// Whether a point lies in a connection, in a creation or behind a death, and not inside the life of a frame.
bool has_no_frame(std::string_view point) {
    return point == "writer.opened" || point == "writer.announced" || point == "reader.formatted" ||
           point == "reader.death";
}

/// Those inside the life of a frame.
std::vector<std::string_view> points_of(std::string_view side) {
    std::vector<std::string_view> some;
    for (const std::string_view point : points()) {
        if (point.starts_with(side) && !has_no_frame(point)) some.push_back(point);
    }
    CHECK(!some.empty());
    return some;
}

void write(Writer& writer, std::size_t size) { writer.write(test::ramp(size, writer.next_sequence()), test::patience); }

void check_whole(const Frame& frame) {
    if (test::copy(frame.data()) != test::ramp(frame.size(), frame.sequence())) {
        throw test::Failure("frame " + std::to_string(frame.sequence()) + " is not whole");
    }
}

void take(Reader& reader, std::uint64_t first, std::uint64_t last) {
    for (std::uint64_t sequence = first; sequence <= last; sequence++) {
        const Frame frame = reader.read(test::patience);
        CHECK_EQUAL(frame.sequence(), sequence);
        check_whole(frame);
    }
}

/// Writes two frames and dies inside the third write, or inside writing metadata.
void die_at(std::string_view point, const std::string& name) {
    test::Child child([&] {
        Writer writer(name);
        write(writer, 700);
        write(writer, 700);
        CHECK(arm_point(point, 1, Deed::die));
        writer.set_metadata(test::ramp(10));
        write(writer, 700);
    });
    CHECK_EQUAL(child.wait(), SIGKILL);
}

} // namespace

TEST(death, a_point_that_nobody_knows_is_not_armed) {
    CHECK(!arm_point("writer.lunch", 1, Deed::die));
    CHECK(!arm_point("writer.data", 0, Deed::die));
}

TEST(death, of_a_writer_anywhere_leaves_whole_frames) {
    for (const std::string_view point : points_of("writer.")) {
        Reader reader(test::unique_name(), small);
        die_at(point, reader.name());
        std::uint64_t read = 0;
        const auto read_all = [&] {
            for (;;) {
                const Frame frame = reader.read(test::patience);
                check_whole(frame);
                CHECK_EQUAL(frame.sequence(), ++read);
            }
        };
        const auto error = CHECK_THROWS(WriterDeadError, (read_all(), 0));
        CHECK(read == 2 || read == 3);
        CHECK_EQUAL(std::get<std::string>(error.values().at("reason")), "died");
        CHECK_EQUAL(test::control(reader.name()).payload_free_bytes, small.payload_size);
        Writer successor(reader.name());
        for (std::uint64_t sequence = 1; sequence <= 20; sequence++) {
            write(successor, 700 + sequence);
            const Frame frame = reader.read(test::patience);
            CHECK_EQUAL(frame.sequence(), sequence);
            check_whole(frame);
        }
    }
}

TEST(death, of_a_writer_is_made_up_for_by_the_next_one) {
    for (const std::string_view point : points_of("writer.")) {
        Reader reader(test::unique_name(), small);
        die_at(point, reader.name());
        // The reader has not looked yet, and holds a frame, which hides how much should be free.
        const Frame held = reader.read(test::patience);
        Writer successor(reader.name());
        write(successor, 500);
        const Frame second = reader.read(test::patience);
        Frame next = reader.read(test::patience);
        CHECK_EQUAL(second.sequence(), 2U);
        check_whole(next);
        if (next.sequence() == 3) next = reader.read(test::patience);
        CHECK_EQUAL(next.sequence(), 1U);
        check_whole(next);
        check_whole(held);
        CHECK_THROWS(TimeoutError, reader.read(0ns));
        // Those that know nothing of `committed` find the truth, too.
        const ControlBlock block = test::control(reader.name());
        const std::uint64_t taken = block.reserved.committed - block.reserved.released;
        CHECK_EQUAL(block.payload_free_bytes, small.payload_size - taken);
        CHECK_EQUAL(block.payload_write_pos, block.reserved.committed % small.payload_size);
    }
}

/// The next one comes while the reader stands still between the two.
TEST(death, of_a_writer_while_the_reader_holds_a_token_brings_no_frame_twice) {
    constexpr std::size_t quarter = 4096 / 4 - header_size;
    const auto check = [](std::uint64_t before, std::uint64_t written) {
        const std::string name = test::unique_name();
        const test::Gate created;
        const test::Gate quiet;
        test::Child standing([&] {
            Reader reader(name, small);
            created.open();
            take(reader, 1, before);
            CHECK(arm_point("reader.token", 1, Deed::halt));
            take(reader, before + 1, before + 1);
            take(reader, 1, written);
            CHECK_THROWS(TimeoutError, reader.read(0ns));
            quiet.open();
            take(reader, written + 1, written + 1);
        });
        created.wait();
        test::Child first([&] {
            Writer writer(name);
            for (std::uint64_t frame = 0; frame <= before; frame++) write(writer, quarter);
            ::pause();
        });
        standing.await_halt();
        first.kill();
        CHECK_EQUAL(first.wait(), SIGKILL);
        Writer successor(name);
        standing.go_on();
        for (std::uint64_t frame = 0; frame < written; frame++) write(successor, quarter);
        quiet.wait();
        write(successor, quarter);
        CHECK_EQUAL(standing.wait(), 0);
    };
    for (const std::uint64_t written : {0U, 2U}) {
        check(0, written);
        // What stands behind the last quarter is the first one, of an earlier lap.
        check(3, written);
    }
}

TEST(death, of_a_reader_anywhere_is_told_and_made_good) {
    for (const std::string_view point : points_of("reader.")) {
        const std::string name = test::unique_name();
        const test::Gate created;
        const test::Gate written;
        test::Child child([&] {
            Reader reader(name, {.metadata_size = 0, .payload_size = 1024});
            created.open();
            // The third frame wraps, once the first is read.
            static_cast<void>(reader.read(test::patience));
            CHECK(arm_point(point, 1, Deed::die));
            written.wait();
            for (int frame = 0; frame < 2; frame++) check_whole(reader.read(test::patience));
        });
        created.wait();
        Writer writer(name);
        write(writer, 500);
        write(writer, 400);
        write(writer, 450);
        written.open();
        CHECK_EQUAL(child.wait(), SIGKILL);
        CHECK_THROWS(ReaderDeadError, write(writer, 10));
        CHECK_THROWS(ReaderDeadError, Writer(name));
        writer.close();
        CHECK_EQUAL(test::files_of(name).size(), 4U);
        // Whoever comes next takes over what the dead one left.
        Reader successor(name, {.metadata_size = 0, .payload_size = 512});
        writer = Writer(name);
        write(writer, 77);
        check_whole(successor.read(test::patience));
    }
}

TEST(death, of_a_reader_leads_a_writer_on_its_way_to_the_next_one) {
    const std::string name = test::unique_name();
    const test::Gate created;
    test::Child first([&] {
        const Reader reader(name, small);
        created.open();
        ::pause();
    });
    created.wait();
    test::Child child([&] {
        CHECK(arm_point("writer.opened", 1, Deed::halt));
        Writer writer(name);
        write(writer, 700);
    });
    child.await_halt();
    first.kill();
    CHECK_EQUAL(first.wait(), SIGKILL);
    Reader reader(name, small);
    child.go_on();
    CHECK_EQUAL(child.wait(), 0);
    const Frame frame = reader.read(test::patience);
    check_whole(frame);
    CHECK_EQUAL(frame.size(), 700U);
    CHECK_EQUAL(test::tokens(detail::Names(name).data_semaphore()), 0);
}

TEST(death, a_halt_comes_once_and_the_operation_goes_on) {
    Reader reader(test::unique_name(), small);
    test::Child child([&] {
        Writer writer(reader.name());
        write(writer, 100);
        CHECK(arm_point("writer.position", 2, Deed::halt));
        for (int frame = 0; frame < 5; frame++) write(writer, 100);
    });
    child.await_halt();
    // Of the third frame the position is written, and not yet that there is one.
    for (int frame = 0; frame < 2; frame++) check_whole(reader.read(test::patience));
    CHECK_THROWS(TimeoutError, reader.read(0ns));
    child.go_on();
    CHECK_EQUAL(child.wait(), 0);
    for (int frame = 0; frame < 4; frame++) check_whole(reader.read(test::patience));
}

TEST(death, ends_a_read_that_waits) {
    Reader reader(test::unique_name(), small);
    const test::Gate connected;
    test::Child child([&] {
        const Writer writer(reader.name());
        connected.open();
        ::pause();
    });
    connected.wait();
    test::Thread killer([&] { child.kill(); });
    const auto error = CHECK_THROWS(WriterDeadError, reader.read(test::patience));
    killer.join();
    CHECK_EQUAL(std::get<std::string>(error.values().at("reason")), "died");
    CHECK(reader.writer_state() == WriterState::died);
}

TEST(death, ends_a_write_that_waits) {
    const std::string name = test::unique_name();
    const test::Gate created;
    test::Child child([&] {
        const Reader reader(name, {.metadata_size = 0, .payload_size = 64});
        created.open();
        ::pause();
    });
    created.wait();
    Writer writer(name);
    write(writer, 48);
    test::Thread killer([&] { child.kill(); });
    CHECK_THROWS(ReaderDeadError, write(writer, 48));
    killer.join();
    // What a dead reader left is removed by the next one.
    const Reader successor(name, small);
}

TEST(death, of_a_child_leaves_the_buffer_of_its_parent_alone) {
    Reader reader(test::unique_name(), small);
    Writer writer(reader.name());
    test::Child child([&] {
        writer.close();
        reader.close();
    });
    CHECK_EQUAL(child.wait(), 0);
    CHECK_EQUAL(test::files_of(reader.name()).size(), 4U);
    write(writer, 10);
    check_whole(reader.read(test::patience));
}

TEST(death, a_process_that_got_the_number_of_a_dead_reader_is_not_taken_for_it) {
    const std::string name = test::unique_name();
    test::Child child([&] {
        Reader reader(name, small);
        CHECK(arm_point("reader.token", 1, Deed::die));
        Writer writer(name);
        write(writer, 1);
        static_cast<void>(reader.read());
    });
    CHECK_EQUAL(child.wait(), SIGKILL);
    test::poke(name, offsetof(ControlBlock, reader_pid), static_cast<std::uint64_t>(::getpid()));
    CHECK_THROWS(ReaderDeadError, Writer(name));
    // This process is younger than a segment of the year 2001, even if its reader knew nothing of locks.
    test::poke(name, offsetof(ControlBlock, reserved.released), 0);
    test::age(name);
    const Reader successor(name, small);
    const Writer writer(name);
}
