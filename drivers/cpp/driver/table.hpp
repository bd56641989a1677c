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

/// A frame that was lent by a reader; it stays when it is released, so that a later look is told so.
struct HeldFrame {
    std::uint64_t owner;
    std::mutex mutex;
    zerobuffer::Frame frame;
};

/// A place that was lent by a writer.
struct HeldSlot {
    std::uint64_t owner;
    std::uint64_t sequence;
    std::mutex mutex;
    zerobuffer::Slot slot;
};

/// A duplex server and what its handler has met.
struct Station {
    explicit Station(zerobuffer::DuplexServer its_server) : server(std::move(its_server)) {}

    /// A handler in the middle of its work may end it; one that would take for ever is cut short.
    void close(std::chrono::nanoseconds patience);

    std::atomic<std::uint64_t> requests{0};
    std::atomic<std::uint64_t> refused_changes{0};
    Event ending; ///< Cuts the delay of a handler short.
    // Last: its thread uses the others.
    zerobuffer::DuplexServer server;
};

/// Anything with a number.
using Thing =
    std::variant<std::shared_ptr<zerobuffer::Reader>, std::shared_ptr<zerobuffer::Writer>, std::shared_ptr<Station>,
                 std::shared_ptr<zerobuffer::DuplexClient>, std::shared_ptr<HeldFrame>, std::shared_ptr<HeldSlot>>;

/// What is open, by number. Numbers are never given twice.
class Table {
public:
    /// At the end nothing is kept any more.
    std::uint64_t keep(Thing thing);

    /// @throws Failure There is nothing under this number, or nothing of this type.
    template <typename Type>
    [[nodiscard]] std::shared_ptr<Type> get(std::uint64_t number) const {
        const std::lock_guard lock(mutex_);
        const auto found = things_.find(number);
        if (found == things_.end()) throw nothing_under(number);
        return typed<Type>(found->second, number);
    }

    /// The same, and it has no number any more.
    template <typename Type>
    [[nodiscard]] std::shared_ptr<Type> take(std::uint64_t number) {
        const std::lock_guard lock(mutex_);
        const auto found = things_.find(number);
        if (found == things_.end()) throw nothing_under(number);
        auto thing = typed<Type>(found->second, number);
        things_.erase(found);
        return thing;
    }

    /// Ends what stands under a number, with what it has lent.
    void close(std::uint64_t number);

    /// Ends everything, and keeps nothing from now on.
    void end();

private:
    template <typename Type>
    [[nodiscard]] static std::shared_ptr<Type> typed(const Thing& thing, std::uint64_t number) {
        const auto* known = std::get_if<std::shared_ptr<Type>>(&thing);
        if (known == nullptr) throw wrong_kind(number);
        return *known;
    }

    [[nodiscard]] static Failure nothing_under(std::uint64_t number);
    [[nodiscard]] static Failure wrong_kind(std::uint64_t number);

    mutable std::mutex mutex_;
    std::uint64_t last_ = 0;
    std::map<std::uint64_t, Thing> things_;
    bool ended_ = false;
};

} // namespace driver
