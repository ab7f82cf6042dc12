// Preloaded into a server that runs under valgrind. valgrind 3.19 writes into the mask that libdispatch passes to
// sigsuspend, which lies in read-only memory, and dies of it: so hand the kernel a copy.
#include <signal.h>
#include <sys/syscall.h>
#include <unistd.h>

int sigsuspend(const sigset_t *mask) {
    sigset_t copy = *mask;
    return (int)syscall(SYS_rt_sigsuspend, &copy, 8);
}
