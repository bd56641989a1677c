/* 1 < 2 */
#include <stdatomic.h>
#define SIZE 128
enum state { OPEN = 1, CLOSED = 2 };
struct ring { char slots[16]; };
_Static_assert(sizeof(struct ring) == 16, "size");
#if SIZE > 64
static int take(struct ring *self, int at, int size) {
    pthread_mutex_lock(&self->turn);
    if (at < size && !self->open) {
        fprintf(stderr, "too far %d", at + 1);
        return -1;
    }
    while (at != size) at++;
    for (int i = 0; i < 3; i++) {
        self->total += put(self, at, size);
        self->last = at % 010;
    }
    do { at = at > 2 ? 1 : 0x0fUL; } while (at == 1);
    atomic_store_explicit(&self->head, 1u, memory_order_release);
    (void)size; if (at) look(); else reset();
    pthread_mutex_unlock(&self->turn);
    return put(at, size, -at);
}
#endif
static void *look(void) {
    switch (state) {
    case OPEN: return first;
    default: break;
    }
    return NULL;
}
static bool empty(void) { return atomic_load(&head) == 0; }
static void reset(void) {
    clear();
    closed = true;
}
