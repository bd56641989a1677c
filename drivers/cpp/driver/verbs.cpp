#include "verbs.hpp"

#include "crc32.hpp"

#include <algorithm>
#include <iterator>
#include <utility>

namespace driver {

Verb find_verb(std::string_view name) {
    using Named = std::pair<std::string_view, Verb>;
    static constexpr Named verbs[]{
        {"hello", hello},     {"health", health},
        {"dump", dump},       {"arm", arm},
        {"create", create},   {"connect", connect},
        {"close", close},     {"write", write},
        {"fill", fill},       {"acquire", acquire},
        {"put", put},         {"commit", commit},
        {"abandon", abandon}, {"write_metadata", write_metadata},
        {"read", read},       {"read_many", read_many},
        {"relay", relay},     {"peek", peek},
        {"release", release}, {"read_metadata", read_metadata},
        {"serve", serve},     {"handle", handle},
        {"service", service}, {"dial", dial},
        {"send", send},       {"receive", receive},
        {"ping", ping},
    };
    const auto* const found =
        std::find_if(std::begin(verbs), std::end(verbs), [name](const Named& verb) { return verb.first == name; });
    return found == std::end(verbs) ? nullptr : found->second;
}

zerobuffer::BufferConfig config_of(const Params& params) {
    return {.metadata_size = params.number("metadata"), .payload_size = params.number("payload")};
}

Blob blob(std::span<const std::byte> content) { return {.size = content.size(), .digest = crc32(content)}; }

Result create(const Call& call) {
    const std::string name = call.params.text("name");
    return call.dispatcher.handles.keep(std::make_shared<zerobuffer::Reader>(name, config_of(call.params)));
}

/// Does not wait for a reader that is not there.
Result connect(const Call& call) {
    return call.dispatcher.handles.keep(std::make_shared<zerobuffer::Writer>(call.params.text("name")));
}

Result close(const Call& call) {
    call.dispatcher.handles.close(call.params.number("handle"));
    return nullptr;
}

} // namespace driver
