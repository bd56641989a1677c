// zerobuffer-tests [GROUP.]: runs the cases whose name begins so, in random order.

#include "case.hpp"

#include <algorithm>
#include <atomic>
#include <cstdlib>
#include <random>

#include <unistd.h>

unsigned long test::seed() {
    static const unsigned long value = [] {
        const char* given = std::getenv("ZEROBUFFER_SEED");
        return given != nullptr ? std::strtoul(given, nullptr, 10) : std::random_device{}();
    }();
    return value;
}

std::string test::unique_name() {
    static std::atomic<int> last{0};
    return "cpp-test_" + std::to_string(::getpid()) + "_" + std::to_string(++last);
}

#ifdef __SANITIZE_THREAD__
extern "C" const char* __tsan_default_suppressions();

/// The C library guards its table of open semaphores by a lock that ThreadSanitizer does not see.
extern "C" const char* __tsan_default_suppressions() {
    return "race:tsearch\nrace:tdelete\nrace:sem_open\nrace:sem_remove_mapping\n";
}
#endif

int main(int count, char** arguments) {
    const std::string_view wanted = count > 1 ? arguments[1] : "";
    auto cases = test::cases();
    std::erase_if(cases, [wanted](const test::Case& one) { return !one.name.starts_with(wanted); });
    std::shuffle(cases.begin(), cases.end(), std::mt19937_64(test::seed()));
    std::cout << "ZEROBUFFER_SEED=" << test::seed() << "\n";
    int failed = 0;
    for (const test::Case& one : cases) {
        try {
            one.body();
            std::cout << "passed  " << one.name << std::endl;
        } catch (const test::Skipped& reason) {
            std::cout << "SKIPPED " << one.name << ": " << reason.what() << std::endl;
        } catch (const std::exception& error) {
            std::cout << "FAILED  " << one.name << ": " << error.what() << std::endl;
            failed++;
        }
    }
    std::cout << cases.size() << " cases, " << failed << " failed\n";
    // A name that matches nothing must not pass.
    return failed > 0 || cases.empty() ? 1 : 0;
}
