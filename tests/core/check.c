#include "check.h"

#include <signal.h>
#include <stdarg.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>
#include <unistd.h>

#if defined(__SANITIZE_ADDRESS__) || defined(__SANITIZE_THREAD__)
#include <sanitizer/common_interface_defs.h>
#define SANITIZED 1
#else
#define SANITIZED 0
#endif

uint64_t check_seed;
static uint64_t state;
static char note[512] = "(no note)";

void check_note(const char *format, ...) {
    va_list rest;
    va_start(rest, format);
    vsnprintf(note, sizeof note, format, rest);
    va_end(rest);
}

static void print_note(void) {
    char text[640];
    const int length = snprintf(text, sizeof text, "  at: %s (--seed %llu)\n", note, (unsigned long long)check_seed);
    if (length > 0 && write(STDERR_FILENO, text, (size_t)length) < 0) _exit(1);
}

void check_failed(const char *file, int line, const char *format, ...) {
    fprintf(stderr, "%s:%d: ", file, line);
    va_list rest;
    va_start(rest, format);
    vfprintf(stderr, format, rest);
    va_end(rest);
    fputc('\n', stderr);
    print_note();
    exit(1);
}

#if SANITIZED
/* The sanitizer for undefined behaviour keeps no death callback of its own; it calls this. */
void __ubsan_on_report(void);
void __ubsan_on_report(void) { print_note(); }
#endif

static void on_signal(int number) {
    static const char hang[] = "deadline passed: the test hangs\n", crash[] = "the test crashed\n";
    const char *text = number == SIGALRM ? hang : crash;
    if (write(STDERR_FILENO, text, strlen(text)) < 0) _exit(1);
    print_note();
    _exit(number == SIGALRM ? 2 : 3);
}

void check_watch(unsigned seconds) {
    static bool watching = false;
    if (!watching) {
        watching = true;
#if SANITIZED
        __sanitizer_set_death_callback(print_note);
#else
        signal(SIGSEGV, on_signal);
        signal(SIGBUS, on_signal);
#endif
        signal(SIGALRM, on_signal);
    }
    alarm(seconds);
}

uint64_t check_option(int argc, char **argv, const char *name, uint64_t otherwise) {
    for (int i = 1; i + 1 < argc; i++) {
        if (strncmp(argv[i], "--", 2) == 0 && strcmp(argv[i] + 2, name) == 0) return strtoull(argv[i + 1], NULL, 0);
    }
    return otherwise;
}

int check_main(int argc, char **argv, const check_test *tests, size_t count) {
    struct timespec now;
    clock_gettime(CLOCK_REALTIME, &now);
    check_seed = check_option(argc, argv, "seed", (uint64_t)now.tv_sec * 1000000000 + (uint64_t)now.tv_nsec);
    const unsigned deadline = (unsigned)check_option(argc, argv, "deadline", 120);
    printf("seed %llu\n", (unsigned long long)check_seed);
    for (size_t i = 0; i < count; i++) {
        printf("%s\n", tests[i].name);
        fflush(stdout);
        state = check_seed;
        check_note("%s", tests[i].name);
        check_watch(deadline);
        tests[i].run();
    }
    alarm(0);
    return 0;
}

uint64_t check_random(void) {
    if (state == 0) state = check_seed;
    uint64_t z = (state += 0x9e3779b97f4a7c15u);
    z = (z ^ (z >> 30)) * 0xbf58476d1ce4e5b9u;
    z = (z ^ (z >> 27)) * 0x94d049bb133111ebu;
    return z ^ (z >> 31);
}

uint64_t check_below(uint64_t limit) { return check_random() % limit; }

uint64_t check_interesting(uint64_t limit) {
    const uint64_t around = check_below(35);
    switch (check_below(7)) {
    case 0: return around;
    case 1: return limit + around - 17;
    case 2: return ((uint64_t)1 << check_below(64)) + around - 17;
    case 3: return UINT64_MAX - around;
    case 4: return limit / 2 + around - 17;
    case 5: return check_below(limit + 1);
    default: return check_random();
    }
}
