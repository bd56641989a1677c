#include "leases.hpp"

#include <cstddef>

namespace zerobuffer::detail {

void Leases::pass_tail(std::uint64_t bytes) { leases_.push_back({.bytes = bytes, .frame = false, .returned = true}); }

std::uint64_t Leases::add(std::uint64_t bytes) {
    leases_.push_back({.bytes = bytes, .frame = true, .returned = false});
    return first_ + leases_.size() - 1;
}

void Leases::give_back(std::uint64_t number) noexcept {
    leases_[static_cast<std::size_t>(number - first_)].returned = true;
}

Leases::Returned Leases::drain() noexcept {
    Returned returned;
    while (!leases_.empty() && leases_.front().returned) {
        returned.bytes += leases_.front().bytes;
        returned.frames += leases_.front().frame ? 1U : 0U;
        leases_.pop_front();
        first_++;
    }
    return returned;
}

} // namespace zerobuffer::detail
