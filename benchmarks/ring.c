/* The limit: the ZeroBuffer ring in plain C, two processes, nothing but the wire.
 *
 *     ring oneway    NAME SIZE CAPACITY COUNT WARMUP block|spin PRODUCER_CPU CONSUMER_CPU
 *     ring whole     NAME SIZE CAPACITY COUNT WARMUP block|spin PRODUCER_CPU CONSUMER_CPU
 *     ring roundtrip NAME SIZE CAPACITY COUNT WARMUP block|spin PRODUCER_CPU CONSUMER_CPU
 *
 * A CPU of -1 leaves the process unpinned. One line of JSON goes to stdout. The reader touches the first and the last byte
 * of each frame, as every other contender does; in "whole" it copies each frame out. No lock file, no pid checks, no validation beyond the sequence: none of
 * them is on the path of a frame.
 */
#define _GNU_SOURCE
#include <errno.h>
#include <fcntl.h>
#include <sched.h>
#include <semaphore.h>
#include <signal.h>
#include <stdatomic.h>
#include <stdbool.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/prctl.h>
#include <sys/wait.h>
#include <time.h>
#include <unistd.h>

enum { DEADLINE_SECONDS = 20, HEADER = 16, NAME_MAX_BYTES = 128 };

typedef struct {
    uint32_t oieb_size;
    uint8_t version[4];
    uint64_t metadata_size, metadata_free_bytes, metadata_written_bytes;
    uint64_t payload_size;
    _Atomic uint64_t payload_free_bytes;
    _Atomic uint64_t payload_write_pos, payload_read_pos;
    _Atomic uint64_t payload_written_count, payload_read_count;
    _Atomic uint64_t writer_pid, reader_pid;
    uint8_t reserved[32];
} Oieb;
_Static_assert(sizeof(Oieb) == 128, "the OIEB is 128 bytes on the wire");

typedef struct {
    uint64_t size, sequence;
} Header;

typedef struct {
    char segment[NAME_MAX_BYTES], data_name[NAME_MAX_BYTES], space_name[NAME_MAX_BYTES];
    size_t length;
    Oieb *oieb;
    uint8_t *payload;
    sem_t *data, *space;
    uint64_t capacity, position, count, sequence;
    bool spin;
} Ring;

static void die(const char *what) {
    fprintf(stderr, "ring: %s: %s\n", what, strerror(errno));
    exit(1);
}

static uint64_t now_ns(clockid_t clock) {
    struct timespec t;
    clock_gettime(clock, &t);
    return (uint64_t)t.tv_sec * 1000000000u + (uint64_t)t.tv_nsec;
}

static inline void relax(void) {
#if defined(__x86_64__) || defined(__i386__)
    __builtin_ia32_pause();
#elif defined(__aarch64__)
    __asm__ volatile("yield");
#endif
}

static void pin(int cpu) {
    if (cpu < 0) return;
    cpu_set_t set;
    CPU_ZERO(&set);
    CPU_SET(cpu, &set);
    if (sched_setaffinity(0, sizeof set, &set) != 0) die("sched_setaffinity");
}

static void ring_create(Ring *ring, const char *name, uint64_t capacity, bool spin) {
    *ring = (Ring){.capacity = (capacity + 63) / 64 * 64, .sequence = 1, .spin = spin};
    snprintf(ring->segment, NAME_MAX_BYTES, "/%s", name);
    snprintf(ring->data_name, NAME_MAX_BYTES, "/sem-w-%s", name);
    snprintf(ring->space_name, NAME_MAX_BYTES, "/sem-r-%s", name);
    ring->length = sizeof(Oieb) + ring->capacity;
    int fd = shm_open(ring->segment, O_CREAT | O_EXCL | O_RDWR, 0600);
    if (fd < 0) die("shm_open");
    if (ftruncate(fd, (off_t)ring->length) != 0) die("ftruncate");
    ring->oieb = mmap(NULL, ring->length, PROT_READ | PROT_WRITE, MAP_SHARED, fd, 0);
    if (ring->oieb == MAP_FAILED) die("mmap");
    close(fd);
    ring->payload = (uint8_t *)(ring->oieb + 1);
    ring->data = sem_open(ring->data_name, O_CREAT | O_EXCL, 0600, 0);
    ring->space = sem_open(ring->space_name, O_CREAT | O_EXCL, 0600, 0);
    if (ring->data == SEM_FAILED || ring->space == SEM_FAILED) die("sem_open");
    ring->oieb->oieb_size = sizeof(Oieb);
    ring->oieb->version[0] = 1;
    ring->oieb->payload_size = ring->capacity;
    atomic_store(&ring->oieb->payload_free_bytes, ring->capacity);
}

static void ring_unlink(Ring *ring) {
    shm_unlink(ring->segment);
    sem_unlink(ring->data_name);
    sem_unlink(ring->space_name);
}

static void wait_token(Ring *ring, sem_t *semaphore) {
    if (ring->spin) {
        while (sem_trywait(semaphore) != 0) relax();
        return;
    }
    while (sem_wait(semaphore) != 0)
        if (errno != EINTR) die("sem_wait");
}

static void wait_free(Ring *ring, uint64_t needed) {
    while (atomic_load_explicit(&ring->oieb->payload_free_bytes, memory_order_acquire) < needed) {
        if (ring->spin)
            relax();
        else
            wait_token(ring, ring->space);
    }
}

static void ring_write(Ring *ring, const uint8_t *data, uint64_t size) {
    Oieb *oieb = ring->oieb;
    uint64_t total = HEADER + size, tail = ring->capacity - ring->position;
    /* A frame may end at the end or leave room for a marker; a tail of 1 to 15 bytes is never left behind. */
    if (total > tail || (total < tail && tail - total < HEADER)) {
        wait_free(ring, tail + total);
        memset(ring->payload + ring->position, 0, HEADER);
        ring->position = 0;
        ring->count++;
        atomic_fetch_sub_explicit(&oieb->payload_free_bytes, tail, memory_order_acq_rel);
    } else {
        wait_free(ring, total);
    }
    uint8_t *frame = ring->payload + ring->position;
    memcpy(frame + HEADER, data, size);
    memcpy(frame, &(Header){size, ring->sequence++}, HEADER);
    ring->position += total;
    if (ring->position == ring->capacity) ring->position = 0;
    ring->count++;
    atomic_store_explicit(&oieb->payload_write_pos, ring->position, memory_order_relaxed);
    atomic_store_explicit(&oieb->payload_written_count, ring->count, memory_order_relaxed);
    atomic_fetch_sub_explicit(&oieb->payload_free_bytes, total, memory_order_acq_rel);
    sem_post(ring->data);
}

/* Reads one frame, copies it out where there is a target, touches its first and last byte, and releases it. */
static uint64_t ring_read(Ring *ring, uint8_t *target) {
    Oieb *oieb = ring->oieb;
    wait_token(ring, ring->data);
    Header header;
    memcpy(&header, ring->payload + ring->position, HEADER);
    if (header.size == 0) {
        atomic_fetch_add_explicit(&oieb->payload_free_bytes, ring->capacity - ring->position, memory_order_acq_rel);
        ring->position = 0;
        ring->count++;
        memcpy(&header, ring->payload, HEADER);
    }
    if (header.sequence != ring->sequence++) die("sequence");
    if (target != NULL) memcpy(target, ring->payload + ring->position + HEADER, header.size);
    const volatile uint8_t *data = target != NULL ? target : ring->payload + ring->position + HEADER;
    uint64_t seen = (uint64_t)data[0] + data[header.size - 1];
    ring->position += HEADER + header.size;
    if (ring->position == ring->capacity) ring->position = 0;
    ring->count++;
    atomic_store_explicit(&oieb->payload_read_pos, ring->position, memory_order_relaxed);
    atomic_store_explicit(&oieb->payload_read_count, ring->count, memory_order_relaxed);
    atomic_fetch_add_explicit(&oieb->payload_free_bytes, HEADER + header.size, memory_order_acq_rel);
    sem_post(ring->space);
    return seen;
}

/* What the producer tells the consumer over the pipe when it is done. */
typedef struct {
    uint64_t started_ns, cpu_ns, delayed_ns;
} ProducerNote;

/* How long this process has been ready to run while another one had the core; 0 where the kernel does not tell. */
static uint64_t delayed_ns(void) {
    unsigned long long ran, delayed = 0;
    FILE *file = fopen("/proc/self/schedstat", "r");
    if (file == NULL) return 0;
    if (fscanf(file, "%llu %llu", &ran, &delayed) != 2) delayed = 0;
    fclose(file);
    return delayed;
}

static void signal_peer(int fd) {
    if (write(fd, "g", 1) != 1) die("write to the peer");
}

static void await_peer(int fd) {
    char go;
    if (read(fd, &go, 1) != 1) die("the peer is gone");
}

/* A producer that failed has said why; the consumer must not wait for its frames. */
static void on_child_end(int number) {
    (void)number;
    siginfo_t end = {0};
    if (waitid(P_ALL, 0, &end, WEXITED | WNOHANG | WNOWAIT) != 0 || end.si_pid == 0) return;
    if (end.si_code != CLD_EXITED || end.si_status != 0) _exit(1);
}

int main(int argc, char **argv) {
    if (argc != 10) {
        fprintf(stderr, "usage: ring oneway|whole|roundtrip NAME SIZE CAPACITY COUNT WARMUP block|spin CPU CPU\n");
        return 2;
    }
    bool roundtrip = strcmp(argv[1], "roundtrip") == 0;
    uint64_t size = strtoull(argv[3], NULL, 10), capacity = strtoull(argv[4], NULL, 10);
    uint64_t count = strtoull(argv[5], NULL, 10), warmup = strtoull(argv[6], NULL, 10);
    bool spin = strcmp(argv[7], "spin") == 0;
    int producer_cpu = atoi(argv[8]), consumer_cpu = atoi(argv[9]);

    Ring there, back;
    char back_name[NAME_MAX_BYTES];
    snprintf(back_name, sizeof back_name, "%s-back", argv[2]);
    ring_create(&there, argv[2], capacity, spin);
    ring_create(&back, back_name, capacity, spin);
    /* Both ends hold their mapping from here on, so nothing stays behind whoever dies. */
    ring_unlink(&there);
    ring_unlink(&back);
    uint8_t *payload = malloc(size);
    if (payload == NULL) die("malloc");
    for (uint64_t i = 0; i < size; i++) payload[i] = (uint8_t)(i + 1);
    uint8_t *target = strcmp(argv[1], "whole") == 0 ? calloc(1, size) : NULL;

    int go[2], done[2];
    if (pipe(go) != 0 || pipe(done) != 0) die("pipe");
    alarm(DEADLINE_SECONDS);
    sigaction(SIGCHLD, &(struct sigaction){.sa_handler = on_child_end, .sa_flags = SA_RESTART}, NULL);
    pid_t child = fork();
    if (child < 0) die("fork");
    if (child == 0) { /* the producer; in a round trip, the side that answers */
        alarm(DEADLINE_SECONDS);
        prctl(PR_SET_PDEATHSIG, SIGKILL);
        pin(producer_cpu);
        for (uint64_t i = 0; i < warmup; i++) {
            if (roundtrip) ring_read(&back, NULL);
            ring_write(&there, payload, size);
        }
        await_peer(go[0]);
        ProducerNote note = {.delayed_ns = delayed_ns()};
        note.started_ns = now_ns(CLOCK_MONOTONIC);
        note.cpu_ns = now_ns(CLOCK_PROCESS_CPUTIME_ID);
        for (uint64_t i = 0; i < count; i++) {
            if (roundtrip) ring_read(&back, NULL);
            ring_write(&there, payload, size);
        }
        note.cpu_ns = now_ns(CLOCK_PROCESS_CPUTIME_ID) - note.cpu_ns;
        note.delayed_ns = delayed_ns() - note.delayed_ns;
        if (write(done[1], &note, sizeof note) != sizeof note) die("write to the peer");
        _exit(0);
    }
    pin(consumer_cpu);
    uint64_t *samples = calloc(roundtrip ? count : 1, sizeof *samples), checksum = 0;
    if (samples == NULL) die("calloc");
    for (uint64_t i = 0; i < warmup; i++) {
        if (roundtrip) ring_write(&back, payload, size);
        ring_read(&there, target);
    }
    uint64_t delayed = delayed_ns();
    signal_peer(go[1]);
    uint64_t cpu = now_ns(CLOCK_PROCESS_CPUTIME_ID);
    for (uint64_t i = 0; i < count; i++) {
        if (roundtrip) {
            uint64_t begin = now_ns(CLOCK_MONOTONIC);
            ring_write(&back, payload, size);
            checksum += ring_read(&there, target);
            samples[i] = now_ns(CLOCK_MONOTONIC) - begin;
        } else {
            checksum += ring_read(&there, target);
        }
    }
    uint64_t ended = now_ns(CLOCK_MONOTONIC);
    cpu = now_ns(CLOCK_PROCESS_CPUTIME_ID) - cpu;
    delayed = delayed_ns() - delayed;
    ProducerNote note;
    if (read(done[0], &note, sizeof note) != sizeof note) die("the producer died");
    if (waitpid(child, NULL, 0) != child) die("waitpid");
    printf("{\"elapsed_ns\": %llu, \"producer_cpu_ns\": %llu, \"consumer_cpu_ns\": %llu, \"delayed_ns\": %llu, \"checksum\": %llu, \"samples_ns\": [",
           (unsigned long long)(ended - note.started_ns), (unsigned long long)note.cpu_ns, (unsigned long long)cpu,
           (unsigned long long)(delayed > note.delayed_ns ? delayed : note.delayed_ns), (unsigned long long)checksum);
    for (uint64_t i = 0; roundtrip && i < count; i++) printf("%s%llu", i ? "," : "", (unsigned long long)samples[i]);
    printf("]}\n");
    free(samples);
    free(payload);
    free(target);
    return 0;
}
