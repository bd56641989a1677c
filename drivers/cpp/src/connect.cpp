#include "connect.hpp"

#include "deadline.hpp"
#include "failure.hpp"
#include "ownership.hpp"
#include "point.hpp"

#include <algorithm>
#include <array>
#include <cerrno>
#include <optional>
#include <system_error>
#include <thread>
#include <utility>

#include <fcntl.h>
#include <sys/stat.h>
#include <unistd.h>

namespace zerobuffer::detail {

namespace {

/// How long to wait for a reader that is in the middle of creating the buffer.
constexpr auto creation_patience = std::chrono::seconds(1);
/// The protocol has no event for a buffer that comes into being.
constexpr auto retry = std::chrono::milliseconds(1);

template <typename Failure>
[[noreturn]] void not_ready(const Failure& cause, std::chrono::nanoseconds patience) {
    throw NotReady{.cause = std::make_exception_ptr(cause), .patience = patience};
}

/// A segment that is short or all zero is in the middle of its creation.
void check_formatted(int file, std::uint64_t length, const std::string& name) {
    std::array<std::byte, oieb_size> block{};
    if (length < oieb_size || ::pread(file, block.data(), block.size(), 0) != ::ssize_t{oieb_size}) {
        not_ready(failure::invalid_oieb(name, "length", length, oieb_size), creation_patience);
    }
    if (std::all_of(block.begin(), block.end(), [](std::byte byte) { return byte == std::byte{0}; })) {
        not_ready(failure::invalid_oieb(name, "oieb_size", 0, oieb_size), creation_patience);
    }
}

Semaphore open_semaphore(const std::string& semaphore, const std::string& name) {
    try {
        return Semaphore::open(semaphore);
    } catch (const std::system_error& error) {
        try {
            failure::throw_errno(error.code().value(), name, "open a semaphore", semaphore_file(semaphore).native());
        } catch (const SystemError& unknown) {
            // Peers make the semaphores after the segment.
            if (error.code().value() == ENOENT) not_ready(unknown, creation_patience);
            throw;
        }
    }
}

/// Whether a path still leads to the file that was opened by it. While that file is open, no other has its number.
bool leads_to(const std::string& path, const struct ::stat& opened) noexcept {
    struct ::stat there {};

    return ::lstat(path.c_str(), &there) == 0 && is_same_file(opened, there);
}

std::shared_ptr<WriterCore> try_connect(const Names& names) {
    const std::string& name = names.buffer();
    const std::string path = names.segment().native();
    Descriptor file(::open(path.c_str(), O_RDWR | O_NOFOLLOW | O_CLOEXEC | O_NONBLOCK));
    if (!file) {
        if (errno == ENOENT) not_ready(failure::not_found(name), std::chrono::nanoseconds::zero());
        failure::throw_errno(errno, name, "open the segment", path);
    }

    struct ::stat facts {};

    if (::fstat(file.get(), &facts) != 0) failure::throw_errno(errno, name, "look at the segment", path);
    const auto length = static_cast<std::uint64_t>(facts.st_size);
    check_formatted(file.get(), length, name);
    pass(Point::writer_opened);
    std::shared_ptr<WriterCore> core;
    try {
        Ring ring(name, Segment(std::move(file), length, Segment::Access::writer));
        core = std::make_shared<WriterCore>(names, std::move(ring), open_semaphore(names.data_semaphore(), name),
                                            open_semaphore(names.space_semaphore(), name));
    } catch (const std::system_error& error) {
        failure::throw_errno(error.code().value(), name, "map the segment", path);
    }
    // An owner's objects are removed before the next owner makes its own, the segment first: as long as this one has
    // its name, the semaphores that were opened after it are those that belong to it.
    if (!leads_to(path, facts)) not_ready(failure::not_found(name), creation_patience);
    core->claim(made_at(facts));
    return core;
}

} // namespace

std::shared_ptr<WriterCore> connect(const Names& names, std::chrono::nanoseconds timeout) {
    // Patience begins with the first refusal, however long this process was kept from trying before. A sign that
    // somebody is creating the buffer holds also when there is nothing at the next look.
    std::optional<Clock::time_point> refused;
    std::chrono::nanoseconds patience = timeout;
    for (;;) {
        try {
            return try_connect(names);
        } catch (const NotReady& refusal) {
            const auto now = Clock::now();
            if (!refused) refused = now;
            patience = std::max(patience, refusal.patience);
            if (now - *refused >= patience) std::rethrow_exception(refusal.cause);
        }
        std::this_thread::sleep_for(retry);
    }
}

} // namespace zerobuffer::detail
