import Glibc
import Synchronization

/// How another thread gets one out of waiting: for the next thing to do, or for Postgres.
///
/// A pipe that can be polled beside a socket. Once interrupted it stays so.
package final class Interruption: Sendable {
    /// What to poll for reading.
    let descriptor: Int32
    private let writer: Int32
    private let isOver = Atomic<Bool>(false)

    package init() {
        var ends: [Int32] = [-1, -1]
        precondition(pipe(&ends) == 0, "no pipe: \(errno)")
        for end in ends {
            _ = fcntl(end, F_SETFD, FD_CLOEXEC)
            _ = fcntl(end, F_SETFL, O_NONBLOCK)
        }
        descriptor = ends[0]
        writer = ends[1]
    }

    deinit {
        close(descriptor)
        close(writer)
    }

    package var isInterrupted: Bool { isOver.load(ordering: .acquiring) }

    package func interrupt() {
        isOver.store(true, ordering: .releasing)
        var byte: UInt8 = 1
        // A full pipe is readable already.
        _ = write(writer, &byte, 1)
    }

    /// Returns after the time, or when interrupted.
    package func sleep(milliseconds: Int) {
        var entry = pollfd(fd: descriptor, events: Int16(POLLIN), revents: 0)
        _ = poll(&entry, 1, Int32(clamping: milliseconds))
    }
}

/// Milliseconds of a clock that never steps back.
func monotonicMilliseconds() -> Int {
    var time = timespec()
    clock_gettime(CLOCK_MONOTONIC, &time)
    return time.tv_sec * 1_000 + time.tv_nsec / 1_000_000
}
