#include "writer_core.hpp"

#include "connect.hpp"
#include "deadline.hpp"
#include "failure.hpp"
#include "ownership.hpp"
#include "point.hpp"

#include <cstring>
#include <utility>

#include <unistd.h>

namespace zerobuffer::detail {

namespace {

/// Tokens of "space" pile up while the writer never blocks, and overflow at 2^31 - 1: they are taken every so often.
constexpr std::uint32_t drain_interval = 64;
/// Writes that follow each other so fast rely on the last look at the reader and the shared fields.
constexpr auto streaming = std::chrono::microseconds(2);
/// How long a reader that lived is taken to live without another look.
constexpr auto fresh = std::chrono::microseconds(50);

} // namespace

WriterCore::WriterCore(Names names, Ring ring, Semaphore data, Semaphore space)
    : names_(std::move(names)),
      ring_(std::move(ring)),
      data_(std::move(data)),
      space_(std::move(space)),
      owner_(::getpid()) {}

void WriterCore::check_open() const {
    if (closed()) throw failure::closed("writer");
}

std::unique_lock<std::mutex> WriterCore::begin() {
    std::unique_lock lock(writing_, std::try_to_lock);
    check_open();
    if (!lock) throw failure::busy(name(), "another thread is writing");
    if (lent_) throw failure::busy(name(), "an acquired frame is neither committed nor abandoned");
    return lock;
}

// ---- connecting

/// docs/stream.md, "Connecting": the lock is for ours, writer_pid for everybody.
void WriterCore::claim() {
    check_reader();
    ControlBlock& block = ring_.block();
    const auto own = static_cast<std::uint64_t>(owner_);
    const bool locked = take_lock(ring_.segment().locks(), Lock::writer);
    const std::uint64_t owner = load(block.writer_pid);
    const bool ours = locked && owner == process_of(load(block.reserved.connection));
    const auto taken = std::make_exception_ptr(failure::writer_exists(name(), owner));
    if (owner != 0 && !ours) {
        // The reader holds the claim for the moment in which it settles.
        if (owner == reader_pid()) throw NotReady{taken, moment};
        if (!locked || (owner != own && Peer().look(owner) == Life::alive)) std::rethrow_exception(taken);
    }
    const bool vacant = locked && (owner == 0 || (ring_.inherit(ours) && compare_and_swap(block.writer_pid, owner, 0)));
    const auto committed = vacant ? ring_.find_committed() : std::nullopt;
    if (!committed) throw NotReady{taken, patience};
    const std::uint64_t last = number_of(load(block.reserved.connection));
    // Before the claim: at each moment a writer_pid of ours stands in `connection`, too.
    if (*committed != 0) {
        known_ = ring_.announce(*committed, own);
    } else {
        ring_.leave(last + 1);
    }
    pass(Point::writer_announced);
    const bool claimed = compare_and_swap(block.writer_pid, 0, own);
    // A foreign writer may have come and gone between the look and the claim.
    if (claimed && (*committed == 0 || ring_.find_committed() == committed)) return;
    if (claimed) static_cast<void>(compare_and_swap(block.writer_pid, own, 0));
    // Where it was never claimed, the writer that is there keeps its number.
    ring_.leave(claimed ? last + 1 : last);
    throw NotReady{taken, patience};
}

// ---- the reader's life

void WriterCore::check_reader() {
    const std::lock_guard lock(reader_mutex_);
    const auto now = Clock::now();
    const bool seen = now - reader_seen_ < fresh;
    const bool lives = seen || reader_lives(reader_pid());
    // After the look at its lock: it may just have closed.
    const std::uint64_t pid = reader_pid();
    if (pid == 0) throw failure::reader_dead(name(), "closed", 0);
    if (!lives) throw failure::reader_dead(name(), "died", pid);
    if (!seen) reader_seen_ = now;
}

bool WriterCore::reader_lives(std::uint64_t pid) {
    const Segment& segment = ring_.segment();
    if (is_locked(segment.locks(), Lock::reader)) return true;
    if (reader_is_ours() || !segment.has_name()) return false;
    const Life life = foreign_.look(pid);
    // A number that was never known here may belong to another pid namespace.
    return life == Life::alive || (life == Life::unknown && lock_file_held(names_));
}

// ---- writing

std::uint64_t WriterCore::write(std::span<const std::byte> data, std::chrono::nanoseconds timeout) {
    const auto lock = begin();
    const Plan plan = plan_when_free(data.size(), timeout);
    std::memcpy(ring_.place(plan).data(), data.data(), data.size());
    pass(Point::writer_data);
    check_open();
    return publish(plan);
}

Slot WriterCore::acquire(std::uint64_t size, std::chrono::nanoseconds timeout) {
    const auto lock = begin();
    auto plan = std::make_unique<Plan>(plan_when_free(size, timeout));
    const std::span<std::byte> place = ring_.place(*plan);
    Slot slot(shared_from_this(), std::move(plan), place, next_sequence());
    lent_ = true;
    return slot;
}

std::uint64_t WriterCore::commit(const Plan& plan) {
    // Whoever has the lock now is about to be told that the writer is busy.
    const std::lock_guard lock(writing_);
    lent_ = false;
    check_open();
    check_reader();
    return publish(plan);
}

void WriterCore::give_up() noexcept {
    const std::lock_guard lock(writing_);
    lent_ = false;
}

std::uint64_t WriterCore::publish(const Plan& plan) {
    const std::uint64_t sequence = sequence_.fetch_add(1, std::memory_order_relaxed);
    ring_.publish(plan, sequence, known_);
    data_.post();
    pass(Point::writer_post);
    pass(Point::writer_done);
    return sequence;
}

Plan WriterCore::plan(std::uint64_t write_pos, std::uint64_t size) const {
    const std::uint64_t payload_size = ring_.payload_size();
    const Planned planned = plan_frame(payload_size, write_pos, size);
    switch (planned.fit) {
    case Fit::yes:
        break;
    case Fit::empty:
        throw failure::invalid_frame_size(name(), "frame size", size, payload_size - header_size);
    case Fit::too_large:
        throw failure::frame_too_large(name(), size, payload_size - header_size, always_fits());
    case Fit::unwritable:
        throw failure::frame_unwritable(name(), size, fits_at(payload_size, write_pos), always_fits());
    }
    return planned.plan;
}

/// Takes the shared fields anew. Nothing is relied upon while they are wrong.
void WriterCore::look() {
    looked_at_ = {};
    ring_.refresh(known_);
}

Plan WriterCore::plan_when_free(std::uint64_t size, std::chrono::nanoseconds timeout) {
    const auto now = Clock::now();
    bool looked = now - looked_at_ >= streaming;
    if (looked) {
        check_reader();
        look();
        looked_at_ = now;
    }
    if (++writes_ % drain_interval == 0) drain_space();
    std::optional<Deadline> deadline;
    for (;; looked = false) {
        Plan plan = this->plan(known_.write_pos, size);
        if (!looked && plan.need() > known_.free) {
            look();
            plan = this->plan(known_.write_pos, size);
        }
        if (plan.need() <= known_.free) {
            pass(Point::writer_planned);
            return plan;
        }
        check_open();
        check_reader();
        if (!deadline) {
            deadline.emplace(timeout);
            const auto moved = [&] { return ring_.free_bytes(known_) >= plan.need(); };
            if (deadline->next_slice() && spin_.until(moved)) continue;
        }
        const auto slice = deadline->next_slice();
        if (!slice) throw failure::buffer_full(name(), deadline->seconds(), size, plan.need(), known_.free);
        static_cast<void>(space_.take_until(*slice));
    }
}

void WriterCore::drain_space() noexcept {
    // Bounded: a reader that posts all the time must not keep us here.
    for (int tokens = 0; tokens < 65536 && space_.try_take(); tokens++) {
    }
}

void WriterCore::set_metadata(std::span<const std::byte> content) {
    const auto lock = begin();
    check_reader();
    ring_.write_metadata(content);
}

void WriterCore::close() {
    if (closed_.exchange(true)) return;
    // A call that waits sees the flag within a slice; an acquired slot is worth nothing from now on.
    const std::lock_guard lock(writing_);
    if (owner_ != ::getpid()) return;
    const auto own = static_cast<std::uint64_t>(owner_);
    static_cast<void>(compare_and_swap(ring_.block().writer_pid, own, 0));
    ring_.leave();
    give_lock(ring_.segment().locks(), Lock::writer);
}

} // namespace zerobuffer::detail
