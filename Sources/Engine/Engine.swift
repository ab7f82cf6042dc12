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
    public let clock: EngineClock
    /// What has happened, read back from the log.
    public let feed: LogFeed
    /// What the start found.
    public let found: Found
    let snapshots = SnapshotCounters()
    private let ticks: [RepeatedTask]
    private let isSnapshotting = Mutex(false)
    private let lastSnapshot: Mutex<LogPosition>

    /// What `start` found.
    public struct Found: Sendable {
        public let replay: ReplaySummary
        public let events: Int
        public let snapshotPosition: LogPosition?
        /// By how much the system's clock is behind the last record; 0 when all is well. See `EngineClock`.
        public let clockBehindMilliseconds: Milliseconds
        /// How long reading snapshot and log took.
        public let nanoseconds: Int64
    }

    /// What a log was recovered to, before the log is open for writing.
    private struct Recovered {
        let shards: [Shard]
        let directory: SectionDirectory
        let feed: LogFeed
        let found: Found
    }

    private init(_ recovered: Recovered, _ log: WriteAheadLog, _ clock: EngineClock, _ ticks: [RepeatedTask]) {
        shards = recovered.shards
        directory = recovered.directory
        feed = recovered.feed
        found = recovered.found
        self.log = log
        self.clock = clock
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
        clock: EngineClock = EngineClock(),
        onFailure: @escaping @Sendable (LogError) -> Void
    ) async throws -> (Engine, Found) {
        let recovered = try recover(log, loops, clock)
        try log.start(
            onDurable: durabilityNotice(to: recovered),
            onFailure: failureNotice(to: recovered, then: onFailure)
        )
        let ticks = recovered.shards.map { shard in
            shard.loop.scheduleRepeatedTask(initialDelay: .milliseconds(2), delay: .milliseconds(2)) { _ in
                shard.assumeIsolated { $0.tick() }
            }
        }
        return (Engine(recovered, log, clock, ticks), recovered.found)
    }

    /// As `start`, for a simulation: without threads and timers. The caller steps the log and ticks the shards.
    package static func startStepped(
        log: WriteAheadLog,
        loops: [any EventLoop],
        clock: EngineClock,
        onFailure: @escaping @Sendable (LogError) -> Void
    ) throws -> (Engine, Found, LogSteps) {
        let recovered = try recover(log, loops, clock, cores: 1)
        let steps = try log.startStepped(
            onDurable: durabilityNotice(to: recovered),
            onFailure: failureNotice(to: recovered, then: onFailure)
        )
        return (Engine(recovered, log, clock, []), recovered.found, steps)
    }

    private static func recover(
        _ log: WriteAheadLog,
        _ loops: [any EventLoop],
        _ clock: EngineClock,
        cores: Int = Recovery.usableCores
    ) throws -> Recovered {
        precondition(!loops.isEmpty, "an engine needs at least one event loop")
        let began = NIODeadline.now()
        var recovery = Recovery()
        let replay = try recovery.run(log, cores: cores)
        let events = recovery.takeEvents()
        let found = Found(
            replay: replay,
            events: events.count { !$0.isOfTenant },
            snapshotPosition: log.snapshotPosition,
            clockBehindMilliseconds: clock.goOn(from: events.map(\.lastCommandAt).max() ?? 0),
            nanoseconds: (NIODeadline.now() - began).nanoseconds
        )
        var shares = [[EventInventory]](repeating: [], count: loops.count)
        for event in events { shares[event.key.shard(of: loops.count)].append(event) }
        let directory = SectionDirectory()
        let shards = loops.indices.map { number in
            Shard(
                number: number,
                loop: loops[number],
                log: log,
                directory: directory,
                clock: { clock.now() },
                events: shares[number]
            )
        }
        let feed = LogFeed(log: log, events: directory.events)
        return Recovered(shards: shards, directory: directory, feed: feed, found: found)
    }

    private static func durabilityNotice(to recovered: Recovered) -> @Sendable (LogPosition) -> Void {
        let (shards, followers) = (recovered.shards, recovered.feed.followers)
        return { position in
            for shard in shards {
                shard.loop.execute { shard.assumeIsolated { $0.advanceWatermark(to: position) } }
            }
            followers.advance(to: position)
        }
    }

    private static func failureNotice(
        to recovered: Recovered,
        then onFailure: @escaping @Sendable (LogError) -> Void
    ) -> @Sendable (LogError) -> Void {
        let (shards, followers) = (recovered.shards, recovered.feed.followers)
        return { error in
            for shard in shards { shard.loop.execute { shard.assumeIsolated { $0.fail() } } }
            followers.close()
            onFailure(error)
        }
    }

    /// Options for a log under this many shards.
    /// - Parameters:
    ///   - segmentBytes: of a file of the log.
    ///   - keptBytes: of the log, for readers, although no start needs them any more.
    ///   - reserveBytes: what the log wants to have for itself beside the next snapshot, below which nothing more is
    ///     sold; nil for the segment in use, the spares and what may be waiting to be written.
    public static func logOptions(
        shards: Int,
        segmentBytes: Int = WriteAheadLog.Options().segmentBytes,
        keptBytes: Int = 0,
        reserveBytes: Int? = nil
    ) -> WriteAheadLog.Options {
        var options = WriteAheadLog.Options()
        options.segmentBytes = segmentBytes
        options.keptBytes = keptBytes
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
        feed.end()
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
        let began = NIODeadline.now()
        do {
            guard var run = try beginSnapshot() else { return }
            try await write(&run, isPaced: isPaced)
            snapshots.finished(began: began)
        } catch {
            snapshots.failed()
            throw error
        }
    }

    @concurrent
    private func write(_ run: inout SnapshotRun, isPaced: Bool) async throws {
        do {
            while true {
                switch run.need {
                case .keys(let shard): run.found(await shard.keys())
                case .copy(let key, let shard):
                    let (event, position) = await shard.copy(key)
                    run.copied(event, position)
                case .write: try Self.write(&run, isPaced: isPaced)
                case .durable(let position):
                    try await waitUntilDurable(position)
                    return try finish(run)
                }
            }
        } catch {
            cancel(run)
            throw error
        }
    }

    /// Nil when one is being written or nothing has changed since the last.
    func beginSnapshot() throws(LogError) -> SnapshotRun? {
        let isFree = isSnapshotting.withLock { isBusy in
            defer { isBusy = true }
            return !isBusy
        }
        guard isFree else { return nil }
        do throws(LogError) {
            // Applied before appended: copies made from here on hold everything up to this position.
            let position = log.lastPosition
            if position > lastSnapshot.withLock({ $0 }) {
                return try SnapshotRun(of: shards, at: position, in: log)
            }
        } catch {
            isSnapshotting.withLock { $0 = false }
            throw error
        }
        isSnapshotting.withLock { $0 = false }
        return nil
    }

    func finish(_ run: SnapshotRun) throws(LogError) {
        try run.finish()
        lastSnapshot.withLock { $0 = run.position }
        isSnapshotting.withLock { $0 = false }
    }

    func cancel(_ run: SnapshotRun) {
        run.cancel()
        isSnapshotting.withLock { $0 = false }
    }

    private static func write(_ run: inout SnapshotRun, isPaced: Bool) throws(LogError) {
        var chunkBegan = NIODeadline.now()
        try run.write {
            // The thread is not the sale's, but its core may be.
            if isPaced { usleep(UInt32(min(50_000, (NIODeadline.now() - chunkBegan).nanoseconds * 3 / 1_000))) }
            chunkBegan = .now()
        }
    }

    private func waitUntilDurable(_ position: LogPosition) async throws {
        while log.durablePosition < position {
            guard position.rawValue != .max else { throw EngineError.outcomeUnknown }
            try await Task.sleep(for: .milliseconds(1))
        }
    }
}
