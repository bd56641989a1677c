/* The whole test framework: a check that fails says where, what, and which case the loop was at. */
#ifndef ZB_CHECK_H
#define ZB_CHECK_H

#include <stdbool.h>
#include <stdint.h>
#include <stdio.h>

/* What the test is at, printed when it fails or a sanitizer ends the process. */
void check_note(const char *format, ...) __attribute__((format(printf, 1, 2)));
_Noreturn void check_failed(const char *file, int line, const char *format, ...) __attribute__((format(printf, 3, 4)));

#define CHECK(condition)                                                                                               \
    do {                                                                                                               \
        if (!(condition)) check_failed(__FILE__, __LINE__, "%s", #condition);                                          \
    } while (0)

#define CHECK_EQ(actual, expected)                                                                                     \
    do {                                                                                                               \
        const uint64_t check_actual = (uint64_t)(actual), check_expected = (uint64_t)(expected);                       \
        if (check_actual != check_expected) {                                                                          \
            check_failed(__FILE__, __LINE__, "%s is %llu, expected %s = %llu", #actual,                                \
                         (unsigned long long)check_actual, #expected, (unsigned long long)check_expected);             \
        }                                                                                                              \
    } while (0)

typedef struct check_test {
    const char *name;
    void (*run)(void);
} check_test;

#define TEST(function) {#function, function}

/* Runs the tests, each under `--deadline SECONDS`; the seed is `--seed N`, or new, and is printed. Exits with 2 on a hang. */
int check_main(int argc, char **argv, const check_test *tests, size_t count);
#define CHECK_MAIN(...)                                                                                                \
    int main(int argc, char **argv) {                                                                                  \
        const check_test tests[] = {__VA_ARGS__};                                                                      \
        return check_main(argc, argv, tests, sizeof tests / sizeof tests[0]);                                          \
    }

/* Value of `--NAME N` on the command line. */
uint64_t check_option(int argc, char **argv, const char *name, uint64_t otherwise);
/* Makes a crash of any kind say what the test was at; ends the process when `seconds` pass without a new call. */
void check_watch(unsigned seconds);

/* A small random generator, the same everywhere (splitmix64). */
extern uint64_t check_seed;
uint64_t check_random(void);
/* 0 to limit - 1 */
uint64_t check_below(uint64_t limit);
/* 0, 1, powers of two, their neighbours, and what lies around `limit`: where mistakes of arithmetic live. */
uint64_t check_interesting(uint64_t limit);

#endif
