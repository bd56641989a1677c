#pragma once

#include <cstdint>
#include <string_view>
#include <vector>

namespace zerobuffer {

/// The places inside an operation where a fault test may have this process die or halt.
[[nodiscard]] std::vector<std::string_view> points();

/// What a process does to itself at a point.
enum class Deed {
    die,  ///< It is killed.
    halt, ///< It is stopped, and goes on with the operation when it is continued from outside.
};

/// Has this process do it, once, when it passes a point for the `passage`-th time from now. Says whether there is such
/// a point.
[[nodiscard]] bool arm_point(std::string_view name, std::uint64_t passage, Deed deed);

} // namespace zerobuffer
