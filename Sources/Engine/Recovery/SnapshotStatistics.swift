import NIOCore
import Synchronization

/// The snapshots that an engine has taken since it started.
public struct SnapshotStatistics: Equatable, Sendable {
    public var taken: UInt64 = 0
    public var failed: UInt64 = 0
    /// Milliseconds since 1970 at which the newest one was finished; nil when none was.
    public var lastAt: Milliseconds?
    /// How long the newest one took, from its first copy until it was durable.
    public var lastNanoseconds: Int64 = 0
}

/// Counts snapshots; on any thread.
final class SnapshotCounters: Sendable {
    private let counted = Mutex(SnapshotStatistics())

    var statistics: SnapshotStatistics { counted.withLock { $0 } }

    func finished(began: NIODeadline) {
        let took = (NIODeadline.now() - began).nanoseconds
        let now = Engine.systemClock()
        counted.withLock {
            $0.taken += 1
            $0.lastAt = now
            $0.lastNanoseconds = took
        }
    }

    func failed() { counted.withLock { $0.failed += 1 } }
}

extension Engine {
    public var snapshotStatistics: SnapshotStatistics { snapshots.statistics }
}
