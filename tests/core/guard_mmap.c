/*
 * Preloaded into a process under test: every shared mapping of a file stands between two pages that cannot be touched,
 * so that an access next to it is a crash and not a look at a neighbour.
 */
#define _GNU_SOURCE
#include <pthread.h>
#include <stdint.h>
#include <sys/mman.h>
#include <sys/syscall.h>
#include <unistd.h>

static void *map(void *address, size_t length, int protection, int flags, int fd, off_t offset) {
    return (void *)syscall(SYS_mmap, address, length, protection, flags, fd, offset);
}

#define MOST_GUARDED 256

static pthread_mutex_t lock = PTHREAD_MUTEX_INITIALIZER;
static uint8_t *guarded[MOST_GUARDED]; /* mappings whose neighbours are ours */

static int exchange(uint8_t *wanted, uint8_t *other) {
    int found = 0;
    pthread_mutex_lock(&lock);
    for (int i = 0; i < MOST_GUARDED && !found; i++) {
        found = guarded[i] == wanted;
        if (found) guarded[i] = other;
    }
    pthread_mutex_unlock(&lock);
    return found;
}

static size_t rounded(size_t length) {
    const size_t page = (size_t)sysconf(_SC_PAGESIZE);
    return (length + page - 1) / page * page;
}

void *mmap(void *address, size_t length, int protection, int flags, int fd, off_t offset) {
    if (fd < 0 || address != NULL || !(flags & MAP_SHARED)) return map(address, length, protection, flags, fd, offset);
    const size_t page = (size_t)sysconf(_SC_PAGESIZE), whole = rounded(length) + 2 * page;
    uint8_t *region = map(NULL, whole, PROT_NONE, MAP_PRIVATE | MAP_ANONYMOUS, -1, 0);
    if (region == MAP_FAILED) return MAP_FAILED;
    void *made = map(region + page, length, protection, flags | MAP_FIXED, fd, offset);
    if (made == MAP_FAILED) {
        munmap(region, whole);
    } else {
        exchange(NULL, made);
    }
    return made;
}

int munmap(void *address, size_t length) {
    if (address == NULL || !exchange(address, NULL)) return (int)syscall(SYS_munmap, address, length);
    const size_t page = (size_t)sysconf(_SC_PAGESIZE);
    return (int)syscall(SYS_munmap, (uint8_t *)address - page, rounded(length) + 2 * page);
}
