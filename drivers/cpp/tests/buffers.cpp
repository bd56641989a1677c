#include "buffers.hpp"

#include "case.hpp"
#include "names.hpp"

#include <array>
#include <cstring>
#include <filesystem>
#include <fstream>
#include <iterator>

#include <fcntl.h>
#include <semaphore.h>
#include <sys/stat.h>

namespace test {

namespace names = zerobuffer::detail;

std::vector<std::byte> ramp(std::size_t size, std::uint64_t shift) {
    std::vector<std::byte> bytes(size);
    for (std::size_t at = 0; at < size; at++) bytes[at] = static_cast<std::byte>(at + shift);
    return bytes;
}

std::vector<std::byte> copy(std::span<const std::byte> bytes) { return {bytes.begin(), bytes.end()}; }

std::vector<std::byte> memory(const std::string& name) {
    std::ifstream file(names::Names(name).segment(), std::ios::binary);
    const std::string text((std::istreambuf_iterator<char>(file)), std::istreambuf_iterator<char>());
    std::vector<std::byte> bytes(text.size());
    if (!text.empty()) std::memcpy(bytes.data(), text.data(), text.size());
    return bytes;
}

int tokens(const std::string& semaphore) {
    ::sem_t* const opened = ::sem_open(semaphore.c_str(), 0);
    CHECK(opened != SEM_FAILED);
    int value = 0;
    ::sem_getvalue(opened, &value);
    ::sem_close(opened);
    return value;
}

zerobuffer::ControlBlock control(const std::string& name) {
    zerobuffer::ControlBlock block{};
    std::memcpy(&block, memory(name).data(), sizeof block);
    return block;
}

void poke(const std::string& name, std::size_t offset, std::uint64_t value) {
    std::fstream file(names::Names(name).segment(), std::ios::binary | std::ios::in | std::ios::out);
    file.seekp(static_cast<std::streamoff>(offset));
    std::array<char, sizeof value> bytes{};
    std::memcpy(bytes.data(), &value, sizeof value);
    file.write(bytes.data(), bytes.size());
    if (!file.flush()) throw std::runtime_error("the segment cannot be written to");
}

void age(const std::string& name) {
    const std::array<::timespec, 2> then{::timespec{1'000'000'000, 0}, ::timespec{1'000'000'000, 0}};
    ::utimensat(AT_FDCWD, names::Names(name).segment().c_str(), then.data(), 0);
}

std::vector<std::string> files_of(const std::string& name) {
    const names::Names objects(name);
    std::vector<std::string> there;
    for (const std::filesystem::path& path : {objects.segment(), names::semaphore_file(objects.data_semaphore()),
                                              names::semaphore_file(objects.space_semaphore()), objects.lock_path()}) {
        if (std::filesystem::exists(std::filesystem::symlink_status(path))) there.push_back(path);
    }
    return there;
}

std::string Pair::unique_name() { return test::unique_name(); }

zerobuffer::Frame Pair::read() {
    zerobuffer::Frame frame = reader.read(patience);
    if (copy(frame.data()) != ramp(frame.size(), frame.sequence())) {
        throw Failure("frame " + std::to_string(frame.sequence()) + " is not what was written");
    }
    return frame;
}

} // namespace test
