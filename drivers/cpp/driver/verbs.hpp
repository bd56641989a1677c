#pragma once

#include "dispatcher.hpp"
#include "params.hpp"
#include "results.hpp"

#include <cstdint>
#include <string_view>

namespace driver {

/// One request to a verb.
struct Call {
    Dispatcher& dispatcher;
    Params params;
    std::uint64_t number; ///< Among those that are pending.
};

using Verb = Result (*)(const Call& call);

/// Nothing if there is no such verb.
[[nodiscard]] Verb find_verb(std::string_view name);

[[nodiscard]] zerobuffer::BufferConfig config_of(const Params& params);
[[nodiscard]] Blob blob(std::span<const std::byte> content);

// ---- who answers, and what it is doing (introduction.cpp)
Result hello(const Call& call);
Result health(const Call& call);
Result dump(const Call& call);
Result arm(const Call& call);

// ---- buffers (verbs.cpp)
Result create(const Call& call);
Result connect(const Call& call);
Result close(const Call& call);

// ---- writing (writing.cpp)
Result write(const Call& call);
Result fill(const Call& call);
Result acquire(const Call& call);
Result put(const Call& call);
Result commit(const Call& call);
Result abandon(const Call& call);
Result write_metadata(const Call& call);

// ---- reading (reading.cpp)
Result read(const Call& call);
Result read_many(const Call& call);
Result relay(const Call& call);
Result peek(const Call& call);
Result release(const Call& call);
Result read_metadata(const Call& call);

// ---- duplex channels (channels.cpp)
Result serve(const Call& call);
Result handle(const Call& call);
Result service(const Call& call);
Result dial(const Call& call);
Result send(const Call& call);
Result receive(const Call& call);
Result ping(const Call& call);

} // namespace driver
