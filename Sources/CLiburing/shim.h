#pragma once

// What Swift can't import from the C headers by itself: macros built from casts and enums, and variadic functions.

// First, so that the feature macros are settled before liburing.h sets one of its own: types of the C library must
// look the same in this module as in Swift's Glibc module.
#include <features.h>

#include <errno.h>
#include <fcntl.h>
#include <linux/filter.h>
#include <liburing.h>
#include <stddef.h>
#include <sys/file.h>
#include <sys/eventfd.h>
#include <sys/prctl.h>
#include <sys/resource.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <sys/syscall.h>
#include <sys/types.h>
#include <sys/uio.h>
#include <unistd.h>

static const unsigned char holdfast_sqe_fixed_file = 1u << IOSQE_FIXED_FILE_BIT;
static const unsigned char holdfast_sqe_link = 1u << IOSQE_IO_LINK_BIT;
static const unsigned int holdfast_fsync_datasync = IORING_FSYNC_DATASYNC;

/// Only the thread that made the ring submits to it, and completions run when that thread asks for them.
static const unsigned int holdfast_setup_flags = (1u << 12) /* SINGLE_ISSUER */ | (1u << 13) /* DEFER_TASKRUN */;

static const int holdfast_open_direct = __O_DIRECT;

/// open(2), closed on exec; the descriptor, or minus the errno.
static inline int holdfast_open(const char *path, int flags, mode_t mode) {
    int descriptor = open(path, flags | O_CLOEXEC, mode);
    return descriptor < 0 ? -errno : descriptor;
}

// Declared here because the C library shows it under _GNU_SOURCE only.
ssize_t pwritev2(int descriptor, const struct iovec *vectors, int count, off_t offset, int flags);

/// pwritev2(2) with RWF_DSYNC: one durable write; the bytes written, or minus the errno.
static inline ssize_t holdfast_write_durably(int descriptor, const void *bytes, size_t count, off_t offset) {
    struct iovec vector = {.iov_base = (void *)bytes, .iov_len = count};
    ssize_t written = pwritev2(descriptor, &vector, 1, offset, 0x2 /* RWF_DSYNC */);
    return written < 0 ? -errno : written;
}

/// What top -H calls the calling thread; 15 bytes count.
static inline void holdfast_set_thread_name(const char *name) { prctl(PR_SET_NAME, name, 0, 0, 0); }

/// How far the calling thread, and no other of its process, stands back when its core is wanted: 0 to 19.
static inline void holdfast_set_thread_niceness(int niceness) { setpriority(PRIO_PROCESS, 0, niceness); }

/// The cores that the calling thread may run on; 1 where the kernel does not say.
static inline int holdfast_usable_cores(void) {
    unsigned long mask[1024 / (8 * sizeof(unsigned long))];
    long size = syscall(SYS_sched_getaffinity, 0, sizeof mask, mask);
    int count = 0;
    for (long word = 0; word < size / (long)sizeof mask[0]; word++) count += __builtin_popcountl(mask[word]);
    return count > 0 ? count : 1;
}

/// Lets timed waits of the calling thread end within `nanoseconds` of their time (the kernel's default is 50 µs).
static inline void holdfast_set_timer_slack(unsigned long nanoseconds) {
    prctl(PR_SET_TIMERSLACK, nanoseconds, 0, 0, 0);
}

// For sockets.
static const unsigned char holdfast_sqe_buffer_select = 1u << IOSQE_BUFFER_SELECT_BIT;
static const unsigned int holdfast_cqe_buffer = IORING_CQE_F_BUFFER;
static const unsigned int holdfast_cqe_more = IORING_CQE_F_MORE;
static const unsigned int holdfast_cqe_buffer_shift = IORING_CQE_BUFFER_SHIFT;
/// The kernel goes on by itself when it could take only a part.
static const int holdfast_send_flags = MSG_NOSIGNAL | MSG_WAITALL;

/// Lets a listening socket finish the handshakes that have begun, and begin none: the first segment of a new connection
/// (SYN) is dropped, and its sender tries again a second later.
static inline int holdfast_begin_no_connections(int listener) {
    // A TCP socket's filter sees the segment from its TCP header on; byte 13 has the flags.
    struct sock_filter steps[] = {
        BPF_STMT(BPF_LD | BPF_B | BPF_ABS, 13),
        BPF_JUMP(BPF_JMP | BPF_JSET | BPF_K, 0x02 /* SYN */, 0, 1),
        BPF_STMT(BPF_RET | BPF_K, 0),
        BPF_STMT(BPF_RET | BPF_K, 0xffffffff),
    };
    struct sock_fprog filter = {.len = sizeof steps / sizeof steps[0], .filter = steps};
    return setsockopt(listener, SOL_SOCKET, SO_ATTACH_FILTER, &filter, sizeof filter);
}
