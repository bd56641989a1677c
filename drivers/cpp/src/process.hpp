#pragma once

#include "deadline.hpp"
#include "descriptor.hpp"

#include <chrono>
#include <cstdint>
#include <optional>
#include <string_view>

namespace zerobuffer::detail {

/// What a look at a process says.
enum class Life {
    alive,
    dead,    ///< It lived at the first look.
    unknown, ///< There never was such a process here: dead, or in another pid namespace.
};

/// Watches one process from the first look on, so that another one that gets its number later is not taken for it.
class Peer {
public:
    /// Looks at the process of this number, unless it was seen to live a moment ago.
    [[nodiscard]] Life look(std::uint64_t pid);

    [[nodiscard]] std::uint64_t pid() const noexcept { return pid_; }

    /// The next look is a first look.
    void forget() { *this = Peer(); }

private:
    void meet(std::uint64_t pid);
    [[nodiscard]] bool lives() const;

    std::uint64_t pid_ = 0;
    Descriptor descriptor_;        ///< Becomes readable when the process ends.
    std::uint64_t start_time_ = 0; ///< Where the system has no such descriptors: another process has another one.
    Life life_ = Life::unknown;
    Clock::time_point seen_;
};

/// Whether the process that a segment names still runs, and is no younger than the segment, which was made at that
/// moment (seconds since the epoch): then it only got the number.
[[nodiscard]] bool owner_lives(std::uint64_t pid, double made_at);

/// Whether this process is known to have started after a moment.
[[nodiscard]] bool started_after(std::uint64_t pid, double moment);

/// Ticks after the boot, from the text of /proc/PID/stat; nothing for a zombie.
[[nodiscard]] std::optional<std::uint64_t> parse_start_time(std::string_view stat);

} // namespace zerobuffer::detail
