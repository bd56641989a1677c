#pragma once

#include "event.hpp"
#include "rpc.hpp"

#include <zerobuffer/zerobuffer.hpp>

#include <atomic>
#include <chrono>
#include <cstdint>
#include <map>
#include <memory>
#include <mutex>
#include <string>
#include <variant>
#include <vector>

namespace driver {

/// A frame that was read. It stays when it is released, so that a later look is told so.
struct HeldFrame {
    std::uint64_t owner;
    std::mutex mutex;
    zerobuffer::Frame frame;
};

/// A place to write a frame into.
struct HeldSlot {
    std::uint64_t owner;
    std::uint64_t sequence;
    std::mutex mutex;
    zerobuffer::Slot slot;
};

/// A duplex server and what its handler has met.
struct HeldServer {
    explicit HeldServer(zerobuffer::DuplexServer its_server) : server(std::move(its_server)) {}

    /// A handler in the middle of its work may end it; one that would take for ever is cut short.
    void close(std::chrono::nanoseconds patience);

    std::atomic<std::uint64_t> requests{0};
    std::atomic<std::uint64_t> refused_changes{0};
    Event ending; ///< Cuts the delay of a handler short.
    // Last: its thread uses the others.
    zerobuffer::DuplexServer server;
};

/// What a handle stands for.
using Object =
    std::variant<std::shared_ptr<zerobuffer::Reader>, std::shared_ptr<zerobuffer::Writer>, std::shared_ptr<HeldServer>,
                 std::shared_ptr<zerobuffer::DuplexClient>, std::shared_ptr<HeldFrame>, std::shared_ptr<HeldSlot>>;

/// What is open, by number. Numbers are never given twice.
class Handles {
public:
    /// At the end nothing is kept any more.
    std::uint64_t keep(Object object);

    /// @throws Failure There is nothing under this number, or nothing of this type.
    template <typename Type>
    [[nodiscard]] std::shared_ptr<Type> get(std::uint64_t number) const {
        const std::lock_guard lock(mutex_);
        const auto found = objects_.find(number);
        if (found == objects_.end()) throw nothing_under(number);
        return typed<Type>(found->second, number);
    }

    /// The same, and it has no number any more.
    template <typename Type>
    [[nodiscard]] std::shared_ptr<Type> take(std::uint64_t number) {
        const std::lock_guard lock(mutex_);
        const auto found = objects_.find(number);
        if (found == objects_.end()) throw nothing_under(number);
        auto object = typed<Type>(found->second, number);
        objects_.erase(found);
        return object;
    }

    /// Ends what stands under a number, with the frames and slots that it owns.
    void close(std::uint64_t number);

    /// Ends everything, and keeps nothing from now on.
    void end();

private:
    template <typename Type>
    [[nodiscard]] static std::shared_ptr<Type> typed(const Object& object, std::uint64_t number) {
        const auto* known = std::get_if<std::shared_ptr<Type>>(&object);
        if (known == nullptr) throw wrong_kind(number);
        return *known;
    }

    [[nodiscard]] static Failure nothing_under(std::uint64_t number);
    [[nodiscard]] static Failure wrong_kind(std::uint64_t number);

    mutable std::mutex mutex_;
    std::uint64_t last_ = 0;
    std::map<std::uint64_t, Object> objects_;
    /// What was closed last keeps its number until something else is closed: a call that comes too late meets the
    /// library's own answer.
    std::uint64_t closed_ = 0;
    bool ended_ = false;
};

} // namespace driver
