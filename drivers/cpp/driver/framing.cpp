#include "framing.hpp"

#include <algorithm>
#include <charconv>

namespace driver {

namespace {

constexpr std::string_view content_length = "content-length";
/// A header that has only begun to come is at most so long.
constexpr std::size_t anchor_reach = 64;

char lower(char letter) { return letter >= 'A' && letter <= 'Z' ? static_cast<char>(letter + ('a' - 'A')) : letter; }

bool same_letters(std::string_view one, std::string_view other) {
    return std::equal(one.begin(), one.end(), other.begin(), other.end(),
                      [](char left, char right) { return lower(left) == lower(right); });
}

bool ends_with_letters(std::string_view text, std::string_view end) {
    return text.size() >= end.size() && same_letters(text.substr(text.size() - end.size()), end);
}

bool is_blank(char letter) { return letter == ' ' || letter == '\t'; }

bool is_digit(char letter) { return letter >= '0' && letter <= '9'; }

std::string_view stripped(std::string_view text) {
    constexpr std::string_view space = " \t\r\n";
    const std::size_t from = text.find_first_not_of(space);
    if (from == std::string_view::npos) return {};
    return text.substr(from, text.find_last_not_of(space) - from + 1);
}

bool is_token(std::string_view text) {
    constexpr std::string_view others = "!#$%&'*+-.^_`|~";
    return !text.empty() && std::all_of(text.begin(), text.end(), [&](char letter) {
        return is_digit(letter) || (lower(letter) >= 'a' && lower(letter) <= 'z') ||
               others.find(letter) != std::string_view::npos;
    });
}

/// Where a whole Content-Length header with its line break begins.
std::size_t find_anchor(std::string_view text, std::size_t from) {
    const auto skip = [text](std::size_t at, auto kind) {
        while (at < text.size() && kind(text[at])) at++;
        return at;
    };
    for (; from + content_length.size() < text.size(); from++) {
        if (!same_letters(text.substr(from, content_length.size()), content_length)) continue;
        std::size_t at = skip(from + content_length.size(), is_blank);
        if (at >= text.size() || text[at] != ':') continue;
        at = skip(at + 1, is_blank);
        const std::size_t digits_end = skip(at, is_digit);
        if (digits_end == at) continue;
        at = skip(digits_end, is_blank);
        if (at < text.size() && text[at] == '\r') at++;
        if (at < text.size() && text[at] == '\n') return from;
    }
    return std::string_view::npos;
}

std::string excerpt(std::string_view text) { return std::string(stripped(text).substr(0, 60)); }

} // namespace

std::string encode_frame(std::string_view body) {
    std::string message = "Content-Length: " + std::to_string(body.size()) + "\r\n\r\n";
    message.append(body);
    return message;
}

std::optional<Item> Decoder::next() {
    if (lost_ && !find_header()) return std::nullopt;
    if (!expected_) {
        if (auto fault = read_header()) return fault;
    }
    return expected_ ? read_body() : std::nullopt;
}

/// Drops everything before the next header; keeps only what could be its beginning.
bool Decoder::find_header() {
    const std::size_t found = find_anchor(buffer_, 0);
    lost_ = found == std::string::npos;
    buffer_.erase(0, lost_ ? buffer_.size() - std::min(buffer_.size(), anchor_reach) : found);
    return !lost_;
}

Item Decoder::lose(std::string reason, std::size_t drop) {
    buffer_.erase(0, drop);
    expected_.reset();
    lost_ = true;
    return {.is_fault = true, .text = std::move(reason)};
}

std::optional<Item> Decoder::read_header() {
    buffer_.erase(0, std::min(buffer_.find_first_not_of("\r\n"), buffer_.size()));
    std::optional<std::uint64_t> length;
    for (std::size_t at = 0;;) {
        const std::size_t line_end = buffer_.find('\n', at);
        if (line_end == std::string::npos) {
            if (buffer_.size() >= most_header_bytes) return lose("no end of the headers", 1);
            return std::nullopt;
        }
        const std::string_view line = std::string_view(buffer_).substr(at, line_end - at);
        const std::size_t next_line = line_end + 1;
        if (stripped(line).empty()) {
            if (!length) return lose("headers without Content-Length", next_line);
            if (*length > most_message_bytes) {
                return lose("a message of " + std::to_string(*length) + " bytes is announced, at most " +
                                std::to_string(most_message_bytes) + " are accepted",
                            next_line);
            }
            buffer_.erase(0, next_line);
            expected_ = length;
            scanned_ = 0;
            return std::nullopt;
        }
        const std::size_t colon = line.find(':');
        const std::string_view name = line.substr(0, std::min(colon, line.size()));
        const std::string_view key = stripped(name);
        const bool is_length = same_letters(key, content_length);
        if (colon == std::string_view::npos || is_blank(line.front()) || !is_token(key) ||
            (ends_with_letters(key, content_length) && !is_length)) {
            // A header may follow on the same line, after the rest of a message that was longer than announced.
            return lose("expected a header, got " + excerpt(line), at);
        }
        if (is_length) {
            const std::string_view digits = stripped(line.substr(colon + 1));
            std::uint64_t value = 0;
            const auto [end, error] = std::from_chars(digits.data(), digits.data() + digits.size(), value);
            const bool read = error == std::errc() && end == digits.data() + digits.size();
            if (!read || (length && *length != value)) {
                return lose("not a usable length: " + excerpt(line), next_line);
            }
            length = value;
        }
        at = next_line;
    }
}

std::optional<Item> Decoder::read_body() {
    // A message that is shorter than announced would swallow the one that follows.
    const std::size_t from = scanned_ - std::min(scanned_, anchor_reach);
    const std::size_t found = find_anchor(buffer_, from);
    if (found < *expected_) return lose("the length announced reaches into the next message", found);
    scanned_ = std::min<std::size_t>(*expected_, buffer_.size());
    if (buffer_.size() < *expected_) return std::nullopt;
    Item item{.is_fault = false, .text = buffer_.substr(0, *expected_)};
    buffer_.erase(0, *expected_);
    expected_.reset();
    return item;
}

} // namespace driver
