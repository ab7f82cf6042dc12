import Testing

@testable import WAL

/// Damage where the log ends: nothing behind it says how far the log went on, so nothing may be called lossless there.
@Suite struct RepairDamagedEndTests {
    private func threeSegments() throws -> SimulatedDevice {
        try WrittenLog(batches: [UInt64](repeating: 4, count: 33), length: 700, isCovered: true).device
    }

    private func examine(_ device: SimulatedDevice) throws -> LogExamination {
        let examination = try LogExamination(folder: WrittenLog.folder, device: device)
        for position in examination.snapshots { _ = try examination.readSnapshot(at: position) { _ in } }
        try examination.readLog { _, _ in }
        return examination
    }

    private func isSound(_ device: SimulatedDevice) throws -> Bool {
        !(try examine(device)).findings.contains(where: \.kind.isDamage)
    }

    private func repair(_ wish: RepairWish, _ device: SimulatedDevice) throws {
        let repair = try LogRepair(folder: WrittenLog.folder, device: device, random: RandomSource(fixed: 5))
        try repair.apply(try repair.plan(wish), copyTo: nil)
    }

    /// The body of the batch in this block, its header stays.
    private func rot(_ block: Int, of segment: UInt64, _ device: SimulatedDevice) {
        device.flipBit((block * LogFormat.blockBytes + 200) * 8, of: WrittenLog.segmentPath(segment))
    }

    private func rotBlocks(_ blocks: Range<Int>, of segment: UInt64, _ device: SimulatedDevice) {
        let path = WrittenLog.segmentPath(segment)
        var bytes = device.contents(of: path) ?? []
        let range = blocks.lowerBound * LogFormat.blockBytes..<blocks.upperBound * LogFormat.blockBytes
        bytes.replaceSubrange(range, with: repeatElement(0xa5, count: range.count))
        device.setContents(of: path, to: bytes)
    }

    private func copySegment(_ from: UInt64, to: UInt64, _ device: SimulatedDevice) {
        device.setContents(of: WrittenLog.segmentPath(to), to: device.contents(of: WrittenLog.segmentPath(from)) ?? [])
    }

    // MARK: What is known of the end

    /// The newest segment is empty, in a file that was a segment before, and the block with its header is rotten.
    @Test(arguments: [false, true])
    func anEarlierUseOfTheFileIsNotTheSegment(isOlderByEpochOnly: Bool) throws {
        let device = try threeSegments()
        var newest: UInt64 = 4
        var last: UInt64 = 132
        if isOlderByEpochOnly {
            // The old content has later batches than the log that was cut.
            let old = device.contents(of: WrittenLog.segmentPath(3)) ?? []
            try repair(.truncate(at: 4, keepingSnapshots: []), device)
            (newest, last) = (5, 4)
            device.setContents(of: WrittenLog.segmentPath(newest), to: old)
        } else {
            copySegment(1, to: newest, device)
        }
        rotBlocks(0..<1, of: newest, device)
        do {
            let examination = try examine(device)
            #expect(examination.segmentsWithoutHeader.isEmpty && examination.unusableSegments == [newest])
            #expect(examination.runs == [LogRun(first: 1, last: last)] && examination.endsInDamage)
        }
        #expect(throws: LogRefusal.self) { try repair(.rebuildHeader(newest), device) }
        try repair(.truncate(at: last, keepingSnapshots: []), device)
        #expect(try device.recover().found == records(1...last, length: 700))
    }

    @Test func aLostEndIsKnown() throws {
        let whole = try threeSegments()
        #expect(try !examine(whole).endsInDamage)
        let missing = whole.copy()
        missing.lose(WrittenLog.segmentPath(3))
        let rotten = whole.copy()
        rotBlocks(0..<2, of: 3, rotten)
        let moved = whole.copy()
        copySegment(3, to: 9, moved)
        moved.lose(WrittenLog.segmentPath(3))
        let torn = whole.copy()
        for block in 1...3 { rot(block, of: 3, torn) }
        for (device, isDamaged) in [(missing, true), (rotten, true), (moved, true), (torn, false)] {
            let examination = try examine(device)
            #expect(examination.endsInDamage == isDamaged, "\(examination.findings)")
            #expect(examination.findings.contains { $0.kind.isDamage })
        }
        #expect(try examine(moved).findings.contains { $0.kind == .segmentMissing })
        // A stray file says nothing of the log.
        copySegment(3, to: 9, whole)
        #expect(try !examine(whole).endsInDamage)
        try repair(.dropSegment(9), whole)
        #expect(try whole.recover().found == records(1...132, length: 700))
    }

    /// A manifest that is written again must go on to say that there was more.
    @Test func aMissingNewestSegmentIsNotForgotten() throws {
        let device = try threeSegments()
        device.lose(WrittenLog.segmentPath(3))
        copySegment(2, to: 9, device)
        try repair(.dropSegment(9), device)
        try repair(.rebuildManifest, device)
        #expect(try examine(device).findings.map(\.kind) == [.segmentMissing])
        #expect(logError { _ = try device.recover() }?.isCorrupt == true)
    }

    // MARK: Starting at a snapshot

    /// Sessions of so many batches with four records each; a snapshot at a position in the last one.
    private func sessions(_ counts: [Int], snapshot: UInt64, isClean: Bool = true) throws -> SimulatedDevice {
        let device = SimulatedDevice()
        var last: UInt64 = 0
        var copy = device
        for (index, count) in counts.enumerated() {
            let log = try WriteAheadLog.open(folder: WrittenLog.folder, options: .small, device: device)
            _ = try log.replayAll()
            let observer = Observer()
            try log.start(observer)
            for _ in 0..<count {
                #expect(log.waitUntilDurable(try log.append(last + 1...last + 4, length: 700), observer))
                last += 4
                if last == snapshot, index == counts.count - 1 { try log.writeSnapshot(at: snapshot) }
            }
            if index == counts.count - 1, !isClean { copy = device.copy() }
            try log.close()
        }
        return isClean ? device : copy
    }

    /// The last two batches are rotten, and the header of the last one says that the other was durable.
    @Test func aDamagedEndIsCutOffAndNotTheBeginning() throws {
        let device = try sessions([10], snapshot: 16, isClean: false)
        for block in 9...10 { rot(block, of: 1, device) }
        #expect(try examine(device).endsInDamage)
        #expect(throws: LogRefusal.self) { try repair(.startAtSnapshot(16, reach: 16), device) }
        try repair(.truncate(at: 32, keepingSnapshots: [16]), device)
        #expect(try isSound(device))
        #expect(try device.recover(from: 17).summary.lastPosition.rawValue == 32)
    }

    /// Damaged before the snapshot and at the end: first the one, then the other.
    @Test func damageOnBothSidesOfTheSnapshotTakesTwoRepairs() throws {
        let device = try sessions([10], snapshot: 16, isClean: false)
        for block in [2, 9, 10] { rot(block, of: 1, device) }
        try repair(.startAtSnapshot(16, reach: 16), device)
        #expect(try examine(device).runs == [LogRun(first: 9, last: 32)])
        #expect(throws: LogRefusal.self) { try repair(.startAtSnapshot(16, reach: 16), device) }
        try repair(.truncate(at: 32, keepingSnapshots: [16]), device)
        #expect(try isSound(device))
        #expect(try device.recover(from: 17).summary.lastPosition.rawValue == 32)
    }

    /// A damaged end right behind the snapshot: that is all there is.
    @Test func aSnapshotOfAllThatIsLeftReplacesTheLog() throws {
        let device = try sessions([10], snapshot: 32, isClean: false)
        for block in [2, 9, 10] { rot(block, of: 1, device) }
        try repair(.startAtSnapshot(32, reach: 32), device)
        #expect(try isSound(device))
        #expect(try device.appendInNewSession() == 33)
    }

    /// Between two damaged batches only a covering one is whole; the log begins behind the second.
    @Test func aRunWithoutRecordsIsNotTheBeginning() throws {
        let device = try sessions([2, 6], snapshot: 20)
        rot(2, of: 1, device)
        rot(1, of: 2, device)
        #expect(try examine(device).runs == [LogRun(first: 1, last: 4), LogRun(first: 13, last: 32)])
        try repair(.startAtSnapshot(20, reach: 20), device)
        #expect(try isSound(device))
        #expect(try device.recover(from: 21).found == records(21...32, length: 700))
    }

    // MARK: Dropping a segment

    @Test func anInterruptedDropCanBeDoneAgain() throws {
        let damaged = try threeSegments()
        rotBlocks(0..<2, of: 3, damaged)
        let reference = damaged.copy()
        try repair(.dropSegment(3), reference)
        let kept = try reference.recover().found
        for number in 1...reference.operationCount {
            let device = damaged.copy()
            device.plan(.crash, atOperation: number)
            try? repair(.dropSegment(3), device)
            let after = device.crash()
            if try !isSound(after) { try repair(.dropSegment(3), after) }
            #expect(try after.recover().found == kept, "operation \(number), \(device.operations[number - 1])")
        }
    }
}
