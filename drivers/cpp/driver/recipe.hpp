#pragma once

#include <cstddef>
#include <cstdint>
#include <span>
#include <string>
#include <vector>

namespace driver {

enum class Pattern { frame, simple, text };

/// How the bytes of a payload are made, so that they need not travel.
struct Recipe {
    Pattern pattern = Pattern::simple;
    std::uint64_t size = 0;
    std::uint64_t sequence = 0; ///< Shifts a `frame`; 0 stands for the number that the frame itself gets.
    std::string text = {};
    std::uint8_t mask = 0; ///< Every byte is xored with it.
    std::uint64_t repeat = 1;
};

/// Makes payloads of one recipe. The pattern is made once: a shift is only another place to begin in it.
class Maker {
public:
    /// `largest` is the most that is asked for in one piece, before it is repeated.
    /// @throws std::bad_alloc It is more than there is memory for.
    Maker(Recipe recipe, std::uint64_t largest);

    explicit Maker(const Recipe& recipe) : Maker(recipe, recipe.size) {}

    /// The bytes for a frame of this number, valid until the next call.
    [[nodiscard]] std::span<const std::byte> content(std::uint64_t sequence, std::uint64_t size);

    [[nodiscard]] std::span<const std::byte> content(std::uint64_t sequence) { return content(sequence, recipe_.size); }

private:
    Recipe recipe_;
    std::vector<std::byte> base_;
    std::vector<std::byte> repeated_;
};

} // namespace driver
