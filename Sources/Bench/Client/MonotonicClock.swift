import Glibc

/// Nanoseconds on the machine's monotonic clock. One read costs about 25 ns, so the client reads it once
/// per answer: the time an answer arrived is the time the next request on that connection leaves.
enum MonotonicClock {
    @inline(__always)
    static func nowNanoseconds() -> UInt64 {
        nanoseconds(CLOCK_MONOTONIC)
    }

    /// Processor time that this process has used, on all its threads.
    static func processCPUNanoseconds() -> UInt64 {
        nanoseconds(CLOCK_PROCESS_CPUTIME_ID)
    }

    @inline(__always)
    private static func nanoseconds(_ clock: clockid_t) -> UInt64 {
        var time = timespec()
        clock_gettime(clock, &time)
        return UInt64(time.tv_sec) &* 1_000_000_000 &+ UInt64(time.tv_nsec)
    }
}
