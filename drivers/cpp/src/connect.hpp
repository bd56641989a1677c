#pragma once

#include "names.hpp"
#include "writer_core.hpp"

#include <chrono>
#include <exception>
#include <memory>

namespace zerobuffer::detail {

/// Becomes the writer of a buffer; waits for one that does not exist yet for as long as the timeout says.
[[nodiscard]] std::shared_ptr<WriterCore> connect(const Names& names, std::chrono::nanoseconds timeout);

/// Why there is no connection now, and how long it is worth trying again.
struct NotReady {
    std::exception_ptr cause;
    std::chrono::nanoseconds patience;
};

/// How long to wait for a reader that is taking back what a dead writer left.
inline constexpr auto repair_patience = std::chrono::milliseconds(50);

} // namespace zerobuffer::detail
