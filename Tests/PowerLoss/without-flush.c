// The negative control of the power-loss test: loaded in front of liburing and libc (LD_PRELOAD), it takes a durable step
// out of the server that is tested, without a build of its own. What the test must then report is lost sales.
//
//     LOG_WITHOUT=flush    the fdatasync that is linked behind each batch's write does nothing
//     LOG_WITHOUT=link     that fdatasync doesn't wait for the write
//     LOG_WITHOUT=sync     fsync and fdatasync of files and folders do nothing

#define _GNU_SOURCE
#include <dlfcn.h>
#include <liburing.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

static int is_without(const char *step) {
    const char *chosen = getenv("LOG_WITHOUT");
    return chosen && strcmp(chosen, step) == 0;
}

static void weaken(struct io_uring_sqe *entry) {
    if (entry->opcode == IORING_OP_FSYNC && is_without("flush")) {
        __u64 user_data = entry->user_data;
        io_uring_prep_nop(entry);
        entry->user_data = user_data;
    }
    if (is_without("link")) entry->flags &= ~IOSQE_IO_LINK;
}

int io_uring_submit_and_wait(struct io_uring *ring, unsigned count) {
    static int (*submit)(struct io_uring *, unsigned);
    if (!submit) submit = dlsym(RTLD_NEXT, "io_uring_submit_and_wait");
    // What is prepared and not submitted yet stands between head and tail.
    for (unsigned index = ring->sq.sqe_head; index != ring->sq.sqe_tail; index++) {
        weaken(&ring->sq.sqes[index & *ring->sq.kring_mask]);
    }
    return submit(ring, count);
}

int fsync(int descriptor) {
    if (is_without("sync")) return 0;
    int (*next)(int) = dlsym(RTLD_NEXT, "fsync");
    return next(descriptor);
}

int fdatasync(int descriptor) {
    if (is_without("sync")) return 0;
    int (*next)(int) = dlsym(RTLD_NEXT, "fdatasync");
    return next(descriptor);
}
