#pragma once

#include "leases.hpp"
#include "ownership.hpp"
#include "process.hpp"
#include "ring.hpp"
#include "semaphore.hpp"
#include "spin.hpp"
#include "turn.hpp"

#include <zerobuffer/reader.hpp>

#include <atomic>
#include <chrono>
#include <cstdint>
#include <memory>
#include <mutex>
#include <optional>

namespace zerobuffer::detail {

/// One connection of a writer: its process, and its number, which only our writers change.
struct Connection {
    std::uint64_t pid = 0; ///< 0: nobody.
    std::uint64_t number = 0;
    bool ours = false; ///< Until it goes on plain: it stays the same connection.

    [[nodiscard]] bool operator==(const Connection& other) const noexcept {
        return pid == other.pid && number == other.number;
    }
};

/// What a reader and the frames that were read from it share.
class ReaderCore : public std::enable_shared_from_this<ReaderCore> {
public:
    ReaderCore(const Names& names, const BufferConfig& config);

    [[nodiscard]] Frame read(std::chrono::nanoseconds timeout);
    [[nodiscard]] std::vector<std::byte> metadata() const;
    [[nodiscard]] WriterState writer_state();
    void close();

    void give_back(std::uint64_t lease) noexcept;

    [[nodiscard]] const std::string& name() const noexcept { return ring_.name(); }

    /// Who was connected when frame 1 was read; nobody if it is known to be older.
    [[nodiscard]] Connection author();

    /// The connection that stands in the control block.
    [[nodiscard]] Connection connection_now() const noexcept;

private:
    void check_open() const;
    [[nodiscard]] Turn::Hold take_turn(const Deadline& deadline);
    void await_frame(const Deadline& deadline);
    [[nodiscard]] bool take_token() noexcept;
    [[nodiscard]] bool find_frame() noexcept;
    [[nodiscard]] bool is_behind(std::uint64_t& field) const noexcept;
    [[nodiscard]] Found next_frame();
    [[nodiscard]] WriterState look_at_writer();
    void settle();
    void check_sequence(const Found& found) const;
    void begin_stream();
    [[nodiscard]] std::uint64_t lease(const Found& found);
    void return_space(Leases::Returned returned) noexcept;

    Ring ring_;
    Semaphore data_;
    Semaphore space_;
    ::pid_t owner_; ///< In a child of fork the buffer belongs to the parent.
    std::atomic<bool> closed_{false};

    std::mutex leases_mutex_;
    Leases leases_;
    std::uint64_t released_; ///< Bytes that have returned to the ring.

    Turn turn_;
    // What follows belongs to the thread whose turn it is.
    std::unique_ptr<Owned> owned_;

    std::uint64_t read_; ///< Bytes that were read, tails included: where the next frame stands, after all laps.
    /// A copy of payload_read_count: to load it waits for a cache line that the writer is changing. Taken anew after
    /// each wait.
    std::optional<std::uint64_t> count_;
    std::int64_t balance_ = 0; ///< Tokens of "data" that were taken, less frames that were read.
    std::uint64_t expected_ = 1;
    Connection stream_; ///< Nobody: its writer is gone, and any other begins another stream.
    Connection author_;
    Connection idle_; ///< Who was connected when there was nothing to read.
    bool writer_seen_ = false;
    Connection writer_;                 ///< The last one that was seen.
    std::optional<Connection> settled_; ///< The dead one after which all was set straight.
    Peer foreign_;
    Spin spin_;

    explicit ReaderCore(Created created);
};

} // namespace zerobuffer::detail
