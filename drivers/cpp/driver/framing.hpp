#pragma once

#include <cstddef>
#include <cstdint>
#include <optional>
#include <string>
#include <string_view>

namespace driver {

inline constexpr std::size_t most_message_bytes = 16 << 20;
inline constexpr std::size_t most_header_bytes = 8 << 10;

/// A message, or why bytes are none.
struct Item {
    bool is_fault;
    std::string text;
};

[[nodiscard]] std::string encode_frame(std::string_view body);

/// Takes messages with their Content-Length out of a stream, without I/O, and never makes room for what is merely
/// announced.
///
/// What cannot be read becomes a fault, and the next header is looked for. That search is safe: JSON holds no raw line
/// break inside a string and no letter outside one, so a header with its line break never occurs inside a message.
class Decoder {
public:
    void feed(std::string_view bytes) { buffer_.append(bytes); }

    /// The next item that is complete.
    [[nodiscard]] std::optional<Item> next();

private:
    [[nodiscard]] bool find_header();
    [[nodiscard]] std::optional<Item> read_header();
    [[nodiscard]] std::optional<Item> read_body();
    [[nodiscard]] Item lose(std::string reason, std::size_t drop);

    std::string buffer_;
    std::optional<std::uint64_t> expected_; ///< Bytes of the body whose header has been read.
    std::size_t scanned_ = 0;
    bool lost_ = false;
};

} // namespace driver
