#pragma once

#include <cstdint>

namespace zerobuffer::detail {

/// What a look at a process says.
enum class Life {
    alive,
    dead,    ///< It lived at the first look.
    unknown, ///< There never was such a process here: dead, or in another pid namespace.
};

/// Watches one process of a foreign side from the first look on, so that another one that gets its number later is not
/// taken for it.
class Peer {
public:
    [[nodiscard]] Life look(std::uint64_t pid);

private:
    [[nodiscard]] bool lives() const;

    std::uint64_t pid_ = 0;
    std::uint64_t start_time_; ///< 0 where /proc hides it.
    Life life_ = Life::unknown;
};

/// Whether the process that a segment names still runs, and is no younger than the segment, which was made at that
/// moment (seconds since the epoch): then it only got the number.
[[nodiscard]] bool owner_lives(std::uint64_t pid, double made_at);

} // namespace zerobuffer::detail
