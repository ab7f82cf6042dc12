import Testing

@testable import WAL

/// Repairs of a log whose content is known, also interrupted at every operation.
@Suite struct RepairTests {
    private static let copyPath = "/log.before-repair"

    /// Three segments, 33 batches of four records; the first segment has 15 of them.
    private func threeSegments() throws -> SimulatedDevice {
        try WrittenLog(batches: [UInt64](repeating: 4, count: 33), length: 700, isCovered: true).device
    }

    private func repair(_ wish: RepairWish, _ device: SimulatedDevice) throws {
        let repair = try LogRepair(folder: WrittenLog.folder, device: device, random: RandomSource(fixed: 5))
        try repair.apply(try repair.plan(wish), copyTo: Self.copyPath)
    }

    private func findings(_ device: SimulatedDevice) throws -> [LogFinding] {
        let examination = try LogExamination(folder: WrittenLog.folder, device: device)
        for position in examination.snapshots { _ = try examination.readSnapshot(at: position) { _ in } }
        try examination.readLog { _, _ in }
        return examination.findings
    }

    @Test func cutAtEveryPosition() throws {
        let whole = try threeSegments()
        for position in 0...132 as ClosedRange<UInt64> {
            let device = whole.copy()
            try repair(.truncate(at: position, keepingSnapshots: []), device)
            #expect(try findings(device).isEmpty, "cut at \(position)")
            let kept = position > 0 ? records(1...position, length: 700) : []
            #expect(try device.recover().found == kept, "cut at \(position)")
            #expect(try device.appendInNewSession() == position + 1)
            #expect(try device.recover().summary.lastPosition.rawValue == position + 1)
        }
    }

    @Test func whatIsGivenUpIsInTheCopy() throws {
        let device = try threeSegments()
        let before = Dictionary(uniqueKeysWithValues: device.paths.map { ($0, device.contents(of: $0)) })
        try repair(.truncate(at: 70, keepingSnapshots: []), device)
        for number in 2...3 as ClosedRange<UInt64> {
            let name = LogFolder.segmentName(number)
            #expect(device.contents(of: "\(Self.copyPath)/\(name)") == before["/log/\(name)"])
        }
        #expect(device.contents(of: "\(Self.copyPath)/MANIFEST") == before["/log/MANIFEST"])
        // Back where they were they are the log as it was.
        for path in device.paths where path.hasPrefix("/log/wal-") || path == "/log/MANIFEST" { device.lose(path) }
        for (path, bytes) in before where path.hasPrefix("/log/") { device.setContents(of: path, to: bytes ?? []) }
        #expect(try device.recover().found == records(1...132, length: 700))
    }

    @Test(arguments: [5, 60, 70, 132] as [UInt64])
    func powerLossAtEveryOperation(position: UInt64) throws {
        let damaged = try threeSegments()
        // Behind every cut: a repair's reason.
        if position < 100 { damaged.flipBit((10 * 4096 + 200) * 8, of: WrittenLog.segmentPath(2)) }
        for number in 1...(try operationCount(damaged, position)) {
            let device = damaged.copy()
            device.plan(.crash, atOperation: number)
            let wish = RepairWish.truncate(at: position, keepingSnapshots: [])
            #expect(throws: (any Error).self) { try repair(wish, device) }
            let after = device.crash()
            try expectOldOrNew(after, position, "crash at operation \(number), \(device.operations[number - 1])")
        }
    }

    private func operationCount(_ device: SimulatedDevice, _ position: UInt64) throws -> Int {
        let whole = device.copy()
        try repair(.truncate(at: position, keepingSnapshots: []), whole)
        return whole.operationCount
    }

    /// A start finds the log before the repair or the one after it, or refuses; and the repair can be done again.
    private func expectOldOrNew(_ device: SimulatedDevice, _ position: UInt64, _ note: String) throws {
        let kept = records(1...position, length: 700)
        do {
            let found = try device.copy().recover().found
            #expect(found == kept || found == records(1...132, length: 700), "\(note)")
        } catch {
            #expect((error as? LogError)?.isCorrupt == true, "\(note): \(error)")
        }
        for path in device.paths where path.hasPrefix(Self.copyPath) { device.lose(path) }
        try repair(.truncate(at: position, keepingSnapshots: []), device)
        #expect(try findings(device).filter(\.kind.isDamage).isEmpty, "\(note)")
        #expect(try device.recover().found == kept, "\(note)")
        #expect(try device.appendInNewSession() == position + 1, "\(note)")
    }

    @Test func anOperationThatFailsIsReportedAndCanBeRepeated() throws {
        let whole = try threeSegments()
        for number in 1...(try operationCount(whole, 70)) {
            let device = whole.copy()
            device.plan(.fail(errno: 5), atOperation: number)
            // What can be done without, such as the manifest, does not keep it from being done.
            try? repair(.truncate(at: 70, keepingSnapshots: []), device)
            try expectOldOrNew(device.copy(), 70, "failure at operation \(number), \(device.operations[number - 1])")
        }
    }

    @Test func noRoomForTheCopiesChangesNothing() throws {
        let device = try threeSegments()
        let before = device.paths.map { device.contents(of: $0) }
        device.limitCapacity(bytes: before.reduce(0) { $0 + ($1?.count ?? 0) } + 4096)
        #expect(throws: LogRefusal.self) { try repair(.truncate(at: 70, keepingSnapshots: []), device) }
        #expect(device.paths.map { device.contents(of: $0) } == before)
    }

    @Test func positionsOutsideTheLogAreRefused() throws {
        let device = try threeSegments()
        #expect(throws: LogRefusal.self) { try repair(.truncate(at: 133, keepingSnapshots: []), device) }
        device.lose(WrittenLog.segmentPath(1))
        #expect(throws: LogRefusal.self) { try repair(.truncate(at: 59, keepingSnapshots: []), device) }
        #expect(throws: LogRefusal.self) { try repair(.dropSegment(2), device) }
        #expect(throws: LogRefusal.self) { try repair(.rebuildHeader(2), device) }
        #expect(throws: LogRefusal.self) { try repair(.dropSnapshot(2), device) }
    }

    @Test func aServerKeepsRepairsOut() throws {
        let device = try threeSegments()
        let log = try WriteAheadLog.open(folder: WrittenLog.folder, options: .small, device: device)
        defer { try? log.close() }
        #expect(throws: LogError.locked(folder: "log")) { try repair(.rebuildManifest, device) }
        #expect(throws: LogError.self) { try findings(device) }
    }
}

/// One bit, anywhere that means something: found, at its file, whatever else is read.
@Suite struct ExaminationTests {
    @Test func everyHeaderBit() throws {
        let whole = try WrittenLog(batches: [4, 4, 4, 4], length: 700, isCovered: true).device
        let path = WrittenLog.segmentPath(1)
        // The segment's header with its reserved bytes, the second batch's header, frame and record.
        let bytes = Array(0..<96) + Array(4000..<4096) + Array(8192..<8192 + 160)
        for byte in bytes {
            let device = whole.copy()
            device.flipBit(byte * 8 + byte % 8, of: path)
            let examination = try LogExamination(folder: WrittenLog.folder, device: device)
            var found: [UInt64] = []
            try examination.readLog { place, _ in found.append(place.position) }
            let damage = examination.findings.filter(\.kind.isDamage)
            #expect(damage.count == 1 && damage.first?.file == path, "byte \(byte): \(examination.findings)")
            if byte < 4096 {
                // The batches tell what the header was.
                #expect(damage.first?.kind == .segmentHeaderDamaged && found == Array(1...16), "byte \(byte)")
            } else {
                #expect(damage.first?.offset == 8192 && damage.first?.batch == 2, "byte \(byte)")
                #expect(damage.first?.positions == 5...8, "byte \(byte)")
                #expect(found == Array(1...4) + Array(9...16), "byte \(byte)")
                #expect(examination.runs == [LogRun(first: 1, last: 4), LogRun(first: 9, last: 16)])
            }
        }
    }

    @Test func eachOfSeveralDamages() throws {
        let whole = try WrittenLog(batches: [UInt64](repeating: 4, count: 33), length: 700, isCovered: true).device
        for (segment, block) in [(1, 3), (1, 9), (2, 15), (3, 1)] {
            whole.flipBit((block * 4096 + 130) * 8, of: WrittenLog.segmentPath(UInt64(segment)))
        }
        let examination = try LogExamination(folder: WrittenLog.folder, device: whole)
        try examination.readLog { _, _ in }
        #expect(examination.findings.map(\.kind) == [.batchDamaged, .batchDamaged, .batchDamaged, .batchDamaged])
        #expect(examination.findings.map(\.positions) == [9...12, 33...36, 117...120, 121...124])
        #expect(examination.runs.map(\.last) == [8, 32, 116, 132])
    }

    @Test func aTornTailIsNotDamage() throws {
        let device = try WrittenLog(batches: [4, 4, 4], length: 700, isCovered: false).device
        device.flipBit((3 * 4096 + 200) * 8, of: WrittenLog.segmentPath(1))
        let examination = try LogExamination(folder: WrittenLog.folder, device: device)
        try examination.readLog { _, _ in }
        #expect(examination.findings.map(\.kind) == [.tornTail])
        #expect(examination.findings.first?.offset == 3 * 4096)
    }

    @Test func oneManifestSlotIsNotDamage() throws {
        let device = try WrittenLog(batches: [4], isCovered: true).device
        device.flipBit(4096 * 8 + 8 * 50, of: "/log/MANIFEST")
        let examination = try LogExamination(folder: WrittenLog.folder, device: device)
        #expect(examination.findings.map(\.kind) == [.manifestSlotDamaged])
        #expect(examination.findings.first?.offset == 4096)
    }

    /// A read error in one file keeps nobody from reading the others.
    @Test func unreadableFilesAreNamed() throws {
        let whole = try WrittenLog(batches: [UInt64](repeating: 4, count: 33), length: 700, isCovered: true).device
        let reads = try {
            let examination = try LogExamination(folder: WrittenLog.folder, device: whole)
            try examination.readLog { _, _ in }
            return whole.operations.indices.filter { whole.operations[$0].hasPrefix("read /log/wal-") }
        }()
        for number in reads {
            let device = whole.copy()
            device.plan(.fail(errno: 5), atOperation: number + 1)
            let examination = try LogExamination(folder: WrittenLog.folder, device: device)
            var found = 0
            try examination.readLog { _, _ in found += 1 }
            #expect(examination.findings.contains { $0.kind == .unreadable }, "\(examination.findings)")
            #expect(found >= 60)
        }
    }
}
