#include "system.hpp"
#include "verbs.hpp"

#include <unistd.h>

namespace driver {

namespace {

constexpr std::string_view contract = "1.0";

Json structure(std::size_t size, std::span<const zerobuffer::Field> fields) {
    Json::Object plain;
    for (const zerobuffer::Field& field : fields) {
        plain.emplace(field.name, Json::Array{std::uint64_t{field.offset}, std::uint64_t{field.size}});
    }
    return Json::Object{{"size", std::uint64_t{size}}, {"fields", std::move(plain)}};
}

zerobuffer::Deed deed_of(const std::string& then) {
    if (then == "die") return zerobuffer::Deed::die;
    if (then == "halt") return zerobuffer::Deed::halt;
    throw bad_params("\"then\" must be one of die and halt");
}

} // namespace

Json hello(const Call& /*call*/) {
    return Json::Object{
        {"protocol", contract},
        {"language", "c++"},
        {"implementation", "zerobuffer-cpp"},
        {"version", zerobuffer::library_version},
        {"pid", std::int64_t{::getpid()}},
        {"capabilities", Json::Array{"duplex", "linux", "points"}},
        {"layout",
         Json::Object{
             {"oieb", structure(sizeof(zerobuffer::ControlBlock), zerobuffer::oieb_fields())},
             {"frame", structure(sizeof(zerobuffer::FrameHeader), zerobuffer::header_fields())},
         }},
    };
}

Json health(const Call& /*call*/) { return true; }

Json dump(const Call& call) {
    Json::Array stacks;
    for (ThreadState& thread : threads()) {
        stacks.emplace_back(Json::Object{{"name", std::move(thread.name)}, {"stack", std::move(thread.stack)}});
    }
    return Json::Object{{"requests", call.desk.under_way.plain(call.number)}, {"threads", std::move(stacks)}};
}

Json arm(const Call& call) {
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
