import Engine
import WAL

/// What the books are written from: a log that goes on, and the state when the log doesn't tell all of it any more.
public struct BooksSource: Sendable {
    package let log: any CommitLog
    /// What tells this log from any other.
    package let identity: String
    /// The log's end when it was started: the records behind it are this process's own.
    package let start: LogPosition
    /// See `WriteAheadLog.origin(of:)`.
    package let origin: @Sendable (LogPosition) -> UInt64?
    package let copyEvents: @Sendable () async -> BookState

    /// - Parameter log: running.
    package init(_ log: WriteAheadLog, copyEvents: @escaping @Sendable () async -> BookState) {
        self.log = log
        identity = log.identity
        start = log.startedBehind ?? .zero
        origin = { log.origin(of: $0) }
        self.copyEvents = copyEvents
    }

    /// - Parameter engine: running.
    public init(_ engine: Engine) { self.init(engine.log) { await engine.copyEvents() } }

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
