/* Semaphores with a name: to open one, to take from it, to sleep on it. */
#ifndef ZB_SEMAPHORES_H
#define ZB_SEMAPHORES_H

#include <semaphore.h>
#include <stdbool.h>
#include <stdint.h>

#include "clock.h"

/* A blocked wait looks at the peer this often: a death is noticed within 50 ms. */
#define ZB_SLICE_NS 35000000

typedef enum zb_wake { ZB_WOKEN, ZB_TIMED_OUT, ZB_INTERRUPTED, ZB_WAIT_FAILED } zb_wake;

/*
 * Reads the value of a semaphore from its file, without a mapping. -1 with errno set; EBADMSG if its length, its value
 * or the word that says how to sleep on it are not a semaphore's.
 */
int zb_semaphore_look(const char *name, uint32_t *value);
/* Opens a semaphore that exists. SEM_FAILED with EBADMSG if it is none: glibc would abort on it, or worse. */
sem_t *zb_semaphore_open(const char *name);
bool zb_semaphore_try(sem_t *semaphore);
/* How many tokens there are. */
uint64_t zb_semaphore_pending(sem_t *semaphore);
/* Waits until `deadline` (zb_now's clock) for one token. ZB_WAIT_FAILED leaves errno. */
zb_wake zb_semaphore_wait(sem_t *semaphore, int64_t deadline);
/* The same, but puts the token back at once. */
zb_wake zb_semaphore_watch(sem_t *semaphore, int64_t deadline);

#endif
