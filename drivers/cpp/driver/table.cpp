#include "table.hpp"

#include <optional>
#include <system_error>
#include <thread>

namespace driver {

namespace {

using namespace std::chrono_literals;

constexpr auto handler_patience = 2s;

std::uint64_t owner_of(const Thing& thing) {
    if (const auto* frame = std::get_if<std::shared_ptr<HeldFrame>>(&thing)) return (*frame)->owner;
    if (const auto* slot = std::get_if<std::shared_ptr<HeldSlot>>(&thing)) return (*slot)->owner;
    return 0;
}

/// Ends a thing, also while another thread waits in it.
struct Close {
    std::chrono::nanoseconds patience;

    void operator()(const std::shared_ptr<zerobuffer::Reader>& reader) const { reader->close(); }

    void operator()(const std::shared_ptr<zerobuffer::Writer>& writer) const { writer->close(); }

    void operator()(const std::shared_ptr<zerobuffer::DuplexClient>& client) const { client->close(); }

    void operator()(const std::shared_ptr<Station>& station) const { station->close(patience); }

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

void Station::close(std::chrono::nanoseconds patience) {
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

Failure Table::nothing_under(std::uint64_t number) {
    return {zerobuffer::Code::closed, "there is nothing open under the number " + std::to_string(number)};
}

Failure Table::wrong_kind(std::uint64_t number) {
    return {zerobuffer::Code::closed,
            "what is open under the number " + std::to_string(number) + " is nothing for this verb"};
}

std::uint64_t Table::keep(Thing thing) {
    {
        const std::lock_guard lock(mutex_);
        if (!ended_) {
            things_.emplace(++last_, std::move(thing));
            return last_;
        }
    }
    std::visit(Close{0ns}, thing);
    throw Failure(zerobuffer::Code::closed, "the driver is ending");
}

void Table::close(std::uint64_t number) {
    std::vector<Thing> doomed;
    {
        const std::lock_guard lock(mutex_);
        const auto found = things_.find(number);
        if (found == things_.end()) throw nothing_under(number);
        if (owner_of(found->second) != 0) throw wrong_kind(number);
        for (auto at = things_.begin(); at != things_.end();) {
            if (owner_of(at->second) == number) {
                doomed.push_back(std::move(at->second));
                at = things_.erase(at);
            } else {
                ++at;
            }
        }
        doomed.push_back(std::move(found->second));
        things_.erase(found);
    }
    for (const Thing& thing : doomed) std::visit(Close{handler_patience}, thing);
}

void Table::end() {
    std::map<std::uint64_t, Thing> doomed;
    {
        const std::lock_guard lock(mutex_);
        ended_ = true;
        doomed.swap(things_);
    }
    for (auto at = doomed.rbegin(); at != doomed.rend(); ++at) std::visit(Close{0ns}, at->second);
}

} // namespace driver
