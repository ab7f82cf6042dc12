import Engine
import Glibc
import Postgres
import WAL

/// Everything that `/metrics` shows, gathered once: each loop is asked for its numbers in a turn of its own, and what it
/// does for that depends on nothing that grows.
struct MetricsSample: Sendable {
    var loopCount = 0
    var loops = LoopStatistics()
    var shards = ShardStatistics()
    /// Nil where there are more events than are shown one by one.
    var events: [EventStock]?
    var log: LogStatistics
    var logPositions: (oldest: UInt64, last: UInt64, durable: UInt64)
    var room: StorageRoom
    var snapshots: SnapshotStatistics
    /// Milliseconds since 1970; nil without a snapshot.
    var snapshotAt: Milliseconds?
    var recordsSinceSnapshot: UInt64
    var found: Engine.Found
    var clockAheadMilliseconds: Milliseconds
    var streams: (all: Int, feed: Int)
    var streamsMax: (all: Int, feed: Int)
    /// What streams hold for clients that read slowly, and how many were closed for it.
    var streamMemory: (heldBytes: Int, closed: UInt64)
    /// Nil where connections are not encrypted.
    var security: SecurityFigures?
    /// Requests and lines of batches refused by each policy of rate limits, set or not.
    var rateRefusals: [(policy: StaticString, count: UInt64)]
    var books: PostgresBooks.Standing?
    var process = ProcessStatistics()

    /// - Parameter eventsMax: with more events than these, none is shown by itself.
    init(_ engine: Engine, _ fronts: [LoopFront], _ operations: Operations, eventsMax: Int) async {
        log = engine.log.statistics()
        logPositions = (
            engine.log.oldestPosition.rawValue, engine.log.lastPosition.rawValue, engine.log.durablePosition.rawValue
        )
        room = engine.log.room
        snapshots = engine.snapshotStatistics
        snapshotAt = Self.snapshotTime(engine)
        recordsSinceSnapshot = engine.recordsSinceSnapshot
        found = engine.found
        clockAheadMilliseconds = engine.clock.aheadMilliseconds
        streams = (operations.streams.taken, operations.feedStreams.taken)
        streamsMax = (operations.streams.limit, operations.feedStreams.limit)
        streamMemory = (operations.streamMemory.heldBytes, operations.streamMemory.closedStreams)
        security = operations.security?.figures
        rateRefusals = RateLimits.policies.map { budget, spender in
            let table = operations.rateLimits?.table(budget, of: spender)
            return (RateStanding.name(budget, spender), table?.refusals ?? 0)
        }
        books = operations.books?()
        loopCount = fronts.count
        for front in fronts {
            // Fails for a loop that has been stopped, which has nothing more to say.
            if let statistics = try? await front.loop.submit({ front.statistics() }).get() { loops += statistics }
        }
        for shard in engine.shards { shards += await shard.statistics() }
        events = await Self.eventStocks(engine, limit: eventsMax)
    }

    private static func eventStocks(_ engine: Engine, limit: Int) async -> [EventStock]? {
        guard limit > 0 else { return nil }
        var stocks: [EventStock] = []
        for shard in engine.shards {
            guard let more = await shard.eventStocks(limit: limit - stocks.count) else { return nil }
            stocks += more
        }
        return stocks
    }

    /// When the newest snapshot was finished: one from before the start has its file's time.
    private static func snapshotTime(_ engine: Engine) -> Milliseconds? {
        if let last = engine.snapshotStatistics.lastAt { return last }
        guard let position = engine.log.snapshotPosition else { return nil }
        var status = stat()
        let name = LogExamination.snapshotName(position.rawValue)
        guard stat("\(engine.log.path)/\(name)", &status) == 0 else { return nil }
        return Milliseconds(status.st_mtim.tv_sec) * 1_000 + Milliseconds(status.st_mtim.tv_nsec) / 1_000_000
    }
}
