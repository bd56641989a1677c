#include "buffers.hpp"
#include "case.hpp"
#include "crc32.hpp"
#include "framing.hpp"
#include "params.hpp"
#include "recipe.hpp"
#include "results.hpp"
#include "rpc.hpp"
#include "system.hpp"
#include "transfer.hpp"

#include <nlohmann/json.hpp>

#include <algorithm>
#include <random>
#include <string>

namespace {

using driver::Json;
using driver::Maker;
using driver::Malformed;
using driver::Pattern;
using driver::Recipe;

std::span<const std::byte> bytes_of(std::string_view text) { return std::as_bytes(std::span(text)); }

/// All that a decoder makes of a stream, "!" before faults.
std::vector<std::string> decoded(driver::Decoder& decoder) {
    std::vector<std::string> items;
    while (const auto item = decoder.next()) items.push_back(item->is_fault ? "!" : item->text);
    return items;
}

int code_of(std::string_view body) { return CHECK_THROWS(Malformed, driver::parse_request(body)).code; }

} // namespace

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
    CHECK_EQUAL(*request.id, "x");
    CHECK_EQUAL(request.params->dump(), R"({"a":1})");
    CHECK(!driver::parse_request(R"({"jsonrpc":"2.0","method":"m"})").id);
    for (const std::string_view body : {"[]", "7", R"({"id":1,"method":"m"})", R"({"jsonrpc":"2.0","id":1})",
                                        R"({"jsonrpc":"2.0","id":[],"method":"m"})"}) {
        CHECK_EQUAL(code_of(body), driver::invalid_request);
    }
    CHECK_EQUAL(code_of(R"({"jsonrpc":"2.0","id":1,"method":"m","params":[1]})"), driver::invalid_params);
}

/// What the parser takes that is no JSON, or costs too much.
TEST(driver, a_byte_of_0_a_great_depth_and_bad_text_are_refused) {
    const std::string whole = R"({"jsonrpc":"2.0","method":"m","params":[{}]})";
    const auto nested = [](std::size_t levels) {
        return R"({"jsonrpc":"2.0","method":"m","params":[{"a":)" + std::string(levels, '[') +
               std::string(levels, ']') + "}]}";
    };
    CHECK_EQUAL(driver::parse_request(nested(62)).method, "m");
    for (const std::string& body :
         {whole + std::string("\0[", 2), nested(63), std::string(1 << 20, '['), whole + "x", std::string("NaN"),
          std::string("1e999"), std::string("\"\xed\xa0\x80\""), std::string("\"\\ud800\""), std::string()}) {
        CHECK_EQUAL(code_of(body), driver::parse_error);
    }
}

TEST(driver, numbers_are_exact_and_the_last_of_two_equal_keys_counts) {
    const auto request = driver::parse_request(
        R"({"jsonrpc":"2.0","id":18446744073709551615,"method":"m","params":[{"a":0,"a":-9223372036854775808}]})");
    CHECK_EQUAL(driver::response(request.id, 18446744073709551614U),
                R"({"id":18446744073709551615,"jsonrpc":"2.0","result":18446744073709551614})");
    CHECK_EQUAL(request.params->dump(), R"({"a":-9223372036854775808})");
    for (const std::string_view body : {R"({"a":-1})", R"({"a":1.0})", R"({"a":18446744073709551616})"}) {
        const Json object = Json::parse(body);
        CHECK_THROWS(driver::Failure, driver::Params(object).number("a"));
    }
}

TEST(driver, answers_are_json_whatever_a_text_holds) {
    const driver::Failure failure(zerobuffer::SequenceError("text\xff", {{"expected", std::uint64_t{1}}}));
    CHECK_EQUAL(
        driver::response(nullptr, failure),
        "{\"error\":{\"code\":-32000,\"data\":{\"code\":\"sequence_error\",\"details\":{\"expected\":1}},\"message\":"
        "\"text\xef\xbf\xbd\"},\"id\":null,\"jsonrpc\":\"2.0\"}");
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
    driver::Transfer transfer;
    for (const std::uint64_t sequence : {4U, 5U, 9U}) transfer.add(sequence, test::ramp(10));
    transfer.add(10, 20);
    Json plain = driver::as_json(transfer);
    CHECK(plain["digest"] != 0);
    plain.erase("digest");
    CHECK_EQUAL(
        plain.dump(),
        R"({"breaks":1,"bytes":50,"cpu_seconds":0.0,"first":4,"frames":4,"last":10,"runs":[[10,3],[20,1]],"seconds":0.0})");
}

TEST(driver, threads_are_seen) {
    const auto threads = driver::threads();
    CHECK(!threads.empty());
    CHECK(std::any_of(threads.begin(), threads.end(), [](const driver::ThreadStack& thread) {
        return thread.stack.find("State:") != std::string::npos;
    }));
    const std::vector<std::byte> writable(1);
    CHECK(!driver::refuses_change(writable));
}
