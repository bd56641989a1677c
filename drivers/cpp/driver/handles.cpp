#include "handles.hpp"

#include <optional>
#include <system_error>
#include <thread>

namespace driver {

namespace {

using namespace std::chrono_literals;

constexpr auto handler_patience = 2s;

std::uint64_t owner_of(const Object& object) {
    if (const auto* frame = std::get_if<std::shared_ptr<HeldFrame>>(&object)) return (*frame)->owner;
    if (const auto* slot = std::get_if<std::shared_ptr<HeldSlot>>(&object)) return (*slot)->owner;
    return 0;
}

/// Ends an object, also while another thread waits in it.
struct Close {
    std::chrono::nanoseconds patience;

    void operator()(const std::shared_ptr<zerobuffer::Reader>& reader) const { reader->close(); }

    void operator()(const std::shared_ptr<zerobuffer::Writer>& writer) const { writer->close(); }

    void operator()(const std::shared_ptr<zerobuffer::DuplexClient>& client) const { client->close(); }

    void operator()(const std::shared_ptr<HeldServer>& held) const { held->close(patience); }

    void operator()(const std::shared_ptr<HeldFrame>& held) const {
        const std::lock_guard lock(held->mutex);
        held->frame.release();
    }

    void operator()(const std::shared_ptr<HeldSlot>& held) const {
        const std::lock_guard lock(held->mutex);
        held->slot.abandon();
    }
};

} // namespace

void HeldServer::close(std::chrono::nanoseconds patience) {
    if (patience <= 0ns) {
        ending.set();
        server.close();
        return;
    }
    Event closed;
    std::optional<std::thread> impatience;
    try {
        impatience.emplace([&] {
            if (!closed.wait(patience)) ending.set();
        });
    } catch (const std::system_error&) {
        // Without a thread there is no patience.
        ending.set();
    }
    server.close();
    closed.set();
    if (impatience) impatience->join();
}

Failure Handles::nothing_under(std::uint64_t number) {
    return {zerobuffer::Code::closed, "there is nothing open under the number " + std::to_string(number)};
}

Failure Handles::wrong_kind(std::uint64_t number) {
    return {zerobuffer::Code::closed,
            "what is open under the number " + std::to_string(number) + " is nothing for this verb"};
}

std::uint64_t Handles::keep(Object object) {
    {
        const std::lock_guard lock(mutex_);
        if (!ended_) {
            objects_.emplace(++last_, std::move(object));
            return last_;
        }
    }
    std::visit(Close{0ns}, object);
    throw Failure(zerobuffer::Code::closed, "the driver is ending");
}

void Handles::close(std::uint64_t number) {
    std::vector<Object> closing;
    {
        const std::lock_guard lock(mutex_);
        const auto found = objects_.find(number);
        if (found == objects_.end()) throw nothing_under(number);
        if (owner_of(found->second) != 0) throw wrong_kind(number);
        if (number == closed_) throw nothing_under(number);
        objects_.erase(closed_);
        closed_ = number;
        for (auto at = objects_.begin(); at != objects_.end();) {
            if (owner_of(at->second) == number) {
                closing.push_back(std::move(at->second));
                at = objects_.erase(at);
            } else {
                ++at;
            }
        }
        closing.push_back(found->second);
    }
    for (const Object& object : closing) std::visit(Close{handler_patience}, object);
}

void Handles::end() {
    std::map<std::uint64_t, Object> closing;
    {
        const std::lock_guard lock(mutex_);
        ended_ = true;
        objects_.erase(closed_);
        closing.swap(objects_);
    }
    for (auto at = closing.rbegin(); at != closing.rend(); ++at) std::visit(Close{0ns}, at->second);
}

} // namespace driver
