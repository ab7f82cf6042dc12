import Engine
import WAL

/// What the books are written from: a log that goes on, and the state when the log doesn't tell all of it any more.
public struct BooksSource: Sendable {
    package let log: any CommitLog
    /// What tells this log from any other.
    package let identity: String
    package let copyEvents: @Sendable () async -> BookState

    package init(log: any CommitLog, identity: String, copyEvents: @escaping @Sendable () async -> BookState) {
        self.log = log
        self.identity = identity
        self.copyEvents = copyEvents
    }

    public init(_ engine: Engine) {
        self.init(log: engine.log, identity: engine.log.identity) { await engine.copyEvents() }
    }

    /// For a thread that may wait: one of our own.
    func waitForEvents() -> BookState {
        let result = Delivery()
        Task { result.deliver(await copyEvents()) }
        return result.wait()
    }
}

/// A value handed from a task to a thread. `@unchecked Sendable`: guarded by `monitor`.
private final class Delivery: @unchecked Sendable {
    private let monitor = Monitor()
    private var value: BookState?

    func deliver(_ value: BookState) {
        monitor.withLock { self.value = value }
        monitor.signal()
    }

    func wait() -> BookState {
        monitor.withLock {
            while value == nil { monitor.wait() }
            return value!
        }
    }
}
