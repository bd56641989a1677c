#pragma once

#include "json.hpp"
#include "recipe.hpp"

#include <chrono>
#include <cstdint>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

namespace driver {

/// The parameters of a request. What is missing or ill-typed is refused by its key.
class Params {
public:
    explicit Params(const Json& object) : object_(object) {}

    [[nodiscard]] std::string text(std::string_view key) const;
    [[nodiscard]] bool flag(std::string_view key) const;
    [[nodiscard]] std::uint64_t number(std::string_view key) const;
    /// Nothing for null.
    [[nodiscard]] std::optional<std::uint64_t> number_or_null(std::string_view key) const;
    [[nodiscard]] std::vector<std::uint64_t> numbers(std::string_view key) const;
    [[nodiscard]] std::chrono::nanoseconds seconds(std::string_view key) const;
    [[nodiscard]] Recipe recipe(std::string_view key) const;

private:
    [[nodiscard]] const Json& at(std::string_view key) const;

    const Json& object_;
};

} // namespace driver
