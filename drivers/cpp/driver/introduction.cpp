#include "system.hpp"
#include "verbs.hpp"

#include <unistd.h>

namespace driver {

namespace {

Structure structure(std::size_t size, std::span<const zerobuffer::Field> fields) {
    Structure found{.size = size, .fields = {}};
    for (const zerobuffer::Field& field : fields) found.fields.emplace(field.name, std::pair(field.offset, field.size));
    return found;
}

zerobuffer::Deed deed_of(const std::string& then) {
    if (then == "die") return zerobuffer::Deed::die;
    if (then == "halt") return zerobuffer::Deed::halt;
    throw bad_params("\"then\" must be one of die and halt");
}

} // namespace

Result hello(const Call& /*call*/) {
    return Identity{
        .protocol = "1.0",
        .language = "c++",
        .implementation = "zerobuffer-cpp",
        .version = std::string(zerobuffer::library_version),
        .pid = ::getpid(),
        .capabilities = {"duplex", "linux", "points"},
        .layout = {{"oieb", structure(sizeof(zerobuffer::ControlBlock), zerobuffer::oieb_fields())},
                   {"frame", structure(sizeof(zerobuffer::FrameHeader), zerobuffer::header_fields())}},
    };
}

Result health(const Call& /*call*/) { return true; }

Result dump(const Call& call) {
    return Dump{.requests = call.dispatcher.pending.others(call.number), .threads = threads()};
}

Result arm(const Call& call) {
    const std::string point = call.params.text("point");
    const std::uint64_t passage = call.params.number("passage");
    const zerobuffer::Deed deed = deed_of(call.params.text("then"));
    if (!zerobuffer::arm_point(point, passage, deed)) {
        std::string known;
        for (const std::string_view name : zerobuffer::points()) known.append(" ").append(name);
        throw bad_params("\"point\" must be one of" + known + ", and \"passage\" 1 or more");
    }
    return nullptr;
}

} // namespace driver
