// Preloaded into a server (LD_PRELOAD) to count its heap allocations from outside.
//
// The counts live in a file that the server maps and Benchmarks/count reads while the server runs: no signal, no
// request of its own, nothing that the counted process has to know about. Each count is an eight-byte integer:
//
//     0  allocations (malloc, calloc, posix_memalign, aligned_alloc, memalign, realloc of nothing)
//     1  allocations that made an existing block larger or smaller (realloc)
//     2  bytes asked for
//     3  non-zero, written by the reader: keep call stacks from now on
//     4  call stacks that found no room
//
// followed by the call stacks, STACKS_MAX of them: count, bytes, depth, return addresses. ALLOCATIONS_FILE names
// the file. Every stack is kept, not a sample, so sites add up to the totals.
#define _GNU_SOURCE
#include <errno.h>
#include <execinfo.h>
#include <fcntl.h>
#include <malloc.h>
#include <stdint.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <unistd.h>

enum { DEPTH_MAX = 29, STACKS_MAX = 4096, STACKS_OFFSET = 4096 };

struct stack {
    uint64_t count, bytes, depth;
    uint64_t frames[DEPTH_MAX];
};

struct counts {
    uint64_t allocations, reallocations, bytes, keep_stacks, lost_stacks;
};

// What glibc's own malloc is called underneath: needs no dlsym, which allocates itself.
extern void *__libc_malloc(size_t);
extern void *__libc_calloc(size_t, size_t);
extern void *__libc_realloc(void *, size_t);
extern void *__libc_memalign(size_t, size_t);

static struct counts *counts;
static struct stack *stacks;
static int lock;
static __thread int inside __attribute__((tls_model("initial-exec")));

static void keep_stack(size_t bytes) {
    // Walking the stack may allocate; what it allocates is not the server's.
    void *frames[DEPTH_MAX];
    int depth = backtrace(frames, DEPTH_MAX);
    uint64_t hash = 14695981039346656037u;
    for (int i = 0; i < depth; i++) hash = (hash ^ (uintptr_t)frames[i]) * 1099511628211u;
    while (__atomic_exchange_n(&lock, 1, __ATOMIC_ACQUIRE)) {}
    int kept = 0;
    for (unsigned probe = 0; probe < 64 && !kept; probe++) {
        struct stack *stack = &stacks[(hash + probe) % STACKS_MAX];
        if (stack->count == 0) {
            stack->depth = depth;
            for (int i = 0; i < depth; i++) stack->frames[i] = (uintptr_t)frames[i];
        } else if (stack->depth != (uint64_t)depth || memcmp(stack->frames, frames, depth * sizeof(uint64_t)) != 0) {
            continue;
        }
        stack->count += 1;
        stack->bytes += bytes;
        kept = 1;
    }
    if (!kept) counts->lost_stacks += 1;
    __atomic_store_n(&lock, 0, __ATOMIC_RELEASE);
}

static void count(uint64_t *counter, size_t bytes) {
    if (!counts || inside) return;
    __atomic_fetch_add(counter, 1, __ATOMIC_RELAXED);
    __atomic_fetch_add(&counts->bytes, bytes, __ATOMIC_RELAXED);
    if (!__atomic_load_n(&counts->keep_stacks, __ATOMIC_RELAXED)) return;
    inside = 1;
    keep_stack(bytes);
    inside = 0;
}

__attribute__((constructor)) static void begin(void) {
    const char *path = getenv("ALLOCATIONS_FILE");
    if (!path) return;
    size_t size = STACKS_OFFSET + STACKS_MAX * sizeof(struct stack);
    int file = open(path, O_RDWR | O_CREAT | O_CLOEXEC, 0600);
    if (file < 0 || ftruncate(file, size) != 0) abort();
    char *map = mmap(NULL, size, PROT_READ | PROT_WRITE, MAP_SHARED, file, 0);
    if (map == MAP_FAILED) abort();
    close(file);
    void *first[1];
    backtrace(first, 1);  // loads the unwinder now, not within the first malloc
    stacks = (struct stack *)(map + STACKS_OFFSET);
    counts = (struct counts *)map;
}

void *malloc(size_t size) {
    if (counts) count(&counts->allocations, size);
    return __libc_malloc(size);
}

void *calloc(size_t number, size_t size) {
    if (counts) count(&counts->allocations, number * size);
    return __libc_calloc(number, size);
}

void *realloc(void *block, size_t size) {
    if (counts) count(block ? &counts->reallocations : &counts->allocations, size);
    return __libc_realloc(block, size);
}

void *memalign(size_t alignment, size_t size) {
    if (counts) count(&counts->allocations, size);
    return __libc_memalign(alignment, size);
}

void *aligned_alloc(size_t alignment, size_t size) {
    if (counts) count(&counts->allocations, size);
    return __libc_memalign(alignment, size);
}

int posix_memalign(void **block, size_t alignment, size_t size) {
    if (counts) count(&counts->allocations, size);
    void *memory = __libc_memalign(alignment, size);
    if (!memory) return ENOMEM;
    *block = memory;
    return 0;
}
