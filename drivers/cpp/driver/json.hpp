#pragma once

#include <cstddef>
#include <cstdint>
#include <initializer_list>
#include <map>
#include <stdexcept>
#include <string>
#include <string_view>
#include <utility>
#include <variant>
#include <vector>

namespace driver {

/// A JSON value. Whole numbers are kept apart from others, up to 64 bits with or without a sign.
class Json {
public:
    using Array = std::vector<Json>;
    using Object = std::map<std::string, Json, std::less<>>;

    Json() = default;

    Json(std::nullptr_t) {}

    Json(bool value) : value_(value) {}

    Json(double value) : value_(value) {}

    Json(int value) : value_(std::int64_t{value}) {}

    Json(std::int64_t value) : value_(value) {}

    Json(std::uint64_t value) : value_(value) {}

    Json(const char* value) : value_(std::string(value)) {}

    Json(std::string_view value) : value_(std::string(value)) {}

    Json(std::string value) : value_(std::move(value)) {}

    Json(Array value) : value_(std::move(value)) {}

    Json(Object value) : value_(std::move(value)) {}

    [[nodiscard]] bool is_null() const { return std::holds_alternative<std::nullptr_t>(value_); }

    /// The value, if it is of that type. Numbers: see whole() and number().
    template <typename Type>
    [[nodiscard]] const Type* as() const {
        return std::get_if<Type>(&value_);
    }

    /// Whether it is a number without a fraction that is not negative, and which.
    [[nodiscard]] bool whole(std::uint64_t& result) const;

    [[nodiscard]] bool number(double& result) const;

    /// The member of an object; nothing if there is none, or this is no object.
    [[nodiscard]] const Json* find(std::string_view key) const;

    [[nodiscard]] std::string print() const;

private:
    void print(std::string& out) const;

    std::variant<std::nullptr_t, bool, std::int64_t, std::uint64_t, double, std::string, Array, Object> value_;
};

/// The text is no JSON.
class JsonError : public std::runtime_error {
public:
    using std::runtime_error::runtime_error;
};

/// Reads one value: strict UTF-8, nested to at most 64 levels.
/// @throws JsonError
[[nodiscard]] Json parse_json(std::string_view text);

} // namespace driver
