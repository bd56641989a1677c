#include "reader_core.hpp"

#include "failure.hpp"
#include "point.hpp"

#include <utility>

#include <unistd.h>

namespace zerobuffer::detail {

ReaderCore::ReaderCore(const Names& names, const BufferConfig& config) : ReaderCore(create(names, config)) {}

ReaderCore::ReaderCore(Created created)
    : ring_(std::move(created.ring)),
      data_(std::move(created.data)),
      space_(std::move(created.space)),
      owner_(::getpid()),
      owned_(std::move(created.owned)) {}

void ReaderCore::check_open() const {
    if (closed_.load(std::memory_order_acquire)) throw failure::closed("reader");
}

Turn::Hold ReaderCore::take_turn(const Deadline& deadline) {
    auto hold = turn_.take(deadline, [this] { check_open(); });
    if (!hold) throw failure::timeout(name(), deadline.seconds());
    return std::move(*hold);
}

Frame ReaderCore::read(std::chrono::nanoseconds timeout) {
    const Deadline deadline(timeout);
    const Turn::Hold hold = take_turn(deadline);
    for (;;) {
        take_token(deadline);
        pass(Point::reader_token);
        const auto found = find_next();
        if (!found) continue;
        const std::uint64_t lease = lend(*found);
        position_ = {.at = found->next_pos, .count = position_->count + found->counted};
        ring_.advance(*found, position_->count);
        return {shared_from_this(), found->data, found->sequence, lease};
    }
}

/// The frame that the token in hand stands for; nothing if it is surplus. No token rests in a reader: whoever makes up
/// for the posts of a dead writer finds every frame either read or pending. So after an error it goes back, and the
/// next call meets the same.
std::optional<Found> ReaderCore::find_next() {
    try {
        check_open();
        if (!position_) position_ = {.at = ring_.read_pos(), .count = load(ring_.block().payload_read_count)};
        const auto found = look_ahead(position_->at);
        if (!found) return std::nullopt;
        check_sequence(*found);
        if (found->sequence == 1) begin_stream(*found);
        expected_ = found->sequence + 1;
        return found;
    } catch (const Error&) {
        data_.post();
        throw;
    }
}

/// What stands at the position; nothing if the token in hand is surplus.
std::optional<Found> ReaderCore::look_ahead(std::uint64_t position) {
    if (is_surplus(position, false)) return std::nullopt;
    try {
        const Found found = ring_.look(position);
        if (found.sequence == expected_) return found;
    } catch (const Error&) { // NOLINT(bugprone-empty-catch): it is met again below
    }
    if (is_surplus(position, true)) return std::nullopt;
    // With a token too many the first look may have come a moment before its frame.
    return ring_.look(position);
}

/// Whether the token in hand stands for no frame. A writer that takes over from a killed one posts what that one owed;
/// if this reader stood still between a token and its frame, that is one too many. So each succession excuses one, that
/// of a writer of whom nothing was read yet only where what stands there is `strange`: what is left of a frame that was
/// read can look like the next of another stream, but not of its own.
bool ReaderCore::is_surplus(std::uint64_t position, bool strange) {
    if (streams_ == 0) return false;
    const std::uint64_t successions = streams_ - 1 + (strange && another_writer() ? 1 : 0);
    if (surplus_ >= successions || !ring_.is_drained(position)) return false;
    surplus_++;
    return true;
}

void ReaderCore::take_token(const Deadline& deadline) {
    bool taken = data_.try_take();
    if (!taken) position_.reset();
    if (!taken && deadline.next_slice()) taken = spin_.until([this] { return data_.try_take(); });
    while (!taken) {
        check_open();
        const WriterState state = look_at_writer();
        if (state == WriterState::closed || state == WriterState::died) {
            // It may have posted between the last try and its end.
            if (data_.try_take()) break;
            if (state == WriterState::died) settle();
            throw failure::writer_dead(name(), state == WriterState::died ? "died" : "closed", writer_.pid());
        }
        const auto slice = deadline.next_slice();
        if (!slice) throw failure::timeout(name(), deadline.seconds());
        try {
            taken = data_.take_until(*slice);
        } catch (const std::system_error& error) {
            failure::throw_errno(error.code().value(), name(), "wait for data");
        }
    }
}

WriterState ReaderCore::look_at_writer() {
    ControlBlock& block = ring_.block();
    const std::uint64_t pid = load(block.writer_pid);
    if (pid == 0) {
        stream_.reset();
        writer_seen_ =
            writer_seen_ || load(block.payload_written_count) != 0 || load(block.metadata_written_bytes) != 0;
        return writer_seen_ ? WriterState::closed : WriterState::absent;
    }
    writer_seen_ = true;
    if (pid != writer_.pid()) unsettled_ = true;
    const Life life = writer_.look(pid);
    if (life == Life::alive) return WriterState::alive;
    if (ring_.segment().writer_lock().place == 0) return WriterState::died;
    // In another pid namespace it has no number here, but its lock is seen.
    if (life == Life::unknown) return WriterState::alive;
    // The number of a dead writer has come again, and its new process is a writer, too.
    writer_.forget();
    unsettled_ = true;
    return writer_.look(pid) == Life::alive ? WriterState::alive : WriterState::died;
}

/// Takes back what a dead writer left half-done, once for each. Its claim is held meanwhile, so that no new writer
/// starts from a position that is about to change.
void ReaderCore::settle() {
    if (!std::exchange(unsettled_, false)) return;
    ControlBlock& block = ring_.block();
    const std::uint64_t dead = writer_.pid();
    if (!compare_and_swap(block.writer_pid, dead, load(block.reader_pid))) return;
    if (data_.value() == 0) {
        const std::lock_guard lock(leases_mutex_);
        ring_.roll_back(leases_.held());
    }
    store(block.writer_pid, dead);
}

Connection ReaderCore::connection_now() const noexcept {
    const std::uint64_t pid = load(ring_.block().writer_pid);
    return {.pid = pid, .place = pid == 0 ? 0 : ring_.segment().writer_lock().place};
}

/// A sequence goes up by one, or restarts at 1 with another connection.
void ReaderCore::check_sequence(const Found& found) const {
    if (found.sequence == expected_) return;
    if (found.sequence == 1 && another_writer()) return;
    throw failure::sequence_error(name(), expected_, found.sequence);
}

bool ReaderCore::another_writer() const noexcept { return !stream_ || *stream_ != connection_now(); }

/// A stream belongs to the writer that is connected now, unless it was written before that one came. A writer without a
/// lock does not say when that was: there, another restart behind the frame tells that its writer is gone already.
void ReaderCore::begin_stream(const Found& found) {
    streams_++;
    writer_seen_ = true;
    const Connection now = connection_now();
    const Segment::WriterLock lock = ring_.segment().writer_lock();
    const bool older =
        lock.place != 0 ? position_->count < lock.first : ring_.restarts_ahead(found.next_pos, data_.value());
    stream_.reset();
    if (now.pid != 0 && !older) stream_ = now;
}

Connection ReaderCore::stream() {
    const Turn::Hold hold = take_turn(Deadline(forever));
    return stream_.value_or(Connection{});
}

WriterState ReaderCore::writer_state() {
    const Turn::Hold hold = take_turn(Deadline(forever));
    return look_at_writer();
}

std::vector<std::byte> ReaderCore::metadata() const {
    check_open();
    return ring_.metadata();
}

std::uint64_t ReaderCore::lend(const Found& found) {
    const std::lock_guard lock(leases_mutex_);
    if (found.wrapped > 0) {
        leases_.pass_tail(found.wrapped);
        return_space(leases_.drain());
        pass(Point::reader_wrap);
    }
    return leases_.lend(found.total());
}

void ReaderCore::give_back(std::uint64_t lease) noexcept {
    const std::lock_guard lock(leases_mutex_);
    leases_.give_back(lease);
    return_space(leases_.drain());
}

void ReaderCore::return_space(Leases::Returned returned) noexcept {
    if (returned.bytes == 0) return;
    ring_.free(returned.bytes);
    for (; returned.frames > 0; returned.frames--) space_.post();
    pass(Point::reader_space);
}

void ReaderCore::close() {
    if (closed_.exchange(true, std::memory_order_acq_rel)) return;
    // A call that waits sees the flag within a slice.
    const auto hold = turn_.take(Deadline(forever), [] {});
    if (owner_ != ::getpid()) return;
    store(ring_.block().reader_pid, 0);
    space_.post();
    owned_.reset();
}

} // namespace zerobuffer::detail
