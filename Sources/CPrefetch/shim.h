// The one instruction that Swift has no word for: ask for memory before it is needed.
#ifndef HOLDFAST_CPREFETCH_SHIM_H
#define HOLDFAST_CPREFETCH_SHIM_H

// Begins to load the cache line at `address`; any address will do, nothing is read or changed.
static inline void holdfast_prefetch(const void *address) { __builtin_prefetch(address, 1, 3); }

#endif
