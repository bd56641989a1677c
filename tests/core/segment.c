#include "segment.h"

#include <string.h>
#include <sys/mman.h>
#include <unistd.h>

#include "check.h"

#if defined(__SANITIZE_ADDRESS__)
#include <sanitizer/asan_interface.h>
#define POISON(address, size) ASAN_POISON_MEMORY_REGION(address, size)
#define UNPOISON(address, size) ASAN_UNPOISON_MEMORY_REGION(address, size)
#else
#define POISON(address, size) ((void)(address), (void)(size))
#define UNPOISON(address, size) ((void)(address), (void)(size))
#endif

#define CANARY 0xA5

segment segment_make(uint64_t length) {
    const uint64_t page = (uint64_t)sysconf(_SC_PAGESIZE);
    const uint64_t usable = (length / page + 2) * page; /* at least a page before the segment */
    segment made = {.length = length, .region_length = usable + 2 * page, .before = usable - length};
    made.region = mmap(NULL, made.region_length, PROT_NONE, MAP_PRIVATE | MAP_ANONYMOUS, -1, 0);
    CHECK(made.region != MAP_FAILED);
    uint8_t *first = made.region + page;
    CHECK(mprotect(first, usable, PROT_READ | PROT_WRITE) == 0);
    made.base = first + made.before;
    memset(first, CANARY, made.before);
    POISON(first, made.before);
    return made;
}

void segment_check(const segment *made) {
    const uint8_t *first = made->base - made->before;
    UNPOISON(first, made->before);
    for (uint64_t i = 0; i < made->before; i++) {
        if (first[i] != CANARY) check_failed(__FILE__, __LINE__, "byte %llu before the segment was written",
                                             (unsigned long long)(made->before - i));
    }
    POISON(first, made->before);
}

void segment_drop(segment *made) {
    segment_check(made);
    UNPOISON(made->base - made->before, made->before);
    CHECK(munmap(made->region, made->region_length) == 0);
    made->region = made->base = NULL;
}

segment segment_ring(uint64_t metadata_size, uint64_t payload_size, zb_ring *ring) {
    segment made = segment_make(ZB_OIEB_SIZE + metadata_size + payload_size);
    zb_fault fault;
    zb_ring_format(made.base, metadata_size, payload_size, 1);
    CHECK_EQ(zb_ring_attach(ring, made.base, made.length, &fault), ZB_OK);
    return made;
}
