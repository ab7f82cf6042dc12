import Engine
import Testing
import WAL

@testable import Server

/// Backups and restores of a folder that the engine wrote.
@Suite(.timeLimit(.minutes(2))) struct RestoreTests {
    private static let target = "/restored"

    private func restore(_ device: SimulatedDevice, _ options: String...) throws -> [String] {
        try Restore.parse(["--data", SampleFolder.path, "--to", Self.target] + options).restore(on: device)
    }

    /// What recovery makes of the records up to a position, beginning with the oldest state that the folder has.
    private func digest(of device: SimulatedDevice, upTo position: UInt64, snapshots: [UInt64]) throws -> UInt64 {
        let oldest = device.copy()
        for snapshot in snapshots.dropLast() { oldest.lose(SampleFolder.snapshot(snapshot)) }
        let log = try WriteAheadLog.openReadOnly(folder: SampleFolder.path, device: oldest)
        defer { try? log.close() }
        var recovery = Recovery()
        try log.readSnapshot { try recovery.restore($0) }
        _ = try log.replay(from: LogPosition((log.snapshotPosition?.rawValue ?? 0) + 1)) {
            if $0.rawValue <= position { try recovery.apply($1, at: $0) }
        }
        return recovery.digest
    }

    private func digest(of device: SimulatedDevice, in folder: String) throws -> UInt64 {
        let log = try WriteAheadLog.openReadOnly(folder: folder, device: device)
        defer { try? log.close() }
        var recovery = Recovery()
        _ = try recovery.run(log)
        return recovery.digest
    }

    @Test(arguments: [[], [8, 16]] as [[Int]])
    func everyPositionGivesTheStateOfThatMoment(snapshotsAfter: [Int]) async throws {
        let sample = try await SampleFolder.make(sales: 20, snapshotsAfter: snapshotsAfter)
        let earliest = sample.snapshots.last ?? 0
        for position in earliest...sample.lastPosition {
            let device = sample.device.copy()
            _ = try restore(device, "--until", "\(position)")
            let expected = try digest(of: device, upTo: position, snapshots: sample.snapshots)
            #expect(try digest(of: device, in: Self.target) == expected, "position \(position)")
            #expect(!device.paths.contains { $0.contains(".partial") })
            // The source stays as it was.
            #expect(try SampleFolder.digest(of: device) == sample.digest)
        }
    }

    @Test func withoutAMomentEverythingIsRestored() async throws {
        let sample = try await SampleFolder.shared.value
        let device = sample.device.copy()
        let said = try restore(device)
        #expect(try digest(of: device, in: Self.target) == sample.digest)
        #expect(said.contains("digest        \(String(sample.digest, radix: 16))"))
    }

    @Test func aTimeMeansTheLastChangeUpToIt() async throws {
        let sample = try await SampleFolder.make(sales: 10, snapshotsAfter: [])
        // Six changes at the beginning, then one a second: holds, and payments in between.
        func said(_ time: Milliseconds) throws -> String {
            let device = sample.device.copy()
            return try restore(device, "--until", FolderReport.text(of: time), "--dry-run")[0]
        }
        let began = SampleFolder.beganAt
        #expect(try said(began).hasSuffix("as of position 5"))
        #expect(try said(began + 999).hasSuffix("as of position 5"))
        #expect(try said(began + 1_000).hasSuffix("as of position 6"))
        #expect(try said(began + 4_000).hasSuffix("as of position 8"))
        #expect(try said(began + 86_400_000).hasSuffix("as of position \(sample.lastPosition)"))
        #expect(throws: LogRefusal.self) { try said(began - 1) }
    }

    @Test func momentsOutOfReachAreRefusedWithTheEarliest() async throws {
        let sample = try await SampleFolder.shared.value
        let earliest = try #require(sample.snapshots.last)
        for moment in ["\(earliest - 1)", "0", "2020-01-01T00:00:00Z"] {
            let error = #expect(throws: LogRefusal.self) {
                try restore(sample.device.copy(), "--until", moment)
            }
            #expect(error?.description.contains("the earliest position that can be restored is \(earliest)") == true)
        }
        let late = #expect(throws: LogRefusal.self) {
            try restore(sample.device.copy(), "--until", "\(sample.lastPosition + 1)")
        }
        #expect(late?.description.contains("is \(sample.lastPosition)") == true)
    }

    @Test func aDryRunWritesNothing() async throws {
        let device = try await SampleFolder.shared.value.device.copy()
        let before = device.paths
        _ = try restore(device, "--dry-run")
        #expect(device.paths == before)
    }

    @Test func targetsThatAreNotEmptyAreRefused() async throws {
        let device = try await SampleFolder.shared.value.device.copy()
        _ = try restore(device)
        let before = device.paths.map { device.contents(of: $0) }
        #expect(throws: LogRefusal.self) { try restore(device) }
        let backup = try Backup.parse(["--data", SampleFolder.path, "--to", Self.target])
        #expect(throws: LogRefusal.self) { try backup.backup(on: device) }
        #expect(device.paths.map { device.contents(of: $0) } == before)
    }

    @Test func aDamagedFolderCanBeRestoredUpToTheDamage() async throws {
        let sample = try await SampleFolder.shared.value
        let device = sample.device.copy()
        let behind = sample.snapshots[0] + 4
        device.flipBit(
            (4096 + Int((behind - 1) % 15) * 4096 + 200) * 8,
            of: SampleFolder.segment((behind - 1) / 15 + 1)
        )
        let error = #expect(throws: LogRefusal.self) { try restore(device) }
        #expect(error?.description.contains("--until \(behind - 1)") == true)
        _ = try restore(device, "--until", "\(behind - 1)")
        let backup = try Backup.parse(["--data", SampleFolder.path, "--to", "/backup"])
        #expect(throws: LogError.self) { try backup.backup(on: device) }
        #expect(!device.paths.contains { $0.hasPrefix("/backup/") })
    }

    /// The power fails at any operation: the target is not there, or it is whole.
    @Test func anInterruptedRestoreLeavesNoHalfFolder() async throws {
        let sample = try await SampleFolder.make(sales: 3, snapshotsAfter: [2])
        let reference = sample.device.copy()
        _ = try restore(reference, "--until", "\(sample.lastPosition - 1)")
        let operations = reference.operationCount
        let expected = try digest(of: reference, in: Self.target)
        for number in 1...operations {
            let device = sample.device.copy()
            device.plan(.crash, atOperation: number)
            #expect(throws: (any Error).self) { try restore(device, "--until", "\(sample.lastPosition - 1)") }
            let after = device.crash()
            if after.paths.contains(where: { $0.hasPrefix(Self.target + "/") }) {
                #expect(try digest(of: after, in: Self.target) == expected, "operation \(number)")
            } else {
                _ = try restore(after, "--until", "\(sample.lastPosition - 1)")
                #expect(try digest(of: after, in: Self.target) == expected, "operation \(number)")
            }
        }
    }

    @Test func wrongMomentsAreWrongUsage() {
        for text in ["yesterday", "2026-11-21", "-1", "2026-11-21T08:00:00", ""] {
            #expect(throws: (any Error).self) { try Restore.parse(["--data", "a", "--to", "b", "--until", text]) }
        }
        #expect(Restore.Moment("17") == .position(17))
        #expect(Restore.Moment("1970-01-01T00:00:01Z") == .time(1_000))
    }
}
