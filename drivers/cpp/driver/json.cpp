#include "json.hpp"

#include <array>
#include <charconv>
#include <cmath>
#include <limits>

namespace driver {

namespace {

constexpr int most_levels = 64;

/// The length of the UTF-8 sequence at the start of a text; 0 if there is none.
std::size_t utf8_length(std::string_view text) {
    const auto byte = [text](std::size_t at) { return static_cast<unsigned char>(text[at]); };
    const auto continues = [&](std::size_t at) { return at < text.size() && (byte(at) & 0xC0U) == 0x80U; };
    const unsigned char lead = byte(0);
    if (lead < 0x80) return 1;
    if (lead >= 0xC2 && lead <= 0xDF) return continues(1) ? 2 : 0;
    if (lead >= 0xE0 && lead <= 0xEF) {
        if (!continues(1) || !continues(2)) return 0;
        // Neither a longer form than needed nor half of a surrogate pair.
        if ((lead == 0xE0 && byte(1) < 0xA0) || (lead == 0xED && byte(1) > 0x9F)) return 0;
        return 3;
    }
    if (lead >= 0xF0 && lead <= 0xF4) {
        if (!continues(1) || !continues(2) || !continues(3)) return 0;
        if ((lead == 0xF0 && byte(1) < 0x90) || (lead == 0xF4 && byte(1) > 0x8F)) return 0;
        return 4;
    }
    return 0;
}

void append_utf8(std::string& out, std::uint32_t point) {
    const auto put = [&out](std::uint32_t byte) { out.push_back(static_cast<char>(byte)); };
    if (point < 0x80) {
        put(point);
    } else if (point < 0x800) {
        put(0xC0U | (point >> 6U));
        put(0x80U | (point & 0x3FU));
    } else if (point < 0x10000) {
        put(0xE0U | (point >> 12U));
        put(0x80U | ((point >> 6U) & 0x3FU));
        put(0x80U | (point & 0x3FU));
    } else {
        put(0xF0U | (point >> 18U));
        put(0x80U | ((point >> 12U) & 0x3FU));
        put(0x80U | ((point >> 6U) & 0x3FU));
        put(0x80U | (point & 0x3FU));
    }
}

class Parser {
public:
    explicit Parser(std::string_view text) : text_(text) {}

    Json whole() {
        Json value = this->value(0);
        skip_space();
        if (at_ != text_.size()) refuse("something follows the value");
        return value;
    }

private:
    [[noreturn]] void refuse(std::string_view reason) const {
        throw JsonError("no JSON at byte " + std::to_string(at_) + ": " + std::string(reason));
    }

    [[nodiscard]] char peek() const { return at_ < text_.size() ? text_[at_] : '\0'; }

    void skip_space() {
        while (at_ < text_.size() && std::string_view(" \t\r\n").find(text_[at_]) != std::string_view::npos) at_++;
    }

    bool take(std::string_view word) {
        if (text_.substr(at_, word.size()) != word) return false;
        at_ += word.size();
        return true;
    }

    Json value(int level) {
        if (level > most_levels) refuse("it is nested too deep");
        skip_space();
        switch (peek()) {
        case '{':
            return object(level);
        case '[':
            return array(level);
        case '"':
            return string();
        default:
            break;
        }
        if (take("null")) return nullptr;
        if (take("true")) return true;
        if (take("false")) return false;
        return number();
    }

    Json object(int level) {
        Json::Object members;
        at_++;
        skip_space();
        if (take("}")) return members;
        for (;;) {
            skip_space();
            if (peek() != '"') refuse("a key is expected");
            std::string key = string();
            skip_space();
            if (!take(":")) refuse("':' is expected");
            members.insert_or_assign(std::move(key), value(level + 1));
            skip_space();
            if (take("}")) return members;
            if (!take(",")) refuse("',' or '}' is expected");
        }
    }

    Json array(int level) {
        Json::Array items;
        at_++;
        skip_space();
        if (take("]")) return items;
        for (;;) {
            items.push_back(value(level + 1));
            skip_space();
            if (take("]")) return items;
            if (!take(",")) refuse("',' or ']' is expected");
        }
    }

    std::string string() {
        std::string out;
        at_++;
        for (;;) {
            if (at_ >= text_.size()) refuse("a string without end");
            const char letter = text_[at_];
            if (letter == '"') {
                at_++;
                return out;
            }
            if (letter == '\\') {
                at_++;
                escape(out);
                continue;
            }
            if (static_cast<unsigned char>(letter) < 0x20) refuse("a control character in a string");
            const std::size_t length = utf8_length(text_.substr(at_));
            if (length == 0) refuse("bytes that are no UTF-8");
            out.append(text_.substr(at_, length));
            at_ += length;
        }
    }

    void escape(std::string& out) {
        constexpr std::string_view letters = "\"\\/bfnrt";
        constexpr std::string_view meanings = "\"\\/\b\f\n\r\t";
        const char letter = peek();
        at_++;
        if (letter == 'u') {
            append_utf8(out, code_point());
            return;
        }
        const std::size_t found = letters.find(letter);
        if (letter == '\0' || found == std::string_view::npos) refuse("an unknown escape");
        out.push_back(meanings[found]);
    }

    std::uint32_t code_point() {
        const std::uint32_t first = four_digits();
        if (first < 0xD800 || first > 0xDFFF) return first;
        if (first > 0xDBFF || !take("\\u")) refuse("half of a surrogate pair");
        const std::uint32_t second = four_digits();
        if (second < 0xDC00 || second > 0xDFFF) refuse("half of a surrogate pair");
        return 0x10000 + ((first - 0xD800) << 10U) + (second - 0xDC00);
    }

    std::uint32_t four_digits() {
        const std::string_view digits = text_.substr(at_, 4);
        std::uint32_t value = 0;
        const auto [end, error] = std::from_chars(digits.data(), digits.data() + digits.size(), value, 16);
        if (digits.size() != 4 || error != std::errc() || end != digits.data() + 4) refuse("four digits are expected");
        at_ += 4;
        return value;
    }

    std::size_t digits() {
        const std::size_t from = at_;
        while (peek() >= '0' && peek() <= '9') at_++;
        return at_ - from;
    }

    Json number() {
        const std::size_t from = at_;
        const bool negative = take("-");
        const char first = peek();
        const std::size_t count = digits();
        if (count == 0) refuse("a value is expected");
        if (first == '0' && count > 1) refuse("a number does not begin with 0");
        bool is_whole = true;
        if (take(".")) {
            is_whole = false;
            if (digits() == 0) refuse("a digit is expected");
        }
        if (take("e") || take("E")) {
            is_whole = false;
            if (!take("+")) take("-");
            if (digits() == 0) refuse("a digit is expected");
        }
        const std::string_view text = text_.substr(from, at_ - from);
        const auto read = [text](auto& value) {
            return std::from_chars(text.data(), text.data() + text.size(), value).ec == std::errc();
        };
        if (std::int64_t value = 0; is_whole && read(value)) return value;
        if (std::uint64_t value = 0; is_whole && !negative && read(value)) return value;
        double value = 0;
        if (!read(value)) refuse("a number out of range");
        return value;
    }

    std::string_view text_;
    std::size_t at_ = 0;
};

void print_string(std::string& out, std::string_view text) {
    constexpr std::string_view digits = "0123456789abcdef";
    out.push_back('"');
    while (!text.empty()) {
        const char letter = text.front();
        const std::size_t length = utf8_length(text);
        if (letter == '"' || letter == '\\') {
            out.push_back('\\');
            out.push_back(letter);
        } else if (static_cast<unsigned char>(letter) < 0x20) {
            out.append("\\u00");
            out.push_back(digits[static_cast<unsigned char>(letter) >> 4U]);
            out.push_back(digits[static_cast<unsigned char>(letter) & 0xFU]);
        } else if (length == 0) {
            out.append("\\ufffd");
        } else {
            out.append(text.substr(0, length));
        }
        text.remove_prefix(length == 0 ? 1 : length);
    }
    out.push_back('"');
}

template <typename Number>
void print_number(std::string& out, Number value) {
    std::array<char, 32> text{};
    const auto [end, error] = std::to_chars(text.data(), text.data() + text.size(), value);
    if (error == std::errc()) out.append(text.data(), end);
}

template <class... Cases>
struct Visitor : Cases... {
    using Cases::operator()...;
};
template <class... Cases>
Visitor(Cases...) -> Visitor<Cases...>;

} // namespace

Json parse_json(std::string_view text) { return Parser(text).whole(); }

bool Json::whole(std::uint64_t& result) const {
    if (const auto* value = as<std::uint64_t>()) {
        result = *value;
        return true;
    }
    const auto* value = as<std::int64_t>();
    if (value == nullptr || *value < 0) return false;
    result = static_cast<std::uint64_t>(*value);
    return true;
}

bool Json::number(double& result) const {
    if (const auto* fraction = as<double>()) {
        result = *fraction;
    } else if (const auto* natural = as<std::uint64_t>()) {
        result = static_cast<double>(*natural);
    } else if (const auto* integer = as<std::int64_t>()) {
        result = static_cast<double>(*integer);
    } else {
        return false;
    }
    return true;
}

const Json* Json::find(std::string_view key) const {
    const auto* members = as<Object>();
    if (members == nullptr) return nullptr;
    const auto found = members->find(key);
    return found == members->end() ? nullptr : &found->second;
}

std::string Json::print() const {
    std::string out;
    print(out);
    return out;
}

void Json::print(std::string& out) const {
    const auto list = [&out](char open, char close, const auto& items, const auto& print_item) {
        out.push_back(open);
        bool first = true;
        for (const auto& item : items) {
            if (!first) out.push_back(',');
            first = false;
            print_item(item);
        }
        out.push_back(close);
    };
    std::visit(Visitor{
                   [&](std::nullptr_t) { out.append("null"); },
                   [&](bool value) { out.append(value ? "true" : "false"); },
                   [&](double value) {
                       if (std::isfinite(value)) {
                           print_number(out, value);
                       } else {
                           out.append("null");
                       }
                   },
                   [&](const std::string& value) { print_string(out, value); },
                   [&](const Array& items) { list('[', ']', items, [&](const Json& item) { item.print(out); }); },
                   [&](const Object& members) {
                       list('{', '}', members, [&](const auto& member) {
                           print_string(out, member.first);
                           out.push_back(':');
                           member.second.print(out);
                       });
                   },
                   [&](auto value) { print_number(out, value); },
               },
               value_);
}

} // namespace driver
