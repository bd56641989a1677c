#include "ring.hpp"

#include "failure.hpp"
#include "point.hpp"

#include <algorithm>
#include <cstring>
#include <string_view>
#include <utility>

namespace zerobuffer::detail {

namespace {

/// One more than can stand in a ring of this size: a walk over what somebody else wrote ends there.
std::uint64_t most_frames(std::uint64_t payload_size) { return payload_size / (header_size + 1) + 1; }

} // namespace

void Ring::format(ControlBlock& block, std::uint64_t metadata_size, std::uint64_t payload_size,
                  std::uint64_t reader_pid) noexcept {
    std::atomic_ref(block.version[0]).store(version_major, std::memory_order_relaxed);
    store(block.metadata_size, metadata_size);
    store(block.metadata_free_bytes, metadata_size);
    store(block.payload_size, payload_size);
    store(block.payload_free_bytes, payload_size);
    std::atomic_ref(block.oieb_size).store(oieb_size, std::memory_order_release);
    store(block.reader_pid, reader_pid);
}

Ring::Ring(std::string name, Segment segment) : name_(std::move(name)), segment_(std::move(segment)) {
    const std::uint64_t length = segment_.bytes().size();
    if (length < oieb_size) throw failure::invalid_oieb(name_, "length", length, oieb_size);
    ControlBlock& block = this->block();
    const std::uint64_t size = std::atomic_ref(block.oieb_size).load(std::memory_order_acquire);
    if (size != oieb_size) throw failure::invalid_oieb(name_, "oieb_size", size, oieb_size);
    const std::uint64_t major = std::atomic_ref(block.version[0]).load(std::memory_order_relaxed);
    if (major != version_major) throw failure::version_mismatch(name_, major);
    const std::uint64_t room = length - oieb_size;
    metadata_size_ = load(block.metadata_size);
    if (metadata_size_ > room || metadata_size_ % block_alignment != 0) {
        throw failure::invalid_oieb(name_, "metadata_size", metadata_size_, room);
    }
    payload_size_ = load(block.payload_size);
    if (payload_size_ == 0 || payload_size_ != room - metadata_size_ || payload_size_ % block_alignment != 0) {
        throw failure::invalid_oieb(name_, "payload_size", payload_size_, room - metadata_size_);
    }
    payload_ = segment_.bytes().subspan(oieb_size + metadata_size_);
    static_cast<void>(writer_state());
    static_cast<void>(read_pos());
}

std::uint64_t Ring::position(std::string_view field, std::uint64_t& value) const {
    const std::uint64_t position = load(value);
    if (position > payload_size_) throw failure::invalid_oieb(name_, field, position, payload_size_);
    // After an exact fit one peer leaves the end here, where another leaves the start.
    return position == payload_size_ ? 0 : position;
}

// ---- reading

std::uint64_t Ring::read_pos() const { return position("payload_read_pos", block().payload_read_pos); }

Found Ring::look(std::uint64_t position) const {
    Found found;
    FrameHeader header{};
    // At most one wrap: after it the position is 0, where neither a marker nor a short tail can be.
    for (;;) {
        const std::uint64_t tail = payload_size_ - position;
        if (tail >= header_size) {
            std::memcpy(&header, payload_.data() + position, sizeof header);
            if (header.size != 0 || header.sequence != 0) break;
            if (position == 0) {
                throw failure::invalid_frame_size(name_, "wrap marker without a frame behind it", 0,
                                                  payload_size_ - header_size);
            }
            found.counted = 2;
        }
        found.wrapped = tail;
        position = 0;
    }
    const std::uint64_t room = payload_size_ - position - header_size;
    if (header.size == 0 || header.size > room) {
        throw failure::invalid_frame_size(name_, "frame header", header.size, room);
    }
    found.data = payload_.subspan(position + header_size, header.size);
    found.sequence = header.sequence;
    found.next_pos = (position + found.total()) % payload_size_;
    return found;
}

bool Ring::is_drained(std::uint64_t position) const noexcept {
    try {
        const WriterState state = writer_state();
        const bool all_read = state.count == load(block().payload_read_count);
        return position == state.write_pos && (state.free != 0 || all_read);
    } catch (const Error&) {
        // What is corrupt is reported when it is read.
        return false;
    }
}

void Ring::advance(const Found& found, std::uint64_t count) const noexcept {
    store(block().payload_read_pos, found.next_pos);
    pass(Point::reader_position);
    store(block().payload_read_count, count);
    pass(Point::reader_count);
}

void Ring::free(std::uint64_t bytes) const noexcept {
    std::atomic_ref(block().payload_free_bytes).fetch_add(bytes, std::memory_order_acq_rel);
    pass(Point::reader_free);
}

std::vector<std::byte> Ring::metadata() const {
    const std::uint64_t written = load(block().metadata_written_bytes);
    if (written == 0) throw failure::no_metadata(name_);
    if (written <= metadata_prefix || written > metadata_size_) {
        throw failure::invalid_oieb(name_, "metadata_written_bytes", written, metadata_size_);
    }
    const auto content = segment_.bytes().subspan(oieb_size, written);
    std::uint64_t length = 0;
    std::memcpy(&length, content.data(), sizeof length);
    if (length != written - metadata_prefix) {
        throw failure::invalid_oieb(name_, "metadata length", length, written - metadata_prefix);
    }
    return {content.begin() + metadata_prefix, content.end()};
}

void Ring::roll_back(std::uint64_t held) const noexcept {
    std::uint64_t read_pos = load(block().payload_read_pos);
    if (held > payload_size_ || read_pos > payload_size_) return;
    read_pos %= payload_size_;
    const std::uint64_t write_pos = load(block().payload_write_pos) % payload_size_;
    if (write_pos != read_pos || load(block().payload_free_bytes) != payload_size_ - held) {
        store(block().payload_write_pos, read_pos);
        store(block().payload_free_bytes, payload_size_ - held);
        store(block().payload_written_count, load(block().payload_read_count));
    }
    clear_intent();
}

bool Ring::restarts_ahead(std::uint64_t position, std::uint64_t pending) const noexcept {
    try {
        const std::uint64_t end = writer_state().write_pos;
        // Tokens that stand for no frame lead no further than where the writer stands.
        for (std::uint64_t left = std::min(pending, most_frames(payload_size_)); left > 0 && position != end; left--) {
            const Found found = look(position);
            if (found.sequence == 1) return true;
            position = found.next_pos;
        }
    } catch (const Error&) {
        // What is corrupt is reported when it is read.
    }
    return false;
}

// ---- writing

Ring::WriterState Ring::writer_state() const {
    const std::uint64_t write_pos = position("payload_write_pos", block().payload_write_pos);
    const std::uint64_t free = load(block().payload_free_bytes);
    if (free > payload_size_) throw failure::invalid_oieb(name_, "payload_free_bytes", free, payload_size_);
    return {.write_pos = write_pos, .count = load(block().payload_written_count), .free = free};
}

std::span<std::byte> Ring::place(const Plan& plan) const noexcept {
    return segment_.writable().subspan(oieb_size + metadata_size_ + plan.at + header_size, plan.size);
}

std::uint64_t Ring::publish(const Plan& plan, std::uint64_t sequence, WriterState& state) const noexcept {
    std::byte* const payload = segment_.writable().data() + oieb_size + metadata_size_;
    const FrameHeader header{.size = plan.size, .sequence = sequence};
    std::memcpy(payload + plan.at, &header, sizeof header);
    if (plan.marker) std::memset(payload + plan.write_pos, 0, sizeof header);
    pass(Point::writer_header);

    ControlBlock& block = this->block();
    const std::uint64_t count = state.count + plan.counted();
    const std::uint64_t end = (plan.at + plan.total) % payload_size_;
    store(block.reserved.old_pos, plan.write_pos);
    store(block.reserved.count, count);
    store(block.reserved.bytes, plan.need());
    pass(Point::writer_intent);
    store(block.payload_write_pos, end);
    pass(Point::writer_position);
    const std::uint64_t free =
        std::atomic_ref(block.payload_free_bytes).fetch_sub(plan.need(), std::memory_order_acq_rel);
    pass(Point::writer_free);
    store(block.payload_written_count, count);
    pass(Point::writer_count);
    clear_intent();
    // The reader looks at nothing before it has a token: the post must not overtake what it stands for. (The stores
    // above are releases already, and a post is at least that; the protocol asks for the fence all the same, and
    // ThreadSanitizer knows none.)
#ifndef __SANITIZE_THREAD__
    std::atomic_thread_fence(std::memory_order_release);
#endif
    state = {.write_pos = end, .count = count, .free = free - plan.need()};
    return free;
}

void Ring::write_metadata(std::span<const std::byte> content) const {
    if (content.empty()) throw failure::metadata_empty(name_);
    const std::uint64_t limit = metadata_size_ == 0 ? 0 : metadata_size_ - metadata_prefix;
    if (content.size() > limit) throw failure::metadata_too_large(name_, content.size(), limit);
    ControlBlock& block = this->block();
    if (load(block.metadata_written_bytes) != 0) throw failure::metadata_exists(name_);
    const std::uint64_t length = content.size();
    std::byte* const metadata = segment_.writable().data() + oieb_size;
    std::memcpy(metadata + metadata_prefix, content.data(), content.size());
    std::memcpy(metadata, &length, sizeof length);
    pass(Point::writer_metadata);
    store(block.metadata_free_bytes, metadata_size_ - metadata_prefix - length);
    // Last: a reader that sees a length sees the content.
    store(block.metadata_written_bytes, metadata_prefix + length);
}

void Ring::clear_intent() const noexcept {
    store(block().reserved.bytes, 0);
    store(block().reserved.old_pos, 0);
    store(block().reserved.count, 0);
}

std::uint64_t Ring::first_count(std::uint64_t pending) const {
    ControlBlock& block = this->block();
    if (load(block.reserved.bytes) != 0) return load(block.reserved.count);
    const std::uint64_t written = load(block.payload_written_count);
    const WriterState state = writer_state();
    if (pending != 0 || state.write_pos != read_pos()) return written;
    const bool full_of_unposted = state.free == 0 && written != load(block.payload_read_count);
    return full_of_unposted ? written : 0;
}

std::uint64_t Ring::take_over(std::uint64_t read_pos, std::uint64_t pending) const {
    finish_intent();
    clear_intent();
    const std::uint64_t standing = count_standing(read_pos, pending);
    return standing > pending ? standing - pending : 0;
}

void Ring::finish_intent() const {
    ControlBlock& block = this->block();
    const std::uint64_t bytes = load(block.reserved.bytes);
    const std::uint64_t count = load(block.reserved.count);
    if (bytes == 0 || bytes > payload_size_ || load(block.payload_written_count) == count) return;
    const WriterState state = writer_state();
    // A frame that fills the whole ring ends where it began: then only the free bytes tell how far it came.
    const bool moved = state.write_pos != load(block.reserved.old_pos) || (bytes == payload_size_ && state.free == 0);
    if (!moved) return;
    // Whether the bytes were taken before the death cannot be told from here, as the reader may hold frames. Taken once
    // too often they make the ring smaller until it is recreated; once too seldom they would be overwritten. (A reader
    // that notices the death first knows what it holds, and takes back exactly.)
    if (state.free >= bytes) {
        std::atomic_ref(block.payload_free_bytes).fetch_sub(bytes, std::memory_order_acq_rel);
    }
    store(block.payload_written_count, count);
}

std::uint64_t Ring::count_standing(std::uint64_t position, std::uint64_t pending) const {
    const WriterState state = writer_state();
    if (position == state.write_pos) {
        if (state.free == payload_size_) return 0;
        // All read and still held, or a full ring that nobody posted.
        const bool all_read = load(block().payload_written_count) == load(block().payload_read_count);
        if (pending == 0 && (state.free != 0 || all_read)) return 0;
    }
    for (std::uint64_t frames = 1; frames <= most_frames(payload_size_); frames++) {
        try {
            position = look(position).next_pos;
        } catch (const Error&) {
            return pending;
        }
        if (position == state.write_pos) return frames;
    }
    return pending;
}

} // namespace zerobuffer::detail
