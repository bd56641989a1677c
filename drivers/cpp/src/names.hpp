#pragma once

#include <cstdint>
#include <filesystem>
#include <string>
#include <string_view>

namespace zerobuffer::detail {

/// A semaphore is the file "sem.sem-w-NAME", and a file name has 255 bytes at most.
inline constexpr std::uint64_t longest_name = 245;

/// A buffer's name, and those of the four objects that belong to it.
class Names {
public:
    /// @throws InvalidNameError One of the objects could not carry it.
    explicit Names(std::string_view buffer);

    [[nodiscard]] const std::string& buffer() const noexcept { return buffer_; }

    [[nodiscard]] std::filesystem::path segment() const;

    [[nodiscard]] std::string data_semaphore() const { return "/sem-w-" + buffer_; }

    [[nodiscard]] std::string space_semaphore() const { return "/sem-r-" + buffer_; }

    /// $ZEROBUFFER_LOCK_DIR, or the place that the protocol names.
    [[nodiscard]] static std::filesystem::path lock_directory();

    [[nodiscard]] std::string lock_file() const { return buffer_ + ".lock"; }

    [[nodiscard]] std::filesystem::path lock_path() const { return lock_directory() / lock_file(); }

private:
    std::string buffer_;
};

/// The file behind a named semaphore.
[[nodiscard]] std::filesystem::path semaphore_file(std::string_view semaphore);

} // namespace zerobuffer::detail
