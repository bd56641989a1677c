#include "buffers.hpp"
#include "case.hpp"
#include "child.hpp"
#include "dispatcher.hpp"
#include "results.hpp"

#include <nlohmann/json.hpp>

#include <atomic>
#include <map>
#include <memory>

namespace {

using driver::Dispatcher;
using driver::Failure;
using driver::Json;

constexpr std::string_view recipe = R"({"pattern":"frame","size":100,"sequence":0,"text":"","mask":0,"repeat":1})";

/// Parameters that a verb takes, beside `timeout`; `%` stands for the recipe.
const std::map<std::string, std::string> verbs{
    {"hello", "{}"},
    {"health", "{}"},
    {"dump", "{}"},
    {"arm", R"({"point":"writer.data","passage":1000000,"then":"die"})"},
    {"create", R"({"name":"a/b","metadata":0,"payload":64})"},
    {"connect", R"({"name":"a/b"})"},
    {"close", R"({"handle":99})"},
    {"write", R"({"handle":99,"payload":%,"count":1,"sizes":[],"interval":0})"},
    {"fill", R"({"handle":99,"payload":%,"patience":0})"},
    {"acquire", R"({"handle":99,"size":1})"},
    {"put", R"({"slot":99,"payload":%,"offset":0})"},
    {"commit", R"({"slot":99})"},
    {"abandon", R"({"slot":99})"},
    {"write_metadata", R"({"handle":99,"payload":%})"},
    {"read", R"({"handle":99})"},
    {"read_many", R"({"handle":99,"count":1,"delay":0,"idle":0,"look":true})"},
    {"relay", R"({"source":99,"target":99,"count":1})"},
    {"peek", R"({"frame":99,"offset":0,"length":1})"},
    {"release", R"({"frame":99})"},
    {"read_metadata", R"({"handle":99})"},
    {"serve", R"({"name":"a/b","metadata":0,"payload":64})"},
    {"handle", R"({"handle":99,"handler":"echo","delay":0})"},
    {"service", R"({"handle":99})"},
    {"dial", R"({"name":"a/b","metadata":0,"payload":64})"},
    {"send", R"({"handle":99,"payload":%,"in_place":false})"},
    {"receive", R"({"handle":99})"},
    {"ping", R"({"handle":99,"payload":%,"count":1})"},
};

Json params_of(const std::string& text, double timeout) {
    std::string filled = text;
    if (const std::size_t at = filled.find('%'); at != std::string::npos) filled.replace(at, 1, recipe);
    Json params = Json::parse(filled);
    params["timeout"] = timeout;
    return params;
}

Json perform(Dispatcher& dispatcher, const std::string& verb, const Json& params) {
    return driver::as_json(dispatcher.perform(
        {.id = std::make_shared<const Json>(1), .method = verb, .params = std::make_shared<const Json>(params)}));
}

Json ask(Dispatcher& dispatcher, const std::string& verb, const std::string& params, double timeout = 20) {
    return perform(dispatcher, verb, params_of(params, timeout));
}

std::string_view code_of(const Failure& failure) { return zerobuffer::to_string(failure.cause.value()); }

/// Waits until so many are under way.
void await_requests(Dispatcher& dispatcher, std::size_t count) {
    const auto begin = std::chrono::steady_clock::now();
    while (ask(dispatcher, "dump", "{}")["requests"].size() < count) {
        CHECK(std::chrono::steady_clock::now() - begin < test::patience);
    }
}

std::string with(const std::string& key, const Json& value, const std::string& rest = "") {
    return "{\"" + key + "\":" + value.dump() + rest + "}";
}

} // namespace

TEST(dispatcher, every_parameter_is_asked_for_by_its_key) {
    Dispatcher dispatcher;
    for (const auto& asked : verbs) { // clang 14 captures no structured binding
        const auto& verb = asked.first;
        const auto& text = asked.second;
        const Json whole = params_of(text, 1);
        for (const auto& member : whole.items()) {
            const std::string& key = member.key();
            for (const bool missing : {true, false}) {
                Json params = whole;
                params.erase(key);
                // No parameter is an object with a key of this name.
                if (!missing) params[key] = {{"odd", 1}};
                const auto failure = CHECK_THROWS(Failure, perform(dispatcher, verb, params));
                CHECK_EQUAL(failure.code, driver::invalid_params);
                const bool named = std::string_view(failure.what()).find(key) != std::string_view::npos;
                CHECK(named || (key == "payload" && !missing));
            }
        }
    }
    const auto failure = CHECK_THROWS(Failure, ask(dispatcher, "whistle", "{}"));
    CHECK_EQUAL(failure.code, driver::method_not_found);
}

TEST(dispatcher, a_point_has_one_of_two_deeds) {
    Dispatcher dispatcher;
    const std::string params = R"({"point":"writer.opened","passage":1000000,"then":"%"})";
    const auto arm = [&](const std::string& then) {
        std::string filled = params;
        return ask(dispatcher, "arm", filled.replace(filled.find('%'), 1, then));
    };
    CHECK(arm("halt").is_null());
    CHECK(arm("die").is_null());
    for (const std::string then : {"", "Die", "stop"}) {
        const auto failure = CHECK_THROWS(Failure, arm(then));
        CHECK_EQUAL(failure.code, driver::invalid_params);
        CHECK(std::string_view(failure.what()).find("then") != std::string_view::npos);
    }
}

TEST(dispatcher, nothing_is_open_under_a_wrong_number) {
    Dispatcher dispatcher;
    for (const auto& asked : verbs) {
        const auto& verb = asked.first;
        const auto& text = asked.second;
        if (text.find("99") == std::string::npos) continue;
        const auto failure = CHECK_THROWS(Failure, ask(dispatcher, verb, text));
        CHECK_EQUAL(code_of(failure), "closed");
    }
}

TEST(dispatcher, a_frame_goes_round) {
    Dispatcher dispatcher;
    const Json name(test::unique_name());
    const Json reader = ask(dispatcher, "create", with("name", name, R"(,"metadata":0,"payload":1024)"));
    const Json writer = ask(dispatcher, "connect", with("name", name));
    const std::string write = with("handle", writer, R"(,"payload":%,"count":2,"sizes":[],"interval":0)");
    CHECK_EQUAL(ask(dispatcher, "write", write)["last"], 2U);
    const Json frame = ask(dispatcher, "read", with("handle", reader));
    CHECK_EQUAL(frame["size"], 100U);
    const std::string peek = with("frame", frame["frame"], R"(,"offset":98,"length":7)");
    CHECK_EQUAL(ask(dispatcher, "peek", peek), "6364");
    CHECK(ask(dispatcher, "release", with("frame", frame["frame"])).is_null());
    CHECK_EQUAL(code_of(CHECK_THROWS(Failure, ask(dispatcher, "peek", peek))), "frame_released");
    const std::string many = R"(,"count":null,"delay":0,"idle":0.01,"look":true)";
    CHECK_EQUAL(ask(dispatcher, "read_many", with("handle", reader, many))["frames"], 1U);
    const Json slot = ask(dispatcher, "acquire", with("handle", writer, R"(,"size":10)"));
    CHECK_EQUAL(code_of(CHECK_THROWS(Failure, ask(dispatcher, "write", write))), "busy");
    CHECK(ask(dispatcher, "close", with("handle", writer)).is_null());
    CHECK_EQUAL(code_of(CHECK_THROWS(Failure, ask(dispatcher, "commit", with("slot", slot)))), "closed");
    CHECK_EQUAL(code_of(CHECK_THROWS(Failure, ask(dispatcher, "peek", peek))), "frame_released");
    CHECK(ask(dispatcher, "close", with("handle", reader)).is_null());
    CHECK_EQUAL(code_of(CHECK_THROWS(Failure, ask(dispatcher, "peek", peek))), "closed");
}

TEST(dispatcher, its_end_gives_up_a_server_that_has_not_come) {
    Dispatcher dispatcher;
    const Json nobody(test::unique_name());
    test::Thread dialing([&] {
        const std::string params = with("name", nobody, R"(,"metadata":0,"payload":1024)");
        CHECK_EQUAL(code_of(CHECK_THROWS(Failure, ask(dispatcher, "dial", params, 60))), "closed");
    });
    await_requests(dispatcher, 1);
    dispatcher.end();
    dialing.join();
}

TEST(dispatcher, its_end_cuts_no_creation_short) {
    Dispatcher dispatcher;
    const std::string name = test::unique_name();
    std::atomic<bool> done{false};
    test::Thread creating([&] {
        try {
            // Memory is reserved, which takes its time.
            ask(dispatcher, "create", with("name", Json(name), R"(,"metadata":0,"payload":200000000)"));
        } catch (const Failure&) {
            // So it was not done when the end came, or there is not so much memory.
        }
        done = true;
    });
    const auto begin = std::chrono::steady_clock::now();
    while (!done && test::files_of(name).empty()) CHECK(std::chrono::steady_clock::now() - begin < test::patience);
    dispatcher.end();
    CHECK_EQUAL(test::files_of(name).size(), 0U);
    creating.join();
}

TEST(dispatcher, its_end_ends_what_waits) {
    Dispatcher dispatcher;
    const std::string channel = test::unique_name();
    const Json name(test::unique_name());
    ask(dispatcher, "create", with("name", name, R"(,"metadata":0,"payload":1024)"));
    const Json silent = ask(dispatcher, "create", with("name", Json(channel), R"(,"metadata":0,"payload":1024)"));
    const Json writer = ask(dispatcher, "connect", with("name", name));
    const Json server = ask(dispatcher, "serve", with("name", Json(channel), R"(,"metadata":0,"payload":1024)"));
    ask(dispatcher, "handle", with("handle", server, R"(,"handler":"xor","delay":60)"));
    const Json client = ask(dispatcher, "dial", with("name", Json(channel), R"(,"metadata":0,"payload":1024)"));
    ask(dispatcher, "send", with("handle", client, R"(,"payload":%,"in_place":true)"));
    const auto waits = [&](const std::string& verb, const std::string& params) {
        return [&dispatcher, verb, params] { CHECK_THROWS(Failure, ask(dispatcher, verb, params, 60)); };
    };
    test::Thread reading(waits("read", with("handle", silent)));
    test::Thread receiving(waits("receive", with("handle", client)));
    test::Thread writing(waits("write", with("handle", writer, R"(,"payload":%,"count":2,"sizes":[],"interval":60)")));
    await_requests(dispatcher, 3);
    dispatcher.end();
    reading.join();
    receiving.join();
    writing.join();
    CHECK_EQUAL(test::files_of(name.get<std::string>()).size(), 0U);
    CHECK_EQUAL(test::files_of(channel).size(), 0U);
    CHECK_EQUAL(test::files_of(channel + "_request").size() + test::files_of(channel + "_response").size(), 0U);
    const auto late =
        CHECK_THROWS(Failure, ask(dispatcher, "create", with("name", name, R"(,"metadata":0,"payload":1024)")));
    CHECK_EQUAL(code_of(late), "closed");
    CHECK_EQUAL(test::files_of(name.get<std::string>()).size(), 0U);
}
