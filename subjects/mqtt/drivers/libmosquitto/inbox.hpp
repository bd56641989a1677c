// What has arrived, in its order.
#pragma once

#include <openssl/evp.h>

#include <algorithm>
#include <cstdint>
#include <deque>
#include <string>

#include "contract.hpp"

using Bytes = std::basic_string<unsigned char>;

inline std::string hex(const unsigned char* bytes, std::size_t size) {
    static constexpr char digits[] = "0123456789abcdef";
    std::string made;
    for (std::size_t at = 0; at < size; ++at) {
        made += digits[bytes[at] >> 4];
        made += digits[bytes[at] & 15];
    }
    return made;
}

/// Returns the bytes of hexadecimal text, so many times.
inline Bytes bytes(const std::string& name, const std::string& text, std::uint64_t repeat = 1) {
    if (text.size() % 2 != 0 || text.find_first_not_of("0123456789abcdef") != std::string::npos) {
        throw Misfit(name + ": pairs of hexadecimal digits are expected");
    }
    Bytes once;
    for (std::size_t at = 0; at < text.size(); at += 2) {
        once += static_cast<unsigned char>(std::stoi(text.substr(at, 2), nullptr, 16));
    }
    Bytes made;
    made.reserve(once.size() * repeat);
    for (std::uint64_t count = 0; count < repeat; ++count) made += once;
    return made;
}

inline Json no_properties() {
    return {
        {"expiry", nullptr},      {"content_type", nullptr}, {"response_topic", nullptr},
        {"correlation", nullptr}, {"user", Json::array()},
    };
}

/// Returns a message as the contract has it.
inline Json message(
    const std::string& topic,
    const unsigned char* payload,
    std::size_t size,
    int qos,
    bool retain,
    const Json& dup,
    const Json& properties) {
    static constexpr std::size_t head_bytes = 64;
    unsigned char digest[EVP_MAX_MD_SIZE];
    unsigned length = 0;
    EVP_Digest(payload, size, digest, &length, EVP_sha256(), nullptr);
    return {
        {"topic", topic},
        {"size", size},
        {"head", hex(payload, std::min(size, head_bytes))},
        {"sha256", hex(digest, length)},
        {"qos", qos},
        {"retain", retain},
        {"dup", dup},
        {"properties", properties},
    };
}
