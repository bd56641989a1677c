#include "peer.h"

#include <errno.h>
#include <fcntl.h>
#include <limits.h>
#include <poll.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/syscall.h>
#include <unistd.h>

#ifndef SYS_pidfd_open
#define SYS_pidfd_open 434
#endif

void zb_peer_init(zb_peer *peer) { *peer = (zb_peer){.pidfd = -1}; }

void zb_peer_close(zb_peer *peer) {
    if (peer->pidfd >= 0) close(peer->pidfd);
    zb_peer_init(peer);
}

uint64_t zb_process_start_time(uint64_t pid) {
    char path[64], text[1024];
    snprintf(path, sizeof path, "/proc/%llu/stat", (unsigned long long)pid);
    const int fd = open(path, O_RDONLY | O_CLOEXEC);
    /* What is not open has nothing to read. */
    const ssize_t length = read(fd, text, sizeof text - 1);
    close(fd);
    if (length <= 0) return 0;
    text[length] = '\0';
    /* The name stands in parentheses and may hold parentheses: the fields are counted from the last one. */
    char *cursor = strrchr(text, ')');
    if (cursor == NULL || cursor[1] == '\0' || cursor[2] == 'Z' || cursor[2] == 'X') return 0;
    cursor++;
    for (int field = 2; field < 21; field++) {
        cursor = strchr(cursor + 1, ' ');
        if (cursor == NULL) return 0;
    }
    return strtoull(cursor + 1, NULL, 10);
}

void zb_peer_watch(zb_peer *peer, uint64_t pid) {
    if (pid == peer->pid) return;
    zb_peer_close(peer);
    peer->pid = pid;
    if (pid == 0) return;
    errno = ESRCH; /* as no process has a larger pid */
    if (pid <= INT_MAX) peer->pidfd = (int)syscall(SYS_pidfd_open, (pid_t)pid, 0);
    if (peer->pidfd >= 0) return;
    peer->dead = peer->unknown = errno == ESRCH || errno == EINVAL;
    if (!peer->dead) peer->start_time = zb_process_start_time(pid);
}

bool zb_peer_alive(zb_peer *peer) {
    if (peer->pid == 0 || peer->dead) return false;
    if (peer->pidfd >= 0) {
        struct pollfd ended = {.fd = peer->pidfd, .events = POLLIN};
        peer->dead = poll(&ended, 1, 0) == 1;
    } else if (peer->start_time != 0) {
        peer->dead = zb_process_start_time(peer->pid) != peer->start_time;
    } else {
        peer->dead = kill((pid_t)peer->pid, 0) != 0 && errno == ESRCH;
    }
    return !peer->dead;
}

void zb_peer_renew(zb_peer *peer) {
    const uint64_t pid = peer->pid;
    zb_peer_close(peer);
    zb_peer_watch(peer, pid);
}
