#include "failure.hpp"
#include "reader_core.hpp"

#include <zerobuffer/reader.hpp>

#include <utility>

namespace zerobuffer {

Reader::Reader(std::string_view name, const BufferConfig& config)
    : core_(std::make_shared<detail::ReaderCore>(detail::Names(name), config)) {}

Reader::Reader(Reader&&) noexcept = default;

Reader& Reader::operator=(Reader&& other) noexcept {
    std::swap(core_, other.core_);
    return *this;
}

Reader::~Reader() {
    if (core_) core_->close();
}

detail::ReaderCore& Reader::core() const {
    if (!core_) throw failure::closed("reader");
    return *core_;
}

Frame Reader::read(std::chrono::nanoseconds timeout) { return core().read(timeout); }

std::vector<std::byte> Reader::metadata() const { return core().metadata(); }

WriterState Reader::writer_state() { return core().writer_state(); }

const std::string& Reader::name() const { return core().name(); }

void Reader::close() { core().close(); }

Frame::Frame(std::shared_ptr<detail::ReaderCore> core, std::span<const std::byte> data, std::uint64_t sequence,
             std::uint64_t lease) noexcept
    : core_(std::move(core)), data_(data), sequence_(sequence), lease_(lease) {}

Frame::Frame(Frame&&) noexcept = default;

Frame& Frame::operator=(Frame&& other) noexcept {
    std::swap(core_, other.core_);
    std::swap(data_, other.data_);
    std::swap(sequence_, other.sequence_);
    std::swap(lease_, other.lease_);
    return *this;
}

Frame::~Frame() { release(); }

std::span<const std::byte> Frame::data() const {
    if (!core_) throw failure::frame_released(sequence_);
    return data_;
}

void Frame::release() noexcept {
    if (const auto core = std::exchange(core_, nullptr)) core->give_back(lease_);
}

} // namespace zerobuffer
