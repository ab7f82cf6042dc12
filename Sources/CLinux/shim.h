// Linux calls that Swift's Glibc module leaves out, because they hide behind _GNU_SOURCE or have no
// place in its module map: epoll, and pinning a thread to a core.
#ifndef HOLDFAST_CLINUX_SHIM_H
#define HOLDFAST_CLINUX_SHIM_H

#include <errno.h>
#include <malloc.h>
#include <stdint.h>
#include <sys/epoll.h>
#include <sys/prctl.h>
#include <sys/syscall.h>
#include <time.h>
#include <unistd.h>

// EPOLLET is an enumerator beside a macro of the same name, and 1u << 31 does not fit the enumeration's
// signed type: state the bits once more as plain numbers.
static const uint32_t CLINUX_EPOLLIN = 0x001;
static const uint32_t CLINUX_EPOLLOUT = 0x004;
static const uint32_t CLINUX_EPOLLERR = 0x008;
static const uint32_t CLINUX_EPOLLHUP = 0x010;
static const uint32_t CLINUX_EPOLLRDHUP = 0x2000;
static const uint32_t CLINUX_EPOLLET = 0x80000000u;

// epoll_wait with a time-out in nanoseconds; negative waits without limit.
// Answers the number of events, or -1 with errno set.
static inline int clinux_epoll_wait_nanoseconds(int epoll, struct epoll_event *events, int events_max,
                                                int64_t timeout_nanoseconds) {
    struct timespec timeout = {
        .tv_sec = timeout_nanoseconds / 1000000000,
        .tv_nsec = timeout_nanoseconds % 1000000000,
    };
    return (int)syscall(SYS_epoll_pwait2, epoll, events, events_max,
                        timeout_nanoseconds < 0 ? (struct timespec *)0 : &timeout, (void *)0, (size_t)0);
}

// Binds a thread (0: the calling one) to one core below 1024. Threads and processes that it starts inherit
// the binding. Answers 0, or -1 with errno set.
static inline int clinux_bind_to_core(int thread, unsigned core) {
    unsigned long mask[1024 / (8 * sizeof(unsigned long))] = {0};
    if (core >= 1024) {
        errno = EINVAL;
        return -1;
    }
    mask[core / (8 * sizeof(unsigned long))] |= 1ul << (core % (8 * sizeof(unsigned long)));
    return syscall(SYS_sched_setaffinity, thread, sizeof mask, mask) < 0 ? -1 : 0;
}

// Asks the kernel to round this thread's sleeps up by at most so many nanoseconds (its default is 50,000).
static inline void clinux_set_timer_slack(unsigned long nanoseconds) {
    prctl(PR_SET_TIMERSLACK, nanoseconds, 0, 0, 0);
}

#endif
