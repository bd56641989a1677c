#include "ownership.hpp"

#include "deadline.hpp"
#include "failure.hpp"
#include "process.hpp"

#include <array>
#include <cerrno>
#include <chrono>
#include <cstring>
#include <stdexcept>
#include <system_error>
#include <thread>
#include <utility>

#include <fcntl.h>
#include <sys/file.h>
#include <sys/statvfs.h>
#include <unistd.h>

namespace zerobuffer::detail {

namespace {

/// How long to wait for a lock whose holder is not the living owner: somebody may just be testing it.
constexpr auto lock_patience = std::chrono::milliseconds(100);
/// There is no event for a lock that is given up.
constexpr auto lock_retry = std::chrono::milliseconds(2);
constexpr ::mode_t lock_directory_mode = 01777;
constexpr ::mode_t all_access = 0666;
constexpr std::uint64_t largest_block = std::uint64_t{1} << 62;

/// The control block of a segment, and when it was made.
struct Standing {
    std::optional<ControlBlock> block;
    double made_at = 0;
};

std::optional<Standing> look_at_segment(const Names& names) {
    const Descriptor file(::open(names.segment().c_str(), O_RDONLY | O_NOFOLLOW | O_CLOEXEC | O_NONBLOCK));
    if (!file) {
        if (errno == ENOENT) return std::nullopt;
        failure::throw_errno(errno, names.buffer(), "look at the segment that stands there", names.segment().native());
    }

    struct ::stat facts {};

    Standing standing;
    if (::fstat(file.get(), &facts) != 0) return standing;
    standing.made_at = made_at(facts);
    std::array<std::byte, oieb_size> bytes{};
    if (S_ISREG(facts.st_mode) && ::pread(file.get(), bytes.data(), bytes.size(), 0) == ::ssize_t{oieb_size}) {
        std::memcpy(&standing.block.emplace(), bytes.data(), bytes.size());
    }
    return standing;
}

/// The reader that owns the segment of this name, if it lives; 0 if not.
std::uint64_t living_reader(const Names& names) {
    const auto standing = look_at_segment(names);
    if (!standing || !standing->block) return 0;
    const std::uint64_t pid = standing->block->reader_pid;
    return owner_lives(pid, standing->made_at) ? pid : 0;
}

/// Removes all but the lock file; returns 0, or why something could not be removed. The segment goes first: a writer
/// that has opened it tells by its name whether the semaphores, too, are still those of its owner.
int remove_objects(const Names& names) noexcept {
    int error = 0;
    if (::unlink(names.segment().c_str()) != 0 && errno != ENOENT) error = errno;
    for (const std::string& semaphore : {names.data_semaphore(), names.space_semaphore()}) {
        if (const int failed = Semaphore::remove(semaphore); failed != 0 && error == 0) error = failed;
    }
    return error;
}

Descriptor open_lock_directory(const Names& names) {
    const std::filesystem::path path = Names::lock_directory();
    std::error_code error;
    std::filesystem::create_directories(path.parent_path(), error);
    if (::mkdir(path.c_str(), 0777) == 0) {
        // Every user's buffers have their lock here, each removable only by its owner.
        ::chmod(path.c_str(), lock_directory_mode);
    }
    Descriptor directory(::open(path.c_str(), O_RDONLY | O_DIRECTORY | O_NOFOLLOW | O_CLOEXEC));
    if (!directory) failure::throw_errno(errno, names.buffer(), "open the lock directory", path.native());
    return directory;
}

/// Opens the lock file, or makes it. In two steps: with O_CREAT, Linux refuses another user's file in a sticky
/// directory even where its mode allows.
Descriptor open_lock_file(int directory, const Names& names, ::mode_t mode) {
    const std::string name = names.lock_file();
    constexpr int flags = O_RDWR | O_NOFOLLOW | O_CLOEXEC | O_NONBLOCK;
    for (;;) {
        Descriptor file(::openat(directory, name.c_str(), flags));
        if (!file && errno == ENOENT) {
            file = Descriptor(::openat(directory, name.c_str(), flags | O_CREAT | O_EXCL, mode));
            if (!file && errno == EEXIST) continue;
        }
        if (!file) failure::throw_errno(errno, names.buffer(), "open the lock file", names.lock_path().native());

        struct ::stat facts {};

        if (::fstat(file.get(), &facts) != 0 || !S_ISREG(facts.st_mode)) {
            failure::throw_errno(EINVAL, names.buffer(), "use what stands in the place of the lock file",
                                 names.lock_path().native());
        }
        return file;
    }
}

/// Whether the locked file is the one at its path: its last owner removes it while holding the lock.
bool is_still_there(int file, int directory, const std::string& name) {
    struct ::stat ours {};

    struct ::stat there {};

    return ::fstat(file, &ours) == 0 && ::fstatat(directory, name.c_str(), &there, AT_SYMLINK_NOFOLLOW) == 0 &&
           is_same_file(ours, there);
}

void check(const BufferConfig& config) {
    if (config.payload_size == 0 || config.payload_size >= largest_block || config.metadata_size >= largest_block) {
        throw std::invalid_argument(
            "no segment can have these sizes: give a payload of at least 1 byte, and less in all");
    }
    if ((config.mode & ~all_access) != 0 || (config.mode & 0600) != 0600) {
        throw std::invalid_argument("BufferConfig::mode must hold 0600 and no other bits than 0666");
    }
}

/// Refuses what would fill the shared memory of the whole machine, before it does.
int reserve(int file, std::uint64_t size) {
    struct ::statvfs room {};

    if (::fstatvfs(file, &room) == 0 && room.f_blocks != 0 && size / room.f_frsize >= room.f_bavail) {
        if (size > room.f_bavail * room.f_frsize) return ENOSPC;
    }
    return ::posix_fallocate(file, 0, static_cast<::off_t>(size));
}

Descriptor make_segment(const Names& names, const BufferConfig& config, std::uint64_t size) {
    const auto refuse = [&](int error, std::string_view operation) {
        failure::throw_errno(error, names.buffer(), operation, names.segment().native());
    };
    Descriptor file(::open(names.segment().c_str(), O_RDWR | O_CREAT | O_EXCL | O_NOFOLLOW | O_CLOEXEC, config.mode));
    if (!file) refuse(errno, "create the segment");
    if (::fchmod(file.get(), config.mode) != 0) refuse(errno, "set the mode of the segment");
    if (::ftruncate(file.get(), static_cast<::off_t>(size)) != 0) refuse(errno, "give the segment its size");
    if (config.preallocate) {
        if (const int error = reserve(file.get(), size); error != 0) refuse(error, "reserve the segment's memory");
    }
    return file;
}

} // namespace

double made_at(const struct ::stat& facts) noexcept {
    const auto seconds = [](const ::timespec& time) {
        return static_cast<double>(time.tv_sec) + static_cast<double>(time.tv_nsec) / 1e9;
    };
    return std::min(seconds(facts.st_mtim), seconds(facts.st_ctim));
}

bool is_same_file(const struct ::stat& one, const struct ::stat& other) noexcept {
    return one.st_dev == other.st_dev && one.st_ino == other.st_ino;
}

bool lock_file_held(const Names& names) noexcept {
    const Descriptor file(::open(names.lock_path().c_str(), O_RDONLY | O_NOFOLLOW | O_CLOEXEC | O_NONBLOCK));
    if (!file) return errno != ENOENT;
    return ::flock(file.get(), LOCK_SH | LOCK_NB) != 0;
}

Owned::Owned(const Names& names, ::mode_t mode)
    : names_(names), owner_(::getpid()), directory_(open_lock_directory(names)) {
    take_lock(mode);
    try {
        // A free lock proves nothing: one peer locks elsewhere.
        if (const std::uint64_t pid = living_reader(names_); pid != 0) {
            throw failure::buffer_in_use(names_.buffer(), pid);
        }
        if (const int error = remove_objects(names_); error != 0) {
            failure::throw_errno(error, names_.buffer(), "remove what a dead owner left", names_.segment().native());
        }
    } catch (...) {
        ::unlinkat(directory_.get(), names_.lock_file().c_str(), 0);
        throw;
    }
}

void Owned::take_lock(::mode_t mode) {
    const Deadline deadline(lock_patience);
    for (;;) {
        Descriptor file = open_lock_file(directory_.get(), names_, mode);
        if (::flock(file.get(), LOCK_EX | LOCK_NB) == 0) {
            if (is_still_there(file.get(), directory_.get(), names_.lock_file())) {
                // Another user's file keeps its mode.
                static_cast<void>(::fchmod(file.get(), mode));
                lock_ = std::move(file);
                return;
            }
            continue;
        }
        if (errno != EWOULDBLOCK && errno != EINTR) {
            const int error = errno;
            // Where locking itself fails, nobody else holds it.
            ::unlinkat(directory_.get(), names_.lock_file().c_str(), 0);
            failure::throw_errno(error, names_.buffer(), "lock the lock file", names_.lock_path().native());
        }
        const std::uint64_t pid = living_reader(names_);
        if (pid != 0 || !deadline.next_slice()) throw failure::buffer_in_use(names_.buffer(), pid);
        std::this_thread::sleep_for(lock_retry);
    }
}

Owned::~Owned() {
    if (!lock_ || owner_ != ::getpid()) return;
    // There is nobody to tell what cannot be removed; the rest is.
    static_cast<void>(remove_objects(names_));
    ::unlinkat(directory_.get(), names_.lock_file().c_str(), 0);
}

Created create(const Names& names, const BufferConfig& config) {
    check(config);
    auto owned = std::make_unique<Owned>(names, config.mode);
    const auto make_semaphore = [&](const std::string& semaphore) {
        try {
            return Semaphore::create(semaphore, config.mode);
        } catch (const std::system_error& error) {
            failure::throw_errno(error.code().value(), names.buffer(), "create a semaphore",
                                 semaphore_file(semaphore).native());
        }
    };
    Semaphore data = make_semaphore(names.data_semaphore());
    Semaphore space = make_semaphore(names.space_semaphore());
    const std::uint64_t metadata_size = align(config.metadata_size);
    const std::uint64_t payload_size = align(config.payload_size);
    const std::uint64_t size = oieb_size + metadata_size + payload_size;
    Descriptor file = make_segment(names, config, size);
    try {
        // Last: the semaphores stand, so a writer that sees the segment finds everything.
        Segment segment(std::move(file), size, Segment::Access::reader);
        segment.lock_reader();
        Ring::format(segment.control(), metadata_size, payload_size, static_cast<std::uint64_t>(::getpid()));
        return {.owned = std::move(owned),
                .data = std::move(data),
                .space = std::move(space),
                .ring = Ring(names.buffer(), std::move(segment))};
    } catch (const std::system_error& error) {
        failure::throw_errno(error.code().value(), names.buffer(), "map the segment", names.segment().native());
    }
}

} // namespace zerobuffer::detail
