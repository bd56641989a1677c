#include "reader_core.hpp"

#include "failure.hpp"
#include "point.hpp"

#include <utility>

#include <unistd.h>

namespace zerobuffer::detail {

namespace {

/// Looks for the token of a frame that is committed, before it counts as missing.
constexpr int post_looks = 400;

} // namespace

ReaderCore::ReaderCore(const Names& names, const BufferConfig& config) : ReaderCore(create(names, config)) {}

ReaderCore::ReaderCore(Created created)
    : ring_(std::move(created.ring)),
      data_(std::move(created.data)),
      space_(std::move(created.space)),
      owner_(::getpid()),
      released_(ring_.payload_size()),
      owned_(std::move(created.owned)),
      read_(ring_.payload_size()) {}

void ReaderCore::check_open() const {
    if (closed_) throw failure::closed("reader");
}

Turn::Hold ReaderCore::take_turn(const Deadline& deadline) {
    Turn::Hold hold = turn_.take(deadline, [this] { check_open(); });
    if (!hold) throw failure::timeout(name(), deadline.seconds());
    return hold;
}

Frame ReaderCore::read(std::chrono::nanoseconds timeout) {
    const Deadline deadline(timeout);
    const Turn::Hold hold = take_turn(deadline);
    await_frame(deadline);
    pass(Point::reader_token);
    const Found found = next_frame();
    const std::uint64_t number = lease(found);
    read_ += found.passed();
    if (!count_) count_ = load(ring_.block().payload_read_count);
    *count_ += found.counted;
    ring_.advance(found, *count_);
    balance_--;
    return {shared_from_this(), found.data, found.sequence, number};
}

/// The frame that is there. After an error its token goes back, so that the next call meets the same.
Found ReaderCore::next_frame() {
    try {
        check_open();
        const Found found = ring_.look(read_ % ring_.payload_size());
        check_sequence(found);
        if (found.sequence == 1) begin_stream();
        expected_ = found.sequence + 1;
        return found;
    } catch (const Error&) {
        for (; balance_ > 0; balance_--) data_.post();
        throw;
    }
}

/// Takes tokens up to one above those of the frames that were read: that one is a frame.
bool ReaderCore::take_token() noexcept {
    while (balance_ <= 0 && data_.try_take()) balance_++;
    return balance_ > 0;
}

/// Whether the reader has not come as far as a field of a writer of ours says. Behind a foreign one it is far ahead.
bool ReaderCore::is_behind(std::uint64_t& field) const noexcept {
    return load(field) - read_ - 1 < ring_.payload_size();
}

/// Whether there is a frame: a token says so, or `committed`, which a writer may have stored and died.
bool ReaderCore::find_frame() noexcept {
    if (take_token()) return true;
    if (!is_behind(ring_.block().reserved.committed)) return false;
    // Its post comes in a moment; then the semaphore is exact at rest.
    for (int looks = 0; looks < post_looks && !take_token(); looks++) relax();
    return true;
}

void ReaderCore::await_frame(const Deadline& deadline) {
    const auto token = [this] { return take_token(); };
    if (token()) return;
    count_.reset();
    if (deadline.next_slice() && spin_.until(token)) return;
    for (;;) {
        check_open();
        const WriterState state = look_at_writer();
        const Connection connected = connection_now();
        // The last look: a writer that is gone has written all that it ever will, one that has come has not begun.
        if (find_frame()) return;
        idle_ = connected;
        if (state != WriterState::alive) {
            // What is not posted by now never will be. The next writer begins another stream.
            balance_ = 0;
            stream_ = {};
        }
        if (state == WriterState::died) settle();
        if (state == WriterState::closed || state == WriterState::died) {
            throw failure::writer_dead(name(), state == WriterState::died ? "died" : "closed", writer_.pid);
        }
        const auto slice = deadline.next_slice();
        if (!slice) throw failure::timeout(name(), deadline.seconds());
        if (data_.take_until(*slice)) balance_++;
    }
}

WriterState ReaderCore::look_at_writer() {
    ControlBlock& block = ring_.block();
    for (;;) {
        const Connection now = connection_now();
        if (now.pid == 0) {
            foreign_ = Peer();
            writer_seen_ =
                writer_seen_ || load(block.payload_written_count) != 0 || load(block.metadata_written_bytes) != 0;
            return writer_seen_ ? WriterState::closed : WriterState::absent;
        }
        writer_seen_ = true;
        writer_ = now;
        const bool locked = is_locked(ring_.segment().locks(), Lock::writer);
        if (locked || (!now.ours && foreign_.look(now.pid) == Life::alive)) {
            settled_.reset();
            return WriterState::alive;
        }
        // It may have closed, and another one come, between the two looks.
        const Connection again = connection_now();
        if (again == now && again.ours == now.ours) return WriterState::died;
    }
}

/// Sets straight what a dead writer left, once for each. Meanwhile the claim keeps foreign writers away, and the lock
/// those of ours: none starts from fields that are about to change.
void ReaderCore::settle() {
    const auto own = static_cast<std::uint64_t>(owner_);
    ControlBlock& block = ring_.block();
    if (settled_ == writer_) return;
    pass(Point::reader_death);
    if (!compare_and_swap(block.writer_pid, writer_.pid, own)) return;
    if (take_lock(ring_.segment().locks(), Lock::writer)) {
        if (!find_frame()) {
            const std::lock_guard lock(leases_mutex_);
            ring_.settle(read_, read_ - released_);
            balance_ = 0;
            settled_ = writer_;
        }
        give_lock(ring_.segment().locks(), Lock::writer);
    }
    static_cast<void>(compare_and_swap(block.writer_pid, own, writer_.pid));
}

Connection ReaderCore::connection_now() const noexcept {
    ControlBlock& block = ring_.block();
    // In this order: a claim that failed takes its number back, and it must not be found with the pid of the next.
    const std::uint64_t connection = load(block.reserved.connection);
    const std::uint64_t pid = load(block.writer_pid);
    return {.pid = pid, .number = number_of(connection), .ours = process_of(connection) == pid};
}

/// A sequence goes up by one, or restarts at 1 with another connection.
void ReaderCore::check_sequence(const Found& found) const {
    if (found.sequence == expected_) return;
    if (found.sequence == 1 && (stream_.pid == 0 || stream_ != connection_now())) return;
    throw failure::sequence_error(name(), expected_, found.sequence);
}

/// A stream belongs to the writer that is connected now, unless it was written before that one came. A writer of ours
/// says when that was; a foreign one must have been there when there was nothing to read.
void ReaderCore::begin_stream() {
    writer_seen_ = true;
    const Connection now = connection_now();
    const bool older = now.ours && is_behind(ring_.block().reserved.start);
    author_ = older ? Connection{} : now;
    stream_ = now.ours || now == idle_ ? author_ : Connection{};
}

Connection ReaderCore::author() {
    const Turn::Hold hold = take_turn(Deadline(forever));
    return author_;
}

WriterState ReaderCore::writer_state() {
    const Turn::Hold hold = take_turn(Deadline(forever));
    return look_at_writer();
}

std::vector<std::byte> ReaderCore::metadata() const {
    check_open();
    return ring_.metadata();
}

std::uint64_t ReaderCore::lease(const Found& found) {
    const std::lock_guard lock(leases_mutex_);
    if (found.wrapped > 0) {
        leases_.pass_tail(found.wrapped);
        return_space(leases_.drain());
        pass(Point::reader_wrap);
    }
    return leases_.add(found.total());
}

void ReaderCore::give_back(std::uint64_t lease) noexcept {
    const std::lock_guard lock(leases_mutex_);
    leases_.give_back(lease);
    return_space(leases_.drain());
}

void ReaderCore::return_space(Leases::Returned returned) noexcept {
    ring_.free(released_, returned.bytes);
    for (; returned.frames > 0; returned.frames--) {
        space_.post();
        pass(Point::reader_space);
    }
}

void ReaderCore::close() {
    if (closed_.exchange(true)) return;
    // A call that waits sees the flag within a slice.
    const auto hold = turn_.take(Deadline(forever), [] {});
    if (owner_ != ::getpid()) return;
    store(ring_.block().reader_pid, 0);
    space_.post();
    owned_.reset();
    // Held frames keep the file open.
    give_lock(ring_.segment().locks(), Lock::reader);
}

} // namespace zerobuffer::detail
