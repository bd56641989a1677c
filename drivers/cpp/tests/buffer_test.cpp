#include "buffers.hpp"
#include "case.hpp"

#include <optional>
#include <random>

#include <unistd.h>

namespace {

using namespace std::chrono_literals;
using namespace zerobuffer;
using test::Pair;

} // namespace

TEST(buffer, a_frame_and_the_metadata_cross_over) {
    Pair pair({.metadata_size = 64, .payload_size = 1024});
    CHECK_THROWS(NoMetadataError, pair.reader.metadata());
    pair.writer.set_metadata(test::ramp(56));
    CHECK(pair.reader.metadata() == test::ramp(56));
    CHECK_THROWS(MetadataExistsError, pair.writer.set_metadata(test::ramp(1)));
    CHECK_EQUAL(pair.writer.write(test::ramp(100, 1)), 1U);
    const Frame frame = pair.read();
    CHECK_EQUAL(frame.sequence(), 1U);
    CHECK_EQUAL(frame.size(), 100U);
}

TEST(buffer, metadata_that_cannot_be_is_refused) {
    Pair pair({.metadata_size = 64, .payload_size = 64});
    CHECK_THROWS(MetadataEmptyError, pair.writer.set_metadata({}));
    const auto error = CHECK_THROWS(MetadataTooLargeError, pair.writer.set_metadata(test::ramp(57)));
    CHECK_EQUAL(std::get<std::uint64_t>(error.values().at("limit")), 56U);
    Pair none({.metadata_size = 0, .payload_size = 64});
    CHECK_THROWS(MetadataTooLargeError, none.writer.set_metadata(test::ramp(1)));
}

TEST(buffer, frames_of_random_sizes_wrap_again_and_again) {
    std::mt19937_64 dice(test::seed());
    for (const std::uint64_t payload : {64U, 1024U, 4096U}) {
        Pair pair({.metadata_size = 0, .payload_size = payload});
        std::uniform_int_distribution<std::size_t> sizes(1, payload - 16);
        std::vector<Frame> held;
        std::uint64_t written = 0;
        std::uint64_t read = 0;
        for (int step = 0; step < 3000; step++) {
            try {
                pair.writer.write(test::ramp(sizes(dice), written + 1), 0ns);
                written++;
            } catch (const BufferFullError&) {
                // Then it is the reader's turn.
            } catch (const FrameUnwritableError& error) {
                const auto fits = std::get<std::uint64_t>(error.values().at("always_fits"));
                CHECK(fits == payload / 2 - 16);
            }
            while (read < written && dice() % 3 != 0) {
                held.push_back(pair.read());
                CHECK_EQUAL(held.back().sequence(), ++read);
            }
            // Released in any order.
            while (!held.empty() && dice() % 3 != 0) {
                const auto chosen = static_cast<std::ptrdiff_t>(dice() % held.size());
                held.erase(held.begin() + chosen);
            }
        }
        while (read < written) {
            held.push_back(pair.read());
            read++;
        }
        held.clear();
        const ControlBlock block = test::control(pair.reader.name());
        CHECK_EQUAL(block.payload_free_bytes, payload);
        CHECK_EQUAL(block.payload_written_count, block.payload_read_count);
        CHECK(written > 100);
    }
}

TEST(buffer, space_returns_in_the_order_of_the_ring) {
    Pair pair({.metadata_size = 0, .payload_size = 1024});
    for (int frame = 0; frame < 3; frame++) pair.write(200);
    Frame first = pair.read();
    Frame second = pair.read();
    Frame third = pair.read();
    second.release();
    CHECK_EQUAL(test::control(pair.reader.name()).payload_free_bytes, 1024U - 3 * 216);
    first.release();
    CHECK_EQUAL(test::control(pair.reader.name()).payload_free_bytes, 1024U - 216);
    CHECK_THROWS(FrameReleasedError, first.data());
    first.release();
    third = std::move(first);
    CHECK_THROWS(FrameReleasedError, third.data());
}

TEST(buffer, a_slot_is_written_in_place_or_given_up) {
    Pair pair({.metadata_size = 0, .payload_size = 1024});
    {
        const Slot forgotten = pair.writer.acquire(900);
        CHECK_THROWS(BusyError, pair.writer.write(test::ramp(1)));
    }
    Slot slot = pair.writer.acquire(300);
    const auto content = test::ramp(300, slot.sequence());
    std::copy(content.begin(), content.end(), slot.data().begin());
    CHECK_EQUAL(slot.commit(), 1U);
    CHECK_THROWS(ClosedError, slot.commit());
    CHECK_THROWS(ClosedError, slot.data());
    slot.abandon();
    CHECK_EQUAL(pair.read().size(), 300U);
    CHECK_THROWS(TimeoutError, pair.reader.read(0ns));
}

TEST(buffer, what_cannot_be_written_is_refused_at_once) {
    Pair pair({.metadata_size = 0, .payload_size = 1024});
    CHECK_THROWS(InvalidFrameSizeError, pair.writer.write({}, test::patience));
    const auto large = CHECK_THROWS(FrameTooLargeError, pair.writer.write(test::ramp(1009), test::patience));
    CHECK_EQUAL(std::get<std::uint64_t>(large.values().at("largest")), 1008U);
    CHECK_EQUAL(std::get<std::uint64_t>(large.values().at("always_fits")), 496U);
    pair.write(600);
    const Frame held = pair.read();
    const auto error = CHECK_THROWS(FrameUnwritableError, pair.writer.write(test::ramp(700), test::patience));
    CHECK_EQUAL(std::get<std::uint64_t>(error.values().at("fits_now")), 600U);
    CHECK_THROWS(BufferFullError, pair.writer.write(test::ramp(500), 10ms));
}

TEST(buffer, what_has_been_moved_away_is_closed) {
    Pair pair({.metadata_size = 64, .payload_size = 1024});
    const Reader reader = std::move(pair.reader);
    Writer writer = std::move(pair.writer);
    CHECK_THROWS(ClosedError, pair.reader.read(0ns));
    CHECK_THROWS(ClosedError, pair.reader.metadata());
    CHECK_THROWS(ClosedError, pair.reader.writer_state());
    CHECK_THROWS(ClosedError, pair.reader.name());
    CHECK_THROWS(ClosedError, (pair.reader.close(), 0));
    CHECK_THROWS(ClosedError, pair.writer.write(test::ramp(1)));
    CHECK_THROWS(ClosedError, pair.writer.acquire(1));
    CHECK_THROWS(ClosedError, (pair.writer.set_metadata(test::ramp(1)), 0));
    CHECK_THROWS(ClosedError, pair.writer.next_sequence());
    CHECK_THROWS(ClosedError, (pair.writer.check_reader(), 0));
    CHECK_THROWS(ClosedError, pair.writer.name());
    CHECK_THROWS(ClosedError, (pair.writer.close(), 0));
    Slot slot = writer.acquire(1);
    Slot same = std::move(slot);
    CHECK_THROWS(ClosedError, slot.data());
    CHECK_THROWS(ClosedError, slot.commit());
    CHECK_EQUAL(same.data().size(), 1U);
}

TEST(buffer, what_is_assigned_takes_all_that_it_had_along) {
    Pair one({.metadata_size = 0, .payload_size = 1024});
    Pair other({.metadata_size = 0, .payload_size = 1024});
    one.write(10);
    for (const std::size_t size : {20U, 30U}) other.write(size);
    Frame frame = one.read();
    frame = other.read();
    frame = other.read();
    CHECK_EQUAL(test::control(one.reader.name()).payload_free_bytes, 1024U);
    CHECK_EQUAL(test::control(other.reader.name()).payload_free_bytes, 1024U - 46);
    CHECK_EQUAL(frame.sequence(), 2U);
    CHECK(test::copy(frame.data()) == test::ramp(30, 2));
    Slot slot = one.writer.acquire(1);
    slot = other.writer.acquire(2);
    CHECK_EQUAL(slot.sequence(), 3U);
    CHECK_EQUAL(slot.data().size(), 2U);
    CHECK_EQUAL(slot.commit(), 3U);
    one.write(10);
}

/// A frame and a slot share the memory with their side, and outlive it.
TEST(buffer, what_goes_out_of_sight_is_closed_whatever_is_lent) {
    std::optional<Reader> reader(std::in_place, test::unique_name(), BufferConfig{.metadata_size = 0});
    const std::string name = reader->name();
    std::optional<Writer> writer(std::in_place, name);
    writer->write(test::ramp(10, 1));
    const Frame frame = reader->read(0ns);
    const Slot slot = writer->acquire(10);
    writer.reset();
    CHECK_THROWS(ClosedError, slot.data());
    CHECK(reader->writer_state() == WriterState::closed);
    Writer next(name);
    reader.reset();
    CHECK_EQUAL(frame.size(), 10U);
    CHECK_EQUAL(test::files_of(name).size(), 0U);
    const auto error = CHECK_THROWS(ReaderDeadError, next.write(test::ramp(1)));
    CHECK_EQUAL(std::get<std::string>(error.values().at("reason")), "closed");
}

TEST(buffer, a_frame_cannot_be_changed) {
    Pair pair({.metadata_size = 0, .payload_size = 64});
    pair.write(10);
    const Frame frame = pair.read();
    // The system is asked to write there: where memory is read-only, that is an error and no crash.
    std::FILE* zeroes = std::fopen("/dev/zero", "rb");
    std::setbuf(zeroes, nullptr);
    const std::size_t changed = std::fread(const_cast<std::byte*>(frame.data().data()), 1, 1, zeroes);
    std::fclose(zeroes);
    CHECK_EQUAL(changed, 0U);
}

TEST(buffer, what_stands_in_memory_is_not_trusted) {
    const auto offset = [](std::string_view name) {
        for (const Field& field : oieb_fields()) {
            if (field.name == name) return field.offset;
        }
        throw test::Failure("no such field");
    };
    for (const std::string_view field : {"payload_write_pos", "payload_free_bytes"}) {
        Pair pair({.metadata_size = 0, .payload_size = 1024});
        test::poke(pair.reader.name(), offset(field), 1025);
        const auto error = CHECK_THROWS(InvalidOiebError, pair.writer.write(test::ramp(10)));
        CHECK_EQUAL(std::get<std::string>(error.values().at("field")), field);
    }
    Pair pair({.metadata_size = 0, .payload_size = 1024});
    pair.write(10);
    test::poke(pair.reader.name(), oieb_size, 1009);
    CHECK_THROWS(InvalidFrameSizeError, pair.reader.read(0ns));
    test::poke(pair.reader.name(), oieb_size, 10);
    test::poke(pair.reader.name(), oieb_size + 8, 7);
    const auto error = CHECK_THROWS(SequenceError, pair.reader.read(0ns));
    CHECK_EQUAL(std::get<std::uint64_t>(error.values().at("expected")), 1U);
    CHECK_EQUAL(std::get<std::uint64_t>(error.values().at("seen")), 7U);
    test::poke(pair.reader.name(), oieb_size + 8, 1);
    CHECK_EQUAL(pair.read().sequence(), 1U);
}

TEST(buffer, one_writer_after_another) {
    Pair pair({.metadata_size = 0, .payload_size = 1024});
    const auto taken = CHECK_THROWS(WriterExistsError, Writer(pair.reader.name()));
    CHECK_EQUAL(std::get<std::uint64_t>(taken.values().at("pid")), static_cast<std::uint64_t>(::getpid()));
    pair.write(10);
    pair.write(10);
    pair.writer.close();
    CHECK_THROWS(ClosedError, pair.writer.write(test::ramp(1)));
    pair.writer = Writer(pair.reader.name());
    pair.write(10);
    for (const std::uint64_t sequence : {1U, 2U, 1U}) CHECK_EQUAL(pair.read().sequence(), sequence);
    pair.writer.close();
    const auto error = CHECK_THROWS(WriterDeadError, pair.reader.read(test::patience));
    CHECK_EQUAL(std::get<std::string>(error.values().at("reason")), "closed");
    CHECK(pair.reader.writer_state() == WriterState::closed);
}

TEST(buffer, a_restart_of_the_same_writer_is_no_new_stream) {
    Pair pair({.metadata_size = 0, .payload_size = 1024});
    pair.write(10);
    static_cast<void>(pair.read());
    pair.write(10);
    test::poke(pair.reader.name(), oieb_size + 26 + 8, 1);
    CHECK_THROWS(SequenceError, pair.reader.read(0ns));
}

TEST(buffer, names_that_the_objects_cannot_carry) {
    for (const std::string& name :
         {std::string(), std::string("a/b"), std::string(".."), std::string("a b"), std::string("."),
          std::string("sem.sem-w-x"), std::string(246, 'n'), std::string("\xc3\xa4")}) {
        CHECK_THROWS(InvalidNameError, Reader(name));
        CHECK_THROWS(InvalidNameError, Writer(name));
    }
    CHECK_EQUAL(test::files_of("x").size(), 0U);
}

TEST(buffer, its_objects_live_as_long_as_the_reader) {
    const std::string name = test::unique_name();
    CHECK_THROWS(NotFoundError, Writer(name));
    {
        Reader reader(name, {.metadata_size = 0, .payload_size = 64});
        CHECK_EQUAL(test::files_of(name).size(), 4U);
        CHECK_THROWS(BufferInUseError, Reader(name));
        CHECK_EQUAL(test::files_of(name).size(), 4U);
        Writer writer(name);
        reader.close();
        reader.close();
        CHECK_EQUAL(test::files_of(name).size(), 0U);
        CHECK_THROWS(ClosedError, reader.read());
        CHECK_THROWS(ReaderDeadError, writer.write(test::ramp(1)));
    }
    constexpr std::uint64_t too_much = std::uint64_t{1} << 62U;
    for (const BufferConfig& config :
         {BufferConfig{.payload_size = 0}, BufferConfig{.payload_size = too_much},
          BufferConfig{.metadata_size = too_much}, BufferConfig{.mode = 0200}, BufferConfig{.mode = 0601}}) {
        CHECK_THROWS(std::invalid_argument, Reader(name, config));
    }
    CHECK_EQUAL(test::files_of(name).size(), 0U);
}

TEST(buffer, what_nobody_says_is_as_the_header_tells) {
    CHECK(default_timeout == 5s);
    const BufferConfig config;
    CHECK_EQUAL(config.metadata_size, 1024U);
    CHECK_EQUAL(config.payload_size, 10240U);
    CHECK_EQUAL(config.mode, 0600U);
    CHECK(config.preallocate);
    CHECK(!ConnectConfig().any_owner);
}

TEST(buffer, the_layout_is_that_of_the_protocol) {
    CHECK_EQUAL(oieb_fields().size(), 14U);
    CHECK_EQUAL(oieb_fields()[6].name, "payload_free_bytes");
    CHECK_EQUAL(oieb_fields()[6].offset, 40U);
    CHECK_EQUAL(oieb_fields()[13].offset, 96U);
    CHECK_EQUAL(oieb_fields()[13].size, 32U);
    CHECK_EQUAL(header_fields()[1].offset, 8U);
}
