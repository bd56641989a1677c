/*
 * Preloaded into a process under test: every shared mapping of a file stands between two pages that cannot be touched,
 * so that an access next to it is a crash and not a look at a neighbour.
 */
#define _GNU_SOURCE
#include <stdint.h>
#include <sys/mman.h>
#include <sys/syscall.h>
#include <unistd.h>

static void *map(void *address, size_t length, int protection, int flags, int fd, off_t offset) {
    return (void *)syscall(SYS_mmap, address, length, protection, flags, fd, offset);
}

void *mmap(void *address, size_t length, int protection, int flags, int fd, off_t offset) {
    if (fd < 0 || address != NULL || !(flags & MAP_SHARED)) return map(address, length, protection, flags, fd, offset);
    const size_t page = (size_t)sysconf(_SC_PAGESIZE);
    const size_t rounded = (length + page - 1) / page * page;
    uint8_t *region = map(NULL, rounded + 2 * page, PROT_NONE, MAP_PRIVATE | MAP_ANONYMOUS, -1, 0);
    if (region == MAP_FAILED) return MAP_FAILED;
    void *made = map(region + page, length, protection, flags | MAP_FIXED, fd, offset);
    if (made == MAP_FAILED) munmap(region, rounded + 2 * page);
    return made;
}

