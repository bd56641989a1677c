#include "writer_core.hpp"

#include "connect.hpp"
#include "deadline.hpp"
#include "failure.hpp"
#include "ownership.hpp"
#include "point.hpp"

#include <algorithm>
#include <cstring>
#include <system_error>
#include <thread>
#include <utility>

#include <unistd.h>

namespace zerobuffer::detail {

namespace {

/// Tokens of "space" pile up while the writer never blocks, and overflow at 2^31 - 1: they are taken every so often.
constexpr std::uint32_t drain_interval = 64;
/// Writes that follow each other so fast rely on the last look at the reader and the shared fields.
constexpr auto streaming = std::chrono::microseconds(2);
/// Looks before a post counts as owed by a dead writer, and the time between them.
constexpr int repair_looks = 20;
constexpr auto repair_pause = std::chrono::milliseconds(1);

} // namespace

/// The time in which one thread writes.
class WriterCore::Session {
public:
    explicit Session(WriterCore& core) : core_(core) {
        Use found = Use::idle;
        if (core_.use_.compare_exchange_strong(found, Use::writing, std::memory_order_acquire)) return;
        core_.check_open();
        if (found == Use::closed) throw failure::closed("writer");
        throw failure::busy(core_.name(), found == Use::lent ? "an acquired frame is neither committed nor abandoned"
                                                             : "another thread is writing");
    }

    Session(const Session&) = delete;
    Session& operator=(const Session&) = delete;

    ~Session() {
        core_.use_.store(next_, std::memory_order_release);
        core_.use_.notify_all();
    }

    void lend() noexcept { next_ = Use::lent; }

private:
    WriterCore& core_;
    Use next_ = Use::idle;
};

WriterCore::WriterCore(Names names, Ring ring, Semaphore data, Semaphore space)
    : names_(std::move(names)),
      ring_(std::move(ring)),
      data_(std::move(data)),
      space_(std::move(space)),
      owner_(::getpid()) {}

void WriterCore::check_open() const {
    if (closed()) throw failure::closed("writer");
}

// ---- connecting

void WriterCore::claim(double segment_made_at) {
    ControlBlock& block = ring_.block();
    const std::uint64_t reader = load(block.reader_pid);
    if (started_after(reader, segment_made_at) && !ring_.segment().reader_lock_held() && !lock_file_held(names_)) {
        throw failure::reader_dead(name(), "died", reader);
    }
    check_reader();
    const auto own = static_cast<std::uint64_t>(owner_);
    const std::uint64_t owner = load(block.writer_pid);
    // The reader holds the claim for the moment in which it takes back what a dead writer left.
    const bool repairing = owner != 0 && owner == reader && ring_.segment().writer_lock().place == 0;
    if (repairing || (owner != 0 && alive(owner))) {
        if (!repairing) throw failure::writer_exists(name(), owner);
        throw NotReady{std::make_exception_ptr(failure::writer_exists(name(), owner)), repair_patience};
    }
    if (!compare_and_swap(block.writer_pid, owner, own)) {
        throw NotReady{std::make_exception_ptr(failure::writer_exists(name(), load(block.writer_pid))),
                       repair_patience};
    }
    try {
        ring_.segment().lock_writer(ring_.first_count(data_.value()));
        // A writer that left by itself owes nothing: what seems unposted then is a token that the reader has in hand.
        if (owner != 0) pay_for_dead_writer();
    } catch (...) {
        close();
        throw;
    }
}

/// Whether the writer that stands in the control block lives.
bool WriterCore::alive(std::uint64_t owner) {
    const bool locked = ring_.segment().writer_lock().place != 0;
    // Our own number without a lock is that of a dead process that had it before us, as in a restarted container.
    if (owner == static_cast<std::uint64_t>(owner_)) return locked;
    Peer peer;
    const Life life = peer.look(owner);
    return life == Life::alive || (life == Life::unknown && locked);
}

/// Posts what a dead writer did not. A reader that is between a token and its frame makes it look like one too many:
/// the least of several looks counts.
void WriterCore::pay_for_dead_writer() {
    std::uint64_t owed = owed_now();
    for (int looks = 1; looks < repair_looks && owed > 0; looks++) {
        std::this_thread::sleep_for(repair_pause);
        owed = std::min(owed, owed_now());
    }
    for (; owed > 0; owed--) data_.post();
}

std::uint64_t WriterCore::owed_now() {
    std::uint64_t pending = data_.value();
    std::uint64_t read_pos = ring_.read_pos();
    // Nobody posts while we hold the claim: an equal value means that no token was taken meanwhile.
    for (std::uint64_t now = data_.value(); now != pending; now = data_.value()) {
        pending = now;
        read_pos = ring_.read_pos();
    }
    return ring_.take_over(read_pos, pending);
}

// ---- the reader's life

void WriterCore::check_reader() {
    const std::uint64_t pid = reader_pid();
    if (pid == 0) throw failure::reader_dead(name(), "closed", 0);
    const std::lock_guard lock(reader_mutex_);
    const Life life = reader_.look(pid);
    if (life == Life::alive) return;
    // A number that was never known here may belong to another pid namespace.
    if (life == Life::unknown && (ring_.segment().reader_lock_held() || lock_file_held(names_))) return;
    throw failure::reader_dead(name(), "died", pid);
}

// ---- writing

std::uint64_t WriterCore::write(std::span<const std::byte> data, std::chrono::nanoseconds timeout) {
    const Session session(*this);
    const Plan plan = plan_when_free(data.size(), timeout);
    std::memcpy(ring_.place(plan).data(), data.data(), data.size());
    pass(Point::writer_data);
    check_open();
    return publish(plan);
}

Slot WriterCore::acquire(std::uint64_t size, std::chrono::nanoseconds timeout) {
    Session session(*this);
    auto plan = std::make_unique<Plan>(plan_when_free(size, timeout));
    const std::span<std::byte> place = ring_.place(*plan);
    Slot slot(shared_from_this(), std::move(plan), place, next_sequence());
    session.lend();
    return slot;
}

std::uint64_t WriterCore::commit(const Plan& plan) {
    Use found = Use::lent;
    if (!use_.compare_exchange_strong(found, Use::writing, std::memory_order_acquire)) {
        throw failure::closed("acquired frame");
    }

    // From here on it is as any other write.
    struct End {
        std::atomic<Use>& use;

        ~End() {
            use.store(Use::idle, std::memory_order_release);
            use.notify_all();
        }
    } const end{use_};

    check_reader();
    pass(Point::writer_data);
    return publish(plan);
}

void WriterCore::give_up() noexcept {
    Use found = Use::lent;
    use_.compare_exchange_strong(found, Use::idle, std::memory_order_release);
}

std::uint64_t WriterCore::publish(const Plan& plan) {
    const std::uint64_t sequence = sequence_.fetch_add(1, std::memory_order_relaxed);
    const std::uint64_t free = ring_.publish(plan, sequence, known_);
    data_.post();
    pass(Point::writer_post);
    pass(Point::writer_done);
    if (free > ring_.payload_size() || free < plan.need()) {
        // The frame stands, but somebody else wrote to the field since our last look.
        looked_at_ = {};
        throw failure::invalid_oieb(name(), "payload_free_bytes", free, ring_.payload_size());
    }
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
        throw failure::frame_too_large(name(), size, payload_size - header_size, always_fits(payload_size));
    case Fit::unwritable:
        throw failure::frame_unwritable(name(), size, fits_at(payload_size, write_pos), always_fits(payload_size));
    }
    return planned.plan;
}

/// Takes the shared fields anew. Nothing is relied upon while they are wrong.
void WriterCore::look() {
    looked_at_ = {};
    known_ = ring_.writer_state();
}

Plan WriterCore::plan_when_free(std::uint64_t size, std::chrono::nanoseconds timeout) {
    const auto now = Clock::now();
    bool fresh = now - looked_at_ >= streaming;
    if (fresh) {
        check_reader();
        look();
        looked_at_ = now;
    }
    if (++writes_ % drain_interval == 0) drain_space();
    std::optional<Deadline> deadline;
    for (;; fresh = false) {
        Plan plan = this->plan(known_.write_pos, size);
        if (!fresh && plan.need() > known_.free) {
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
            const auto moved = [&] { return load(ring_.block().payload_free_bytes) >= plan.need(); };
            if (deadline->next_slice() && spin_.until(moved)) continue;
        }
        const auto slice = deadline->next_slice();
        if (!slice) throw failure::buffer_full(name(), deadline->seconds(), size, plan.need(), known_.free);
        try {
            static_cast<void>(space_.take_until(*slice));
        } catch (const std::system_error& error) {
            failure::throw_errno(error.code().value(), name(), "wait for space");
        }
    }
}

void WriterCore::drain_space() noexcept {
    // Bounded: a reader that posts all the time must not keep us here.
    for (int tokens = 0; tokens < 65536 && space_.try_take(); tokens++) {
    }
}

void WriterCore::set_metadata(std::span<const std::byte> content) {
    const Session session(*this);
    check_reader();
    ring_.write_metadata(content);
}

void WriterCore::close() {
    if (closed_.exchange(true, std::memory_order_acq_rel)) return;
    // A call that waits sees the flag within a slice; a slot that is lent is worth nothing from now on.
    for (Use found = use_.load(); !use_.compare_exchange_weak(found, Use::closed);) {
        if (found != Use::writing) continue;
        use_.wait(Use::writing);
        found = use_.load();
    }
    if (owner_ != ::getpid()) return;
    ring_.segment().unlock();
    static_cast<void>(compare_and_swap(ring_.block().writer_pid, static_cast<std::uint64_t>(owner_), 0));
}

} // namespace zerobuffer::detail
