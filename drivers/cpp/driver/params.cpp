#include "params.hpp"

#include "rpc.hpp"

#include <cmath>
#include <limits>

namespace driver {

namespace {

[[noreturn]] void refuse(std::string_view key, std::string_view wanted) {
    throw bad_params("\"" + std::string(key) + "\" must be " + std::string(wanted));
}

} // namespace

const Json& Params::at(std::string_view key) const {
    const Json* found = object_.find(key);
    if (found == nullptr) throw bad_params("\"" + std::string(key) + "\" is missing");
    return *found;
}

std::string Params::text(std::string_view key) const {
    const auto* value = at(key).as<std::string>();
    if (value == nullptr) refuse(key, "a text");
    return *value;
}

bool Params::flag(std::string_view key) const {
    const auto* value = at(key).as<bool>();
    if (value == nullptr) refuse(key, "true or false");
    return *value;
}

std::uint64_t Params::number(std::string_view key) const {
    std::uint64_t value = 0;
    if (!at(key).whole(value)) refuse(key, "a whole number from 0 on");
    return value;
}

std::optional<std::uint64_t> Params::number_or_null(std::string_view key) const {
    if (at(key).is_null()) return std::nullopt;
    return number(key);
}

std::vector<std::uint64_t> Params::numbers(std::string_view key) const {
    const auto* list = at(key).as<Json::Array>();
    if (list == nullptr) refuse(key, "a list of whole numbers");
    std::vector<std::uint64_t> values;
    for (const Json& item : *list) {
        if (!item.whole(values.emplace_back())) refuse(key, "a list of whole numbers from 0 on");
    }
    return values;
}

std::chrono::nanoseconds Params::seconds(std::string_view key) const {
    double value = 0;
    if (!at(key).number(value) || std::isnan(value) || value < 0) refuse(key, "seconds, from 0 on");
    const std::chrono::duration<double, std::nano> exact = std::chrono::duration<double>(value);
    if (exact.count() >= static_cast<double>(std::numeric_limits<std::int64_t>::max())) {
        return std::chrono::nanoseconds::max();
    }
    return std::chrono::duration_cast<std::chrono::nanoseconds>(exact);
}

Recipe Params::recipe(std::string_view key) const {
    const Json& object = at(key);
    if (object.as<Json::Object>() == nullptr) refuse(key, "an object");
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
