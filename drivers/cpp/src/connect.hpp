#pragma once

#include "names.hpp"
#include "writer_core.hpp"

#include <chrono>
#include <exception>
#include <memory>

namespace zerobuffer::detail {

/// Becomes the writer of a buffer; waits for one that does not exist yet for as long as the timeout says.
[[nodiscard]] std::shared_ptr<WriterCore> connect(const Names& names, std::chrono::nanoseconds timeout,
                                                  const ConnectConfig& config);

/// Why there is no connection now, and how long it is worth trying again.
struct NotReady {
    std::exception_ptr cause;
    std::chrono::nanoseconds patience;
};

/// How long to wait, at the least, for what is going on elsewhere: a creation, another connection, a release.
inline constexpr auto patience = std::chrono::seconds(1);
/// How long for what takes a reader a few stores.
inline constexpr auto moment = std::chrono::milliseconds(50);

} // namespace zerobuffer::detail
