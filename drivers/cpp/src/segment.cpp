#include "segment.hpp"

#include <algorithm>
#include <cerrno>
#include <chrono>
#include <limits>
#include <optional>
#include <system_error>
#include <utility>

#include <fcntl.h>
#include <sys/mman.h>

namespace zerobuffer::detail {

namespace {

constexpr std::int64_t reader_place = std::int64_t{1} << 40;
constexpr std::int64_t writer_places = std::int64_t{1} << 41;
constexpr std::uint64_t longest_lock = std::uint64_t{1} << 61;

struct ::flock range(short kind, std::int64_t from, std::uint64_t length) {
    struct ::flock lock {};

    lock.l_type = kind;
    lock.l_whence = SEEK_SET;
    lock.l_start = from;
    lock.l_len = static_cast<::off_t>(length);
    return lock;
}

void lock(int file, std::int64_t from, std::uint64_t length) noexcept {
    // Where the system refuses, all works but for what the locks are for.
    struct ::flock wanted = range(F_WRLCK, from, length);
    ::fcntl(file, F_OFD_SETLK, &wanted);
}

/// The first lock of somebody else in a range; a length of 0 means up to the end of all places.
std::optional<struct ::flock> foreign_lock(int file, std::int64_t from, std::uint64_t length) noexcept {
    struct ::flock asked = range(F_WRLCK, from, length);
    if (::fcntl(file, F_OFD_GETLK, &asked) != 0 || asked.l_type == F_UNLCK) return std::nullopt;
    return asked;
}

std::size_t control_length(std::uint64_t length) {
    return static_cast<std::size_t>(std::min<std::uint64_t>(length, oieb_size));
}

} // namespace

Mapping::Mapping(int file, std::size_t length, int protection) {
    void* base = ::mmap(nullptr, length, protection, MAP_SHARED, file, 0);
    if (base == MAP_FAILED) throw std::system_error(errno, std::generic_category());
    bytes_ = {static_cast<std::byte*>(base), length};
}

Mapping::Mapping(Mapping&& other) noexcept : bytes_(std::exchange(other.bytes_, {})) {}

Mapping::~Mapping() {
    if (!bytes_.empty()) ::munmap(bytes_.data(), bytes_.size());
}

Segment::Segment(Descriptor file, std::uint64_t length, Access access)
    : file_(std::move(file)),
      body_(file_.get(), static_cast<std::size_t>(length),
            access == Access::reader ? PROT_READ : PROT_READ | PROT_WRITE),
      control_(file_.get(), control_length(length), PROT_READ | PROT_WRITE) {}

ControlBlock& Segment::control() const noexcept {
    // The bytes are those of a ControlBlock by the protocol, and the page is aligned.
    return *reinterpret_cast<ControlBlock*>(control_.bytes().data());
}

void Segment::lock_reader() const noexcept { lock(file_.get(), reader_place, 1); }

void Segment::lock_writer(std::uint64_t first) const noexcept {
    const auto now = std::chrono::steady_clock::now().time_since_epoch();
    lock(file_.get(), writer_places + std::chrono::duration_cast<std::chrono::nanoseconds>(now).count(),
         first < longest_lock ? first + 1 : 1);
}

void Segment::unlock() const noexcept {
    struct ::flock all = range(F_UNLCK, reader_place, 0);
    ::fcntl(file_.get(), F_OFD_SETLK, &all);
}

bool Segment::reader_lock_held() const noexcept { return foreign_lock(file_.get(), reader_place, 1).has_value(); }

Segment::WriterLock Segment::writer_lock() const noexcept {
    const auto found = foreign_lock(file_.get(), writer_places, 0);
    if (!found) return {};
    return {.place = found->l_start, .first = found->l_len > 0 ? static_cast<std::uint64_t>(found->l_len) - 1 : 0};
}

} // namespace zerobuffer::detail
