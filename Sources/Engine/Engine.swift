import Glibc
import NIOCore
import Synchronization
import WAL

/// The reservation engine: events spread over shards, one log under all of them.
///
/// Embedding it takes a log, some event loops, and `start`; then the `async` functions, or `Shard.perform` for
/// batches.
public final class Engine: Sendable {
    public let shards: [Shard]
    public let directory: SectionDirectory
    public let log: WriteAheadLog
    private let ticks: [RepeatedTask]
    private let isSnapshotting = Mutex(false)
    private let lastSnapshot: Mutex<LogPosition>

    /// What `start` found.
    public struct Found: Sendable {
        public let replay: ReplaySummary
        public let events: Int
        public let snapshotPosition: LogPosition?
    }

    private init(_ shards: [Shard], _ directory: SectionDirectory, _ log: WriteAheadLog, _ ticks: [RepeatedTask]) {
        self.shards = shards
        self.directory = directory
        self.log = log
        self.ticks = ticks
        lastSnapshot = Mutex(log.snapshotPosition ?? .zero)
    }

    /// Milliseconds since 1970 by the system's clock.
    public static let systemClock: @Sendable () -> Milliseconds = {
        var time = timespec()
        clock_gettime(CLOCK_REALTIME, &time)
        return Milliseconds(time.tv_sec) * 1_000 + Milliseconds(time.tv_nsec) / 1_000_000
    }

    /// Recovers the state from the log, spreads it over one shard a loop, and opens the log for writing.
    ///
    /// - Parameters:
    ///   - log: opened and not yet replayed. `Engine.logOptions` has room for what the shards may append in a turn.
    ///   - loops: one shard runs on each; at least one.
    ///   - onFailure: called once, on the log's thread, when the log has failed: stop the process.
    public static func start(
        log: WriteAheadLog,
        loops: [any EventLoop],
        clock: @escaping @Sendable () -> Milliseconds = Engine.systemClock,
        onFailure: @escaping @Sendable (LogError) -> Void
    ) async throws -> (Engine, Found) {
        precondition(!loops.isEmpty, "an engine needs at least one event loop")
        var recovery = Recovery()
        let replay = try recovery.run(log)
        let found = Found(
            replay: replay,
            events: recovery.events.count,
            snapshotPosition: log.snapshotPosition
        )
        let directory = SectionDirectory()
        let shards = loops.enumerated().map {
            Shard(number: $0, loop: $1, log: log, directory: directory, clock: clock)
        }
        for (key, event) in recovery.events { await shards[key.shard(of: shards.count)].adopt(event) }
        recovery = Recovery()
        try log.start(
            onDurable: { position in
                for shard in shards {
                    shard.loop.execute { shard.assumeIsolated { $0.advanceWatermark(to: position) } }
                }
            },
            onFailure: { error in
                for shard in shards { shard.loop.execute { shard.assumeIsolated { $0.fail() } } }
                onFailure(error)
            }
        )
        let ticks = shards.map { shard in
            shard.loop.scheduleRepeatedTask(initialDelay: .milliseconds(2), delay: .milliseconds(2)) { _ in
                shard.assumeIsolated { $0.tick() }
            }
        }
        return (Engine(shards, directory, log, ticks), found)
    }

    /// Options for a log under this many shards.
    /// - Parameters:
    ///   - segmentBytes: of a file of the log.
    ///   - reserveBytes: what the log wants to have for itself beside the next snapshot, below which nothing more is
    ///     sold; nil for the segment in use, the spares and what may be waiting to be written.
    public static func logOptions(
        shards: Int,
        segmentBytes: Int = WriteAheadLog.Options().segmentBytes,
        reserveBytes: Int? = nil
    ) -> WriteAheadLog.Options {
        var options = WriteAheadLog.Options()
        options.segmentBytes = segmentBytes
        options.paceMicroseconds = 700
        options.pendingBytesMax = Shard.Limits.pendingBytesMax + shards * 2 * Shard.Limits.turnBytesMax
        let inSegments = segmentBytes * (options.spareSegments + 1)
        options.reserveBytes = reserveBytes ?? max(inSegments, segmentBytes + 2 * options.pendingBytesMax)
        return options
    }

    public func shard(of event: EventKey) -> Shard { shards[event.shard(of: shards.count)] }

    /// Takes no more work, makes everything decided durable, writes a snapshot, and closes the log.
    ///
    /// - Returns: why there is no last snapshot, if there is none. Nothing is lost then: the log has it all.
    /// - Throws: what stopped the log, when it had failed.
    @discardableResult
    public func stop() async throws -> (any Error)? {
        for tick in ticks { tick.cancel() }
        for shard in shards { await shard.close() }
        while isSnapshotting.withLock({ $0 }) { try await Task.sleep(for: .milliseconds(10)) }
        var missing: (any Error)?
        do {
            try await snapshot(isPaced: false)
        } catch {
            missing = error
        }
        try log.close()
        return missing
    }
}

// MARK: - Snapshots

extension Engine {
    /// Records appended since the newest snapshot.
    public var recordsSinceSnapshot: UInt64 {
        log.lastPosition.rawValue - min(log.lastPosition.rawValue, lastSnapshot.withLock { $0.rawValue })
    }

    /// Writes a snapshot while the sale goes on; does nothing when one is being written or nothing has changed.
    ///
    /// Events are copied one at a time; a copy shares its memory with the shard's until either writes to it.
    /// - Parameter isPaced: takes a quarter of a core at most, so that the sale on the same core goes on; it takes four
    ///   times as long then.
    @concurrent
    public func snapshot(isPaced: Bool = true) async throws {
        let isFree = isSnapshotting.withLock { isBusy in
            defer { isBusy = true }
            return !isBusy
        }
        guard isFree else { return }
        defer { isSnapshotting.withLock { $0 = false } }
        // Applied before appended: copies made from here on hold everything up to this position.
        let position = log.lastPosition
        guard position > lastSnapshot.withLock({ $0 }) else { return }
        try await waitUntilDurable(position)
        let writer = try log.beginSnapshot(at: position)
        do {
            try await writeEvents(to: writer, isPaced: isPaced)
            try writer.finish()
        } catch {
            writer.cancel()
            throw error
        }
        lastSnapshot.withLock { $0 = position }
    }

    private func writeEvents(to writer: SnapshotWriter, isPaced: Bool) async throws {
        var newest = LogPosition.zero
        for shard in shards {
            for key in await shard.keys() {
                let (event, position) = await shard.copy(key)
                newest = max(newest, position)
                try write(event, asOf: position, to: writer, isPaced: isPaced)
            }
        }
        // A copy may hold changes that are not durable yet; the snapshot may not.
        try await waitUntilDurable(newest)
    }

    private func write(
        _ event: EventInventory,
        asOf position: LogPosition,
        to writer: SnapshotWriter,
        isPaced: Bool
    ) throws {
        var buffer = RecordBuffer(capacity: 512 * 1_024)
        var chunkBegan = NIODeadline.now()
        try SnapshotRecord.write(event, asOf: position, into: &buffer) { buffer throws(LogError) in
            try writer.append(buffer)
            buffer.removeAll()
            // The thread is not the sale's, but its core may be.
            if isPaced { usleep(UInt32(min(50_000, (NIODeadline.now() - chunkBegan).nanoseconds * 3 / 1_000))) }
            chunkBegan = .now()
        }
        try writer.append(buffer)
    }

    private func waitUntilDurable(_ position: LogPosition) async throws {
        while log.durablePosition < position {
            guard position.rawValue != .max else { throw EngineError.outcomeUnknown }
            try await Task.sleep(for: .milliseconds(1))
        }
    }
}
