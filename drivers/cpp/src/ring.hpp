#pragma once

#include "plan.hpp"
#include "segment.hpp"

#include <atomic>
#include <cstddef>
#include <cstdint>
#include <optional>
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

/// The process of a connection of ours; 0 once it closed.
[[nodiscard]] inline std::uint64_t process_of(std::uint64_t connection) noexcept { return connection & 0xFFFF'FFFFU; }

[[nodiscard]] inline std::uint64_t number_of(std::uint64_t connection) noexcept { return connection >> 32U; }

/// Sets a field from one value to another; says whether it held the first.
[[nodiscard]] inline bool compare_and_swap(std::uint64_t& field, std::uint64_t from, std::uint64_t to) noexcept {
    return std::atomic_ref(field).compare_exchange_strong(from, to);
}

/// A frame that stands in the ring.
struct Found {
    std::span<const std::byte> data;
    std::uint64_t sequence;
    std::uint64_t wrapped = 0; ///< Bytes of tail that were passed on the way.
    std::uint64_t counted = 1; ///< By how much payload_read_count goes up.
    std::uint64_t next_pos;

    [[nodiscard]] std::uint64_t total() const noexcept { return header_size + data.size(); }

    [[nodiscard]] std::uint64_t passed() const noexcept { return wrapped + total(); }
};

/// The ring over a mapped segment: no waiting, no system call.
///
/// Whatever stands in shared memory is untrusted: every value is loaded once, checked, and only then used. The sizes
/// are taken once, when the segment is attached.
class Ring {
public:
    /// A fresh control block, but for reader_pid, which makes the buffer exist.
    [[nodiscard]] static ControlBlock format(std::uint64_t metadata_size, std::uint64_t payload_size) noexcept;

    /// Checks what somebody else may have written.
    /// @throws InvalidOiebError, VersionMismatchError
    Ring(std::string name, Segment segment);

    [[nodiscard]] const std::string& name() const noexcept { return name_; }

    [[nodiscard]] const Segment& segment() const noexcept { return segment_; }

    [[nodiscard]] ControlBlock& block() const noexcept { return segment_.control(); }

    [[nodiscard]] std::uint64_t payload_size() const noexcept { return payload_size_; }

    // ---- reading

    /// The next frame from a position on; changes nothing.
    /// @throws InvalidFrameSizeError
    [[nodiscard]] Found look(std::uint64_t position) const;

    /// The reader has taken a frame; `count` is the new payload_read_count.
    void advance(const Found& found, std::uint64_t count) const noexcept;

    /// Gives bytes back to the writer, whose next use of them happens after our last. `released` is the reader's copy.
    void free(std::uint64_t& released, std::uint64_t bytes) const noexcept;

    [[nodiscard]] std::vector<std::byte> metadata() const;

    /// Sets straight what a dead writer left, for those that do not know `committed`. All that was written is read;
    /// `held` bytes of it are not released.
    void settle(std::uint64_t read, std::uint64_t held) const noexcept;

    // ---- writing

    /// What only the writer changes, and the least that is free.
    struct WriterState {
        std::uint64_t write_pos;
        std::uint64_t count;
        std::uint64_t free = 0;
        std::uint64_t committed = 0; ///< 0: the writer is plain, and knows the protocol alone.
    };

    /// Sets right what a dead writer left, of ours or not. False: it cannot be told now.
    [[nodiscard]] bool inherit(bool ours) const noexcept;

    /// What is committed while there is no writer, 0 if a writer has to be plain; nothing if it cannot be told now.
    [[nodiscard]] std::optional<std::uint64_t> find_committed() const noexcept;

    /// Tells of a new connection of ours; returns where it begins.
    [[nodiscard]] WriterState announce(std::uint64_t committed, std::uint64_t pid) const noexcept;

    /// No writer of ours is connected from now on, unless as a plain one. A foreign reader's block stays as it is.
    void leave() const noexcept;
    /// The same, and the word gets another number.
    void leave(std::uint64_t number) const noexcept;

    /// Takes what is free anew. A writer finds itself plain when somebody else has moved its position.
    void refresh(WriterState& state) const;

    [[nodiscard]] std::uint64_t free_bytes(const WriterState& state) const noexcept;

    /// Where the data of a planned frame goes.
    [[nodiscard]] std::span<std::byte> place(const Plan& plan) const noexcept;

    /// Makes a frame whose data stands in its place part of the ring, and brings the state to where it is then. The
    /// caller then posts "data".
    void publish(const Plan& plan, std::uint64_t sequence, WriterState& state) const noexcept;

    void write_metadata(std::span<const std::byte> content) const;

private:
    /// The fields of both sides at one moment; `released` is 0 where the reader is foreign.
    struct Standing {
        std::uint64_t released;
        std::uint64_t write_pos;
        std::uint64_t free;
    };

    [[nodiscard]] std::uint64_t position(std::string_view field, std::uint64_t& value) const;
    [[nodiscard]] WriterState fields() const;
    [[nodiscard]] std::optional<Standing> standing() const noexcept;

    std::string name_;
    Segment segment_;
    std::uint64_t metadata_size_;
    std::uint64_t payload_size_;
    std::span<const std::byte> payload_;
};

} // namespace zerobuffer::detail
