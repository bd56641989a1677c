#pragma once

#include <zerobuffer/error.hpp>

#include <cstdint>
#include <string>
#include <string_view>

/// The errors with their messages, in one place.
namespace zerobuffer::failure {

[[nodiscard]] InvalidNameError invalid_name(std::string_view name, const std::string& reason);
/// A `pid` of 0 is unknown.
[[nodiscard]] BufferInUseError buffer_in_use(std::string_view name, std::uint64_t pid);
[[nodiscard]] NotFoundError not_found(std::string_view name);
[[nodiscard]] InvalidOiebError invalid_oieb(std::string_view name, std::string_view field, std::uint64_t value,
                                            std::uint64_t limit);
/// What stands in the place of a segment belongs to another program.
[[nodiscard]] InvalidOiebError no_buffer(std::string_view name, std::string_view path);
[[nodiscard]] InvalidOiebError no_semaphore(std::string_view name, std::string_view path);
[[nodiscard]] PermissionDeniedError foreign_owner(std::string_view name, std::string_view path, std::uint64_t user);
[[nodiscard]] VersionMismatchError version_mismatch(std::string_view name, std::uint64_t major);
/// A `pid` of 0: it is connecting or leaving.
[[nodiscard]] WriterExistsError writer_exists(std::string_view name, std::uint64_t pid);
[[nodiscard]] ReaderDeadError reader_dead(std::string_view name, std::string_view reason, std::uint64_t pid);
[[nodiscard]] WriterDeadError writer_dead(std::string_view name, std::string_view reason, std::uint64_t pid);
[[nodiscard]] TimeoutError timeout(std::string_view name, double seconds);
[[nodiscard]] BufferFullError buffer_full(std::string_view name, double seconds, std::uint64_t size,
                                          std::uint64_t needed, std::uint64_t free);
[[nodiscard]] FrameTooLargeError frame_too_large(std::string_view name, std::uint64_t size, std::uint64_t largest,
                                                 std::uint64_t always_fits);
[[nodiscard]] FrameUnwritableError frame_unwritable(std::string_view name, std::uint64_t size, std::uint64_t fits_now,
                                                    std::uint64_t always_fits);
[[nodiscard]] InvalidFrameSizeError invalid_frame_size(std::string_view name, std::string_view field,
                                                       std::uint64_t value, std::uint64_t limit);
[[nodiscard]] SequenceError sequence_error(std::string_view name, std::uint64_t expected, std::uint64_t seen);
[[nodiscard]] MetadataTooLargeError metadata_too_large(std::string_view name, std::uint64_t size, std::uint64_t limit);
[[nodiscard]] MetadataExistsError metadata_exists(std::string_view name);
[[nodiscard]] MetadataEmptyError metadata_empty(std::string_view name);
[[nodiscard]] NoMetadataError no_metadata(std::string_view name);
[[nodiscard]] FrameReleasedError frame_released(std::uint64_t sequence);
[[nodiscard]] ClosedError closed(std::string_view what);
[[nodiscard]] BusyError busy(std::string_view name, std::string_view reason);
[[nodiscard]] HandlerError handler_error(std::string_view name, std::uint64_t request, std::string_view reason);

/// Throws the error for a refusal of the system: no permission, a shortage, or something without a name here.
[[noreturn]] void throw_errno(int error, std::string_view name, std::string_view operation, std::string_view path = {});

} // namespace zerobuffer::failure
