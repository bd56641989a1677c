#pragma once

#include "deadline.hpp"

#include <cstdint>
#include <memory>
#include <string>
#include <string_view>

#include <semaphore.h>
#include <sys/types.h>

namespace zerobuffer::detail {

/// A named semaphore of the C library, which all implementations share. What fails is an error of its buffer.
class Semaphore {
public:
    /// Replaces one that is stale.
    [[nodiscard]] static Semaphore create(const std::string& name, std::string_view buffer, ::mode_t mode);
    [[nodiscard]] static Semaphore open(const std::string& name, std::string_view buffer);

    /// Returns 0, or why it could not; that there is none is no error.
    [[nodiscard]] static int remove(const std::string& name) noexcept;

    [[nodiscard]] bool try_take() noexcept;

    /// Waits for a token until then.
    [[nodiscard]] bool take_until(Clock::time_point end);

    /// At its largest value the semaphore stays as it is: then there are tokens enough.
    void post() noexcept;

private:
    struct Close {
        void operator()(::sem_t* semaphore) const noexcept { ::sem_close(semaphore); }
    };

    Semaphore(::sem_t* semaphore, std::string_view buffer) : semaphore_(semaphore), buffer_(buffer) {}

    std::unique_ptr<::sem_t, Close> semaphore_;
    std::string buffer_;
};

} // namespace zerobuffer::detail
