import Foundation
import Testing
import WAL

@testable import Engine
@testable import ReferenceModel

/// A start gives the same state, and the same error, on any number of cores.
@Suite(.timeLimit(.minutes(1))) struct RecoveryCoresTests {
    private static let cores = [1, 2, 7]
    private static let events = 20
    /// So few that every lane has to wait for its runs to come back.
    private static let runBytes = 2_048

    /// A folder for a log, removed with the test.
    private struct Folder: ~Copyable {
        let path = FileManager.default.temporaryDirectory.path + "/recovery-\(UInt64.random(in: 0 ... .max))"
        deinit { try? FileManager.default.removeItem(atPath: path) }
    }

    private static func runs() throws -> [ModelRun] {
        try (0..<events).map { number in
            var run = try ModelRun(seed: 11, number: number)
            for _ in 0..<150 { try run.step() }
            return run
        }
    }

    /// All events' records, one of each in turn.
    private static func records(of runs: [ModelRun]) -> [[UInt8]] {
        let longest = runs.map(\.subject.records.count).max()!
        return (0..<longest).flatMap { index in
            runs.filter { $0.subject.records.count > index }.map { $0.subject.records[index] }
        }
    }

    private static func open(_ folder: borrowing Folder) throws -> WriteAheadLog {
        let log = try WriteAheadLog.open(
            folder: folder.path,
            options: Engine.logOptions(shards: 1),
            device: SynchronousDevice()
        )
        _ = try log.replay(from: .zero) { _, _ in }
        try log.start(onDurable: { _ in }, onFailure: { Issue.record("the log failed: \($0)") })
        return log
    }

    private static func append(_ records: some Sequence<[UInt8]>, to log: WriteAheadLog) async throws {
        var buffer = RecordBuffer()
        for record in records {
            buffer.beginRecord()
            record.withUnsafeBytes { buffer.write(bytes: $0) }
            buffer.endRecord()
        }
        let last = try log.append(buffer)
        while log.durablePosition < last { try await Task.sleep(for: .milliseconds(1)) }
    }

    /// What a start from the folder finds on so many cores.
    private static func recover(_ folder: borrowing Folder, cores: Int) throws -> Recovery {
        let log = try WriteAheadLog.openReadOnly(folder: folder.path, device: SynchronousDevice())
        var recovery = Recovery()
        _ = try recovery.run(log, cores: cores, runBytes: runBytes)
        try log.close()
        return recovery
    }

    private static func expectSame(_ recovery: Recovery, as runs: [ModelRun]) {
        let events = recovery.events
        #expect(events.count == runs.count)
        for run in runs {
            #expect(events[run.model.key]?.digest() == run.subject.inventory.digest())
            #expect(events[run.model.key]?.checkInvariants() == [])
        }
        #expect(recovery.digest == runs.reduce(0) { $0 &+ $1.subject.inventory.digest() })
    }

    @Test func theLogGivesTheSameState() async throws {
        let runs = try Self.runs()
        let folder = Folder()
        let log = try Self.open(folder)
        try await Self.append(Self.records(of: runs), to: log)
        try log.close()
        for cores in Self.cores { Self.expectSame(try Self.recover(folder, cores: cores), as: runs) }
    }

    @Test func aSnapshotAndTheLogBehindItGiveTheSameState() async throws {
        let runs = try Self.runs()
        let records = Self.records(of: runs)
        let folder = Folder()
        let log = try Self.open(folder)
        try await Self.append(records.prefix(records.count / 2), to: log)
        var half = Recovery()
        for (index, record) in records.prefix(records.count / 2).enumerated() {
            try record.withUnsafeBytes { try half.apply($0, at: LogPosition(UInt64(index + 1))) }
        }
        let writer = try log.beginSnapshot(at: log.lastPosition)
        for event in half.events.values {
            var buffer = RecordBuffer()
            SnapshotRecord.write(event, asOf: log.lastPosition, into: &buffer) { _ in }
            try writer.append(buffer)
        }
        try writer.finish()
        try await Self.append(records.dropFirst(records.count / 2), to: log)
        try log.close()
        for cores in Self.cores { Self.expectSame(try Self.recover(folder, cores: cores), as: runs) }
    }

    /// An event in the snapshot is further than the log: what was durable is gone, and its positions must not be given
    /// to other records.
    @Test func aLogThatEndsBeforeItsSnapshotIsRefused() async throws {
        var run = try ModelRun(seed: 5, number: 0)
        for _ in 0..<20 { try run.step() }
        let folder = Folder()
        let log = try Self.open(folder)
        try await Self.append(run.subject.records, to: log)
        let last = log.lastPosition
        let reach = LogPosition(last.rawValue + 3)
        let writer = try log.beginSnapshot(at: last)
        var buffer = RecordBuffer()
        SnapshotRecord.write(run.subject.inventory, asOf: reach, into: &buffer) { _ in }
        try writer.append(buffer)
        try writer.finish()
        try log.close()
        for cores in Self.cores {
            #expect(throws: RecoveryError.logEndsBeforeSnapshot(last: last, reach: reach)) {
                _ = try Self.recover(folder, cores: cores)
            }
        }
    }

    /// Records of several events can't be read: the first of all is told, whichever core meets its own first.
    @Test func theFirstErrorIsTold() async throws {
        let runs = try Self.runs()
        var records = Self.records(of: runs)
        let first = records.count / 3
        // The flags.
        for bad in first..<first + 12 { records[bad][16] = 0xff }
        let folder = Folder()
        let log = try Self.open(folder)
        try await Self.append(records, to: log)
        try log.close()
        for cores in Self.cores {
            let error = #expect(throws: RecoveryError.self) { _ = try Self.recover(folder, cores: cores) }
            guard case .malformed(let position, _, _) = error else {
                Issue.record("\(cores) cores: \(String(describing: error))")
                continue
            }
            #expect(position.rawValue == UInt64(first + 1), "\(cores) cores")
        }
    }

    @Test func aRecordOfNoEventIsRefused() async throws {
        var records = Self.records(of: try Self.runs())
        let orphan = records.count / 2
        records[orphan].replaceSubrange(0..<8, with: [1, 2, 3, 4, 5, 6, 7, 8])
        let folder = Folder()
        let log = try Self.open(folder)
        try await Self.append(records, to: log)
        try log.close()
        let event = EventKey(rawValue: 0x0807_0605_0403_0201)
        for cores in Self.cores {
            #expect(throws: RecoveryError.unknownEvent(position: LogPosition(UInt64(orphan + 1)), event: event)) {
                _ = try Self.recover(folder, cores: cores)
            }
        }
    }
}
