import Glibc
import Synchronization
import Testing

@testable import WAL

/// Appending: many threads, limits, order of calls.
@Suite struct CommitTests {
    private func started(
        _ options: WriteAheadLog.Options = .small,
        on device: SimulatedDevice = SimulatedDevice()
    ) throws -> (log: WriteAheadLog, observer: Observer) {
        let log = try WriteAheadLog.open(folder: "/log", options: options, device: device)
        _ = try log.replayAll()
        let observer = Observer()
        try log.start(observer)
        return (log, observer)
    }

    /// Each thread finds its records at the positions it was told, in its order, and nobody else's between those of
    /// one call.
    @Test func concurrentAppenders() throws {
        let device = SimulatedDevice()
        var options = WriteAheadLog.Options.small
        options.segmentBytes = 1 << 20
        options.paceMicroseconds = 200
        let (log, observer) = try started(options, on: device)
        let owners = Mutex([UInt64: UInt64]())
        let threads = try (0..<4 as Range<UInt64>).map { thread in
            try JoinableThread(name: "appender") {
                var buffer = RecordBuffer()
                for turn in 0..<300 as Range<UInt64> {
                    buffer.removeAll()
                    for part in 0..<3 as Range<UInt64> {
                        buffer.beginRecord()
                        buffer.write(thread << 32 | turn << 8 | part)
                        buffer.endRecord()
                    }
                    guard let last = try? log.append(buffer) else {
                        Issue.record("append failed")
                        return
                    }
                    owners.withLock { $0[last.rawValue] = thread << 32 | turn << 8 }
                }
            }
        }
        for thread in threads { thread.join() }
        #expect(log.lastPosition == LogPosition(3600))
        #expect(observer.wait(until: LogPosition(3600)))
        try log.close()
        #expect(observer.watermarks == observer.watermarks.sorted())
        #expect(Set(observer.watermarks).count == observer.watermarks.count, "one call for each batch")

        let found = try device.recover().found
        #expect(found.map(\.position) == Array(1...3600))
        let told = owners.withLock { $0 }
        #expect(told.count == 1200)
        for (last, owner) in told {
            for part in 0..<3 as Range<UInt64> {
                #expect(found[Int(last - 3 + part)].payload == [UInt8](littleEndian: owner | part))
            }
        }
    }

    /// While a batch is on its way, everything that comes gathers into the next one.
    @Test func recordsGatherWhileABatchIsInFlight() throws {
        let device = SimulatedDevice()
        let (log, observer) = try started(on: device)
        let before = device.operationCount
        device.plan(.delay(microseconds: 300_000), atOperation: before + 1)
        try log.append(1...1)
        log.waitUntilSubmitted(to: device, after: before)
        for position in 2...50 as ClosedRange<UInt64> { try log.append(position...position) }
        #expect(observer.wait(until: LogPosition(50)))
        #expect(observer.watermarks == [LogPosition(1), LogPosition(50)])
        try log.close()
    }

    @Test func saturatedLogRefusesAndRecovers() throws {
        let device = SimulatedDevice()
        var options = WriteAheadLog.Options.small
        options.pendingBytesMax = 64 << 10
        options.segmentBytes = 1 << 20
        let (log, observer) = try started(options, on: device)
        let before = device.operationCount
        device.plan(.delay(microseconds: 500_000), atOperation: before + 1)
        try log.append(1...1)
        log.waitUntilSubmitted(to: device, after: before)
        var next: UInt64 = 2
        var refusal: LogError?
        while refusal == nil {
            refusal = logError { try log.append(next...next, length: 4000) }
            if refusal == nil { next += 1 }
        }
        let waiting = Int(next - 2) * 4008
        #expect(refusal == .saturated(pendingBytes: waiting, limitBytes: 64 << 10))
        #expect(log.pendingBytes == waiting)
        #expect(log.lastPosition == LogPosition(next - 1), "a refused append takes no position")
        #expect(observer.wait(until: LogPosition(next - 1)))
        #expect(log.pendingBytes == 0)
        #expect(try log.append([1]) == LogPosition(next))
        try log.close()
    }

    @Test func largestRecordFitsAndOneMoreByteDoesNot() throws {
        let device = SimulatedDevice()
        let (log, observer) = try started(on: device)
        let limit = 8192 - 136
        let large = payload(1, length: limit)
        #expect(logError { try log.append(large + [0]) } == .recordTooLarge(bytes: limit + 1, limitBytes: limit))
        #expect(log.lastPosition == .zero)
        #expect(observer.wait(until: try log.append(large)))
        try log.close()
        #expect(try device.recover().found == [Found(position: 1, payload: large)])
    }

    @Test func emptyAppendAndEmptyRecords() throws {
        let device = SimulatedDevice()
        let (log, observer) = try started(on: device)
        #expect(try log.append(RecordBuffer()) == .zero)
        #expect(try log.append([]) == LogPosition(1))
        #expect(try log.append(RecordBuffer()) == LogPosition(1))
        #expect(observer.wait(until: LogPosition(1)))
        try log.close()
        #expect(try device.recover().found == [Found(position: 1, payload: [])])
    }

    @Test func anyRangeOfPositionsCanBeRead() throws {
        let written = try WrittenLog(batches: [UInt64](repeating: 4, count: 33), length: 700, isCovered: true)
        for first in [0, 1, 2, 4, 5, 59, 60, 61, 62, 120, 131, 132, 133] as [UInt64] {
            let (found, summary) = try written.device.recover(from: first)
            #expect(found == (first > 132 ? [] : records(max(1, first)...132, length: 700)), "from \(first)")
            #expect(summary.lastPosition == LogPosition(132))
            #expect(summary.recordCount == found.count)
        }
        #expect(logError { _ = try written.device.recover(from: 134) }?.isCorrupt == true)
    }

    /// An idle log proves that its last batch was answered, once.
    @Test func idleLogIsCovered() throws {
        let device = SimulatedDevice()
        var options = WriteAheadLog.Options.small
        options.idleCoverMilliseconds = 5
        let (log, observer) = try started(options, on: device)
        #expect(observer.wait(until: try log.append(1...3)))
        for _ in 0..<1000 where device.operations.count(where: { $0.hasPrefix("sync batch") }) < 2 { usleep(5_000) }
        let covered = device.copy()
        covered.flipBit(5000 * 8, of: WrittenLog.segmentPath(1))
        #expect(logError { _ = try covered.recover() }?.isCorrupt == true)
        try log.close()
        #expect(device.operations.count { $0.hasPrefix("write batch") } == 2)
    }

    @Test func sessionsWithoutRecordsLeaveNoSegments() throws {
        let device = SimulatedDevice()
        try device.appendInNewSession()
        for _ in 0..<5 {
            let (log, _) = try started(on: device)
            try log.close()
        }
        #expect(device.paths.count { $0.contains("/wal-") } == 2)
        #expect(try device.appendInNewSession() == 2)
    }

    @Test func orderOfCallsIsChecked() throws {
        let device = SimulatedDevice()
        let log = try WriteAheadLog.open(folder: "/log", options: .small, device: device)
        let observer = Observer()
        #expect(logError { try log.start(observer) } == .misused("start before replay"))
        #expect(logError { try log.append([1]) } == .closed)
        _ = try log.replayAll()
        #expect(logError { _ = try log.replayAll() } == .misused("replay runs once"))
        #expect(logError { _ = try log.beginSnapshot(at: .zero) } == .closed)
        try log.start(observer)
        #expect(logError { try log.start(observer) } == .misused("start runs once"))
        #expect(logError { _ = try log.replayAll() } == .misused("replay runs before start"))
        try log.close()
        try log.close()
        #expect(logError { try log.append([1]) } == .closed)
        let reader = try WriteAheadLog.openReadOnly(folder: "/log", device: device)
        _ = try reader.replayAll()
        _ = try reader.replayAll()
        #expect(logError { try reader.start(observer) } != nil)
    }

    @Test func optionsOutOfRangeAreNamed() {
        let changes: [(String, (inout WriteAheadLog.Options) -> Void)] = [
            ("segmentBytes", { $0.segmentBytes = 65537 }), ("segmentBytes", { $0.segmentBytes = 4 << 10 }),
            ("segmentBytes", { $0.segmentBytes = 1 << 20 }), ("batchBytesMax", { $0.batchBytesMax = 2 << 20 }),
            ("pendingBytesMax", { $0.pendingBytesMax = 1 }), ("spareSegments", { $0.spareSegments = 17 }),
            ("paceMicroseconds", { $0.paceMicroseconds = -1 }), ("snapshotsKept", { $0.snapshotsKept = 0 }),
            ("idleCoverMilliseconds", { $0.idleCoverMilliseconds = 0 }),
        ]
        for (name, change) in changes {
            var options = WriteAheadLog.Options()
            change(&options)
            let error = logError {
                _ = try WriteAheadLog.open(folder: "/log", options: options, device: SimulatedDevice())
            }
            #expect("\(String(describing: error))".contains(name))
        }
        #expect(WriteAheadLog.Options().problem == nil)
    }
}

@Suite struct SnapshotTests {
    private func started(on device: SimulatedDevice, records count: UInt64) throws -> WriteAheadLog {
        let log = try WriteAheadLog.open(folder: "/log", options: .small, device: device)
        _ = try log.replayAll()
        let observer = Observer()
        try log.start(observer)
        if count > 0 { #expect(observer.wait(until: try log.append(1...count))) }
        return log
    }

    @Test func manyChunksAndNone() throws {
        let device = SimulatedDevice()
        let log = try started(on: device, records: 4)
        let empty = try log.beginSnapshot(at: LogPosition(1))
        try empty.finish()
        // Records of 4 KiB: 3 MiB are three chunks and the beginning of a fourth.
        let snapshot = try log.beginSnapshot(at: LogPosition(4))
        var buffer = RecordBuffer()
        for position in 1...800 as ClosedRange<UInt64> {
            buffer.removeAll()
            buffer.beginRecord()
            payload(position, length: 4096).withUnsafeBytes { buffer.write(bytes: $0) }
            buffer.endRecord()
            try snapshot.append(buffer)
        }
        try snapshot.finish()
        try log.close()
        let reader = try WriteAheadLog.openReadOnly(folder: "/log", device: device)
        #expect(reader.snapshotPosition == LogPosition(4))
        #expect(try reader.snapshotRecords() == records(1...800, length: 4096).map(\.payload))
        try reader.close()
        device.lose("/log/\(LogFolder.snapshotName(4))")
        let older = try WriteAheadLog.openReadOnly(folder: "/log", device: device)
        #expect(older.snapshotPosition == LogPosition(1))
        #expect(try older.snapshotRecords().isEmpty)
        #expect(try older.replayAll(from: 2).found == records(2...4))
    }

    @Test func oneAtATimeAndInOrder() throws {
        let log = try started(on: SimulatedDevice(), records: 4)
        let first = try log.beginSnapshot(at: LogPosition(3))
        #expect(
            logError { _ = try log.beginSnapshot(at: LogPosition(4)) } == .misused("two snapshots at the same time")
        )
        try first.finish()
        #expect(logError { try first.finish() } != nil)
        #expect(logError { _ = try log.beginSnapshot(at: LogPosition(2)) } != nil)
        #expect(logError { _ = try log.beginSnapshot(at: LogPosition(5)) } != nil)
        do { _ = try log.beginSnapshot(at: LogPosition(4)) }
        // The one dropped above gave its place back.
        try log.beginSnapshot(at: LogPosition(4)).finish()
        try log.close()
    }

    @Test func nothingIsFinishedBeforeItIsDurable() throws {
        let device = SimulatedDevice()
        let log = try started(on: device, records: 4)
        let before = device.operationCount
        device.plan(.delay(microseconds: 400_000), atOperation: before + 1)
        try log.append(5...5)
        log.waitUntilSubmitted(to: device, after: before)
        let snapshot = try log.beginSnapshot(at: LogPosition(5))
        #expect(logError { try snapshot.finish() } == .misused("a snapshot at 5 while the log is durable up to 4"))
        while log.durablePosition < LogPosition(5) { usleep(1000) }
        try snapshot.finish()
        try log.close()
    }

    @Test func cancelLeavesNothing() throws {
        let device = SimulatedDevice()
        let log = try started(on: device, records: 4)
        let snapshot = try log.beginSnapshot(at: LogPosition(4))
        snapshot.cancel()
        #expect(logError { try snapshot.finish() } != nil)
        #expect(!device.paths.contains { $0.contains("snap-") })
        try log.close()
    }

    /// Two snapshots stay, and every record from the older one on.
    @Test func oldFilesGoAndNeededOnesStay() throws {
        let device = SimulatedDevice()
        let log = try started(on: device, records: 0)
        for turn in 1...12 as ClosedRange<UInt64> {
            let last = try log.append((turn - 1) * 20 + 1...turn * 20, length: 700)
            while log.durablePosition < last { usleep(100) }
            try log.writeSnapshot(at: turn * 20)
        }
        try log.close()
        #expect(
            device.paths.filter { $0.contains("snap-") }
                == [220, 240].map { (position: UInt64) in "/log/\(LogFolder.snapshotName(position))" }
        )
        #expect(device.contents(of: WrittenLog.segmentPath(1)) == nil)
        #expect(try device.recover(from: 221).found == records(221...240, length: 700))
        device.lose("/log/\(LogFolder.snapshotName(240))")
        let older = try WriteAheadLog.openReadOnly(folder: "/log", device: device)
        #expect(older.snapshotPosition == LogPosition(220))
        #expect(try older.replayAll(from: 221).found == records(221...240, length: 700))
    }
}

extension WriteAheadLog {
    /// Returns when the log's thread is inside the device with what was appended.
    fileprivate func waitUntilSubmitted(to device: SimulatedDevice, after operationCount: Int) {
        for _ in 0..<5000 where device.operationCount == operationCount { usleep(1000) }
    }
}
