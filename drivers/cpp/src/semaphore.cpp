#include "semaphore.hpp"

#include "names.hpp"

#include <cerrno>
#include <ctime>
#include <system_error>

#include <fcntl.h>
#include <sys/stat.h>

namespace zerobuffer::detail {

namespace {

[[noreturn]] void refuse() { throw std::system_error(errno, std::generic_category()); }

} // namespace

Semaphore Semaphore::create(const std::string& name, ::mode_t mode) {
    ::sem_t* made = ::sem_open(name.c_str(), O_CREAT | O_EXCL, mode, 0U);
    if (made == SEM_FAILED) refuse();
    Semaphore semaphore(made);
    // The mode of sem_open is subject to the umask.
    if (::chmod(semaphore_file(name).c_str(), mode) != 0) {
        const int error = errno;
        ::sem_unlink(name.c_str());
        throw std::system_error(error, std::generic_category());
    }
    return semaphore;
}

Semaphore Semaphore::open(const std::string& name) {
    ::sem_t* opened = ::sem_open(name.c_str(), 0);
    if (opened == SEM_FAILED) refuse();
    return Semaphore(opened);
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
        if (errno != EINTR) refuse();
    }
    return true;
}

void Semaphore::post() noexcept { ::sem_post(semaphore_.get()); }

std::uint64_t Semaphore::value() noexcept {
    int value = 0;
    ::sem_getvalue(semaphore_.get(), &value);
    return value > 0 ? static_cast<std::uint64_t>(value) : 0;
}

} // namespace zerobuffer::detail
