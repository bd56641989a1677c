#pragma once

#include "deadline.hpp"

#include <algorithm>
#include <chrono>
#include <cstdint>

namespace zerobuffer::detail {

/// Tells the processor that this is a loop that waits.
inline void relax() noexcept {
#if defined(__x86_64__) || defined(__i386__)
    __builtin_ia32_pause();
#elif defined(__aarch64__)
    asm volatile("yield");
#endif
}

/// Looks again and again for a moment before a wait gives way to the kernel. Spinning pays only while the other side
/// answers within it: a spin that fails halves the next one, one that succeeds restores it, and now and then the whole
/// length is tried again.
class Spin {
public:
    /// Says whether the condition came true.
    template <typename Condition>
    [[nodiscard]] bool until(Condition condition) {
        const bool probe = ++waits_ % probe_interval == 0;
        const auto end = Clock::now() + (probe ? whole : whole / (1 << halvings_));
        do {
            for (int looks = 0; looks < 16; looks++) {
                if (condition()) {
                    halvings_ = 0;
                    return true;
                }
                relax();
            }
        } while (Clock::now() < end);
        if (!probe) halvings_ = std::min(halvings_ + 1, most_halvings);
        return false;
    }

private:
    static constexpr std::chrono::nanoseconds whole = std::chrono::microseconds(20);
    static constexpr std::uint32_t probe_interval = 32;
    static constexpr int most_halvings = 14;

    std::uint32_t waits_ = 0;
    int halvings_ = 0;
};

} // namespace zerobuffer::detail
