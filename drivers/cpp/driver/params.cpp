#include "params.hpp"

#include "rpc.hpp"

#include <nlohmann/json.hpp>

#include <algorithm>
#include <limits>

namespace driver {

namespace {

[[noreturn]] void refuse(std::string_view key, std::string_view wanted) {
    throw bad_params("\"" + std::string(key) + "\" must be " + std::string(wanted));
}

bool is_natural(const Json& value) {
    return value.is_number_unsigned() || (value.is_number_integer() && value.get<std::int64_t>() >= 0);
}

} // namespace

const Json& Params::at(std::string_view key) const {
    const auto found = object_.find(key);
    if (found == object_.end()) throw bad_params("\"" + std::string(key) + "\" is missing");
    return *found;
}

std::string Params::text(std::string_view key) const {
    const Json& value = at(key);
    if (!value.is_string()) refuse(key, "a text");
    return value.get<std::string>();
}

bool Params::flag(std::string_view key) const {
    const Json& value = at(key);
    if (!value.is_boolean()) refuse(key, "true or false");
    return value.get<bool>();
}

std::uint64_t Params::number(std::string_view key) const {
    const Json& value = at(key);
    if (!is_natural(value)) refuse(key, "a whole number from 0 on");
    return value.get<std::uint64_t>();
}

std::optional<std::uint64_t> Params::number_or_null(std::string_view key) const {
    if (at(key).is_null()) return std::nullopt;
    return number(key);
}

std::vector<std::uint64_t> Params::numbers(std::string_view key) const {
    const Json& list = at(key);
    if (!list.is_array() || !std::all_of(list.begin(), list.end(), is_natural)) {
        refuse(key, "a list of whole numbers from 0 on");
    }
    return list.get<std::vector<std::uint64_t>>();
}

std::chrono::nanoseconds Params::seconds(std::string_view key) const {
    const Json& value = at(key);
    if (!value.is_number() || value.get<double>() < 0) refuse(key, "seconds, from 0 on");
    const std::chrono::duration<double, std::nano> exact = std::chrono::duration<double>(value.get<double>());
    if (exact.count() >= static_cast<double>(std::numeric_limits<std::int64_t>::max())) {
        return std::chrono::nanoseconds::max();
    }
    return std::chrono::duration_cast<std::chrono::nanoseconds>(exact);
}

Recipe Params::recipe(std::string_view key) const {
    const Json& object = at(key);
    if (!object.is_object()) refuse(key, "an object");
    const Params parts(object);
    Recipe recipe;
    const std::string pattern = parts.text("pattern");
    if (pattern == "frame") {
        recipe.pattern = Pattern::frame;
    } else if (pattern == "simple") {
        recipe.pattern = Pattern::simple;
    } else if (pattern == "text") {
        recipe.pattern = Pattern::text;
    } else {
        refuse("pattern", "one of frame, simple and text");
    }
    recipe.size = parts.number("size");
    recipe.sequence = parts.number("sequence");
    recipe.text = parts.text("text");
    const std::uint64_t mask = parts.number("mask");
    if (mask > std::numeric_limits<std::uint8_t>::max()) refuse("mask", "a byte");
    recipe.mask = static_cast<std::uint8_t>(mask);
    recipe.repeat = parts.number("repeat");
    return recipe;
}

} // namespace driver
