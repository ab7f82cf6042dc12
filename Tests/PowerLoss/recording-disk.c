// A disk with a volatile write cache, as one file of a FUSE filesystem, that writes down what happens to it.
//
//     recording-disk IMAGE TRACE COUNTER MOUNTPOINT
//
// MOUNTPOINT/disk has the size and content of IMAGE; put a loop device over it and a filesystem on that. Every write and
// every flush (fsync) goes into TRACE, in order. From a trace one can build each image that a power failure may leave:
// what a completed flush covers is there, of what came later any part may be.
//
// A write is answered a little after its data has come, and not always in order, as a disk's queue does. A flush covers
// the writes that were answered before it arrived, and no others: whoever sends a flush without waiting for the write in
// front of it is found out.
//
// TRACE is a sequence of records in the machine's byte order, each a `struct record`, a write's followed by its bytes.
// COUNTER is a file of 8 bytes, to be mapped: the number of flushes completed.

#define FUSE_USE_VERSION 314
#define _GNU_SOURCE
#include <errno.h>
#include <fcntl.h>
#include <fuse_lowlevel.h>
#include <linux/falloc.h>
#include <poll.h>
#include <stdatomic.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/stat.h>
#include <time.h>
#include <unistd.h>

enum kind { WRITE = 1, ZERO = 2, WRITE_DONE = 3, FLUSH = 4, FLUSH_DONE = 5 };

struct record {
    uint32_t kind;
    uint32_t reserved;
    uint64_t number;  // of the write (and zero) or of the flush, both from 1
    uint64_t offset;  // of a write
    uint64_t length;  // of a write, in bytes
};

// A request whose answer waits. A flush is one with `flush` set.
struct held {
    fuse_req_t request;
    uint64_t due;  // CLOCK_MONOTONIC, ns
    uint64_t number;
    size_t length;
    int flush;
    int zero;
};

enum { HELD_MAX = 1024, DELAY_NANOSECONDS_MAX = 150000, DISK_INODE = 2 };

static struct {
    uint8_t *image;
    size_t size;
    FILE *trace;
    _Atomic uint64_t *flushes_completed;
    uint64_t writes, flushes;
    uint64_t last_flush_due;
    struct held held[HELD_MAX];
    int held_count;
    uint64_t random;
} disk;

static void fail(const char *what) {
    perror(what);
    exit(1);
}

static uint64_t now(void) {
    struct timespec time;
    clock_gettime(CLOCK_MONOTONIC, &time);
    return (uint64_t)time.tv_sec * 1000000000 + (uint64_t)time.tv_nsec;
}

static uint64_t random_delay(void) {
    disk.random = disk.random * 6364136223846793005u + 1442695040888963407u;
    return (disk.random >> 33) % DELAY_NANOSECONDS_MAX;
}

static void record(enum kind kind, uint64_t number, uint64_t offset, uint64_t length, const void *bytes) {
    struct record entry = {.kind = kind, .number = number, .offset = offset, .length = length};
    if (fwrite(&entry, sizeof entry, 1, disk.trace) != 1) fail("trace");
    if (bytes && fwrite(bytes, 1, length, disk.trace) != length) fail("trace");
}

// MARK: Answers that wait

static void answer(struct held *held) {
    if (held->flush) {
        record(FLUSH_DONE, held->number, 0, 0, NULL);
        // Before the answer: nobody may see what the flush allows and still read the number before it.
        atomic_store(disk.flushes_completed, held->number);
        fuse_reply_err(held->request, 0);
        return;
    }
    record(WRITE_DONE, held->number, 0, 0, NULL);
    if (held->zero) fuse_reply_err(held->request, 0);
    else fuse_reply_write(held->request, held->length);
}

static void answer_index(int index) {
    struct held held = disk.held[index];
    memmove(&disk.held[index], &disk.held[index + 1], (size_t)(disk.held_count - index - 1) * sizeof held);
    disk.held_count--;
    answer(&held);
}

static void hold(struct held held) {
    if (disk.held_count == HELD_MAX) answer_index(0);
    disk.held[disk.held_count++] = held;
}

// Nanoseconds until the next answer is due, after giving those that are; -1 when none waits.
static int64_t answer_due(void) {
    int64_t next = -1;
    uint64_t time = now();
    for (int index = 0; index < disk.held_count;) {
        if (disk.held[index].due <= time) {
            answer_index(index);
            continue;
        }
        int64_t left = (int64_t)(disk.held[index].due - time);
        if (next < 0 || left < next) next = left;
        index++;
    }
    return next;
}

// MARK: Requests

static void attributes(fuse_ino_t inode, struct stat *found) {
    memset(found, 0, sizeof *found);
    found->st_ino = inode;
    found->st_nlink = 1;
    found->st_mode = inode == DISK_INODE ? S_IFREG | 0600 : S_IFDIR | 0700;
    found->st_size = inode == DISK_INODE ? (off_t)disk.size : 0;
}

static void disk_lookup(fuse_req_t request, fuse_ino_t parent, const char *name) {
    (void)parent;
    if (strcmp(name, "disk") != 0) {
        fuse_reply_err(request, ENOENT);
        return;
    }
    struct fuse_entry_param entry = {.ino = DISK_INODE, .attr_timeout = 3600, .entry_timeout = 3600};
    attributes(DISK_INODE, &entry.attr);
    fuse_reply_entry(request, &entry);
}

static void disk_getattr(fuse_req_t request, fuse_ino_t inode, struct fuse_file_info *file) {
    (void)file;
    struct stat found;
    attributes(inode, &found);
    fuse_reply_attr(request, &found, 3600);
}

static void disk_open(fuse_req_t request, fuse_ino_t inode, struct fuse_file_info *file) {
    if (inode != DISK_INODE) {
        fuse_reply_err(request, EISDIR);
        return;
    }
    // The page cache would swallow and reorder what this is here to see.
    file->direct_io = 1;
    fuse_reply_open(request, file);
}

static void disk_read(fuse_req_t request, fuse_ino_t inode, size_t size, off_t offset, struct fuse_file_info *file) {
    (void)inode, (void)file;
    size_t left = (size_t)offset < disk.size ? disk.size - (size_t)offset : 0;
    fuse_reply_buf(request, (char *)disk.image + offset, size < left ? size : left);
}

static void take(fuse_req_t request, const char *bytes, size_t size, off_t offset) {
    if ((size_t)offset > disk.size || size > disk.size - (size_t)offset) {
        fuse_reply_err(request, ENOSPC);
        return;
    }
    uint64_t number = ++disk.writes;
    record(bytes ? WRITE : ZERO, number, (uint64_t)offset, size, bytes);
    if (bytes) memcpy(disk.image + offset, bytes, size);
    else memset(disk.image + offset, 0, size);
    hold((struct held){
        .request = request, .due = now() + random_delay(), .number = number, .length = size, .zero = bytes == NULL});
}

static void disk_write(
    fuse_req_t request, fuse_ino_t inode, const char *bytes, size_t size, off_t offset, struct fuse_file_info *file) {
    (void)inode, (void)file;
    take(request, bytes, size, offset);
}

// What a block device knows as discarding and as writing zeros.
static void disk_fallocate(
    fuse_req_t request, fuse_ino_t inode, int mode, off_t offset, off_t length, struct fuse_file_info *file) {
    (void)inode, (void)file;
    if (mode & (FALLOC_FL_PUNCH_HOLE | FALLOC_FL_ZERO_RANGE)) take(request, NULL, (size_t)length, offset);
    else fuse_reply_err(request, EOPNOTSUPP);
}

static void disk_fsync(fuse_req_t request, fuse_ino_t inode, int only_data, struct fuse_file_info *file) {
    (void)inode, (void)only_data, (void)file;
    uint64_t number = ++disk.flushes;
    record(FLUSH, number, 0, 0, NULL);
    uint64_t due = now() + random_delay();
    if (due <= disk.last_flush_due) due = disk.last_flush_due + 1;
    disk.last_flush_due = due;
    hold((struct held){.request = request, .due = due, .number = number, .flush = 1});
}

static const struct fuse_lowlevel_ops operations = {
    .lookup = disk_lookup,
    .getattr = disk_getattr,
    .open = disk_open,
    .read = disk_read,
    .write = disk_write,
    .fallocate = disk_fallocate,
    .fsync = disk_fsync,
};

// MARK: The program

static void *map(const char *path, size_t *size) {
    int descriptor = open(path, O_RDWR);
    struct stat found;
    if (descriptor < 0 || fstat(descriptor, &found) != 0) fail(path);
    void *bytes = mmap(NULL, (size_t)found.st_size, PROT_READ | PROT_WRITE, MAP_SHARED, descriptor, 0);
    if (bytes == MAP_FAILED) fail(path);
    close(descriptor);
    if (size) *size = (size_t)found.st_size;
    return bytes;
}

// Takes every request that is there before it answers one: a flush that was sent before a write was answered must be
// seen before that answer is given.
static void serve(struct fuse_session *session) {
    struct fuse_buf buffer = {.mem = NULL};
    while (!fuse_session_exited(session)) {
        struct pollfd waiting = {.fd = fuse_session_fd(session), .events = POLLIN};
        int ready = poll(&waiting, 1, 0);
        if (ready == 0) {
            int64_t left = answer_due();
            struct timespec timeout = {.tv_sec = left / 1000000000, .tv_nsec = left % 1000000000};
            ready = ppoll(&waiting, 1, left < 0 ? NULL : &timeout, NULL);
        }
        if (ready <= 0) continue;
        int received = fuse_session_receive_buf(session, &buffer);
        if (received == -EINTR || received == -EAGAIN) continue;
        if (received <= 0) break;
        fuse_session_process_buf(session, &buffer);
    }
    free(buffer.mem);
}

int main(int count, char **arguments) {
    if (count != 5) {
        fprintf(stderr, "usage: recording-disk IMAGE TRACE COUNTER MOUNTPOINT\n");
        return 2;
    }
    disk.image = map(arguments[1], &disk.size);
    disk.trace = fopen(arguments[2], "w");
    if (!disk.trace) fail(arguments[2]);
    disk.flushes_completed = map(arguments[3], NULL);

    char *options[] = {arguments[0], "-o", "fsname=recording-disk,default_permissions"};
    struct fuse_args parsed = FUSE_ARGS_INIT(3, options);
    struct fuse_session *session = fuse_session_new(&parsed, &operations, sizeof operations, NULL);
    if (!session || fuse_set_signal_handlers(session) != 0 || fuse_session_mount(session, arguments[4]) != 0) return 1;
    serve(session);
    fuse_session_unmount(session);
    fuse_remove_signal_handlers(session);
    fuse_session_destroy(session);
    fuse_opt_free_args(&parsed);
    if (fclose(disk.trace) != 0) fail(arguments[2]);
    return 0;
}
