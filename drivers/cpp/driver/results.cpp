#include "results.hpp"

#include <nlohmann/json.hpp>

#include <variant>

namespace driver {

NLOHMANN_DEFINE_TYPE_NON_INTRUSIVE(Blob, size, digest)
NLOHMANN_DEFINE_TYPE_NON_INTRUSIVE(FrameInfo, frame, sequence, size, digest)
NLOHMANN_DEFINE_TYPE_NON_INTRUSIVE(Service, requests, refused_changes)
NLOHMANN_DEFINE_TYPE_NON_INTRUSIVE(Structure, size, fields)
NLOHMANN_DEFINE_TYPE_NON_INTRUSIVE(Identity, protocol, language, implementation, version, pid, capabilities, layout)
NLOHMANN_DEFINE_TYPE_NON_INTRUSIVE(ThreadStack, name, stack)
NLOHMANN_DEFINE_TYPE_NON_INTRUSIVE(Transfer, frames, bytes, first, last, breaks, runs, digest, seconds, cpu_seconds)

static void to_json(Json& json, const Dump& dump) {
    Json requests = Json::array();
    for (const RequestUnderWay& request : dump.requests) {
        // A notification has no id, and the contract knows none that is null.
        if (!request.id || request.id->is_null()) continue;
        requests.push_back({{"id", *request.id}, {"verb", request.verb}, {"seconds", request.seconds}});
    }
    json = {{"requests", std::move(requests)}, {"threads", dump.threads}};
}

Json as_json(const Result& result) {
    return std::visit([](const auto& value) { return Json(value); }, result);
}

} // namespace driver
