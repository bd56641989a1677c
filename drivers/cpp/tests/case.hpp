#pragma once

#include <functional>
#include <iostream>
#include <sstream>
#include <stdexcept>
#include <string>
#include <string_view>
#include <vector>

/// Named tests, without a framework: the build needs only a compiler.
namespace test {

class Failure : public std::runtime_error {
public:
    using std::runtime_error::runtime_error;
};

/// Ends a test that cannot run here, visibly.
class Skipped : public std::runtime_error {
public:
    using std::runtime_error::runtime_error;
};

struct Case {
    std::string name;
    std::function<void()> body;
};

inline std::vector<Case>& cases() {
    static std::vector<Case> all;
    return all;
}

struct Registration {
    Registration(std::string_view group, std::string_view name, std::function<void()> body) {
        cases().push_back({std::string(group) + "." + std::string(name), std::move(body)});
    }
};

template <typename Value>
std::string shown(const Value& value) {
    std::ostringstream out;
    if constexpr (requires { out << value; }) {
        out << value;
    } else {
        out << "a value that cannot be printed";
    }
    return out.str();
}

[[noreturn]] inline void fail(std::string_view file, int line, const std::string& what) {
    std::ostringstream out;
    out << file << ":" << line << ": " << what;
    throw Failure(out.str());
}

/// Random numbers for one run, whose seed is printed; ZEROBUFFER_SEED repeats it.
[[nodiscard]] unsigned long seed();

/// A name for a buffer that nobody else has.
[[nodiscard]] std::string unique_name();

} // namespace test

#define TEST(group, name)                                                                                              \
    static void group##_##name();                                                                                      \
    static const test::Registration registration_##group##_##name(#group, #name, group##_##name);                      \
    static void group##_##name()

#define CHECK(condition)                                                                                               \
    do {                                                                                                               \
        if (!(condition)) test::fail(__FILE__, __LINE__, #condition " does not hold");                                 \
    } while (false)

#define CHECK_EQUAL(actual, expected)                                                                                  \
    do {                                                                                                               \
        const auto actual_value = (actual);                                                                            \
        const auto expected_value = (expected);                                                                        \
        if (!(actual_value == expected_value)) {                                                                       \
            test::fail(__FILE__, __LINE__,                                                                             \
                       #actual " is " + test::shown(actual_value) + ", expected " + test::shown(expected_value));      \
        }                                                                                                              \
    } while (false)

/// Evaluates to the error, so that its values can be looked at.
#define CHECK_THROWS(Type, expression)                                                                                 \
    [&]() -> Type {                                                                                                    \
        try {                                                                                                          \
            static_cast<void>(expression);                                                                             \
        } catch (const Type& thrown) {                                                                                 \
            return thrown;                                                                                             \
        } catch (const std::exception& thrown) {                                                                       \
            test::fail(__FILE__, __LINE__, std::string(#expression " threw something else: ") + thrown.what());        \
        }                                                                                                              \
        test::fail(__FILE__, __LINE__, #expression " did not throw " #Type);                                           \
    }()
