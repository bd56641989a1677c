#pragma once

#include "json.hpp"

#include <zerobuffer/error.hpp>

#include <optional>
#include <stdexcept>
#include <string>
#include <string_view>

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
    Failure(int code, const std::string& message, Json data = nullptr);
    /// What the library refuses, perhaps `after` something.
    explicit Failure(const zerobuffer::Error& error, const std::string& after = {});
    /// What this driver refuses as the library would.
    Failure(zerobuffer::Code code, const std::string& message);

    [[nodiscard]] int code() const { return code_; }

    [[nodiscard]] Json plain() const;

private:
    int code_;
    Json data_;
};

[[nodiscard]] Failure bad_params(const std::string& reason);

struct Request {
    std::optional<Json> id; ///< Nothing for a notification, which gets no answer.
    std::string method;
    Json params; ///< One object.
};

/// A body that is no request, and what to answer to whom.
class Malformed : public Failure {
public:
    Malformed(int code, const std::string& message, Json its_id) : Failure(code, message), id(std::move(its_id)) {}

    Json id;
};

/// @throws Malformed
[[nodiscard]] Request parse_request(std::string_view body);

[[nodiscard]] std::string response(const Json& id, Json result);
[[nodiscard]] std::string response(const Json& id, const Failure& failure);

} // namespace driver
