#include "crc32.hpp"
#include "transfer.hpp"
#include "verbs.hpp"

#include <algorithm>

namespace driver {

using zerobuffer::Frame;
using zerobuffer::Reader;
using zerobuffer::Writer;

Result read(const Call& call) {
    const std::uint64_t owner = call.params.number("handle");
    const auto reader = call.dispatcher.handles.get<Reader>(owner);
    Frame frame = reader->read(call.params.seconds("timeout"));
    FrameInfo info{.sequence = frame.sequence(), .size = frame.size(), .digest = crc32(frame.data())};
    info.frame = call.dispatcher.handles.keep(
        std::shared_ptr<HeldFrame>(new HeldFrame{.owner = owner, .mutex = {}, .frame = std::move(frame)}));
    return info;
}

Result read_many(const Call& call) {
    const std::uint64_t handle = call.params.number("handle");
    const Clock clock(call.params.seconds("timeout"));
    const auto count = call.params.number_or_null("count");
    const auto delay = call.params.seconds("delay");
    const auto idle = call.params.seconds("idle");
    const bool look = call.params.flag("look");
    const auto reader = call.dispatcher.handles.get<Reader>(handle);
    Transfer transfer;
    while (!count || transfer.frames < *count) {
        try {
            const Frame frame = reader->read(count ? clock.left() : std::min(idle, clock.left()));
            if (look) {
                transfer.add(frame.sequence(), frame.data());
            } else {
                transfer.add(frame.sequence(), frame.size());
            }
            // The scenario asks for a slow reader.
            if (delay.count() > 0) call.dispatcher.sleep(delay);
        } catch (const zerobuffer::Error& error) {
            const bool ends =
                error.code() == zerobuffer::Code::timeout || error.code() == zerobuffer::Code::writer_dead;
            if (!count && ends && !clock.is_over()) break;
            throw clock.ended(error, transfer.frames);
        }
    }
    transfer.stop(clock);
    return transfer;
}

Result relay(const Call& call) {
    const std::uint64_t source_handle = call.params.number("source");
    const std::uint64_t target_handle = call.params.number("target");
    const Clock clock(call.params.seconds("timeout"));
    const std::uint64_t count = call.params.number("count");
    const auto source = call.dispatcher.handles.get<Reader>(source_handle);
    const auto target = call.dispatcher.handles.get<Writer>(target_handle);
    Transfer transfer;
    try {
        while (transfer.frames < count) {
            const Frame frame = source->read(clock.left());
            target->write(frame.data(), clock.left());
            transfer.add(frame.sequence(), frame.data());
        }
    } catch (const zerobuffer::Error& error) {
        throw clock.ended(error, transfer.frames);
    }
    transfer.stop(clock);
    return transfer;
}

Result peek(const Call& call) {
    constexpr std::string_view digits = "0123456789abcdef";
    const std::uint64_t number = call.params.number("frame");
    const std::uint64_t offset = call.params.number("offset");
    const std::uint64_t length = call.params.number("length");
    const auto held = call.dispatcher.handles.get<HeldFrame>(number);
    const std::lock_guard lock(held->mutex);
    const auto data = held->frame.data();
    const std::size_t from = std::min<std::size_t>(offset, data.size());
    std::string text;
    for (const std::byte byte : data.subspan(from, std::min<std::size_t>(length, data.size() - from))) {
        text.push_back(digits[std::to_integer<std::size_t>(byte) >> 4U]);
        text.push_back(digits[std::to_integer<std::size_t>(byte) & 0xFU]);
    }
    return text;
}

/// The number stays, so that a look at a released frame is told so.
Result release(const Call& call) {
    const auto held = call.dispatcher.handles.get<HeldFrame>(call.params.number("frame"));
    const std::lock_guard lock(held->mutex);
    held->frame.release();
    return nullptr;
}

Result read_metadata(const Call& call) {
    return blob(call.dispatcher.handles.get<Reader>(call.params.number("handle"))->metadata());
}

} // namespace driver
