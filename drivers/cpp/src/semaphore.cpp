#include "semaphore.hpp"

#include "descriptor.hpp"
#include "failure.hpp"
#include "names.hpp"

#include <array>
#include <cerrno>
#include <climits>
#include <ctime>

#include <fcntl.h>
#include <sys/stat.h>
#include <unistd.h>

namespace zerobuffer::detail {

namespace {

/// The C library ends a process that uses what is no semaphore: its length, its value, and whether it is shared.
bool is_sound(const std::filesystem::path& path) {
    constexpr std::uint32_t shared = 128;
    // One more, to see where the file ends.
    std::array<std::uint32_t, sizeof(::sem_t) / sizeof(std::uint32_t) + 1> words{};
    const Descriptor file(::open(path.c_str(), O_RDONLY | O_NOFOLLOW | O_CLOEXEC | O_NONBLOCK));
    // What may not be read, or is elsewhere, is for sem_open to judge.
    if (!file) return true;
    const ::ssize_t length = ::read(file.get(), words.data(), sizeof words);
    return length == ::ssize_t{sizeof(::sem_t)} && words[0] <= SEM_VALUE_MAX && (words[2] == 0 || words[2] == shared);
}

} // namespace

Semaphore Semaphore::create(const std::string& name, std::string_view buffer, ::mode_t mode) {
    const std::filesystem::path path = semaphore_file(name);
    if (const int error = remove(name); error != 0) {
        failure::throw_errno(error, buffer, "remove a stale semaphore", path.native());
    }
    ::sem_t* made = ::sem_open(name.c_str(), O_CREAT | O_EXCL, mode, 0U);
    // The mode of sem_open is subject to the umask.
    if (made == SEM_FAILED || ::chmod(path.c_str(), mode) != 0) {
        failure::throw_errno(errno, buffer, "create a semaphore", path.native());
    }
    return {made, buffer};
}

Semaphore Semaphore::open(const std::string& name, std::string_view buffer) {
    const std::filesystem::path path = semaphore_file(name);
    if (!is_sound(path)) throw failure::no_semaphore(buffer, path.native());
    ::sem_t* opened = ::sem_open(name.c_str(), 0);
    if (opened == SEM_FAILED) failure::throw_errno(errno, buffer, "open a semaphore", path.native());
    return {opened, buffer};
}

int Semaphore::remove(const std::string& name) noexcept {
    return ::sem_unlink(name.c_str()) == 0 || errno == ENOENT ? 0 : errno;
}

bool Semaphore::try_take() noexcept {
    while (::sem_trywait(semaphore_.get()) != 0) {
        if (errno != EINTR) return false;
    }
    return true;
}

bool Semaphore::take_until(Clock::time_point end) {
    const auto since = std::chrono::duration_cast<std::chrono::nanoseconds>(end.time_since_epoch());
    const auto seconds = std::chrono::duration_cast<std::chrono::seconds>(since);
    const ::timespec until{.tv_sec = seconds.count(), .tv_nsec = (since - seconds).count()};
    // steady_clock is CLOCK_MONOTONIC in the standard libraries of both compilers.
    while (::sem_clockwait(semaphore_.get(), CLOCK_MONOTONIC, &until) != 0) {
        if (errno == ETIMEDOUT) return false;
        if (errno != EINTR) failure::throw_errno(errno, buffer_, "wait");
    }
    return true;
}

void Semaphore::post() noexcept { ::sem_post(semaphore_.get()); }

} // namespace zerobuffer::detail
