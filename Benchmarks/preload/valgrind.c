// Preloaded into a server that runs under valgrind 3.19: two calls in a form that it can bear.
#define _GNU_SOURCE
#include <liburing.h>
#include <poll.h>
#include <signal.h>
#include <sys/syscall.h>
#include <unistd.h>

// valgrind writes into the mask, and dies where libdispatch's lies in read-only memory: hand it a copy.
int sigsuspend(const sigset_t *mask) {
    sigset_t copy = *mask;
    return (int)syscall(SYS_rt_sigsuspend, &copy, 8);
}

// valgrind runs one thread at a time and doesn't know that io_uring_enter may wait: all other threads would wait with
// it. So wait in ppoll, which it knows.
int io_uring_submit_and_wait_timeout(struct io_uring *ring, struct io_uring_cqe **completion, unsigned count,
                                     struct __kernel_timespec *time, sigset_t *mask) {
    int submitted = io_uring_submit(ring);
    if (submitted < 0) return submitted;
    if (io_uring_cq_ready(ring) < count) {
        struct pollfd ready = {.fd = ring->ring_fd, .events = POLLIN};
        struct timespec timeout = {.tv_sec = time ? time->tv_sec : 0, .tv_nsec = time ? time->tv_nsec : 0};
        ppoll(&ready, 1, time ? &timeout : NULL, mask);
    }
    io_uring_get_events(ring);
    return io_uring_peek_cqe(ring, completion);
}
