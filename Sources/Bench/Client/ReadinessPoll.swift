import CLinux
import Glibc

/// An epoll instance and the array its events come back in. Owns both.
///
/// Descriptors are watched edge-triggered and once for reading and writing: nothing is ever re-armed, and an
/// idle writable socket costs nothing. The reader therefore has to read until a whole answer or EAGAIN.
struct ReadinessPoll: ~Copyable {
    /// What happened to the descriptor that was registered with `token`.
    struct Event {
        let token: Int
        let isReadable: Bool
        let isWritable: Bool
        let isClosed: Bool
    }

    private let descriptor: Int32
    private let events: UnsafeMutableBufferPointer<epoll_event>

    init(eventsMax: Int) throws(SystemCallError) {
        precondition(eventsMax > 0)
        descriptor = epoll_create1(0)
        guard descriptor >= 0 else { throw SystemCallError("epoll_create1") }
        events = .allocate(capacity: eventsMax)
        events.initialize(repeating: epoll_event())
    }

    deinit {
        events.deallocate()
        close(descriptor)
    }

    borrowing func add(_ socket: Int32, token: Int) throws(SystemCallError) {
        var event = epoll_event()
        event.events = CLINUX_EPOLLIN | CLINUX_EPOLLOUT | CLINUX_EPOLLRDHUP | CLINUX_EPOLLET
        event.data.u64 = UInt64(token)
        guard epoll_ctl(descriptor, EPOLL_CTL_ADD, socket, &event) == 0 else { throw SystemCallError("epoll_ctl") }
    }

    /// Waits until something happens or `timeoutNanoseconds` have passed (0: look and return; negative: without
    /// limit). Answers how many events there are; an interrupting signal counts as none.
    borrowing func wait(timeoutNanoseconds: Int64) throws(SystemCallError) -> Int {
        let count = clinux_epoll_wait_nanoseconds(
            descriptor,
            events.baseAddress,
            Int32(events.count),
            timeoutNanoseconds
        )
        if count >= 0 { return Int(count) }
        guard errno == EINTR else { throw SystemCallError("epoll_pwait2") }
        return 0
    }

    @inline(__always)
    borrowing func event(_ index: Int) -> Event {
        let event = events[index]
        let bits = event.events
        return Event(
            token: Int(event.data.u64),
            isReadable: bits & CLINUX_EPOLLIN != 0,
            isWritable: bits & CLINUX_EPOLLOUT != 0,
            isClosed: bits & (CLINUX_EPOLLRDHUP | CLINUX_EPOLLHUP | CLINUX_EPOLLERR) != 0
        )
    }
}
