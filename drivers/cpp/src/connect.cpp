#include "connect.hpp"

#include "deadline.hpp"
#include "failure.hpp"
#include "ownership.hpp"
#include "point.hpp"

#include <algorithm>
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

/// The protocol has no event for a buffer that comes into being.
constexpr auto retry = std::chrono::milliseconds(1);

template <typename Failure>
[[noreturn]] void not_ready(const Failure& cause, std::chrono::nanoseconds patience) {
    throw NotReady{.cause = std::make_exception_ptr(cause), .patience = patience};
}

/// A segment that is short, or has no size yet, or no reader, is about to be a buffer.
void check_formatted(int file, std::uint64_t length, const std::string& name) {
    if (length < oieb_size) not_ready(failure::invalid_oieb(name, "length", length, oieb_size), patience);
    const Beginning found(file);
    if (found.block.oieb_size == 0) not_ready(failure::invalid_oieb(name, "oieb_size", 0, oieb_size), patience);
    if (found.block.reader_pid == 0) not_ready(failure::reader_dead(name, "closed", 0), moment);
}

Semaphore open_semaphore(const std::string& semaphore, const std::string& name) {
    try {
        return Semaphore::open(semaphore, name);
    } catch (const SystemError& error) {
        // Peers make the semaphores after the segment.
        if (std::get<std::uint64_t>(error.values().at("errno")) == ENOENT) not_ready(error, patience);
        throw;
    }
}

std::shared_ptr<WriterCore> try_connect(const Names& names, const ConnectConfig& config) {
    const std::string& name = names.buffer();
    const std::string path = names.segment().native();
    constexpr int flags = O_RDWR | O_NOFOLLOW | O_NONBLOCK;
    const Descriptor file(::open(path.c_str(), flags | O_CLOEXEC));
    auto locks = LockDescriptor::open(AT_FDCWD, path, flags);
    if (!file || !locks) {
        if (errno == ENOENT) not_ready(failure::not_found(name), std::chrono::nanoseconds::zero());
        failure::throw_errno(errno, name, "open the segment", path);
    }

    struct ::stat facts {};

    if (::fstat(file.get(), &facts) != 0) failure::throw_errno(errno, name, "look at the segment", path);
    // Root may read it anyway.
    if (facts.st_uid != 0 && facts.st_uid != ::geteuid() && !config.any_owner) {
        throw failure::foreign_owner(name, path, facts.st_uid);
    }
    const auto length = static_cast<std::uint64_t>(facts.st_size);
    if (!S_ISREG(facts.st_mode)) throw failure::invalid_oieb(name, "length", length, oieb_size);
    check_formatted(file.get(), length, name);
    pass(Point::writer_opened);
    std::shared_ptr<WriterCore> core;
    try {
        Ring ring(name, Segment(std::move(locks), file.get(), length, Segment::Access::writer));
        core = std::make_shared<WriterCore>(names, std::move(ring), open_semaphore(names.data_semaphore(), name),
                                            open_semaphore(names.space_semaphore(), name));
    } catch (const std::system_error& error) {
        failure::throw_errno(error.code().value(), name, "map the segment", path);
    }
    // An owner makes the segment first and removes it last: as long as it has its name, the file of the locks and the
    // semaphores, which were opened after it, are those that belong to it.
    if (!leads_to(path, facts)) not_ready(failure::not_found(name), patience);
    core->claim();
    return core;
}

} // namespace

std::shared_ptr<WriterCore> connect(const Names& names, std::chrono::nanoseconds timeout, const ConnectConfig& config) {
    // Patience begins with the first refusal, however long this process was kept from trying before. A sign that
    // somebody is creating the buffer holds also when there is nothing at the next look.
    std::optional<Clock::time_point> refused;
    std::chrono::nanoseconds longest = timeout;
    for (;;) {
        try {
            return try_connect(names, config);
        } catch (const NotReady& refusal) {
            const auto now = Clock::now();
            if (!refused) refused = now;
            longest = std::max(longest, refusal.patience);
            if (now - *refused >= longest) std::rethrow_exception(refusal.cause);
        }
        std::this_thread::sleep_for(retry);
    }
}

} // namespace zerobuffer::detail
