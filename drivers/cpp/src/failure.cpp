#include "failure.hpp"

#include "names.hpp"

#include <zerobuffer/layout.hpp>

#include <algorithm>
#include <array>
#include <cerrno>
#include <system_error>

namespace zerobuffer::failure {

namespace {

std::string quoted(std::string_view name) {
    std::string text(1, '\'');
    text.append(name);
    text.push_back('\'');
    return text;
}

std::string buffer(std::string_view name) { return "buffer " + quoted(name); }

std::string number(std::uint64_t value) { return std::to_string(value); }

/// Names a process in an error, where its number is known.
std::string process(Values& values, std::uint64_t pid, std::string_view otherwise) {
    if (pid == 0) return std::string(otherwise);
    values.emplace("pid", pid);
    return "process " + number(pid);
}

/// What is missing, and the remedy.
struct Shortage {
    int error;
    std::string_view resource;
    std::string_view remedy;
};

constexpr std::array shortages{
    Shortage{ENOSPC, "space in shared memory", "Free some of /dev/shm, or make the buffer smaller"},
    Shortage{EFBIG, "file size", "Raise the limit (ulimit -f), or make the buffer smaller"},
    Shortage{ENOMEM, "memory", "Free memory, raise the limit (ulimit -v), or make the buffer smaller"},
    Shortage{EAGAIN, "memory", "Raise the limit (ulimit -l), or make the buffer smaller"},
    Shortage{EMFILE, "file descriptors", "Raise the limit (ulimit -n), or close something"},
    Shortage{ENFILE, "file descriptors in the whole system", "Close something, or raise fs.file-max"},
    Shortage{EDQUOT, "quota", "Free some of /dev/shm, or make the buffer smaller"},
};

} // namespace

InvalidNameError invalid_name(std::string_view name, const std::string& reason) {
    return InvalidNameError(quoted(name) + " is not a valid buffer name: " + reason + ". Use 1 to " +
                                number(detail::longest_name) + " letters, digits, '-', '_' and '.', without '..'",
                            {{"name", std::string(name)}, {"reason", reason}, {"longest", detail::longest_name}});
}

BufferInUseError buffer_in_use(std::string_view name, std::uint64_t pid) {
    Values values{{"name", std::string(name)}};
    const std::string who = process(values, pid, "a process that holds its lock");
    return BufferInUseError(buffer(name) + " is in use by " + who +
                                ". Choose another name, or close the reader that has it",
                            std::move(values));
}

NotFoundError not_found(std::string_view name) {
    return NotFoundError(buffer(name) +
                             " does not exist. Create the reader first, or give the writer a timeout to wait for it",
                         {{"name", std::string(name)}});
}

InvalidOiebError invalid_oieb(std::string_view name, std::string_view field, std::uint64_t value, std::uint64_t limit) {
    return InvalidOiebError(
        buffer(name) + " is corrupt: " + std::string(field) + " is " + number(value) + ", which does not go with " +
            number(limit) +
            ". Something else wrote to the segment, or it is no buffer of this protocol: "
            "recreate it",
        {{"name", std::string(name)}, {"field", std::string(field)}, {"value", value}, {"limit", limit}});
}

InvalidOiebError no_buffer(std::string_view name, std::string_view path) {
    return InvalidOiebError(std::string(path) + " stands in the place of " + buffer(name) +
                                " and is none: it belongs to another program, and stays as it is. Choose another name",
                            {{"name", std::string(name)}, {"path", std::string(path)}});
}

InvalidOiebError no_semaphore(std::string_view name, std::string_view path) {
    return InvalidOiebError(buffer(name) + " is corrupt: " + std::string(path) +
                                " is no semaphore. Something else wrote to it: recreate the buffer",
                            {{"name", std::string(name)}, {"path", std::string(path)}});
}

PermissionDeniedError foreign_owner(std::string_view name, std::string_view path, std::uint64_t user) {
    return PermissionDeniedError(buffer(name) + " was made by user " + number(user) +
                                     ", who would get all that is written to it. Give any_owner if that is meant",
                                 {{"name", std::string(name)}, {"path", std::string(path)}, {"user", user}});
}

VersionMismatchError version_mismatch(std::string_view name, std::uint64_t major) {
    const std::uint64_t limit = version_major;
    return VersionMismatchError(buffer(name) + " has protocol version " + number(major) + ", this library speaks " +
                                    number(limit) + ". Use the same major version on both sides",
                                {{"name", std::string(name)}, {"value", major}, {"limit", limit}});
}

WriterExistsError writer_exists(std::string_view name, std::uint64_t pid) {
    Values values{{"name", std::string(name)}};
    const std::string who = process(values, pid, "which is connecting or leaving");
    return WriterExistsError(buffer(name) + " already has a writer, " + who +
                                 ". A buffer has one writer: close the other one first",
                             std::move(values));
}

ReaderDeadError reader_dead(std::string_view name, std::string_view reason, std::uint64_t pid) {
    return ReaderDeadError("the reader of " + buffer(name) + " is gone (" + std::string(reason) +
                               "). Close this writer, and connect again when a reader has recreated the buffer",
                           {{"name", std::string(name)}, {"reason", std::string(reason)}, {"pid", pid}});
}

WriterDeadError writer_dead(std::string_view name, std::string_view reason, std::uint64_t pid) {
    return WriterDeadError("the writer of " + buffer(name) + " is gone (" + std::string(reason) +
                               ") and all its frames are read. Close this reader, or read on when another has come",
                           {{"name", std::string(name)}, {"reason", std::string(reason)}, {"pid", pid}});
}

TimeoutError timeout(std::string_view name, double seconds) {
    return TimeoutError("no frame came to " + buffer(name) + " within " + std::to_string(seconds) +
                            " s. Give a longer timeout, or see whether the writer writes",
                        {{"name", std::string(name)}, {"seconds", seconds}});
}

BufferFullError buffer_full(std::string_view name, double seconds, std::uint64_t size, std::uint64_t needed,
                            std::uint64_t free) {
    return BufferFullError(
        buffer(name) + " had no space for a frame of " + number(size) + " bytes within " + std::to_string(seconds) +
            " s (" + number(needed) + " needed, " + number(free) +
            " free). Give a longer timeout, a larger payload_size, or a faster reader",
        {{"name", std::string(name)}, {"seconds", seconds}, {"size", size}, {"needed", needed}, {"free", free}});
}

FrameTooLargeError frame_too_large(std::string_view name, std::uint64_t size, std::uint64_t largest,
                                   std::uint64_t always_fits) {
    return FrameTooLargeError(
        "a frame of " + number(size) + " bytes cannot fit into " + buffer(name) + ": " + number(largest) +
            " is the most. Split it, or create the buffer with a payload_size of twice the largest frame",
        {{"name", std::string(name)}, {"size", size}, {"largest", largest}, {"always_fits", always_fits}});
}

FrameUnwritableError frame_unwritable(std::string_view name, std::uint64_t size, std::uint64_t fits_now,
                                      std::uint64_t always_fits) {
    return FrameUnwritableError(
        "a frame of " + number(size) + " bytes cannot be written at the present position of " + buffer(name) +
            ", even when it is empty. " + number(fits_now) + " bytes fit now, " + number(always_fits) +
            " always do: choose a payload_size of twice the largest frame",
        {{"name", std::string(name)}, {"size", size}, {"fits_now", fits_now}, {"always_fits", always_fits}});
}

InvalidFrameSizeError invalid_frame_size(std::string_view name, std::string_view field, std::uint64_t value,
                                         std::uint64_t limit) {
    return InvalidFrameSizeError(
        buffer(name) + ": " + std::string(field) + " says " + number(value) + ", allowed is 1 to " + number(limit) +
            ". Frames hold at least one byte; if you did not write this one, the segment is corrupt: "
            "recreate it",
        {{"name", std::string(name)}, {"field", std::string(field)}, {"value", value}, {"limit", limit}});
}

SequenceError sequence_error(std::string_view name, std::uint64_t expected, std::uint64_t seen) {
    return SequenceError(buffer(name) + ": expected frame " + number(expected) + ", found frame " + number(seen) +
                             ". Something else wrote to the segment: recreate the buffer",
                         {{"name", std::string(name)}, {"expected", expected}, {"seen", seen}});
}

MetadataTooLargeError metadata_too_large(std::string_view name, std::uint64_t size, std::uint64_t limit) {
    return MetadataTooLargeError("metadata of " + number(size) + " bytes does not fit into " + buffer(name) + ": " +
                                     number(limit) +
                                     " is the most. Create the buffer with a metadata_size of at least the content "
                                     "and 8 bytes",
                                 {{"name", std::string(name)}, {"size", size}, {"limit", limit}});
}

MetadataExistsError metadata_exists(std::string_view name) {
    return MetadataExistsError(buffer(name) +
                                   " already has its metadata, which is written once. Send what changes as frames",
                               {{"name", std::string(name)}});
}

MetadataEmptyError metadata_empty(std::string_view name) {
    return MetadataEmptyError("empty metadata cannot be written to " + buffer(name) +
                                  ". Write at least one byte, or none at all",
                              {{"name", std::string(name)}});
}

NoMetadataError no_metadata(std::string_view name) {
    return NoMetadataError(buffer(name) +
                               " has no metadata yet. The writer may write it at any time: read a frame first, or "
                               "try again",
                           {{"name", std::string(name)}});
}

FrameReleasedError frame_released(std::uint64_t sequence) {
    return FrameReleasedError("frame " + number(sequence) + " was released. Use its data before that, or copy it",
                              {{"sequence", sequence}});
}

ClosedError closed(std::string_view what) {
    return ClosedError("this " + std::string(what) + " is closed. Open a new one", {{"what", std::string(what)}});
}

BusyError busy(std::string_view name, std::string_view reason) {
    return BusyError(buffer(name) + " is busy: " + std::string(reason) +
                         ". Use one writer from one thread at a time, and finish an acquired frame before the next "
                         "write",
                     {{"name", std::string(name)}, {"reason", std::string(reason)}});
}

HandlerError handler_error(std::string_view name, std::uint64_t request, std::string_view reason) {
    return HandlerError("the server of channel " + quoted(name) + " could not answer request " + number(request) +
                            ": " + std::string(reason) +
                            ". The channel goes on: the next request has its own answer. The server knows more",
                        {{"name", std::string(name)}, {"request", request}, {"reason", std::string(reason)}});
}

void throw_errno(int error, std::string_view name, std::string_view operation, std::string_view path) {
    const auto errno_value = static_cast<std::uint64_t>(error);
    if (error == EACCES || error == EPERM) {
        throw PermissionDeniedError("no permission to use " + std::string(path.empty() ? "an object" : path) + " of " +
                                        buffer(name) +
                                        ". Let the reader create it with a wider mode, or run as its owner",
                                    {{"name", std::string(name)},
                                     {"path", std::string(path)},
                                     {"operation", std::string(operation)},
                                     {"errno", errno_value}});
    }
    std::string cause = std::generic_category().message(error);
    Values values{
        {"name", std::string(name)}, {"operation", std::string(operation)}, {"error", cause}, {"errno", errno_value}};
    if (const auto* const lack = std::ranges::find(shortages, error, &Shortage::error); lack != shortages.end()) {
        values.emplace("resource", std::string(lack->resource));
        throw ResourceExhaustedError(buffer(name) + ": could not " + std::string(operation) + " for lack of " +
                                         std::string(lack->resource) + " (" + cause + "). " + std::string(lack->remedy),
                                     std::move(values));
    }
    if (error == ELOOP) {
        cause = std::string(path) + " is a symbolic link, which is never followed: remove it";
    }
    throw SystemError(buffer(name) + ": could not " + std::string(operation) + ": " + cause, std::move(values));
}

} // namespace zerobuffer::failure
