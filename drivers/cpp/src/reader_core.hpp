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
#include <string_view>

namespace zerobuffer::detail {

/// One connection of a writer: its process, and the place of its lock.
struct Connection {
    std::uint64_t pid = 0; ///< 0: nobody.
    std::int64_t place = 0;

    [[nodiscard]] bool operator==(const Connection&) const = default;
};

/// What a reader and the frames that it has lent share.
class ReaderCore : public std::enable_shared_from_this<ReaderCore> {
public:
    ReaderCore(const Names& names, const BufferConfig& config);
    ReaderCore(const ReaderCore&) = delete;
    ReaderCore& operator=(const ReaderCore&) = delete;
    ~ReaderCore() = default;

    [[nodiscard]] Frame read(std::chrono::nanoseconds timeout);
    [[nodiscard]] std::vector<std::byte> metadata() const;
    [[nodiscard]] WriterState writer_state();
    void close();

    void give_back(std::uint64_t lease) noexcept;

    [[nodiscard]] const std::string& name() const noexcept { return ring_.name(); }

    /// The connection whose frames are read; nobody once it is gone.
    [[nodiscard]] Connection stream();

    /// The connection that stands in the control block.
    [[nodiscard]] Connection connection_now() const noexcept;

private:
    void check_open() const;
    [[nodiscard]] Turn::Hold take_turn(const Deadline& deadline);
    void take_token(const Deadline& deadline);
    [[nodiscard]] std::optional<Found> find_next();
    [[nodiscard]] std::optional<Found> look_ahead(std::uint64_t position);
    [[nodiscard]] bool is_surplus(std::uint64_t position, bool strange);
    [[nodiscard]] WriterState look_at_writer();
    void settle();
    void check_sequence(const Found& found) const;
    [[nodiscard]] bool another_writer() const noexcept;
    void begin_stream(const Found& found);
    [[nodiscard]] std::uint64_t lend(const Found& found);
    void return_space(Leases::Returned returned) noexcept;

    Ring ring_;
    Semaphore data_;
    Semaphore space_;
    ::pid_t owner_; ///< In a child of fork the buffer belongs to the parent.
    std::atomic<bool> closed_{false};

    std::mutex leases_mutex_;
    Leases leases_;

    Turn turn_;
    // What follows belongs to the thread whose turn it is.
    std::unique_ptr<Owned> owned_;

    /// Copies of the two fields that only we write: to load them back waits for a cache line that the writer is
    /// changing. Taken anew after each wait.
    struct Position {
        std::uint64_t at;
        std::uint64_t count;
    };

    std::optional<Position> position_;
    std::uint64_t expected_ = 1;
    std::optional<Connection> stream_; ///< Nothing: its writer is gone, and any other begins another stream.
    std::uint64_t streams_ = 0;        ///< How many have begun.
    std::uint64_t surplus_ = 0;        ///< Tokens that stood for no frame.
    bool writer_seen_ = false;
    bool unsettled_ = true; ///< Whether this writer may have left something half-done.
    Peer writer_;
    Spin spin_;

    explicit ReaderCore(Created created);
};

} // namespace zerobuffer::detail
