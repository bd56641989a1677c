#pragma once

#include "deadline.hpp"

#include <cstdint>
#include <memory>
#include <string>
#include <string_view>

#include <semaphore.h>
#include <sys/types.h>

namespace zerobuffer::detail {

/// A named semaphore of the C library, which all implementations share.
class Semaphore {
public:
    /// @throws std::system_error
    [[nodiscard]] static Semaphore create(const std::string& name, ::mode_t mode);
    /// @throws std::system_error
    [[nodiscard]] static Semaphore open(const std::string& name);

    /// Returns 0, or why it could not; that there is none is no error.
    [[nodiscard]] static int remove(const std::string& name) noexcept;

    [[nodiscard]] bool try_take() noexcept;

    /// Waits for a token until then.
    /// @throws std::system_error
    [[nodiscard]] bool take_until(Clock::time_point end);

    /// At its largest value the semaphore stays as it is: then there are tokens enough.
    void post() noexcept;

    [[nodiscard]] std::uint64_t value() noexcept;

private:
    struct Close {
        void operator()(::sem_t* semaphore) const noexcept { ::sem_close(semaphore); }
    };

    explicit Semaphore(::sem_t* semaphore) noexcept : semaphore_(semaphore) {}

    std::unique_ptr<::sem_t, Close> semaphore_;
};

} // namespace zerobuffer::detail
