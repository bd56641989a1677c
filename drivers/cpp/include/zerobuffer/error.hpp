#pragma once

#include <cstdint>
#include <map>
#include <stdexcept>
#include <string>
#include <string_view>
#include <utility>
#include <variant>

namespace zerobuffer {

/// The cause of an error. The names are those that all implementations of the protocol share, but for the
/// last two.
enum class Code {
    invalid_name,
    buffer_in_use,
    not_found,
    permission_denied,
    invalid_oieb,
    version_mismatch,
    writer_exists,
    reader_dead,
    writer_dead,
    timeout,
    buffer_full,
    frame_too_large,
    frame_unwritable,
    invalid_frame_size,
    sequence_error,
    metadata_too_large,
    metadata_exists,
    metadata_empty,
    no_metadata,
    frame_released,
    closed,
    resource_exhausted,
    system_error,
    busy,
    handler_error,
};

/// The canonical name of a cause.
[[nodiscard]] std::string_view to_string(Code code) noexcept;

using Value = std::variant<std::uint64_t, double, std::string>;
/// The values involved in an error, by name, such as `expected` and `seen`.
using Values = std::map<std::string, Value, std::less<>>;

/// Base of every error of this library. Its message names the cause and the way out.
class Error : public std::runtime_error {
public:
    Error(Code code, const std::string& message, Values values);

    [[nodiscard]] Code code() const noexcept { return code_; }

    [[nodiscard]] const Values& values() const noexcept { return values_; }

private:
    Code code_;
    Values values_;
};

/// An error of one cause, so that it can be caught alone.
template <Code cause>
class ErrorOf : public Error {
public:
    explicit ErrorOf(const std::string& message, Values values = {}) : Error(cause, message, std::move(values)) {}
};

using InvalidNameError = ErrorOf<Code::invalid_name>;
using BufferInUseError = ErrorOf<Code::buffer_in_use>;
using NotFoundError = ErrorOf<Code::not_found>;
using PermissionDeniedError = ErrorOf<Code::permission_denied>;
using InvalidOiebError = ErrorOf<Code::invalid_oieb>;
using VersionMismatchError = ErrorOf<Code::version_mismatch>;
using WriterExistsError = ErrorOf<Code::writer_exists>;
using ReaderDeadError = ErrorOf<Code::reader_dead>;
using WriterDeadError = ErrorOf<Code::writer_dead>;
using TimeoutError = ErrorOf<Code::timeout>;
using BufferFullError = ErrorOf<Code::buffer_full>;
using FrameTooLargeError = ErrorOf<Code::frame_too_large>;
using FrameUnwritableError = ErrorOf<Code::frame_unwritable>;
using InvalidFrameSizeError = ErrorOf<Code::invalid_frame_size>;
using SequenceError = ErrorOf<Code::sequence_error>;
using MetadataTooLargeError = ErrorOf<Code::metadata_too_large>;
using MetadataExistsError = ErrorOf<Code::metadata_exists>;
using MetadataEmptyError = ErrorOf<Code::metadata_empty>;
using NoMetadataError = ErrorOf<Code::no_metadata>;
using FrameReleasedError = ErrorOf<Code::frame_released>;
using ClosedError = ErrorOf<Code::closed>;
using ResourceExhaustedError = ErrorOf<Code::resource_exhausted>;
using SystemError = ErrorOf<Code::system_error>;
using BusyError = ErrorOf<Code::busy>;
using HandlerError = ErrorOf<Code::handler_error>;

} // namespace zerobuffer
