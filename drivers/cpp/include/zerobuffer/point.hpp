#pragma once

#include <cstdint>
#include <string_view>
#include <vector>

namespace zerobuffer {

/// The places inside an operation where a fault test may have this process die.
[[nodiscard]] std::vector<std::string_view> points();

/// Has this process kill itself when it passes a point for the `passage`-th time from now. Says whether there is such a
/// point.
[[nodiscard]] bool arm_point(std::string_view name, std::uint64_t passage);

} // namespace zerobuffer
