import Engine
import Glibc
import WAL

/// The runs of `holdfast-bench recovery`.
struct RecoveryMeasurement {
    let place: InProcessOptions
    let records: Int
    let holds: Int
    let events: Int
    let cores: Int

    func run() async throws -> RecoveryReport {
        var report = RecoveryReport()
        try await place.withFolder { folder in
            try await fill(folder + "/log", &report)
            report.replays.append(try replay("cold", folder + "/log", isCold: true, &report))
            report.replays.append(try replay("warm", folder + "/log", isCold: false, &report))
            report.replays.append(try replay("warm", folder + "/log", isCold: false, &report))
        }
        try await place.withFolder { folder in
            try await takeSnapshot(folder + "/snapshot", &report)
            report.replays.append(try replay("snapshot, warm", folder + "/snapshot", isCold: false, &report))
            report.replays.append(try replay("snapshot, cold", folder + "/snapshot", isCold: true, &report))
        }
        return report
    }

    private func fill(_ folder: String, _ report: inout RecoveryReport) async throws {
        let sales = records / 2
        let subject = try await EngineUnderTest.start(folder: folder, shardCore: place.shardCpu)
        let pump = CommandPump(place.pump, log: subject.log)
        let statistics = try await subject.onShard { shard in
            var workload = ReservationWorkload(seed: 1, events: events, sectionsPerEvent: 4)
            pump.setUp(workload, shard)
            return pump.sell(sales, &workload, shard)
        }
        report.failures += statistics.failures
        try await subject.stopWithoutSnapshot()
    }

    private func takeSnapshot(_ folder: String, _ report: inout RecoveryReport) async throws {
        let holds = holds
        let subject = try await EngineUnderTest.start(folder: folder, shardCore: place.shardCpu)
        let pump = CommandPump(place.pump, log: subject.log)
        let statistics = try await subject.onShard { shard in
            var workload = ReservationWorkload(seed: 1, events: 1, sectionsPerEvent: 4)
            pump.setUp(workload, shard)
            return pump.reserve(holds, &workload, shard)
        }
        report.failures += statistics.failures
        let start = MonotonicClock.nowNanoseconds()
        try await subject.stop()
        report.snapshotSeconds = Double(MonotonicClock.nowNanoseconds() - start) / 1e9
    }

    private func replay(
        _ name: String,
        _ folder: String,
        isCold: Bool,
        _ report: inout RecoveryReport
    ) throws -> RecoveryReport.Replay {
        if isCold { try Self.forgetFiles(in: folder) }
        let start = MonotonicClock.nowNanoseconds()
        let log = try WriteAheadLog.openReadOnly(folder: folder, device: IOUringDevice())
        var recovery = Recovery()
        let summary = try recovery.run(log, cores: cores)
        let end = MonotonicClock.nowNanoseconds()
        try log.close()
        let slots = recovery.events.values.reduce(0) { $0 + $1.holdSlotCount }
        let isWhole = slots == (log.snapshotPosition == nil ? records / 2 : holds)
        if !isWhole { report.failures.append("\(name): \(slots) holds came back") }
        let count = log.snapshotPosition == nil ? Int(summary.recordCount) : slots
        return RecoveryReport.Replay(
            name: name,
            records: count,
            seconds: Double(end - start) / 1e9,
            perSecond: Double(count) * 1e9 / Double(end - start)
        )
    }

    /// Asks the kernel to read the folder's files from the disk the next time.
    private static func forgetFiles(in folder: String) throws {
        for name in try IOUringDevice().list(folder) {
            let descriptor = open("\(folder)/\(name)", O_RDONLY | O_CLOEXEC)
            guard descriptor >= 0 else { continue }
            fsync(descriptor)
            posix_fadvise(descriptor, 0, 0, POSIX_FADV_DONTNEED)
            close(descriptor)
        }
    }
}

/// How long starts took.
struct RecoveryReport: InProcessReport {
    struct Replay: Encodable {
        var name: String
        /// Records of the log, or holds of the snapshot.
        var records: Int
        var seconds: Double
        var perSecond: Double
    }

    var replays: [Replay] = []
    /// Writing the snapshot, and closing the log behind it.
    var snapshotSeconds = 0.0
    var failures: [String] = []

    var text: String {
        var table = TextTable(header: ["start from", "records", "seconds", "per second"])
        for row in replays {
            table.add([
                row.name, Decimals.text(UInt64(row.records)), Decimals.text(row.seconds, digits: 3),
                Decimals.text(row.perSecond, digits: 0),
            ])
        }
        return table.render() + "\n\nsnapshot written in \(Decimals.text(snapshotSeconds, digits: 3)) s"
    }
}
