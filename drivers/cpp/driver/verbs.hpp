#pragma once

#include "desk.hpp"
#include "params.hpp"

#include <cstdint>
#include <string_view>

namespace driver {

/// One request to a verb.
struct Call {
    Desk& desk;
    Params params;
    std::uint64_t number; ///< Among those under way.
};

using Verb = Json (*)(const Call& call);

/// Nothing if there is no such verb.
[[nodiscard]] Verb find_verb(std::string_view name);

[[nodiscard]] zerobuffer::BufferConfig config_of(const Params& params);
[[nodiscard]] Json blob(std::span<const std::byte> content);

// ---- who answers, and what it is doing (introduction.cpp)
Json hello(const Call& call);
Json health(const Call& call);
Json dump(const Call& call);
Json arm(const Call& call);

// ---- buffers (verbs.cpp)
Json create(const Call& call);
Json connect(const Call& call);
Json close(const Call& call);

// ---- writing (writing.cpp)
Json write(const Call& call);
Json fill(const Call& call);
Json acquire(const Call& call);
Json put(const Call& call);
Json commit(const Call& call);
Json abandon(const Call& call);
Json write_metadata(const Call& call);

// ---- reading (reading.cpp)
Json read(const Call& call);
Json read_many(const Call& call);
Json relay(const Call& call);
Json peek(const Call& call);
Json release(const Call& call);
Json read_metadata(const Call& call);

// ---- duplex channels (channels.cpp)
Json serve(const Call& call);
Json handle(const Call& call);
Json service(const Call& call);
Json dial(const Call& call);
Json send(const Call& call);
Json receive(const Call& call);
Json ping(const Call& call);

} // namespace driver
