#include "buffers.hpp"
#include "case.hpp"
#include "crc32.hpp"
#include "framing.hpp"
#include "json.hpp"
#include "recipe.hpp"
#include "rpc.hpp"
#include "summary.hpp"
#include "system.hpp"

#include <algorithm>
#include <random>
#include <string>

namespace {

using driver::Json;
using driver::JsonError;
using driver::Maker;
using driver::Malformed;
using driver::parse_json;
using driver::Pattern;
using driver::Recipe;

std::span<const std::byte> bytes_of(std::string_view text) { return std::as_bytes(std::span(text)); }

/// All that a decoder makes of a stream, "!" before faults.
std::vector<std::string> decoded(driver::Decoder& decoder) {
    std::vector<std::string> items;
    while (const auto item = decoder.next()) items.push_back(item->is_fault ? "!" : item->text);
    return items;
}

} // namespace

TEST(driver, json_is_read_and_printed) {
    for (const std::string_view text :
         {"null", "true", "[]", "{}", "[1,-2,18446744073709551615,1.5]", R"({"a":[{"b":"c"}]})", "\"\xc3\xa4\""}) {
        CHECK_EQUAL(parse_json(text).print(), text);
    }
    CHECK_EQUAL(parse_json(" { \"k\" : [ 1e2 , -0.5E-1 ] } ").print(), R"({"k":[100,-0.05]})");
    CHECK_EQUAL(parse_json(R"("\u00e4\ud834\udd1e\n\"\\\/")").print(), "\"\xc3\xa4\xf0\x9d\x84\x9e\\u000a\\\"\\\\/\"");
    CHECK_EQUAL(parse_json(R"({"a":1,"a":2})").print(), R"({"a":2})");
    CHECK_EQUAL(Json(std::string("\xff")).print(), "\"\\ufffd\"");
}

TEST(driver, what_is_no_json_is_refused) {
    for (const std::string& text : {std::string(),
                                    std::string("{"),
                                    std::string("[1,]"),
                                    std::string("{\"a\" 1}"),
                                    std::string("01"),
                                    std::string("1."),
                                    std::string("-"),
                                    std::string("1e"),
                                    std::string("nul"),
                                    std::string("NaN"),
                                    std::string("1 2"),
                                    std::string("\"a"),
                                    std::string("\"\\x\""),
                                    std::string("\"\\ud800\""),
                                    std::string("\"\\u12\""),
                                    std::string("\"\n\""),
                                    std::string("\"\xff\""),
                                    std::string("\"\xc0\xaf\""),
                                    std::string("\"\xed\xa0\x80\""),
                                    std::string("1e999"),
                                    std::string(100, '['),
                                    std::string("{1:2}"),
                                    std::string("\"\\")}) {
        CHECK_THROWS(JsonError, parse_json(text));
    }
    CHECK_EQUAL(parse_json(std::string(60, '[') + std::string(60, ']')).print().size(), 120U);
}

TEST(driver, messages_are_found_whatever_pieces_they_come_in) {
    const std::string stream = "\r\n" + driver::encode_frame("one") + "content-LENGTH : 3\nX: y\n\ntwo" +
                               "noise\nmore noise\n" + driver::encode_frame("three") +
                               "Content-Length: 99999999999\r\n\r\n" + driver::encode_frame("") +
                               "Content-Length: 50\r\n\r\nfour\n" + driver::encode_frame("five");
    const std::vector<std::string> expected{"one", "two", "!", "three", "!", "", "!", "five"};
    driver::Decoder whole;
    whole.feed(stream);
    CHECK(decoded(whole) == expected);
    std::mt19937_64 dice(test::seed());
    for (int round = 0; round < 50; round++) {
        driver::Decoder decoder;
        std::vector<std::string> items;
        for (std::size_t at = 0; at < stream.size();) {
            const std::size_t length = 1 + dice() % 40;
            decoder.feed(std::string_view(stream).substr(at, length));
            for (std::string& item : decoded(decoder)) items.push_back(std::move(item));
            at += length;
        }
        CHECK(items == expected);
    }
}

TEST(driver, headers_that_are_none) {
    for (const std::string_view noise : {"Content-Length: soon\r\n\r\n", "Content-Length: -5\r\n\r\n", "X: y\r\n\r\n",
                                         "Content-Length: 1\r\nContent-Length: 2\r\n\r\n"}) {
        driver::Decoder decoder;
        decoder.feed(noise);
        CHECK(decoded(decoder) == std::vector<std::string>{"!"});
        decoder.feed(driver::encode_frame("after"));
        CHECK(decoded(decoder) == std::vector<std::string>{"after"});
    }
    driver::Decoder endless;
    endless.feed("X: " + std::string(driver::most_header_bytes, 'x'));
    CHECK(decoded(endless) == std::vector<std::string>{"!"});
}

TEST(driver, requests_and_what_is_none) {
    const auto request = driver::parse_request(R"({"jsonrpc":"2.0","id":"x","method":"m","params":[{"a":1}]})");
    CHECK_EQUAL(request.method, "m");
    CHECK_EQUAL(request.id->print(), "\"x\"");
    CHECK_EQUAL(request.params.print(), R"({"a":1})");
    CHECK(!driver::parse_request(R"({"jsonrpc":"2.0","method":"m"})").id);
    const auto code = [](std::string_view body) { return CHECK_THROWS(Malformed, driver::parse_request(body)).code(); };
    CHECK_EQUAL(code("{"), driver::parse_error);
    for (const std::string_view body : {"[]", "7", R"({"id":1,"method":"m"})", R"({"jsonrpc":"2.0","id":1})",
                                        R"({"jsonrpc":"2.0","id":[],"method":"m"})"}) {
        CHECK_EQUAL(code(body), driver::invalid_request);
    }
    CHECK_EQUAL(code(R"({"jsonrpc":"2.0","id":1,"method":"m","params":[1]})"), driver::invalid_params);
    const driver::Failure failure(zerobuffer::SequenceError("text", {{"expected", std::uint64_t{1}}}));
    CHECK_EQUAL(
        driver::response(Json(1), failure),
        R"({"error":{"code":-32000,"data":{"code":"sequence_error","details":{"expected":1}},"message":"text"},"id":1,"jsonrpc":"2.0"})");
}

TEST(driver, payloads_follow_their_recipe) {
    const auto made = [](const Recipe& recipe, std::uint64_t sequence) {
        return test::copy(Maker(recipe).content(sequence));
    };
    CHECK(made({.pattern = Pattern::frame, .size = 600}, 7) == test::ramp(600, 7));
    CHECK(made({.pattern = Pattern::frame, .size = 600, .sequence = 9}, 7) == test::ramp(600, 9));
    CHECK(made({.pattern = Pattern::simple, .size = 3, .repeat = 2}, 7) ==
          test::copy(bytes_of(std::string_view("\0\1\2\0\1\2", 6))));
    CHECK(made({.pattern = Pattern::text, .size = 9, .text = "ab", .mask = 1}, 7) == test::copy(bytes_of("`c")));
    CHECK(made({.pattern = Pattern::simple, .size = 3, .repeat = 0}, 7).empty());
    CHECK_THROWS(std::bad_alloc, Maker({.size = ~std::uint64_t{0}}));
    CHECK_THROWS(std::bad_alloc, made({.size = 2, .repeat = ~std::uint64_t{0}}, 1));
    Maker maker({.pattern = Pattern::frame}, 500);
    CHECK(test::copy(maker.content(3, 500)) == test::ramp(500, 3));
    CHECK(test::copy(maker.content(4, 1)) == test::ramp(1, 4));
}

TEST(driver, digests_are_crc32) {
    CHECK_EQUAL(driver::crc32(bytes_of("123456789")), 0xCBF43926U);
    CHECK_EQUAL(driver::crc32({}), 0U);
    const auto data = test::ramp(1000);
    const std::span<const std::byte> whole(data);
    for (const std::size_t at : {0U, 1U, 7U, 8U, 500U, 1000U}) {
        CHECK_EQUAL(driver::crc32(whole.subspan(at), driver::crc32(whole.first(at))), driver::crc32(whole));
    }
}

TEST(driver, frames_are_summed_up) {
    driver::Summary summary;
    for (const std::uint64_t sequence : {4U, 5U, 9U}) summary.add(sequence, test::ramp(10));
    summary.add(10, 20);
    const driver::Clock clock(std::chrono::seconds(1));
    const Json plain = summary.plain(clock);
    CHECK_EQUAL(plain.find("runs")->print(), "[[10,3],[20,1]]");
    const auto number = [&](std::string_view key) {
        std::uint64_t value = 0;
        CHECK(plain.find(key)->whole(value));
        return value;
    };
    CHECK_EQUAL(number("frames"), 4U);
    CHECK_EQUAL(number("bytes"), 50U);
    CHECK_EQUAL(number("first"), 4U);
    CHECK_EQUAL(number("last"), 10U);
    CHECK_EQUAL(number("breaks"), 1U);
    CHECK(number("digest") != 0);
}

TEST(driver, threads_are_seen) {
    const auto threads = driver::threads();
    CHECK(!threads.empty());
    CHECK(std::any_of(threads.begin(), threads.end(), [](const driver::ThreadState& thread) {
        return thread.stack.find("State:") != std::string::npos;
    }));
    const std::vector<std::byte> writable(1);
    CHECK(!driver::refuses_change(writable));
}
