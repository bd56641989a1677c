#include <errno.h>
#include <fcntl.h>
#include <sys/file.h>
#include <sys/mman.h>
#include <sys/stat.h>
#include <unistd.h>

#include "binding.h"

zb_handle *zb_handle_open(int fd, const char *name, const char *data_semaphore, const char *space_semaphore,
                          const char *lock_path) {
    zb_handle *handle = PyMem_Calloc(1, sizeof *handle);
    if (handle == NULL) return (zb_handle *)PyErr_NoMemory();
    handle->refs = 1;
    handle->fd = -1;
    handle->base = MAP_FAILED;
    handle->data = handle->space = SEM_FAILED;
    snprintf(handle->name, sizeof handle->name, "%s", name);
    snprintf(handle->lock_path, sizeof handle->lock_path, "%s", lock_path);

    struct stat facts;
    handle->fd = fcntl(fd, F_DUPFD_CLOEXEC, 0);
    if (handle->fd < 0 || fstat(handle->fd, &facts) != 0) {
        zb_raise_errno(handle, "open the segment");
        goto failed;
    }
    if ((uint64_t)facts.st_size < ZB_OIEB_SIZE) {
        zb_fault fault = {"length", (uint64_t)facts.st_size, ZB_OIEB_SIZE};
        zb_raise_fault(handle, ZB_INVALID_OIEB, &fault);
        goto failed;
    }
    handle->length = (size_t)facts.st_size;
    handle->base = mmap(NULL, handle->length, PROT_READ | PROT_WRITE, MAP_SHARED, handle->fd, 0);
    if (handle->base == MAP_FAILED) {
        zb_raise_errno(handle, "map the segment");
        goto failed;
    }
    zb_fault fault;
    const zb_status status = zb_ring_attach(&handle->ring, handle->base, handle->length, &fault);
    if (status != ZB_OK) {
        zb_raise_fault(handle, status, &fault);
        goto failed;
    }
    handle->data = sem_open(data_semaphore, 0);
    if (handle->data != SEM_FAILED) handle->space = sem_open(space_semaphore, 0);
    if (handle->data == SEM_FAILED || handle->space == SEM_FAILED) {
        zb_raise_errno(handle, "open the semaphores");
        goto failed;
    }
    return handle;

failed:
    zb_handle_release(handle);
    return NULL;
}

void zb_handle_retain(zb_handle *handle) { handle->refs++; }

void zb_handle_release(zb_handle *handle) {
    if (handle == NULL || --handle->refs > 0) return;
    if (handle->base != MAP_FAILED) munmap(handle->base, handle->length);
    if (handle->data != SEM_FAILED) sem_close(handle->data);
    if (handle->space != SEM_FAILED) sem_close(handle->space);
    if (handle->fd >= 0) close(handle->fd);
    PyMem_Free(handle);
}

void zb_copy(zb_handle *handle, void *target, const void *source, size_t size) {
    if (size < ZB_COPY_GIL_LIMIT) {
        memcpy(target, source, size);
        return;
    }
    zb_handle_retain(handle);
    Py_BEGIN_ALLOW_THREADS
    memcpy(target, source, size);
    Py_END_ALLOW_THREADS
    zb_handle_release(handle);
}

#define READER_LOCK_PLACE ((int64_t)1 << 40)
#define WRITER_LOCK_PLACE ((int64_t)1 << 41)
#define LONGEST_LOCK ((uint64_t)1 << 61)

static bool lock_at(const zb_handle *handle, int64_t place, uint64_t length) {
    struct flock lock = {.l_type = F_WRLCK, .l_whence = SEEK_SET, .l_start = place, .l_len = (off_t)length};
    return fcntl(handle->fd, F_OFD_SETLK, &lock) == 0;
}

/* The first lock of somebody else from a place on: where it stands (0: there is none), and how long it is. */
static int64_t lock_in(const zb_handle *handle, int64_t from, int64_t room, uint64_t *length) {
    struct flock lock = {.l_type = F_WRLCK, .l_whence = SEEK_SET, .l_start = from, .l_len = room};
    if (fcntl(handle->fd, F_OFD_GETLK, &lock) != 0 || lock.l_type == F_UNLCK) return 0;
    *length = (uint64_t)lock.l_len;
    return lock.l_start;
}

void zb_handle_lock_reader(const zb_handle *handle) { lock_at(handle, READER_LOCK_PLACE, 1); }

void zb_handle_lock_writer(const zb_handle *handle, uint64_t first) {
    lock_at(handle, WRITER_LOCK_PLACE + zb_now(), first < LONGEST_LOCK ? first + 1 : 1);
}

void zb_handle_unlock(const zb_handle *handle) {
    struct flock lock = {.l_type = F_UNLCK, .l_whence = SEEK_SET, .l_start = READER_LOCK_PLACE, .l_len = 0};
    fcntl(handle->fd, F_OFD_SETLK, &lock);
}

int64_t zb_handle_writer_lock(const zb_handle *handle, uint64_t *first) {
    uint64_t length = 1;
    const int64_t place = lock_in(handle, WRITER_LOCK_PLACE, 0, &length);
    *first = length - 1;
    return place;
}

bool zb_handle_reader_lock_held(const zb_handle *handle) {
    uint64_t length;
    if (lock_in(handle, READER_LOCK_PLACE, 1, &length) != 0) return true;
    const int fd = open(handle->lock_path, O_RDONLY | O_NOFOLLOW | O_CLOEXEC);
    if (fd < 0) return false;
    const bool held = flock(fd, LOCK_SH | LOCK_NB) != 0 && errno == EWOULDBLOCK;
    close(fd);
    return held;
}
