// A ring of ZeroBuffer, as far as the story of docs/your-language.md needs it; the real ones are in drivers/.
#pragma once

#include <fcntl.h>
#include <poll.h>
#include <semaphore.h>
#include <sys/file.h>
#include <sys/mman.h>
#include <sys/stat.h>
#include <sys/syscall.h>
#include <unistd.h>

#include <atomic>
#include <cerrno>
#include <chrono>
#include <cstdlib>
#include <cstring>
#include <ctime>
#include <deque>
#include <memory>
#include <mutex>

#include "contract.hpp"

using Clock = std::chrono::steady_clock;
using Bytes = std::vector<unsigned char>;

inline Refused failure(const std::string& what, int number = errno) {
    const char* code = number == ENOENT   ? codes::not_found
                       : number == EACCES ? codes::permission_denied
                                          : codes::system_error;
    return Refused(code, what + ": " + std::strerror(number), {{"errno", number}});
}

inline std::uint64_t load(std::uint64_t& field) {
    return std::atomic_ref(field).load(std::memory_order_acquire);
}
inline void store(std::uint64_t& field, std::uint64_t value) {
    std::atomic_ref(field).store(value, std::memory_order_release);
}

/// Whether a process lives. One that has ended and that nobody has reaped yet (a zombie) does not, though `kill` finds
/// it.
inline bool lives(std::uint64_t pid) {
    if (pid == 0) return false;
    const int file = static_cast<int>(::syscall(SYS_pidfd_open, static_cast<pid_t>(pid), 0));
    if (file < 0) return errno == EPERM;
    pollfd ended{file, POLLIN, 0};
    const bool alive = ::poll(&ended, 1, 0) == 0;
    ::close(file);
    return alive;
}

inline Clock::time_point in(double seconds) {
    return Clock::now() + std::chrono::duration_cast<Clock::duration>(std::chrono::duration<double>(seconds));
}

enum class Side { reader, writer };

/// One side of a ring: its reader, who creates it, or its writer.
class Buffer {
public:
    struct Held {
        const unsigned char* data;
        std::uint64_t size, sequence, bytes; // bytes: how much of the ring comes back
        bool released = false;
    };

    /// A place in the ring to write a frame into.
    struct Slot {
        unsigned char* data;
        std::uint64_t size, sequence, tail; // tail: what is given up at the end of the ring
    };

    static std::shared_ptr<Buffer> create(const std::string& name, std::uint64_t metadata, std::uint64_t payload) {
        check(name);
        std::shared_ptr<Buffer> made(new Buffer(name, Side::reader));
        const char* chosen = std::getenv("ZEROBUFFER_LOCK_DIR");
        const std::string directory = chosen ? chosen : "/tmp/zerobuffer";
        ::mkdir(directory.c_str(), 0777);
        ::chmod(directory.c_str(), 01777);
        made->lock_path_ = directory + "/" + name + ".lock";
        made->lock_ = ::open(made->lock_path_.c_str(), O_RDWR | O_CREAT | O_CLOEXEC | O_NOFOLLOW, 0600);
        if (made->lock_ < 0) throw failure("the lock of " + name);
        if (::flock(made->lock_, LOCK_EX | LOCK_NB) != 0)
            throw Refused(codes::buffer_in_use, name + " has a living reader");
        made->refuse_living_reader(); // one of another implementation may lock elsewhere
        made->joined_ = true;
        made->remove_objects(); // what a reader that died has left
        const auto round = [](std::uint64_t size) { return (size + 63) / 64 * 64; };
        made->map(O_RDWR | O_CREAT | O_EXCL, sizeof(OiebStructure) + round(metadata) + round(payload));
        made->open_semaphores(O_CREAT | O_EXCL);
        auto& oieb = *made->oieb_;
        oieb.oieb_size = sizeof oieb;
        oieb.version = 1; // major; the other bytes are 0
        oieb.metadata_size = oieb.metadata_free_bytes = round(metadata);
        oieb.payload_size = oieb.payload_free_bytes = round(payload);
        store(oieb.reader_pid, static_cast<std::uint64_t>(::getpid())); // last: whoever sees it sees the rest
        return made;
    }

    static std::shared_ptr<Buffer> connect(const std::string& name) {
        check(name);
        std::shared_ptr<Buffer> made(new Buffer(name, Side::writer));
        made->map(O_RDWR, 0);
        auto& oieb = *made->oieb_;
        const auto metadata = oieb.metadata_size, payload = oieb.payload_size, most = made->length_ - sizeof oieb;
        if (oieb.oieb_size != sizeof oieb || metadata > most || payload > most - metadata) {
            throw Refused(codes::invalid_oieb, name + " is no buffer");
        }
        if ((oieb.version & 0xff) != 1) throw Refused(codes::version_mismatch, name + " is of another version");
        if (!lives(load(oieb.reader_pid))) throw Refused(codes::reader_dead, "the reader of " + name + " is gone");
        made->open_semaphores(0);
        auto before = load(oieb.writer_pid);
        do { // claimed by compare-and-swap: of two writers that come at once, one must lose
            if (lives(before)) throw Refused(codes::writer_exists, name + " has a living writer");
        } while (
            !std::atomic_ref(oieb.writer_pid).compare_exchange_weak(before, static_cast<std::uint64_t>(::getpid())));
        made->joined_ = true;
        return made;
    }

    ~Buffer() {
        leave();
        if (oieb_) ::munmap(oieb_, length_);
        for (auto* semaphore : {data_, space_}) {
            if (semaphore) ::sem_close(semaphore);
        }
        if (lock_ >= 0) ::close(lock_);
    }

    Side side() const { return reader_ ? Side::reader : Side::writer; }

    /// Ends our part. Memory stays mapped: a verb may still be waiting in it.
    void leave() {
        if (!std::exchange(joined_, false)) return;
        if (!reader_) {
            store(oieb_->writer_pid, 0);
            return;
        }
        if (oieb_) store(oieb_->reader_pid, 0);
        if (space_) ::sem_post(space_); // a writer that waits learns it at once
        remove_objects();
        ::unlink(lock_path_.c_str());
    }

    /// Finds a place for a frame. Nothing of it is shared before it is committed.
    Slot acquire(std::uint64_t size, double timeout) {
        const auto until = in(timeout);
        const auto ring = oieb_->payload_size, total = size + header;
        if (size == 0) throw Refused(codes::invalid_frame_size, "a frame has at least one byte");
        if (total > ring) throw Refused(codes::frame_too_large, "the frame is larger than the buffer");
        if (busy_.exchange(true)) throw Refused(codes::busy, "another frame is being written");
        try {
            const auto position = checked(load(oieb_->payload_write_pos));
            const auto tail = ring - position, rest = tail - std::min(total, tail);
            // A tail of 1 to 15 bytes has no room for a marker: do not leave one.
            const bool wraps = total > tail || (rest > 0 && rest < header && tail + total <= ring);
            const auto needed = total + (wraps ? tail : 0);
            if (needed > ring) {
                const Json sizes{
                    {"fits_now", std::max(tail, ring - tail) - header}, {"always_fits", ring / 2 - header}};
                throw Refused(codes::frame_unwritable, "there will never be so much room at this position", sizes);
            }
            while (load(oieb_->payload_free_bytes) < needed) {
                wait(space_, until, codes::buffer_full);
            }
            if (!lives(load(oieb_->reader_pid))) throw Refused(codes::reader_dead, "the reader is gone");
            return {payload() + (wraps ? 0 : position) + header, size, sequence_ + 1, wraps ? tail : 0};
        } catch (...) {
            busy_ = false;
            throw;
        }
    }

    void abandon() { busy_ = false; }

    /// Publishes a frame; returns its number.
    std::uint64_t commit(const Slot& slot) {
        const auto total = slot.size + header;
        if (slot.tail > 0) {
            const bool marked = slot.tail >= header;
            if (marked) put(oieb_->payload_write_pos, {0, 0});
            store(oieb_->payload_written_count, oieb_->payload_written_count + marked);
            std::atomic_ref(oieb_->payload_free_bytes).fetch_sub(slot.tail);
        }
        const auto position = static_cast<std::uint64_t>(slot.data - payload()) - header;
        put(position, {slot.size, slot.sequence});
        store(oieb_->payload_write_pos, (position + total) % oieb_->payload_size);
        std::atomic_ref(oieb_->payload_free_bytes).fetch_sub(total); // both sides change it
        store(oieb_->payload_written_count, oieb_->payload_written_count + 1);
        std::atomic_thread_fence(std::memory_order_seq_cst);
        ::sem_post(data_);
        sequence_ = slot.sequence;
        busy_ = false;
        return slot.sequence;
    }

    /// Takes the next frame, which is held until it is released.
    Held* read(double timeout) {
        wait(data_, in(timeout), codes::timeout);
        const auto ring = oieb_->payload_size;
        auto position = checked(load(oieb_->payload_read_pos));
        auto tail = ring - position;
        FrameStructure head{};
        if (tail >= header) head = header_at(position);
        if (tail < header || (head.size == 0 && head.sequence == 0)) {
            std::atomic_ref(oieb_->payload_free_bytes).fetch_add(tail);
            store(oieb_->payload_read_count, oieb_->payload_read_count + (tail >= header));
            position = 0;
            tail = ring;
            head = header_at(0);
        }
        if (head.size == 0 || head.size > tail - header)
            throw Refused(codes::invalid_frame_size, "the header is corrupt");
        if (head.sequence != ++sequence_) {
            const Json seen{{"expected", sequence_}, {"seen", head.sequence}};
            throw Refused(codes::sequence_error, "a frame is missing", seen);
        }
        const auto total = head.size + header;
        store(oieb_->payload_read_pos, (position + total) % ring);
        store(oieb_->payload_read_count, oieb_->payload_read_count + 1);
        const std::lock_guard lock(mutex_);
        return &held_.emplace_back(Held{payload() + position + header, head.size, head.sequence, total});
    }

    /// Gives space back, in the order of the ring.
    void release(Held* frame) {
        const std::lock_guard lock(mutex_);
        frame->released = true;
        for (; freed_ < held_.size() && held_[freed_].released; ++freed_) {
            std::atomic_ref(oieb_->payload_free_bytes).fetch_add(held_[freed_].bytes);
            ::sem_post(space_);
        }
    }

    void write_metadata(const Bytes& content) {
        const auto needed = content.size() + sizeof(std::uint64_t);
        if (content.empty()) throw Refused(codes::metadata_empty, "metadata has at least one byte");
        if (load(oieb_->metadata_written_bytes) != 0) throw Refused(codes::metadata_exists, "metadata is written once");
        if (needed > oieb_->metadata_size)
            throw Refused(codes::metadata_too_large, "the metadata is larger than its block");
        auto* block = reinterpret_cast<unsigned char*>(oieb_) + sizeof(OiebStructure);
        const std::uint64_t size = content.size();
        std::memcpy(block, &size, sizeof size);
        std::memcpy(block + sizeof size, content.data(), content.size());
        store(oieb_->metadata_free_bytes, oieb_->metadata_size - needed);
        store(oieb_->metadata_written_bytes, needed);
    }

private:
    static constexpr std::uint64_t header = sizeof(FrameStructure);

    Buffer(const std::string& name, Side side) : name_(name), reader_(side == Side::reader) {}

    static void check(const std::string& name) {
        if (name.empty() || name.size() > 200 || name.find_first_of("/ \n") != std::string::npos || name[0] == '.') {
            throw Refused(codes::invalid_name, "'" + name + "' names no buffer");
        }
    }

    unsigned char* payload() {
        return reinterpret_cast<unsigned char*>(oieb_) + sizeof(OiebStructure) + oieb_->metadata_size;
    }
    void put(std::uint64_t position, const FrameStructure& head) {
        std::memcpy(payload() + position, &head, sizeof head);
    }

    FrameStructure header_at(std::uint64_t position) {
        FrameStructure head;
        std::memcpy(&head, payload() + position, sizeof head); // it may stand at any offset
        return head;
    }

    /// Where a side stands. Nothing in shared memory is believed before it has been compared with the mapping.
    std::uint64_t checked(std::uint64_t position) const {
        if (position > oieb_->payload_size) throw Refused(codes::invalid_oieb, "a position is outside of the ring");
        return position;
    }

    void refuse_living_reader() const {
        const int file = ::shm_open(("/" + name_).c_str(), O_RDONLY | O_CLOEXEC, 0);
        if (file < 0) return;
        OiebStructure oieb{};
        const bool whole = ::pread(file, &oieb, sizeof oieb, 0) == static_cast<ssize_t>(sizeof oieb);
        ::close(file);
        if (whole && lives(oieb.reader_pid)) throw Refused(codes::buffer_in_use, name_ + " has a living reader");
    }

    void map(int flags, std::size_t length) {
        const int file = ::shm_open(("/" + name_).c_str(), flags | O_CLOEXEC, 0600);
        if (file < 0) throw failure("the segment of " + name_);
        struct stat found {};
        if (length > 0 && ::posix_fallocate(file, 0, static_cast<off_t>(length)) != 0)
            throw Refused(codes::resource_exhausted, "no memory");
        ::fstat(file, &found);
        length_ = static_cast<std::size_t>(found.st_size);
        if (length_ < sizeof(OiebStructure)) throw Refused(codes::invalid_oieb, name_ + " is too short for a buffer");
        void* memory = ::mmap(nullptr, length_, PROT_READ | PROT_WRITE, MAP_SHARED, file, 0);
        ::close(file);
        if (memory == MAP_FAILED) throw failure("the memory of " + name_);
        oieb_ = static_cast<OiebStructure*>(memory);
    }

    void open_semaphores(int flags) {
        const auto open = [flags](const std::string& name) {
            auto* semaphore = ::sem_open(name.c_str(), flags, 0600, 0);
            if (semaphore == SEM_FAILED) throw failure(name);
            return semaphore;
        };
        data_ = open("/sem-w-" + name_);
        space_ = open("/sem-r-" + name_);
    }

    void remove_objects() {
        ::shm_unlink(("/" + name_).c_str());
        ::sem_unlink(("/sem-w-" + name_).c_str());
        ::sem_unlink(("/sem-r-" + name_).c_str());
    }

    /// Takes a token. In slices, so that the death of the other side ends it soon; signals do not.
    void wait(sem_t* semaphore, Clock::time_point until, const char* code) {
        for (;;) {
            const auto slice = std::min(until, Clock::now() + std::chrono::milliseconds(20)).time_since_epoch();
            const auto seconds = std::chrono::duration_cast<std::chrono::seconds>(slice);
            const timespec moment{seconds.count(), std::chrono::nanoseconds(slice - seconds).count()};
            const auto other = load(reader_ ? oieb_->writer_pid : oieb_->reader_pid);
            met_ = met_ || other != 0;
            if (::sem_clockwait(semaphore, CLOCK_MONOTONIC, &moment) == 0) return;
            if (met_ && !lives(other)) {
                throw Refused(reader_ ? codes::writer_dead : codes::reader_dead, "the other side has died or closed");
            }
            if (Clock::now() >= until) throw Refused(code, "nothing came in time");
        }
    }

    std::string name_, lock_path_;
    bool reader_, joined_ = false, met_ = false;
    int lock_ = -1;
    std::size_t length_ = 0, freed_ = 0;
    OiebStructure* oieb_ = nullptr;
    sem_t *data_ = nullptr, *space_ = nullptr;
    std::uint64_t sequence_ = 0;
    std::atomic<bool> busy_ = false;
    std::mutex mutex_; // of what is held: a frame may be released while the next one is read
    std::deque<Held> held_;
};
