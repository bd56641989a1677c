#include "rpc.hpp"

#include <variant>

namespace driver {

namespace {

Json details_of(const zerobuffer::Values& values) {
    Json::Object details;
    for (const auto& [name, value] : values) {
        details.emplace(name, std::visit([](const auto& known) { return Json(known); }, value));
    }
    return details;
}

Json data_of(zerobuffer::Code code, Json details) {
    return Json::Object{{"code", zerobuffer::to_string(code)}, {"details", std::move(details)}};
}

/// The one object of the parameters, whether given in a list or bare; none is an empty one.
Json first_object(const Json* params, const Json& id) {
    if (params == nullptr || params->is_null()) return Json::Object{};
    if (const auto* list = params->as<Json::Array>()) {
        if (list->empty()) return Json::Object{};
        if (list->size() == 1) params = &list->front();
    }
    if (params->as<Json::Object>() == nullptr) {
        throw Malformed(invalid_params, "Invalid params: one object is expected", id);
    }
    return *params;
}

std::string message(const Json& id, std::string_view key, Json value) {
    return Json(Json::Object{{"jsonrpc", "2.0"}, {"id", id}, {std::string(key), std::move(value)}}).print();
}

} // namespace

Failure::Failure(int code, const std::string& message, Json data)
    : std::runtime_error(message), code_(code), data_(std::move(data)) {}

Failure::Failure(const zerobuffer::Error& error, const std::string& after)
    : Failure(driver_error, after.empty() ? error.what() : after + ": " + error.what(),
              data_of(error.code(), details_of(error.values()))) {}

Failure::Failure(zerobuffer::Code code, const std::string& message)
    : Failure(driver_error, message, data_of(code, Json::Object{})) {}

Failure bad_params(const std::string& reason) { return {invalid_params, "Invalid params: " + reason}; }

Json Failure::plain() const {
    Json::Object error{{"code", code_}, {"message", what()}};
    if (!data_.is_null()) error.emplace("data", data_);
    return error;
}

Request parse_request(std::string_view body) {
    Json message;
    try {
        message = parse_json(body);
    } catch (const JsonError& error) {
        throw Malformed(parse_error, std::string("Parse error: ") + error.what(), nullptr);
    }
    const auto refuse = [](const std::string& reason, const Json& id) {
        throw Malformed(invalid_request, "Invalid Request: " + reason, id);
    };
    if (message.as<Json::Object>() == nullptr) refuse("a message is one object, batches are not supported", nullptr);
    Request request;
    if (const Json* id = message.find("id")) request.id = *id;
    const Json id = request.id.value_or(nullptr);
    if (id.as<bool>() != nullptr || id.as<Json::Array>() != nullptr || id.as<Json::Object>() != nullptr) {
        refuse("\"id\" must be a number or a string", nullptr);
    }
    const Json* version = message.find("jsonrpc");
    if (version == nullptr || version->as<std::string>() == nullptr || *version->as<std::string>() != "2.0") {
        refuse(R"("jsonrpc" must be "2.0")", id);
    }
    const Json* method = message.find("method");
    if (method == nullptr || method->as<std::string>() == nullptr) refuse("\"method\" must be a text", id);
    request.method = *method->as<std::string>();
    request.params = first_object(message.find("params"), id);
    return request;
}

std::string response(const Json& id, Json result) { return message(id, "result", std::move(result)); }

std::string response(const Json& id, const Failure& failure) { return message(id, "error", failure.plain()); }

} // namespace driver
