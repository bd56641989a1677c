#include <errno.h>
#include <fcntl.h>
#include <sys/file.h>
#include <sys/mman.h>
#include <sys/stat.h>
#include <unistd.h>

#include "binding.h"

/*
 * Opens the segment a second time, to be mapped. A mapping keeps its open file with the locks of that file, also in a
 * child of fork that has closed the descriptor. So an open file that carries a lock is never mapped.
 */
static int open_again(int fd, const char *name, struct stat *facts) {
    char path[300];
    struct stat first;
    snprintf(path, sizeof path, "/dev/shm/%s", name);
    const int again = open(path, O_RDWR | O_NOFOLLOW | O_CLOEXEC | O_NONBLOCK);
    if (again < 0) return -1;
    if (fstat(fd, &first) == 0 && fstat(again, facts) == 0) {
        if (first.st_dev == facts->st_dev && first.st_ino == facts->st_ino) return again;
        errno = ENOENT; /* replaced meanwhile */
    }
    const int error = errno;
    close(again);
    errno = error;
    return -1;
}

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

    const char *operation = "open the segment";
    struct stat facts;
    const int mapped = open_again(fd, name, &facts);
    handle->fd = mapped < 0 ? -1 : fcntl(fd, F_DUPFD_CLOEXEC, 0);
    if (handle->fd < 0) goto refused;
    zb_status status = ZB_INVALID_OIEB;
    zb_fault fault = {"length", (uint64_t)facts.st_size, ZB_OIEB_SIZE};
    if ((uint64_t)facts.st_size < ZB_OIEB_SIZE) goto invalid; /* nothing can be mapped of an empty file */
    operation = "map the segment";
    handle->length = (size_t)facts.st_size;
    handle->base = mmap(NULL, handle->length, PROT_READ | PROT_WRITE, MAP_SHARED, mapped, 0);
    if (handle->base == MAP_FAILED) goto refused;
    status = zb_ring_attach(&handle->ring, handle->base, handle->length, &fault);
    if (status != ZB_OK) goto invalid;
    operation = "open the semaphores";
    handle->data = zb_semaphore_open(data_semaphore);
    if (handle->data == SEM_FAILED) goto refused;
    handle->space = zb_semaphore_open(space_semaphore);
    if (handle->space == SEM_FAILED) goto refused;
    close(mapped);
    return handle;

invalid:
    zb_raise_fault(handle, status, &fault);
    goto failed;
refused:
    zb_raise_errno(handle, operation);
failed:
    if (mapped >= 0) close(mapped);
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

static struct flock one_byte(short type, int64_t place) {
    return (struct flock){.l_type = type, .l_whence = SEEK_SET, .l_start = place, .l_len = 1};
}

bool zb_handle_lock(const zb_handle *handle, int64_t place) {
    struct flock lock = one_byte(F_WRLCK, place);
    return fcntl(handle->fd, F_OFD_SETLK, &lock) == 0;
}

void zb_handle_unlock(const zb_handle *handle, int64_t place) {
    struct flock lock = one_byte(F_UNLCK, place);
    fcntl(handle->fd, F_OFD_SETLK, &lock);
}

bool zb_handle_locked(const zb_handle *handle, int64_t place) {
    struct flock lock = one_byte(F_WRLCK, place);
    return fcntl(handle->fd, F_OFD_GETLK, &lock) == 0 && lock.l_type != F_UNLCK;
}

bool zb_handle_has_name(const zb_handle *handle) {
    struct stat facts;
    return fstat(handle->fd, &facts) == 0 && facts.st_nlink > 0;
}

bool zb_handle_lock_file_held(const zb_handle *handle) {
    const int fd = open(handle->lock_path, O_RDONLY | O_NOFOLLOW | O_CLOEXEC | O_NONBLOCK);
    if (fd < 0) return false;
    const bool held = flock(fd, LOCK_SH | LOCK_NB) != 0 && errno == EWOULDBLOCK;
    close(fd);
    return held;
}

void zb_handle_detach(zb_handle *handle) {
    handle->detached = true;
    close(handle->fd);
    handle->fd = -1;
}
