import Dispatch
import Synchronization
import WAL

/// Keeps a number of records waiting in a write-ahead log: one thread appends as many new records as have become
/// durable, as a shard does once a turn. A record's latency counts from its append to the moment its batch is durable.
struct LogLoad: ~Copyable {
    /// What became durable, on its way from the log's thread to the appender.
    private final class Commits: Sendable {
        struct Commit {
            var position: LogPosition
            var nanoseconds: UInt64
        }

        private let arrived = DispatchSemaphore(value: 0)
        private let waiting = Mutex<[Commit]>([])
        private let failure = Mutex<LogError?>(nil)

        func push(_ position: LogPosition) {
            let commit = Commit(position: position, nanoseconds: MonotonicClock.nowNanoseconds())
            waiting.withLock { $0.append(commit) }
            arrived.signal()
        }

        func fail(_ error: LogError) {
            failure.withLock { $0 = error }
            arrived.signal()
        }

        /// Waits for the next, and moves all that are there into `commits`.
        func take(into commits: inout [Commit]) throws {
            arrived.wait()
            if let error = failure.withLock({ $0 }) { throw error }
            commits.removeAll(keepingCapacity: true)
            waiting.withLock { swap(&$0, &commits) }
        }
    }

    static let waitingMax = 65_536

    private let log: WriteAheadLog
    private let commits: Commits
    private let payload: [UInt8]

    /// Opens an empty log in a new folder and starts it.
    init(folder: String, options: WriteAheadLog.Options, device: any LogDevice, recordBytes: Int) throws {
        let log = try WriteAheadLog.open(folder: folder, options: options, device: device)
        let commits = Commits()
        _ = try log.replay(from: LogPosition(1)) { _, _ in }
        try log.start(onDurable: { commits.push($0) }, onFailure: { commits.fail($0) })
        self.log = log
        self.commits = commits
        payload = (0..<recordBytes).map { UInt8(truncatingIfNeeded: $0) }
    }

    consuming func close() throws { try log.close() }

    /// Measures with so many records waiting.
    borrowing func run(waiting: Int, warmupNanoseconds: UInt64, durationNanoseconds: UInt64) throws -> LoadResult {
        precondition(1...Self.waitingMax ~= waiting)
        var turn = Turn(waiting: waiting, log: log)
        let start = MonotonicClock.nowNanoseconds()
        try turn.append(waiting, payload, log)
        var taken: [Commits.Commit] = []
        while MonotonicClock.nowNanoseconds() < start + warmupNanoseconds { try step(&turn, &taken) }
        turn.statistics.reset()
        let measuredFrom = MonotonicClock.nowNanoseconds()
        let machineBefore = MachineLoad.Sample.now()
        let cpuBefore = MonotonicClock.processCPUNanoseconds()
        while MonotonicClock.nowNanoseconds() < measuredFrom + durationNanoseconds { try step(&turn, &taken) }
        let measuredUntil = MonotonicClock.nowNanoseconds()
        let cpu = MonotonicClock.processCPUNanoseconds() - cpuBefore
        // There is no server to count: the log's threads are this process's.
        let none = ProcessCPU.Usage(nanoseconds: 0, systemNanoseconds: 0)
        let machine = MachineLoad(since: machineBefore, server: none, elapsedNanoseconds: measuredUntil - measuredFrom)
        let statistics = turn.statistics
        // Leave nothing waiting for the next run.
        while log.durablePosition < log.lastPosition { try commits.take(into: &taken) }
        return LoadResult(
            calls: [statistics],
            begun: statistics.ended,
            startNanoseconds: measuredFrom,
            elapsedNanoseconds: measuredUntil - measuredFrom,
            clientCPUNanoseconds: cpu,
            machine: machine,
            neverSent: 0,
            reconnects: 0
        )
    }

    /// Waits for what has become durable and appends as many again.
    private borrowing func step(_ turn: inout Turn, _ taken: inout [Commits.Commit]) throws {
        try commits.take(into: &taken)
        var durable = 0
        for commit in taken { durable += turn.ended(upTo: commit.position, commit.nanoseconds) }
        if durable > 0 { try turn.append(durable, payload, log) }
    }

    /// The appender's books: when each waiting record was appended.
    private struct Turn: ~Copyable {
        var statistics = CallStatistics(name: "commit")
        private var records = RecordBuffer()
        /// By position modulo the count: no two that wait share a place.
        private var appendedNanoseconds: [UInt64]
        private var ended: UInt64

        init(waiting: Int, log: WriteAheadLog) {
            appendedNanoseconds = Array(repeating: 0, count: waiting)
            ended = log.lastPosition.rawValue
        }

        mutating func append(_ count: Int, _ payload: [UInt8], _ log: WriteAheadLog) throws {
            records.removeAll()
            for _ in 0..<count {
                records.beginRecord()
                payload.withUnsafeBytes { records.write(bytes: $0) }
                records.endRecord()
            }
            let now = MonotonicClock.nowNanoseconds()
            let last = try log.append(records).rawValue
            for position in (last - UInt64(count) + 1)...last {
                appendedNanoseconds[Int(position % UInt64(appendedNanoseconds.count))] = now
            }
        }

        /// - Returns: how many records became durable.
        mutating func ended(upTo position: LogPosition, _ nanoseconds: UInt64) -> Int {
            let last = position.rawValue
            guard last > ended else { return 0 }
            for position in (ended + 1)...last {
                let appended = appendedNanoseconds[Int(position % UInt64(appendedNanoseconds.count))]
                statistics.recordSuccess(latencyNanoseconds: nanoseconds - min(appended, nanoseconds))
            }
            defer { ended = last }
            return Int(last - ended)
        }
    }
}
