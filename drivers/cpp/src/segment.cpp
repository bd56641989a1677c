#include "segment.hpp"

#include <cerrno>
#include <system_error>
#include <utility>

#include <sys/mman.h>
#include <sys/stat.h>

namespace zerobuffer::detail {

Mapping::Mapping(int file, std::size_t length, int protection) {
    void* base = ::mmap(nullptr, length, protection, MAP_SHARED, file, 0);
    if (base == MAP_FAILED) throw std::system_error(errno, std::generic_category());
    bytes_ = {static_cast<std::byte*>(base), length};
}

Mapping::Mapping(Mapping&& other) noexcept : bytes_(std::exchange(other.bytes_, {})) {}

Mapping::~Mapping() {
    if (!bytes_.empty()) ::munmap(bytes_.data(), bytes_.size());
}

Segment::Segment(LockDescriptor locks, int file, std::uint64_t length, Access access)
    : locks_(std::move(locks)),
      body_(file, static_cast<std::size_t>(length), access == Access::reader ? PROT_READ : PROT_READ | PROT_WRITE),
      control_(file, oieb_size, PROT_READ | PROT_WRITE) {}

ControlBlock& Segment::control() const noexcept {
    // The bytes are those of a ControlBlock by the protocol, and the page is aligned.
    return *reinterpret_cast<ControlBlock*>(control_.bytes().data());
}

bool Segment::has_name() const noexcept {
    struct ::stat facts {};

    return ::fstat(locks_.get(), &facts) != 0 || facts.st_nlink > 0;
}

} // namespace zerobuffer::detail
