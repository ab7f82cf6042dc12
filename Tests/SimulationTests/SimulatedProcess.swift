import Synchronization

@testable import Engine
@testable import WAL

/// One life of the server's process: from a start to a crash or a stop.
final class SimulatedProcess {
    static let folder = "/data"

    let device: SimulatedDevice
    let log: WriteAheadLog
    let engine: Engine
    let found: Engine.Found
    let steps: LogSteps
    let loops: [SimulatedLoop]
    var snapshot: SnapshotRun?
    private var currentReader: (any RecordReader)?
    /// What made the log fail.
    var failure: LogError? { failed.error.withLock { $0 } }

    /// Whether the log takes records: not from a failure on, of which the process may not have heard yet.
    var logWorks: Bool { (try? log.append(RecordBuffer(capacity: 64))) != nil }

    private let failed: Failure

    private final class Failure: Sendable {
        let error = Mutex<LogError?>(nil)
    }

    /// Starts on what is on the disk.
    init(on device: SimulatedDevice, shards: Int, time: SimulatedTime, random: UInt64, clockAhead: Int64 = 0) throws {
        self.device = device
        let failed = Failure()
        self.failed = failed
        log = try WriteAheadLog.open(folder: Self.folder, options: Self.options(random), device: device)
        loops = (0..<shards).map { _ in SimulatedLoop() }
        do {
            (engine, found, steps) = try Engine.startStepped(
                log: log,
                loops: loops,
                clock: EngineClock(system: { time.readSystem() + clockAhead }, monotonic: { time.monotonic }),
                onFailure: { error in failed.error.withLock { $0 = error } }
            )
        } catch {
            try? log.close()
            throw error
        }
    }

    /// Small files, so that everything that happens to large ones happens often.
    private static func options(_ random: UInt64) -> WriteAheadLog.Options {
        var options = Engine.logOptions(shards: 3)
        options.segmentBytes = 64 << 10
        options.batchBytesMax = 60 << 10
        options.spareSegments = 1
        options.reserveBytes = nil
        options.paceMicroseconds = 0
        options.fixedRandom = random
        // Most of what is read comes from files.
        options.tailBytesMax = 2_000
        return options
    }

    /// Whoever follows the log reads through it.
    func reader() throws(LogError) -> any RecordReader {
        if let currentReader { return currentReader }
        let reader = try log.makeReader()
        currentReader = reader
        return reader
    }

    /// Everything the shards have in memory.
    func events() -> [EventKey: EventInventory] {
        var events: [EventKey: EventInventory] = [:]
        for (shard, loop) in zip(engine.shards, loops) {
            loop.enter {
                for key in shard.assumeIsolated({ $0.keys() }) {
                    events[key] = shard.assumeIsolated { $0.copy(key).0 }
                }
            }
        }
        return events
    }

    /// One step of the snapshot that is being written, or the first of a new one.
    func stepSnapshot() throws {
        guard var run = snapshot else {
            snapshot = try engine.beginSnapshot()
            return
        }
        snapshot = nil
        do {
            switch run.need {
            case .keys(let shard):
                run.found(loops[shard.number].enter { shard.assumeIsolated { $0.keys() } })
            case .copy(let key, let shard):
                let (event, position) = loops[shard.number].enter { shard.assumeIsolated { $0.copy(key) } }
                run.copied(event, position)
            case .write: try run.write {}
            case .durable(let position):
                if log.durablePosition >= position { return try engine.finish(run) }
            }
        } catch {
            engine.cancel(run)
            throw error
        }
        snapshot = run
    }

    /// The process is gone: nothing it would still do reaches the disk that comes after.
    func end() {
        _ = device.crash()
        snapshot?.cancel()
        snapshot = nil
        try? log.close()
    }
}
