import Testing

@testable import WAL

/// A disk that acknowledges a write, syncs it, and never stored it, or stored it with a bit turned.
///
/// Once for every write of a log's life, looked at when nothing else has happened yet, one promise later, and at each
/// clean stop. The same life on an honest disk says what is missing, and by that what a start has to say.
@Suite struct LostWriteTests {
    enum Loss: CaseIterable {
        /// Nothing of the write is stored.
        case whole
        /// Its first sector is not: the one with the header.
        case firstSector
        /// Its last one is not: the one with the checksum, or padding.
        case lastSector
        /// All is stored, one bit is wrong.
        case bit

        func fault(ofWrite operation: String) -> SimulatedDevice.Fault {
            let words = operation.split(separator: " ")
            let byteCount = words.lastIndex(of: "at").flatMap { Int(words[$0 - 1]) } ?? 512
            return switch self {
            case .whole: .lose
            case .firstSector: .loseSector(0)
            case .lastSector: .loseSector(byteCount / 512 - 1)
            case .bit: .flip
            }
        }
    }

    /// The folder after each promise of the scenario on an honest disk, and the writes that led there.
    private static let honest: (truths: [FolderTruth], counts: [Int], operations: [String]) = {
        let device = SimulatedDevice()
        var truths: [FolderTruth] = []
        var counts: [Int] = []
        var scenario = Scenario()
        scenario.onPromise = { _ in
            truths.append(FolderTruth(device))
            counts.append(device.operationCount)
        }
        precondition(scenario.run(on: device).error == nil)
        return (truths, counts, device.operations)
    }()

    /// The promise that is a clean stop of the first session; the last one is that of the second.
    private static let firstStop = Self.honest.truths.count / 2 - 1
    private static let operationsAtFirstStop = Self.honest.counts[Self.firstStop]

    @Test(arguments: Loss.allCases)
    func everyWrite(loss: Loss) {
        var seen: [String: Int] = [:]
        for (index, operation) in Self.honest.operations.enumerated() where operation.hasPrefix("write") {
            let device = SimulatedDevice(seed: UInt64(index))
            device.plan(loss.fault(ofWrite: operation), atOperation: index + 1)
            for verdict in live(on: device, losing: index + 1) { seen[verdict.name, default: 0] += 1 }
        }
        // Each outcome occurs, so none of the comparisons is idle. The last sector of most batches is padding.
        let expected = loss == .lastSector ? ["harmless", "refused"] : ["harmless", "refused", "passed over", "cut"]
        for name in expected { #expect(seen[name, default: 0] > 0, "\(seen)") }
    }

    /// A sync of a file or of the folder that was acknowledged and did nothing, and then the power fails, at once or
    /// later: what it should have kept may be gone, and then it is missed. Only the last batch may be gone unnoticed.
    @Test func everySync() {
        var refusals = 0
        for (index, operation) in Self.honest.operations.enumerated() where operation.hasPrefix("sync") {
            let device = SimulatedDevice(seed: UInt64(index))
            device.plan(.lose, atOperation: index + 1)
            var looks = 0
            var scenario = Scenario()
            scenario.onPromise = { outcome in
                guard device.operationCount > index else { return }
                looks += 1
                guard looks <= 3 || looks % 8 == 0 else { return }
                if isMissed(operation, index, on: device, acknowledged: outcome.acknowledged) { refusals += 1 }
            }
            #expect(scenario.run(on: device).error == nil, "\(operation): nothing shows before the power fails")
        }
        #expect(refusals > 20)
    }

    /// Whether a start after a power failure refuses the folder; one that doesn't has what was acknowledged.
    private func isMissed(_ operation: String, _ index: Int, on device: SimulatedDevice, acknowledged: UInt64) -> Bool {
        let survivor = device.copy().crash()
        // Its creation may be gone too; a start makes it again, a look doesn't.
        if survivor.contents(of: "/log/LOCK") == nil { survivor.setContents(of: "/log/LOCK", to: []) }
        let result = StartResult(survivor, length: 700) { Array(repeating: [UInt8](littleEndian: $0), count: 3) }
        if result.error?.isCorrupt == true { return true }
        let isLastBatch = operation.hasPrefix("sync batch") && !Self.isFollowed(index, in: device.operations)
        let kept = acknowledged - (isLastBatch ? 4 : 0)
        let isWhole = result.error == nil && result.problem == nil && result.last >= kept
        #expect(isWhole, "\(index + 1), \(operation), \(acknowledged) acknowledged: \(result)")
        return false
    }

    /// Whether anything after this sync of a batch proves that the batch was there.
    private static func isFollowed(_ index: Int, in operations: [String]) -> Bool {
        operations[(index + 1)...].contains { $0.hasPrefix("write batch") || $0.hasPrefix("rename /log/snap-") }
    }

    /// The scenario on the lying disk, with a start from a copy of it now and then.
    private func live(on device: SimulatedDevice, losing number: Int) -> [FolderTruth.Verdict] {
        var verdicts: [FolderTruth.Verdict] = []
        var promise = -1
        var looks = 0
        let last = Self.honest.truths.count - 1
        var scenario = Scenario()
        scenario.onPromise = { outcome in
            promise += 1
            guard device.operationCount >= number else { return }
            looks += 1
            guard looks <= 2 || promise == Self.firstStop || promise == last else { return }
            // What the first session lost, and the second one's start passed over, makes another history than the honest
            // one: other snapshots are kept, batches have other numbers. Nothing may be missing of it all the same.
            let isOtherHistory = promise > Self.firstStop && number <= Self.operationsAtFirstStop
            let truth = isOtherHistory ? nil : Self.honest.truths[promise]
            verdicts.append(look(device, truth, outcome.acknowledged, "\(number)"))
        }
        let outcome = scenario.run(on: device)
        guard let error = outcome.error else { return verdicts }
        // The second session did not start: the loss was noticed, and had to be.
        #expect(promise == Self.firstStop && error.isCorrupt, "operation \(number): \(error)")
        if case .refused? = verdicts.last { return verdicts }
        Issue.record("operation \(number): the second session refused what a look did not: \(error)")
        return verdicts
    }

    private func look(
        _ device: SimulatedDevice,
        _ truth: FolderTruth?,
        _ acknowledged: UInt64,
        _ name: String
    ) -> FolderTruth.Verdict {
        let copy = device.copy()
        let result = StartResult(copy, length: 700) { Array(repeating: [UInt8](littleEndian: $0), count: 3) }
        guard let truth else {
            #expect(result.error == nil && result.problem == nil && result.last >= acknowledged, "\(name): \(result)")
            return .harmless
        }
        #expect(copy.paths == truth.files.keys.sorted(), "operation \(name)")
        let verdict = truth.difference(copy).map { truth.verdict(on: $0.path, at: $0.offset) } ?? .harmless
        #expect(
            result.matches(verdict, acknowledged: acknowledged),
            "operation \(name), \(acknowledged) acknowledged, \(verdict): \(result)"
        )
        return verdict
    }

    /// The control: the same comparison objects to a log whose last acknowledged batch is gone where it must not be.
    @Test func comparisonCanFail() throws {
        let device = SimulatedDevice()
        var truth: FolderTruth?
        var scenario = Scenario()
        scenario.onPromise = { _ in truth = FolderTruth(device) }
        let outcome = scenario.run(on: device)
        let clean = StartResult(device, length: 700) { Array(repeating: [UInt8](littleEndian: $0), count: 3) }
        #expect(clean.matches(.harmless, acknowledged: outcome.acknowledged))
        #expect(!clean.matches(.harmless, acknowledged: outcome.acknowledged + 1))
        #expect(!clean.matches(.passedOver, acknowledged: outcome.acknowledged))
        #expect(!clean.matches(.cut(last: outcome.acknowledged - 4), acknowledged: outcome.acknowledged))
        #expect(!clean.matches(.refused(path: "/log/MANIFEST"), acknowledged: outcome.acknowledged))
        #expect(try #require(truth).difference(device) == nil)
        device.flipBit(8 * 4500, of: device.paths.last { $0.contains("/wal-") }!)
        #expect(try #require(truth).difference(device)?.offset == 4500)
    }
}
