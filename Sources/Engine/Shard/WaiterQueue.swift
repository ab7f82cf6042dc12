import WAL

/// Callers of the `async` API, in the order of the positions they wait for.
struct WaiterQueue {
    private struct Waiter {
        let position: LogPosition
        let continuation: CheckedContinuation<Bool, Never>
    }

    private var waiters: ContiguousArray<Waiter> = []
    private var head = 0

    var count: Int { waiters.count - head }

    mutating func append(_ continuation: CheckedContinuation<Bool, Never>, until position: LogPosition) {
        waiters.append(Waiter(position: position, continuation: continuation))
    }

    /// Resumes everybody whose position is durable.
    mutating func release(through position: LogPosition) {
        while head < waiters.count, waiters[head].position <= position {
            waiters[head].continuation.resume(returning: true)
            head += 1
        }
        if head == waiters.count {
            waiters.removeAll(keepingCapacity: true)
            head = 0
        } else if head > 4_096, head * 2 > waiters.count {
            waiters.removeFirst(head)
            head = 0
        }
    }

    /// Tells everybody left that their outcome is unknown.
    mutating func abandon() {
        for waiter in waiters[head...] { waiter.continuation.resume(returning: false) }
        waiters.removeAll()
        head = 0
    }
}
