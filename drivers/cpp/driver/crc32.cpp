#include "crc32.hpp"

#include <array>
#include <cstring>

namespace driver {

namespace {

constexpr std::uint32_t polynomial = 0xEDB88320;
constexpr std::size_t step = 8;

using Tables = std::array<std::array<std::uint32_t, 256>, step>;

/// Table k holds what a byte contributes that k others follow, so that eight bytes are taken at once.
constexpr Tables make_tables() {
    Tables tables{};
    for (std::uint32_t byte = 0; byte < 256; byte++) {
        std::uint32_t crc = byte;
        for (int bit = 0; bit < 8; bit++) crc = (crc >> 1U) ^ ((crc & 1U) != 0 ? polynomial : 0);
        tables[0][byte] = crc;
    }
    for (std::size_t table = 1; table < step; table++) {
        for (std::size_t byte = 0; byte < 256; byte++) {
            const std::uint32_t crc = tables[table - 1][byte];
            tables[table][byte] = (crc >> 8U) ^ tables[0][crc & 0xFFU];
        }
    }
    return tables;
}

constexpr Tables tables = make_tables();

} // namespace

std::uint32_t crc32(std::span<const std::byte> data, std::uint32_t before) noexcept {
    std::uint32_t crc = ~before;
    while (data.size() >= step) {
        std::uint64_t word = 0;
        std::memcpy(&word, data.data(), sizeof word);
        word ^= crc;
        crc = 0;
        for (std::size_t byte = 0; byte < step; byte++) {
            crc ^= tables[step - 1 - byte][(word >> (8U * byte)) & 0xFFU];
        }
        data = data.subspan(step);
    }
    for (const std::byte byte : data) {
        crc = (crc >> 8U) ^ tables[0][(crc ^ std::to_integer<std::uint32_t>(byte)) & 0xFFU];
    }
    return ~crc;
}

} // namespace driver
