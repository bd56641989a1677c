#include "ownership.hpp"

#include "deadline.hpp"
#include "failure.hpp"
#include "point.hpp"
#include "process.hpp"

#include <algorithm>
#include <cerrno>
#include <chrono>
#include <stdexcept>
#include <system_error>
#include <thread>
#include <utility>
#include <vector>

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

LockDescriptor open_segment(const Names& names) {
    auto file = LockDescriptor::open(AT_FDCWD, names.segment().native(), O_RDWR | O_NOFOLLOW | O_NONBLOCK);
    if (!file && errno != ENOENT) {
        failure::throw_errno(errno, names.buffer(), "look at the segment that stands there", names.segment().native());
    }
    return file;
}

struct ::stat facts_of(int file) {
    struct ::stat facts {};

    // This cannot fail for a file that is open.
    static_cast<void>(::fstat(file, &facts));
    return facts;
}

/// Whether nothing was ever written to a file, as where a creation was broken off.
bool is_zero(int file) {
    std::vector<char> bytes(std::size_t{1} << 16U);
    for (::off_t at = 0;; at += static_cast<::off_t>(bytes.size())) {
        const ::ssize_t length = ::pread(file, bytes.data(), bytes.size(), at);
        if (length <= 0) return length == 0;
        if (std::any_of(bytes.begin(), bytes.begin() + length, [](char byte) { return byte != 0; })) return false;
    }
}

/// In seconds since the epoch. Writers set the time of the last change, but never to a moment before the creation.
double made_at(const struct ::stat& facts) noexcept {
    return static_cast<double>(facts.st_mtim.tv_sec) + static_cast<double>(facts.st_mtim.tv_nsec) / 1e9;
}

/// Removes all but the lock file, the segment last; returns 0, or why something could not be removed.
int remove_objects(const Names& names) noexcept {
    int error = 0;
    for (const std::string& semaphore : {names.data_semaphore(), names.space_semaphore()}) {
        if (const int failed = Semaphore::remove(semaphore); failed != 0) error = failed;
    }
    if (::unlink(names.segment().c_str()) != 0 && errno != ENOENT) error = errno;
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
LockDescriptor open_lock_file(int directory, const Names& names, ::mode_t mode) {
    const std::string name = names.lock_file();
    constexpr int flags = O_RDWR | O_NOFOLLOW | O_NONBLOCK;
    for (;;) {
        auto file = LockDescriptor::open(directory, name, flags);
        if (!file && errno == ENOENT) {
            file = LockDescriptor::open(directory, name, flags | O_CREAT | O_EXCL, mode);
            if (!file && errno == EEXIST) continue;
        }
        if (!file) failure::throw_errno(errno, names.buffer(), "open the lock file", names.lock_path().native());
        // A file with two names belongs to somebody else.
        if (const auto facts = facts_of(file.get()); !S_ISREG(facts.st_mode) || facts.st_nlink > 1) {
            failure::throw_errno(EINVAL, names.buffer(), "use what stands in the place of the lock file",
                                 names.lock_path().native());
        }
        return file;
    }
}

void check(const BufferConfig& config) {
    if (config.payload_size == 0 || config.payload_size >= largest_block || config.metadata_size >= largest_block) {
        throw std::invalid_argument(
            "no segment can have these sizes: give a payload of at least 1 byte, and less in all");
    }
    if ((config.mode | 0066) != all_access) { // 0600 must stand there, 0066 may
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

} // namespace

bool leads_to(const std::string& path, const struct ::stat& opened, int directory) noexcept {
    struct ::stat there {};

    return ::fstatat(directory, path.c_str(), &there, AT_SYMLINK_NOFOLLOW) == 0 && there.st_dev == opened.st_dev &&
           there.st_ino == opened.st_ino;
}

bool lock_file_held(const Names& names) noexcept {
    const Descriptor file(::open(names.lock_path().c_str(), O_RDONLY | O_NOFOLLOW | O_CLOEXEC | O_NONBLOCK));
    return file && ::flock(file.get(), LOCK_SH | LOCK_NB) != 0;
}

Owned::Owned(const Names& names, ::mode_t mode)
    : names_(names), owner_(::getpid()), directory_(open_lock_directory(names)) {
    const Deadline deadline(lock_patience);
    for (;;) {
        LockDescriptor file = open_lock_file(directory_.get(), names_, mode);
        if (::flock(file.get(), LOCK_EX | LOCK_NB) == 0) {
            // Its last owner removes it while holding the lock.
            if (!leads_to(names_.lock_file(), facts_of(file.get()), directory_.get())) continue;
            // Another user's file keeps its mode.
            static_cast<void>(::fchmod(file.get(), mode));
            lock_ = std::move(file);
            return;
        }
        if (errno != EWOULDBLOCK) {
            const int error = errno;
            // Where locking itself fails, nobody else holds it.
            ::unlinkat(directory_.get(), names_.lock_file().c_str(), 0);
            failure::throw_errno(error, names_.buffer(), "lock the lock file", names_.lock_path().native());
        }
        if (!deadline.next_slice()) {
            throw failure::buffer_in_use(names_.buffer(), Beginning(open_segment(names_).get()).block.reader_pid);
        }
        std::this_thread::sleep_for(lock_retry);
    }
}

void Owned::clear() const {
    for (;;) {
        const LockDescriptor left = open_segment(names_);
        if (!left) return;
        const struct ::stat facts = facts_of(left.get());
        // Not by the reader's lock: a writer would take the dead reader for alive.
        const bool lives = !take_lock(left, Lock::removal) || is_locked(left, Lock::reader);
        const Beginning found(left.get());
        if (!lives && !found.is_buffer() && !is_zero(left.get())) {
            throw failure::no_buffer(names_.buffer(), names_.segment().native());
        }
        const std::uint64_t reader = found.block.reader_pid;
        const bool foreign = found.block.reserved.released == 0;
        if (lives || (foreign && owner_lives(reader, made_at(facts)))) {
            throw failure::buffer_in_use(names_.buffer(), reader);
        }
        if (!leads_to(names_.segment().native(), facts)) continue;
        if (const int error = remove_objects(names_); error != 0) {
            failure::throw_errno(error, names_.buffer(), "remove what a dead owner left", names_.segment().native());
        }
        return;
    }
}

LockDescriptor Owned::make_segment(::mode_t mode) {
    const std::string path = names_.segment().native();
    auto file = LockDescriptor::open(AT_FDCWD, path, O_RDWR | O_CREAT | O_EXCL | O_NOFOLLOW, mode);
    if (!file && errno != EEXIST) failure::throw_errno(errno, names_.buffer(), "create the segment", path);
    // A reader that does not use our lock file may be faster, or take an empty segment for a dead reader's. One that
    // begins to remove it from here on sees the reader's lock.
    if (!file || !take_lock(file, Lock::reader) || is_locked(file, Lock::removal) ||
        !leads_to(path, facts_of(file.get()))) {
        throw failure::buffer_in_use(names_.buffer(), 0);
    }
    segment_ = facts_of(file.get());
    if (::fchmod(file.get(), mode) != 0) {
        failure::throw_errno(errno, names_.buffer(), "set the mode of the segment", path);
    }
    return file;
}

Owned::~Owned() {
    if (!lock_ || owner_ != ::getpid()) return;
    // There is nobody to tell what cannot be removed; the rest is.
    if (segment_ && (leads_to(names_.segment().native(), *segment_) || ::access(names_.segment().c_str(), F_OK) != 0)) {
        static_cast<void>(remove_objects(names_));
    }
    ::unlinkat(directory_.get(), names_.lock_file().c_str(), 0);
}

Created create(const Names& names, const BufferConfig& config) {
    check(config);
    const std::string path = names.segment().native();
    const std::uint64_t metadata_size = align(config.metadata_size);
    const std::uint64_t payload_size = align(config.payload_size);
    const std::uint64_t size = oieb_size + metadata_size + payload_size;
    const auto refuse = [&](int error, std::string_view operation) {
        failure::throw_errno(error, names.buffer(), operation, path);
    };
    LockDescriptor locks; // given up after the objects are removed, if anything fails
    auto owned = std::make_unique<Owned>(names, config.mode);
    owned->clear();
    locks = owned->make_segment(config.mode);
    Semaphore data = Semaphore::create(names.data_semaphore(), names.buffer(), config.mode);
    Semaphore space = Semaphore::create(names.space_semaphore(), names.buffer(), config.mode);
    const Descriptor file(::open(path.c_str(), O_RDWR | O_NOFOLLOW | O_CLOEXEC));
    if (!file || !leads_to(path, facts_of(locks.get()))) refuse(file ? ESTALE : errno, "open the segment again");
    if (::ftruncate(file.get(), static_cast<::off_t>(size)) != 0) refuse(errno, "give the segment its size");
    if (config.preallocate) {
        if (const int error = reserve(file.get(), size); error != 0) refuse(error, "reserve the segment's memory");
    }
    // In one piece: a process that is killed here leaves zeros or a control block, and the next reader knows both.
    const ControlBlock block = Ring::format(metadata_size, payload_size);
    if (::pwrite(file.get(), &block, sizeof block, 0) != ::ssize_t{sizeof block}) refuse(errno, "format the segment");
    try {
        Segment segment(std::move(locks), file.get(), size, Segment::Access::reader);
        pass(Point::reader_formatted);
        // Last: everything stands that a writer looks for.
        store(segment.control().reader_pid, static_cast<std::uint64_t>(::getpid()));
        return {.owned = std::move(owned),
                .data = std::move(data),
                .space = std::move(space),
                .ring = Ring(names.buffer(), std::move(segment))};
    } catch (const std::system_error& error) {
        failure::throw_errno(error.code().value(), names.buffer(), "map the segment", path);
    }
}

} // namespace zerobuffer::detail
