#include "recipe.hpp"

#include <new>
#include <utility>

namespace driver {

namespace {

constexpr std::uint64_t period = 256;
/// No buffer of any test comes near; what is larger is a mistake and not worth the memory.
constexpr std::uint64_t most_bytes = std::uint64_t{4} << 30;

std::size_t bounded(std::uint64_t size) {
    if (size > most_bytes) throw std::bad_alloc();
    return static_cast<std::size_t>(size);
}

} // namespace

Maker::Maker(Recipe recipe, std::uint64_t largest) : recipe_(std::move(recipe)) {
    if (recipe_.pattern == Pattern::text) {
        for (const char letter : recipe_.text) base_.push_back(static_cast<std::byte>(letter));
    } else {
        base_.resize(bounded(largest) + period);
        for (std::size_t at = 0; at < base_.size(); at++) base_[at] = static_cast<std::byte>(at);
    }
    for (std::byte& byte : base_) byte ^= std::byte{recipe_.mask};
}

std::span<const std::byte> Maker::content(std::uint64_t sequence, std::uint64_t size) {
    std::span<const std::byte> made = base_;
    if (recipe_.pattern != Pattern::text) {
        const std::uint64_t shift = recipe_.sequence != 0 ? recipe_.sequence : sequence;
        made = made.subspan(recipe_.pattern == Pattern::frame ? shift % period : 0, bounded(size));
    }
    if (recipe_.repeat == 1) return made;
    if (!made.empty() && recipe_.repeat > most_bytes / made.size()) throw std::bad_alloc();
    repeated_.clear();
    repeated_.reserve(made.size() * recipe_.repeat);
    for (std::uint64_t time = 0; time < recipe_.repeat && !made.empty(); time++) {
        repeated_.insert(repeated_.end(), made.begin(), made.end());
    }
    return repeated_;
}

} // namespace driver
