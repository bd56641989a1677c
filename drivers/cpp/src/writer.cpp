#include "connect.hpp"
#include "failure.hpp"
#include "writer_core.hpp"

#include <zerobuffer/writer.hpp>

#include <utility>

namespace zerobuffer {

Writer::Writer(std::string_view name, std::chrono::nanoseconds timeout, const ConnectConfig& config)
    : core_(detail::connect(detail::Names(name), timeout, config)) {}

Writer::Writer(Writer&&) noexcept = default;

Writer& Writer::operator=(Writer&& other) noexcept {
    std::swap(core_, other.core_);
    return *this;
}

Writer::~Writer() {
    if (core_) core_->close();
}

detail::WriterCore& Writer::core() const {
    if (!core_) throw failure::closed("writer");
    return *core_;
}

std::uint64_t Writer::write(std::span<const std::byte> data, std::chrono::nanoseconds timeout) {
    return core().write(data, timeout);
}

Slot Writer::acquire(std::uint64_t size, std::chrono::nanoseconds timeout) { return core().acquire(size, timeout); }

void Writer::set_metadata(std::span<const std::byte> content) { core().set_metadata(content); }

std::uint64_t Writer::next_sequence() const { return core().next_sequence(); }

void Writer::check_reader() const { core().check_reader(); }

const std::string& Writer::name() const { return core().name(); }

void Writer::close() { core().close(); }

Slot::Slot(std::shared_ptr<detail::WriterCore> core, std::unique_ptr<detail::Plan> plan, std::span<std::byte> data,
           std::uint64_t sequence) noexcept
    : core_(std::move(core)), plan_(std::move(plan)), data_(data), sequence_(sequence) {}

Slot::Slot(Slot&&) noexcept = default;

Slot& Slot::operator=(Slot&& other) noexcept {
    std::swap(core_, other.core_);
    std::swap(plan_, other.plan_);
    std::swap(data_, other.data_);
    std::swap(sequence_, other.sequence_);
    return *this;
}

Slot::~Slot() { abandon(); }

std::span<std::byte> Slot::data() const {
    if (!core_ || core_->closed()) throw failure::closed("acquired frame");
    return data_;
}

std::uint64_t Slot::commit() {
    const auto core = std::exchange(core_, nullptr);
    if (!core) throw failure::closed("acquired frame");
    return core->commit(*plan_);
}

void Slot::abandon() noexcept {
    if (const auto core = std::exchange(core_, nullptr)) core->give_up();
}

} // namespace zerobuffer
