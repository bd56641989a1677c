#include "rpc.hpp"

#include <nlohmann/json.hpp>

#include <variant>

namespace driver {

namespace {

constexpr int most_levels = 64;

Malformed no_json(const std::string& reason) { return {parse_error, "Parse error: " + reason}; }

Malformed no_request(const std::string& reason, Id id = nullptr) {
    return {invalid_request, "Invalid Request: " + reason, std::move(id)};
}

Json parse(std::string_view body) {
    // The parser would take it for the end of the text, whatever follows.
    if (body.find('\0') != std::string_view::npos) throw no_json("there is a byte of 0");
    try {
        return Json::parse(body, [](int level, Json::parse_event_t, const Json&) {
            if (level > most_levels) throw no_json("it is nested too deep");
            return true;
        });
    } catch (const Json::exception& error) {
        throw no_json(error.what());
    }
}

/// The member of an object; null if there is none.
Json member(const Json& object, const char* key) { return object.value(key, Json()); }

/// The one object of the parameters, whether given in a list or bare; none is an empty one.
Json first_object(const Json& params, const Id& id) {
    if (params.empty()) return Json::object();
    const Json& first = params.is_array() && params.size() == 1 ? params.front() : params;
    if (!first.is_object()) throw Malformed(invalid_params, "Invalid params: one object is expected", id);
    return first;
}

std::string message(const Id& id, std::string_view key, Json value) {
    const Json whole{{"jsonrpc", "2.0"}, {"id", id ? *id : Json()}, {key, std::move(value)}};
    return whole.dump(-1, ' ', false, Json::error_handler_t::replace);
}

} // namespace

Failure bad_params(const std::string& reason) { return {invalid_params, "Invalid params: " + reason}; }

Request parse_request(std::string_view body) {
    const Json message = parse(body);
    if (!message.is_object()) throw no_request("a message is one object, batches are not supported");
    Request request;
    if (const auto found = message.find("id"); found != message.end()) {
        if (found->is_boolean() || found->is_structured()) throw no_request("\"id\" must be a number or a string");
        request.id = std::make_shared<const Json>(*found);
    }
    if (member(message, "jsonrpc") != "2.0") throw no_request(R"("jsonrpc" must be "2.0")", request.id);
    const Json method = member(message, "method");
    if (!method.is_string()) throw no_request("\"method\" must be a text", request.id);
    request.method = method.get<std::string>();
    request.params = std::make_shared<const Json>(first_object(member(message, "params"), request.id));
    return request;
}

std::string response(const Id& id, const Result& result) { return message(id, "result", as_json(result)); }

std::string response(const Id& id, const Failure& failure) {
    Json error{{"code", failure.code}, {"message", failure.what()}};
    if (failure.cause) {
        Json details = Json::object();
        for (const auto& [name, value] : failure.details) {
            details[name] = std::visit([](const auto& known) { return Json(known); }, value);
        }
        error["data"] = {{"code", zerobuffer::to_string(*failure.cause)}, {"details", std::move(details)}};
    }
    return message(id, "error", std::move(error));
}

} // namespace driver
