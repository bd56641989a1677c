#include "lock.hpp"

#include <mutex>
#include <set>
#include <utility>

#include <fcntl.h>
#include <pthread.h>
#include <unistd.h>

namespace zerobuffer::detail {

namespace {

std::mutex guard;

/// All that are open. It is never destroyed: static objects of others may close after it would be.
std::set<int*>& all() {
    static auto* const numbers = new std::set<int*>;
    return *numbers;
}

void close_all_in_child() {
    for (int* number : all()) ::close(std::exchange(*number, -1));
    guard.unlock();
}

struct ::flock one_byte(short kind, Lock which) {
    struct ::flock lock {};

    lock.l_type = kind;
    lock.l_whence = SEEK_SET;
    lock.l_start = static_cast<::off_t>(which);
    lock.l_len = 1;
    return lock;
}

} // namespace

LockDescriptor LockDescriptor::open(int directory, const std::string& path, int flags, ::mode_t mode) {
    static const int watched = ::pthread_atfork([] { guard.lock(); }, [] { guard.unlock(); }, close_all_in_child);
    static_cast<void>(watched);
    auto number = std::make_unique<int>(-1);
    LockDescriptor opened;
    // No fork comes between the opening and the entry.
    const std::lock_guard lock(guard);
    const auto entry = all().insert(number.get()).first;
    *number = ::openat(directory, path.c_str(), flags | O_CLOEXEC, mode);
    if (*number < 0) {
        all().erase(entry);
    } else {
        opened.number_.reset(number.release());
    }
    return opened;
}

void LockDescriptor::Release::operator()(int* number) const noexcept {
    {
        const std::lock_guard lock(guard);
        all().erase(number);
        if (*number >= 0) ::close(*number);
    }
    delete number;
}

bool take_lock(const LockDescriptor& file, Lock which) noexcept {
    struct ::flock wanted = one_byte(F_WRLCK, which);
    return ::fcntl(file.get(), F_OFD_SETLK, &wanted) == 0;
}

void give_lock(const LockDescriptor& file, Lock which) noexcept {
    struct ::flock held = one_byte(F_UNLCK, which);
    ::fcntl(file.get(), F_OFD_SETLK, &held);
}

bool is_locked(const LockDescriptor& file, Lock which) noexcept {
    struct ::flock asked = one_byte(F_WRLCK, which);
    // What cannot be known, as in a child of fork, is no death.
    return ::fcntl(file.get(), F_OFD_GETLK, &asked) != 0 || asked.l_type != F_UNLCK;
}

} // namespace zerobuffer::detail
