#pragma once

#include <cstdint>
#include <memory>
#include <string>

#include <sys/types.h>

namespace zerobuffer::detail {

/// A descriptor that carries locks, closed in the end.
///
/// A lock ends with the last descriptor of its open file. So a child of fork closes its copy at once, whatever still
/// refers to it, and nothing is mapped through such a descriptor: a mapping keeps the file open, too.
class LockDescriptor {
public:
    LockDescriptor() = default;

    /// As openat(); holds nothing if that fails, with the reason in errno.
    [[nodiscard]] static LockDescriptor open(int directory, const std::string& path, int flags, ::mode_t mode = 0);

    /// -1 in a child of fork.
    [[nodiscard]] int get() const noexcept { return number_ ? *number_ : -1; }

    [[nodiscard]] explicit operator bool() const noexcept { return get() >= 0; }

private:
    struct Release {
        void operator()(int* number) const noexcept;
    };

    std::unique_ptr<int, Release> number_;
};

/// The bytes of a segment, far behind its end, that are locked.
enum class Lock : std::int64_t {
    reader = std::int64_t{1} << 40,  ///< It lives.
    writer = std::int64_t{1} << 41,  ///< It lives.
    removal = std::int64_t{1} << 42, ///< Somebody removes what a dead reader left.
};

/// Says whether the lock is ours now.
[[nodiscard]] bool take_lock(const LockDescriptor& file, Lock which) noexcept;

void give_lock(const LockDescriptor& file, Lock which) noexcept;

/// Whether it is held through another open file.
[[nodiscard]] bool is_locked(const LockDescriptor& file, Lock which) noexcept;

} // namespace zerobuffer::detail
