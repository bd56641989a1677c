#pragma once

#include "json.hpp"
#include "results.hpp"

#include <zerobuffer/error.hpp>

#include <memory>
#include <optional>
#include <stdexcept>
#include <string>
#include <string_view>
#include <utility>

/// The messages of JSON-RPC 2.0, without I/O.
namespace driver {

inline constexpr int parse_error = -32700;
inline constexpr int invalid_request = -32600;
inline constexpr int method_not_found = -32601;
inline constexpr int invalid_params = -32602;
inline constexpr int internal_error = -32603;
/// What the library refuses.
inline constexpr int driver_error = -32000;

/// An answer that reports a failed request.
class Failure : public std::runtime_error {
public:
    Failure(int its_code, const std::string& message) : std::runtime_error(message), code(its_code) {}

    /// What the library refuses, or this driver in its place.
    Failure(zerobuffer::Code its_cause, const std::string& message, zerobuffer::Values its_details = {})
        : std::runtime_error(message), code(driver_error), cause(its_cause), details(std::move(its_details)) {}

    /// An error of the library.
    explicit Failure(const zerobuffer::Error& error) : Failure(error.code(), error.what(), error.values()) {}

    int code;
    std::optional<zerobuffer::Code> cause;
    zerobuffer::Values details;
};

[[nodiscard]] Failure bad_params(const std::string& reason);

struct Request {
    Id id;
    std::string method;
    std::shared_ptr<const Json> params; ///< One object.
};

/// A body that is no request, and whom to tell.
class Malformed : public Failure {
public:
    Malformed(int its_code, const std::string& message, Id its_id = nullptr)
        : Failure(its_code, message), id(std::move(its_id)) {}

    Id id;
};

/// @throws Malformed
[[nodiscard]] Request parse_request(std::string_view body);

[[nodiscard]] std::string response(const Id& id, const Result& result);
[[nodiscard]] std::string response(const Id& id, const Failure& failure);

} // namespace driver
