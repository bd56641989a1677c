#include <zerobuffer/error.hpp>

#include <array>
#include <cstddef>
#include <utility>

namespace zerobuffer {

std::string_view to_string(Code code) noexcept {
    static constexpr auto names = std::to_array<std::string_view>({"invalid_name",     "buffer_in_use",
                                                                   "not_found",        "permission_denied",
                                                                   "invalid_oieb",     "version_mismatch",
                                                                   "writer_exists",    "reader_dead",
                                                                   "writer_dead",      "timeout",
                                                                   "buffer_full",      "frame_too_large",
                                                                   "frame_unwritable", "invalid_frame_size",
                                                                   "sequence_error",   "metadata_too_large",
                                                                   "metadata_exists",  "metadata_empty",
                                                                   "no_metadata",      "frame_released",
                                                                   "closed",           "resource_exhausted",
                                                                   "system_error",     "busy",
                                                                   "handler_error"});
    static_assert(names.size() == static_cast<std::size_t>(Code::handler_error) + 1);
    return names.at(static_cast<std::size_t>(code));
}

Error::Error(Code code, const std::string& message, Values values)
    : std::runtime_error(message), code_(code), values_(std::move(values)) {}

} // namespace zerobuffer
