#pragma once

#include <zerobuffer/zerobuffer.hpp>

#include <chrono>
#include <cstddef>
#include <cstdint>
#include <span>
#include <string>
#include <vector>

namespace test {

/// What takes longer hangs; no measure of anything.
inline constexpr auto patience = std::chrono::seconds(20);

/// The pattern of test data: byte i is (i + shift) mod 256.
[[nodiscard]] std::vector<std::byte> ramp(std::size_t size, std::uint64_t shift = 0);

[[nodiscard]] std::vector<std::byte> copy(std::span<const std::byte> bytes);

/// The memory of a buffer, as it stands in the file.
[[nodiscard]] std::vector<std::byte> memory(const std::string& name);

[[nodiscard]] zerobuffer::ControlBlock control(const std::string& name);

/// What a semaphore stands at.
[[nodiscard]] int tokens(const std::string& semaphore);

/// Changes some bytes of a segment behind everybody's back.
void poke(const std::string& name, std::size_t offset, std::uint64_t value);

/// Makes a segment look as if it had been made long ago.
void age(const std::string& name);

/// The files of a buffer that exist: segment, semaphores, lock file.
[[nodiscard]] std::vector<std::string> files_of(const std::string& name);

/// A reader with its writer.
struct Pair {
    explicit Pair(zerobuffer::BufferConfig config) : reader(unique_name(), config), writer(reader.name()) {}

    [[nodiscard]] static std::string unique_name();

    zerobuffer::Reader reader;
    zerobuffer::Writer writer;

    void write(std::size_t size) { writer.write(ramp(size, writer.next_sequence()), patience); }

    /// Reads a frame and checks that it is whole.
    [[nodiscard]] zerobuffer::Frame read();
};

} // namespace test
