import CLiburing
import Glibc

/// A mutex with a condition, for the few threads of the log and of a start. Waits take a deadline of the monotonic
/// clock.
///
/// `@unchecked Sendable`: pthread objects are made to be shared, and these stay at one address until deinit.
package final class Monitor: @unchecked Sendable {
    private let mutex: UnsafeMutablePointer<pthread_mutex_t>
    private let condition: UnsafeMutablePointer<pthread_cond_t>

    package init() {
        mutex = .allocate(capacity: 1)
        condition = .allocate(capacity: 1)
        precondition(pthread_mutex_init(mutex, nil) == 0, "pthread_mutex_init")
        var attributes = pthread_condattr_t()
        pthread_condattr_init(&attributes)
        pthread_condattr_setclock(&attributes, CLOCK_MONOTONIC)
        precondition(pthread_cond_init(condition, &attributes) == 0, "pthread_cond_init")
        pthread_condattr_destroy(&attributes)
    }

    deinit {
        pthread_cond_destroy(condition)
        pthread_mutex_destroy(mutex)
        condition.deallocate()
        mutex.deallocate()
    }

    @inline(__always)
    func lock() { pthread_mutex_lock(mutex) }

    @inline(__always)
    func unlock() { pthread_mutex_unlock(mutex) }

    package func withLock<R, E: Error>(_ body: () throws(E) -> R) throws(E) -> R {
        lock()
        defer { unlock() }
        return try body()
    }

    /// Wakes whoever waits.
    package func signal() { pthread_cond_broadcast(condition) }

    /// Waits with the lock held; may return without a signal.
    package func wait() { pthread_cond_wait(condition, mutex) }

    /// Waits with the lock held, so long at most; may return without a signal.
    package func wait(milliseconds: Int) {
        _ = wait(until: .now.advanced(microseconds: milliseconds * 1_000))
    }

    /// Waits with the lock held; may return without a signal. False when the deadline has passed.
    func wait(until deadline: MonotonicTime?) -> Bool {
        guard let deadline else {
            wait()
            return true
        }
        var time = timespec(
            tv_sec: Int(deadline.nanoseconds / 1_000_000_000),
            tv_nsec: Int(deadline.nanoseconds % 1_000_000_000)
        )
        return pthread_cond_timedwait(condition, mutex, &time) != ETIMEDOUT
    }
}

/// Nanoseconds of the clock that never steps back.
struct MonotonicTime: Comparable, Sendable {
    var nanoseconds: UInt64

    static var now: MonotonicTime {
        var time = timespec()
        clock_gettime(CLOCK_MONOTONIC, &time)
        return MonotonicTime(nanoseconds: UInt64(time.tv_sec) * 1_000_000_000 + UInt64(time.tv_nsec))
    }

    /// A deadline that has passed: not to wait at all.
    static let longAgo = MonotonicTime(nanoseconds: 0)

    func advanced(microseconds: Int) -> MonotonicTime {
        MonotonicTime(nanoseconds: nanoseconds + UInt64(microseconds) * 1000)
    }

    static func < (left: MonotonicTime, right: MonotonicTime) -> Bool { left.nanoseconds < right.nanoseconds }
}
