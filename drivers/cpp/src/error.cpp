#include <zerobuffer/error.hpp>

#include <utility>

namespace zerobuffer {

std::string_view to_string(Code code) noexcept {
    switch (code) {
    case Code::invalid_name:
        return "invalid_name";
    case Code::buffer_in_use:
        return "buffer_in_use";
    case Code::not_found:
        return "not_found";
    case Code::permission_denied:
        return "permission_denied";
    case Code::invalid_oieb:
        return "invalid_oieb";
    case Code::version_mismatch:
        return "version_mismatch";
    case Code::writer_exists:
        return "writer_exists";
    case Code::reader_dead:
        return "reader_dead";
    case Code::writer_dead:
        return "writer_dead";
    case Code::timeout:
        return "timeout";
    case Code::buffer_full:
        return "buffer_full";
    case Code::frame_too_large:
        return "frame_too_large";
    case Code::frame_unwritable:
        return "frame_unwritable";
    case Code::invalid_frame_size:
        return "invalid_frame_size";
    case Code::sequence_error:
        return "sequence_error";
    case Code::metadata_too_large:
        return "metadata_too_large";
    case Code::metadata_exists:
        return "metadata_exists";
    case Code::metadata_empty:
        return "metadata_empty";
    case Code::no_metadata:
        return "no_metadata";
    case Code::frame_released:
        return "frame_released";
    case Code::closed:
        return "closed";
    case Code::resource_exhausted:
        return "resource_exhausted";
    case Code::system_error:
        return "system_error";
    case Code::busy:
        return "busy";
    }
    return "system_error";
}

Error::Error(Code code, const std::string& message, Values values)
    : std::runtime_error(message), code_(code), values_(std::move(values)) {}

} // namespace zerobuffer
