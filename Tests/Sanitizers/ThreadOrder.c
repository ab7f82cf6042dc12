// Preloaded by `script/sanitize thread`: tells the thread sanitizer of two orders between threads that it can't see by
// itself, because they are made inside Swift's own libraries, which are not built with it. These are not suppressions:
// whatever is not ordered by them is still reported.
#define _GNU_SOURCE
#include <dlfcn.h>
#include <stdbool.h>
#include <stdint.h>
#include <stdlib.h>

static void (*tsan_acquire)(void *);
static void (*tsan_release)(void *);

// 1. Tasks. The concurrency runtime says what happens before what through these three, if somebody sets them. On Linux
// nobody does: the function that would is hidden by the sanitizer's own empty one.
__attribute__((constructor)) static void announce_tasks(void) {
    tsan_acquire = (void (*)(void *))dlsym(RTLD_DEFAULT, "__tsan_acquire");
    tsan_release = (void (*)(void *))dlsym(RTLD_DEFAULT, "__tsan_release");
    void (**acquire)(void *) = (void (**)(void *))dlsym(RTLD_DEFAULT, "_swift_tsan_acquire");
    void (**release)(void *) = (void (**)(void *))dlsym(RTLD_DEFAULT, "_swift_tsan_release");
    bool *enabled = (bool *)dlsym(RTLD_DEFAULT, "_swift_tsan_enabled");
    if (!tsan_acquire || !tsan_release || !acquire || !release || !enabled) return;
    *acquire = tsan_acquire;
    *release = tsan_release;
    *enabled = true;
}

// 2. Synchronization.Mutex. Taking a free one is an atomic operation in our own code, which the sanitizer sees; waiting
// for a taken one goes to the kernel (FUTEX_LOCK_PI) inside the library. The mutex's address stands for the order.
#define swift_method __attribute__((swiftcall))
#define swift_self __attribute__((swift_context))

swift_method void lock_slow(uint32_t thread, swift_self void *mutex)
    __asm__("$s15Synchronization12_MutexHandleV9_lockSlowyys6UInt32VF");
swift_method void unlock_slow(swift_self void *mutex) __asm__("$s15Synchronization12_MutexHandleV11_unlockSlowyyF");
swift_method bool try_lock_slow(swift_self void *mutex) __asm__("$s15Synchronization12_MutexHandleV12_tryLockSlowSbyF");

static void *next(const char *name) {
    void *found = dlsym(RTLD_NEXT, name);
    if (!found) abort();
    return found;
}

swift_method void lock_slow(uint32_t thread, swift_self void *mutex) {
    swift_method void (*lock)(uint32_t, swift_self void *) = (swift_method void (*)(uint32_t, swift_self void *))next(
        "$s15Synchronization12_MutexHandleV9_lockSlowyys6UInt32VF");
    lock(thread, mutex);
    if (tsan_acquire) tsan_acquire(mutex);
}

swift_method void unlock_slow(swift_self void *mutex) {
    swift_method void (*unlock)(swift_self void *) =
        (swift_method void (*)(swift_self void *))next("$s15Synchronization12_MutexHandleV11_unlockSlowyyF");
    if (tsan_release) tsan_release(mutex);
    unlock(mutex);
}

swift_method bool try_lock_slow(swift_self void *mutex) {
    swift_method bool (*try_lock)(swift_self void *) =
        (swift_method bool (*)(swift_self void *))next("$s15Synchronization12_MutexHandleV12_tryLockSlowSbyF");
    bool is_locked = try_lock(mutex);
    if (is_locked && tsan_acquire) tsan_acquire(mutex);
    return is_locked;
}
