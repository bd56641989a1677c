#include "transfer.hpp"
#include "verbs.hpp"

#include <algorithm>

namespace driver {

using zerobuffer::Writer;

Result write(const Call& call) {
    const std::uint64_t handle = call.params.number("handle");
    const Clock clock(call.params.seconds("timeout"));
    const Recipe recipe = call.params.recipe("payload");
    const auto sizes = call.params.numbers("sizes");
    const std::uint64_t count = call.params.number("count");
    const auto interval = call.params.seconds("interval");
    const auto writer = call.dispatcher.handles.get<Writer>(handle);
    Maker maker(recipe, sizes.empty() ? recipe.size : *std::max_element(sizes.begin(), sizes.end()));
    Transfer transfer;
    auto next = clock.begin();
    for (std::uint64_t number = 0; number < count; number++) {
        if (interval.count() > 0) {
            call.dispatcher.sleep(next - std::chrono::steady_clock::now());
            next += interval;
        }
        const std::uint64_t size = sizes.empty() ? recipe.size : sizes[number % sizes.size()];
        const auto content = maker.content(writer->next_sequence(), size);
        try {
            transfer.add(writer->write(content, clock.left()), content.size());
        } catch (const zerobuffer::Error& error) {
            throw clock.ended(error, transfer.frames);
        }
    }
    transfer.stop(clock);
    return transfer;
}

Result fill(const Call& call) {
    const std::uint64_t handle = call.params.number("handle");
    const Clock clock(call.params.seconds("timeout"));
    Maker maker(call.params.recipe("payload"));
    const auto patience = call.params.seconds("patience");
    const auto writer = call.dispatcher.handles.get<Writer>(handle);
    Transfer transfer;
    while (!clock.is_over()) {
        const auto content = maker.content(writer->next_sequence());
        try {
            transfer.add(writer->write(content, patience), content.size());
        } catch (const zerobuffer::BufferFullError&) {
            transfer.stop(clock);
            return transfer;
        }
    }
    throw Failure(zerobuffer::Code::timeout,
                  "the buffer took " + std::to_string(transfer.frames) + " frames and was not full in time");
}

Result acquire(const Call& call) {
    const std::uint64_t owner = call.params.number("handle");
    const std::uint64_t size = call.params.number("size");
    const auto writer = call.dispatcher.handles.get<Writer>(owner);
    zerobuffer::Slot slot = writer->acquire(size, call.params.seconds("timeout"));
    const std::uint64_t sequence = slot.sequence();
    return call.dispatcher.handles.keep(std::shared_ptr<HeldSlot>(
        new HeldSlot{.owner = owner, .sequence = sequence, .mutex = {}, .slot = std::move(slot)}));
}

Result put(const Call& call) {
    const std::uint64_t number = call.params.number("slot");
    Maker maker(call.params.recipe("payload"));
    const std::uint64_t offset = call.params.number("offset");
    const auto held = call.dispatcher.handles.get<HeldSlot>(number);
    const auto content = maker.content(held->sequence);
    const std::lock_guard lock(held->mutex);
    const std::span<std::byte> place = held->slot.data();
    if (offset > place.size() || content.size() > place.size() - offset) {
        throw bad_params(std::to_string(content.size()) + " bytes at \"offset\" " + std::to_string(offset) +
                         " do not fit into a slot of " + std::to_string(place.size()));
    }
    std::copy(content.begin(), content.end(), place.begin() + static_cast<std::ptrdiff_t>(offset));
    return nullptr;
}

Result commit(const Call& call) {
    const auto held = call.dispatcher.handles.take<HeldSlot>(call.params.number("slot"));
    const std::lock_guard lock(held->mutex);
    return held->slot.commit();
}

Result abandon(const Call& call) {
    const auto held = call.dispatcher.handles.take<HeldSlot>(call.params.number("slot"));
    const std::lock_guard lock(held->mutex);
    held->slot.abandon();
    return nullptr;
}

Result write_metadata(const Call& call) {
    const std::uint64_t handle = call.params.number("handle");
    Maker maker(call.params.recipe("payload"));
    call.dispatcher.handles.get<Writer>(handle)->set_metadata(maker.content(0));
    return nullptr;
}

} // namespace driver
