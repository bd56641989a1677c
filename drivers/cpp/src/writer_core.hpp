#pragma once

#include "names.hpp"
#include "plan.hpp"
#include "process.hpp"
#include "ring.hpp"
#include "semaphore.hpp"
#include "spin.hpp"

#include <zerobuffer/writer.hpp>

#include <atomic>
#include <chrono>
#include <cstdint>
#include <mutex>
#include <span>

namespace zerobuffer::detail {

/// What a writer and the slot that was acquired from it share.
class WriterCore : public std::enable_shared_from_this<WriterCore> {
public:
    /// Everything is open and checked, and the buffer is not yet claimed; see connect().
    WriterCore(Names names, Ring ring, Semaphore data, Semaphore space);

    /// Becomes the writer by compare-and-swap, from nobody or from a dead one.
    /// @throws NotReady, WriterExistsError, ReaderDeadError
    void claim();

    /// One thread writes at a time, and none while a place is lent.
    /// @throws ClosedError, BusyError
    [[nodiscard]] std::unique_lock<std::mutex> begin();
    std::uint64_t write(std::span<const std::byte> data, std::chrono::nanoseconds timeout);
    [[nodiscard]] Slot acquire(std::uint64_t size, std::chrono::nanoseconds timeout);
    std::uint64_t commit(const Plan& plan);
    void give_up() noexcept;
    void set_metadata(std::span<const std::byte> content);
    void check_reader();
    void close();

    [[nodiscard]] std::uint64_t next_sequence() const noexcept { return sequence_.load(std::memory_order_relaxed); }

    [[nodiscard]] const std::string& name() const noexcept { return ring_.name(); }

    [[nodiscard]] std::uint64_t reader_pid() const noexcept { return load(ring_.block().reader_pid); }

    /// It knows more than the protocol.
    [[nodiscard]] bool reader_is_ours() const noexcept { return load(ring_.block().reserved.released) != 0; }

    /// The largest frame that can be written at any position.
    [[nodiscard]] std::uint64_t always_fits() const noexcept { return detail::always_fits(ring_.payload_size()); }

    [[nodiscard]] bool closed() const noexcept { return closed_; }

private:
    void check_open() const;
    [[nodiscard]] Plan plan_when_free(std::uint64_t size, std::chrono::nanoseconds timeout);
    [[nodiscard]] Plan plan(std::uint64_t write_pos, std::uint64_t size) const;
    std::uint64_t publish(const Plan& plan);
    void look();
    void drain_space() noexcept;
    [[nodiscard]] bool reader_lives(std::uint64_t pid);

    Names names_;
    Ring ring_;
    Semaphore data_;
    Semaphore space_;
    ::pid_t owner_;
    std::atomic<bool> closed_{false};
    std::atomic<std::uint64_t> sequence_{1};
    std::mutex writing_;
    // What follows belongs to the thread that writes.
    bool lent_ = false;
    std::uint32_t writes_ = 0;
    Spin spin_;
    Ring::WriterState known_;
    Clock::time_point looked_at_;

    std::mutex reader_mutex_;
    Clock::time_point reader_seen_;
    Peer foreign_;
};

} // namespace zerobuffer::detail
