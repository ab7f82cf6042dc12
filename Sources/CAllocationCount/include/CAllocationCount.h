#pragma once
#include <stdint.h>

/// Heap allocations that the calling thread has made since it began, whoever asked for them: the program, the Swift
/// runtime, or a library. A program that links this target counts from its start; the cost is one addition each.
/// Always 0 under a sanitizer, which brings an allocator of its own.
uint64_t holdfast_thread_allocations(void);
