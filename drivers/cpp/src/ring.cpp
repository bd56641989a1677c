#include "ring.hpp"

#include "failure.hpp"
#include "point.hpp"

#include <cstring>
#include <string_view>
#include <utility>

namespace zerobuffer::detail {

namespace {

/// A reader that is inside a release is out of it a moment later, unless it was stopped there.
constexpr int steady_looks = 1000;

} // namespace

ControlBlock Ring::format(std::uint64_t metadata_size, std::uint64_t payload_size) noexcept {
    ControlBlock block{};
    block.oieb_size = oieb_size;
    block.version[0] = version_major;
    block.metadata_size = block.metadata_free_bytes = metadata_size;
    block.payload_size = block.payload_free_bytes = payload_size;
    block.reserved.committed = block.reserved.released = payload_size;
    return block;
}

Ring::Ring(std::string name, Segment segment) : name_(std::move(name)), segment_(std::move(segment)) {
    ControlBlock& block = this->block();
    const std::uint64_t size = std::atomic_ref(block.oieb_size).load(std::memory_order_relaxed);
    if (size != oieb_size) throw failure::invalid_oieb(name_, "oieb_size", size, oieb_size);
    const std::uint64_t major = std::atomic_ref(block.version[0]).load(std::memory_order_relaxed);
    if (major != version_major) throw failure::version_mismatch(name_, major);
    const std::uint64_t room = segment_.bytes().size() - oieb_size;
    metadata_size_ = load(block.metadata_size);
    if (metadata_size_ > room || metadata_size_ % block_alignment != 0) {
        throw failure::invalid_oieb(name_, "metadata_size", metadata_size_, room);
    }
    payload_size_ = load(block.payload_size);
    if (payload_size_ == 0 || payload_size_ != room - metadata_size_ || payload_size_ % block_alignment != 0) {
        throw failure::invalid_oieb(name_, "payload_size", payload_size_, room - metadata_size_);
    }
    payload_ = segment_.bytes().subspan(oieb_size + metadata_size_);
    static_cast<void>(fields());
    static_cast<void>(position("payload_read_pos", block.payload_read_pos));
}

std::uint64_t Ring::position(std::string_view field, std::uint64_t& value) const {
    const std::uint64_t position = load(value);
    if (position > payload_size_) throw failure::invalid_oieb(name_, field, position, payload_size_);
    // After an exact fit one peer leaves the end here, where another leaves the start.
    return position == payload_size_ ? 0 : position;
}

// ---- reading

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

void Ring::advance(const Found& found, std::uint64_t count) const noexcept {
    store(block().payload_read_pos, found.next_pos);
    pass(Point::reader_position);
    store(block().payload_read_count, count);
    pass(Point::reader_count);
}

void Ring::free(std::uint64_t& released, std::uint64_t bytes) const noexcept {
    ControlBlock& block = this->block();
    // Between the marked store and the last one nobody relies on payload_free_bytes.
    store(block.reserved.released, released | releasing);
    std::atomic_ref(block.payload_free_bytes).fetch_add(bytes);
    pass(Point::reader_free);
    released += bytes;
    store(block.reserved.released, released);
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

void Ring::settle(std::uint64_t read, std::uint64_t held) const noexcept {
    ControlBlock& block = this->block();
    store(block.reserved.committed, read);
    store(block.payload_write_pos, read % payload_size_);
    store(block.payload_free_bytes, payload_size_ - held);
    store(block.payload_written_count, load(block.payload_read_count));
}

// ---- writing

Ring::WriterState Ring::fields() const {
    const std::uint64_t write_pos = position("payload_write_pos", block().payload_write_pos);
    const std::uint64_t free = load(block().payload_free_bytes);
    if (free > payload_size_) throw failure::invalid_oieb(name_, "payload_free_bytes", free, payload_size_);
    return {.write_pos = write_pos, .count = load(block().payload_written_count), .free = free};
}

std::optional<Ring::Standing> Ring::standing() const noexcept {
    ControlBlock& block = this->block();
    for (int looks = 0; looks < steady_looks; looks++) {
        Standing found;
        found.released = load(block.reserved.released);
        if (found.released == 0) return found;
        found.write_pos = load(block.payload_write_pos);
        found.free = load(block.payload_free_bytes);
        if ((found.released & releasing) == 0 && load(block.reserved.released) == found.released) return found;
    }
    return std::nullopt;
}

bool Ring::inherit(bool ours) const noexcept {
    ControlBlock& block = this->block();
    const auto found = standing();
    if (!found || found->released == 0) return found.has_value();
    std::uint64_t used = load(block.reserved.committed) - found->released;
    if (!ours) {
        // Where it stands tells what it wrote. At the reader's own place the ring is empty or full.
        used = (found->write_pos + payload_size_ - found->released % payload_size_) % payload_size_;
        if (used == 0 && found->free != payload_size_) used = payload_size_;
        if (used == payload_size_ && found->free != 0) return false;
    }
    if (used > payload_size_) return true; // Nonsense is left alone.
    store(block.payload_write_pos, (found->released + used) % payload_size_);
    // A difference: what the reader releases meanwhile is added by itself.
    std::atomic_ref(block.payload_free_bytes).fetch_add(payload_size_ - used - found->free);
    return true;
}

std::optional<std::uint64_t> Ring::find_committed() const noexcept {
    const auto found = standing();
    if (!found || found->released == 0) return found ? std::optional(found->released) : std::nullopt;
    const std::uint64_t committed = found->released + payload_size_ - found->free;
    return committed % payload_size_ == found->write_pos % payload_size_ ? committed : 0;
}

Ring::WriterState Ring::announce(std::uint64_t committed, std::uint64_t pid) const noexcept {
    ControlBlock& block = this->block();
    store(block.reserved.committed, committed);
    store(block.reserved.start, committed);
    // Last: a reader that finds the writer here finds the start of its stream.
    store(block.reserved.connection, (number_of(load(block.reserved.connection)) + 1) << 32U | pid);
    return {.write_pos = committed % payload_size_, .count = load(block.payload_written_count), .committed = committed};
}

void Ring::leave() const noexcept { leave(number_of(load(block().reserved.connection))); }

void Ring::leave(std::uint64_t number) const noexcept {
    if (load(block().reserved.released) != 0) store(block().reserved.connection, number << 32U);
}

void Ring::refresh(WriterState& state) const {
    const WriterState found = fields();
    if (state.committed == 0 || state.write_pos != found.write_pos) {
        if (state.committed != 0) leave();
        state = found;
        return;
    }
    state.free = free_bytes(state);
    if (state.free > payload_size_) {
        throw failure::invalid_oieb(name_, "released", load(block().reserved.released), state.committed);
    }
}

std::uint64_t Ring::free_bytes(const WriterState& state) const noexcept {
    if (state.committed == 0) return load(block().payload_free_bytes);
    return payload_size_ - (state.committed - (load(block().reserved.released) & ~releasing));
}

std::span<std::byte> Ring::place(const Plan& plan) const noexcept {
    return segment_.writable().subspan(oieb_size + metadata_size_ + plan.at + header_size, plan.size);
}

void Ring::publish(const Plan& plan, std::uint64_t sequence, WriterState& state) const noexcept {
    std::byte* const payload = segment_.writable().data() + oieb_size + metadata_size_;
    const FrameHeader header{.size = plan.size, .sequence = sequence};
    std::memcpy(payload + plan.at, &header, sizeof header);
    if (plan.marker) std::memset(payload + plan.write_pos, 0, sizeof header);
    pass(Point::writer_header);

    ControlBlock& block = this->block();
    state.write_pos = (plan.at + plan.total) % payload_size_;
    state.count += plan.counted();
    state.free -= plan.need();
    pass(Point::writer_intent);
    std::atomic_ref(block.payload_free_bytes).fetch_sub(plan.need());
    pass(Point::writer_free);
    store(block.payload_write_pos, state.write_pos);
    pass(Point::writer_position);
    store(block.payload_written_count, state.count);
    pass(Point::writer_count);
    if (state.committed != 0) {
        state.committed += plan.need();
        // The commit: a writer that dies before this store has written nothing.
        store(block.reserved.committed, state.committed);
    }
    pass(Point::writer_commit);
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

} // namespace zerobuffer::detail
