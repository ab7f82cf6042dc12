import Engine
import Foundation
import Loop
import Testing

@testable import Server
@testable import WAL

/// Every kind of damage to a folder that the engine wrote: `verify` names it and the place, and what it says to type
/// leads to a folder that starts.
@Suite(.timeLimit(.minutes(2))) struct VerifyTests {
    private func report(_ device: SimulatedDevice) throws -> FolderReport {
        let examination = try LogExamination(folder: SampleFolder.path, device: device)
        return FolderReport(try FolderCheck(examination, device: device))
    }

    /// Types what `verify` says until it is content; the first option typed.
    private func followRemedies(_ device: SimulatedDevice) throws -> String? {
        var first: String?
        for _ in 0..<4 {
            let report = try report(device)
            if report.isSound { return first }
            guard let command = report.findings.first(where: { $0.isDamage && $0.command != nil })?.command else {
                break
            }
            let words = command.split(separator: " ").map(String.init)
            first = first ?? words.dropFirst(4).joined(separator: " ")
            var said: [String] = []
            let repair = try Repair.parse(Array(words.dropFirst(2)) + ["--apply"])
            #expect(try repair.repair(on: device) { said.append($0) }, "\(said)")
            // Copies are named by the second.
            for path in device.paths where path.contains(".before-repair-") { device.lose(path) }
        }
        let report = try report(device)
        #expect(report.isSound, "\(report.text)")
        return first
    }

    @Test func aWholeFolderIsSound() async throws {
        let sample = try await SampleFolder.shared.value
        let report = try report(sample.device.copy())
        #expect(report.isSound, "\(report.text)")
        #expect(report.findings.isEmpty)
        #expect(report.check.newest.replay.digest == sample.digest)
        #expect(report.check.newest.last == sample.lastPosition)
        #expect(report.check.snapshots.map(\.position) == sample.snapshots)
        #expect(report.check.firstPosition ?? 0 > 1)
        #expect(report.text.contains("result        sound"))
    }

    @Test func jsonSaysTheSame() async throws {
        struct Report: Decodable {
            struct Finding: Decodable {
                let kind, file, reason, consequence, remedy: String
                let command: String?
                let damage: Bool
                let offset: Int
                let batch, firstPosition, lastPosition: UInt64?
            }
            let sound, starts: Bool
            let findings: [Finding]
            let position: UInt64
            let digest: String
        }
        let decoder = JSONDecoder()
        decoder.keyDecodingStrategy = .convertFromSnakeCase
        let sample = try await SampleFolder.shared.value
        let damaged = sample.device.copy()
        let record = sample.snapshots[0] + 4
        damaged.flipBit((SampleFolder.offset(of: record) + 200) * 8, of: SampleFolder.segment(of: record))
        for device in [sample.device.copy(), damaged] {
            let report = try report(device)
            let parsed = try decoder.decode(Report.self, from: Data(report.json.utf8))
            #expect(parsed.sound == report.isSound && parsed.starts == report.isSound)
            #expect(parsed.digest == report.check.newest.replay.digestText)
            #expect(parsed.position == report.check.newest.last)
            #expect(parsed.findings.map(\.reason) == report.findings.map(\.reason))
            #expect(parsed.findings.map(\.command) == report.findings.map(\.command))
            #expect(parsed.findings.allSatisfy { $0.firstPosition == record && $0.lastPosition == record })
        }
    }

    @Test(arguments: try await SampleDamage.all())
    func damageIsNamedAndItsRemedyHelps(_ damage: SampleDamage) async throws {
        let sample = try await SampleFolder.shared.value
        let device = sample.device.copy()
        damage.make(device)
        let report = try report(device)
        let match = report.findings.first { $0.name == damage.kind && $0.file == damage.path }
        let finding = try #require(match, "\(report.text)")
        #expect(!report.isSound)
        if let offset = damage.offset { #expect(finding.offset == offset) }
        if let positions = damage.positions { #expect(finding.positions == positions) }
        guard let option = damage.option else { return #expect(finding.command == nil, "\(report.text)") }
        #expect(try followRemedies(device) == option, "\(report.text)")
        let digest = try SampleFolder.digest(of: device)
        if damage.isLossless { #expect(digest == sample.digest) }
        // A server takes it and leaves it whole.
        try await SampleFolder.serve(device)
        #expect(try self.report(device).isSound)
    }
}

/// The log's end is damaged or missing: what `verify`, `repair` and `restore` say of it is no promise.
@Suite(.timeLimit(.minutes(1))) struct VerifyDamagedEndTests {
    struct LostEnd: Sendable, CustomTestStringConvertible {
        let testDescription: String
        let make: @Sendable (SimulatedDevice, SampleFolder) -> Void
    }

    static let lostEnds = [
        LostEnd(testDescription: "missing segment") { $0.lose(SampleFolder.segment(of: $1.lastPosition)) },
        LostEnd(testDescription: "renamed segment") { device, sample in
            let path = SampleFolder.segment(of: sample.lastPosition)
            device.setContents(of: SampleFolder.segment(9), to: device.contents(of: path)!)
            device.lose(path)
        },
        LostEnd(testDescription: "rotten header and first batch") { device, sample in
            let path = SampleFolder.segment(of: sample.lastPosition)
            let bytes = device.contents(of: path)!
            device.setContents(of: path, to: [UInt8](repeating: 0xa5, count: 8192) + bytes.dropFirst(8192))
        },
        LostEnd(testDescription: "two rotten batches at the end") { device, sample in
            for record in sample.lastPosition - 1...sample.lastPosition {
                let byte = SampleFolder.offset(of: record) + 200
                device.flipBit(byte * 8, of: SampleFolder.segment(of: record))
            }
        },
        // Nothing in the log proves that they were durable, and the snapshot does.
        LostEnd(testDescription: "all that a snapshot has") { device, sample in
            let path = SampleFolder.segment(of: sample.lastPosition)
            let bytes = device.contents(of: path)!
            device.setContents(of: path, to: bytes.prefix(4096) + [UInt8](repeating: 0, count: bytes.count - 4096))
        },
    ]

    private func report(_ device: SimulatedDevice) throws -> FolderReport {
        let examination = try LogExamination(folder: SampleFolder.path, device: device)
        return FolderReport(try FolderCheck(examination, device: device))
    }

    /// With a snapshot newer than all that is left of the log, and with older ones only.
    @Test(arguments: lostEnds, [[8, 16], [4], []] as [[Int]])
    func nothingIsCalledLossless(_ end: LostEnd, snapshotsAfter: [Int]) async throws {
        let sample = try await SampleFolder.make(snapshotsAfter: snapshotsAfter)
        let device = sample.device.copy()
        end.make(device, sample)
        let damaged = try report(device)
        let newest = sample.snapshots.first ?? 0
        // Without a snapshot behind it, zeros are how a log ends.
        guard !damaged.isSound else { return #expect(damaged.check.newest.last > newest) }
        #expect(throws: LogRefusal.self) {
            try Restore.parse(["--data", SampleFolder.path, "--to", "/restored"]).restore(on: device)
        }
        let left = max(newest, damaged.check.runs.last?.last ?? 0)
        for _ in 0..<3 {
            let report = try report(device)
            if report.isSound { break }
            for finding in report.findings where finding.isDamage {
                #expect(!finding.remedy.contains("no record is lost"), "\(report.text)")
                #expect(!finding.remedy.contains("no change is lost"), "\(report.text)")
            }
            let command = try #require(report.findings.first { $0.isDamage && $0.command != nil }?.command)
            var said: [String] = []
            let words = command.split(separator: " ").dropFirst(2).map(String.init)
            _ = try Repair.parse(words + ["--apply"]).repair(on: device) { said.append($0) }
            #expect(!said.contains { $0.contains("No record is lost") || $0.contains("No change is lost") }, "\(said)")
            #expect(said.contains { $0.contains("which can't be read") }, "\(said)")
            for path in device.paths where path.contains(".before-repair-") { device.lose(path) }
        }
        let repaired = try report(device)
        #expect(repaired.isSound && repaired.check.newest.last == left, "\(repaired.text)")
    }

    @Test func aSegmentBeforeAllStartsIsNotCalledSuperfluous() async throws {
        let sample = try await SampleFolder.make(snapshotsAfter: [])
        let device = sample.device.copy()
        let bytes = device.contents(of: SampleFolder.segment(1))!
        device.setContents(
            of: SampleFolder.segment(1),
            to: [UInt8](repeating: 0xa5, count: 8192) + bytes.dropFirst(8192)
        )
        let report = try report(device)
        #expect(!report.isSound && report.findings.allSatisfy { $0.command == nil }, "\(report.text)")
    }
}

extension SampleFolder {
    /// A session of a server with one more sale, and a clean stop.
    static func serve(_ device: SimulatedDevice) async throws {
        var options = WriteAheadLog.Options()
        options.segmentBytes = 64 << 10
        options.batchBytesMax = 8 << 10
        let log = try WriteAheadLog.open(folder: path, options: options, device: device)
        let loop = try RingLoop.start(number: 0)
        defer { loop.stop() }
        let (engine, _) = try await Engine.start(log: log, loops: [loop]) { Issue.record("the log failed: \($0)") }
        let details = EventDetails(id: "encore", name: "Encore", currency: "EUR")
        _ = try await engine.createEvent(details, by: Caller(tenant: "shop"))
        try await engine.stop()
    }
}
