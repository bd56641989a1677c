#pragma once

#include "plan.hpp"
#include "segment.hpp"

#include <atomic>
#include <cstddef>
#include <cstdint>
#include <span>
#include <string>
#include <vector>

namespace zerobuffer::detail {

[[nodiscard]] inline std::uint64_t load(std::uint64_t& field) noexcept {
    return std::atomic_ref(field).load(std::memory_order_acquire);
}

inline void store(std::uint64_t& field, std::uint64_t value) noexcept {
    std::atomic_ref(field).store(value, std::memory_order_release);
}

/// Sets a field from one value to another; says whether it held the first.
[[nodiscard]] inline bool compare_and_swap(std::uint64_t& field, std::uint64_t from, std::uint64_t to) noexcept {
    return std::atomic_ref(field).compare_exchange_strong(from, to, std::memory_order_acq_rel,
                                                          std::memory_order_acquire);
}

/// A frame that stands in the ring.
struct Found {
    std::span<const std::byte> data;
    std::uint64_t sequence = 0;
    std::uint64_t wrapped = 0; ///< Bytes of tail that were passed on the way.
    std::uint64_t counted = 1; ///< By how much payload_read_count goes up.
    std::uint64_t next_pos = 0;

    [[nodiscard]] std::uint64_t total() const noexcept { return header_size + data.size(); }
};

/// The ring over a mapped segment: no waiting, no system call.
///
/// Whatever stands in shared memory is untrusted: every value is loaded once, checked, and only then used. The sizes
/// are taken once, when the segment is attached.
class Ring {
public:
    /// Writes a fresh control block into memory that is all zero; reader_pid comes last, which makes the buffer exist.
    static void format(ControlBlock& block, std::uint64_t metadata_size, std::uint64_t payload_size,
                       std::uint64_t reader_pid) noexcept;

    /// Checks what somebody else may have written.
    /// @throws InvalidOiebError, VersionMismatchError
    Ring(std::string name, Segment segment);

    [[nodiscard]] const std::string& name() const noexcept { return name_; }

    [[nodiscard]] const Segment& segment() const noexcept { return segment_; }

    [[nodiscard]] ControlBlock& block() const noexcept { return segment_.control(); }

    [[nodiscard]] std::uint64_t payload_size() const noexcept { return payload_size_; }

    // ---- reading

    [[nodiscard]] std::uint64_t read_pos() const;

    /// The next frame from a position on; changes nothing.
    /// @throws InvalidFrameSizeError
    [[nodiscard]] Found look(std::uint64_t position) const;

    /// Whether nothing that is unread stands behind a position at which the reader is.
    [[nodiscard]] bool is_drained(std::uint64_t position) const noexcept;

    /// The reader has taken a frame; `count` is the new payload_read_count.
    void advance(const Found& found, std::uint64_t count) const noexcept;

    /// Gives bytes back to the writer, whose next use of them happens after our last.
    void free(std::uint64_t bytes) const noexcept;

    [[nodiscard]] std::vector<std::byte> metadata() const;

    /// Takes back what a dead writer left half-done, once all that it posted is read. `held` bytes are not released.
    void roll_back(std::uint64_t held) const noexcept;

    /// Whether a frame of sequence 1 stands among the next `pending` ones from a position on.
    [[nodiscard]] bool restarts_ahead(std::uint64_t position, std::uint64_t pending) const noexcept;

    // ---- writing

    /// What only the writer changes, and the least that is free.
    struct WriterState {
        std::uint64_t write_pos = 0;
        std::uint64_t count = 0;
        std::uint64_t free = 0;
    };

    [[nodiscard]] WriterState writer_state() const;

    /// Where the data of a planned frame goes.
    [[nodiscard]] std::span<std::byte> place(const Plan& plan) const noexcept;

    /// Makes a frame whose data stands in its place part of the ring, and brings the state to where it is then. The
    /// caller then posts "data". Returns what was free before, unchecked.
    std::uint64_t publish(const Plan& plan, std::uint64_t sequence, WriterState& state) const noexcept;

    void write_metadata(std::span<const std::byte> content) const;

    /// The count at which a writer that connects now begins: what was written so far, with what a dead writer was about
    /// to publish; 0 where nothing stands in the ring, as then all that comes is its own.
    [[nodiscard]] std::uint64_t first_count(std::uint64_t pending) const;

    /// Finishes what a dead writer began, whose claim is now ours; says how many posts of "data" it still owes. That
    /// semaphore stood at `pending` when the reader stood at `read_pos`: it may go on meanwhile.
    [[nodiscard]] std::uint64_t take_over(std::uint64_t read_pos, std::uint64_t pending) const;

private:
    [[nodiscard]] std::uint64_t position(std::string_view field, std::uint64_t& value) const;
    [[nodiscard]] std::uint64_t count_standing(std::uint64_t position, std::uint64_t pending) const;
    void finish_intent() const;
    void clear_intent() const noexcept;

    std::string name_;
    Segment segment_;
    std::uint64_t metadata_size_ = 0;
    std::uint64_t payload_size_ = 0;
    std::span<const std::byte> payload_;
};

} // namespace zerobuffer::detail
