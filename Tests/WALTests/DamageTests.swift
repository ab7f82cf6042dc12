import Testing

@testable import WAL

/// Folders that contradict themselves are refused with the file's name; nothing is guessed.
@Suite struct DamageTests {
    /// Three segments: 15 batches of one block in each of the first two.
    private func threeSegments() throws -> SimulatedDevice {
        let written = try WrittenLog(batches: [UInt64](repeating: 4, count: 33), length: 700, isCovered: true)
        #expect(written.device.contents(of: WrittenLog.segmentPath(3)) != nil)
        #expect(written.device.contents(of: WrittenLog.segmentPath(4)) == nil)
        return written.device
    }

    private func expectRefusal(
        _ device: SimulatedDevice,
        naming path: String,
        sourceLocation: SourceLocation = #_sourceLocation
    ) {
        guard case .corrupt(let file, _, _)? = logError({ _ = try device.recover() }) else {
            Issue.record("not refused", sourceLocation: sourceLocation)
            return
        }
        #expect(file == path, sourceLocation: sourceLocation)
        #expect(logError { try device.appendInNewSession() }?.isCorrupt == true, sourceLocation: sourceLocation)
    }

    @Test func missingSegments() throws {
        let named = [LogFolder.snapshotName(60), LogFolder.segmentName(1), LogFolder.segmentName(3)]
        for (number, name) in zip(1...3 as ClosedRange<UInt64>, named) {
            let device = try threeSegments()
            device.lose(WrittenLog.segmentPath(number))
            expectRefusal(device, naming: "/log/\(name)")
        }
    }

    @Test func batchInAnEarlierSegment() throws {
        let device = try threeSegments()
        // The last batch of the first segment, where in the last segment a tear would be assumed.
        device.flipBit((15 * 4096 + 200) * 8, of: WrittenLog.segmentPath(1))
        expectRefusal(device, naming: WrittenLog.segmentPath(1))
    }

    /// What an operator reads: file, byte, batch, record, what it means, and what to do.
    @Test func refusalSaysWhereAndWhat() throws {
        let device = try threeSegments()
        device.flipBit((3 * 4096 + 200) * 8, of: WrittenLog.segmentPath(3))
        let last = "\(try #require(logError { _ = try device.recover() }))"
        for word in [
            WrittenLog.segmentPath(3), "byte 12288", "batch 33", "record 129", "batch 34", "byte 16384", "acknowledged",
            "Nothing was changed", "backup",
        ] { #expect(last.contains(word), "\(word) in: \(last)") }
        let earlier = try threeSegments()
        earlier.flipBit((4096 + 200) * 8, of: WrittenLog.segmentPath(2))
        let middle = "\(try #require(logError { _ = try earlier.recover() }))"
        for word in [WrittenLog.segmentPath(2), "byte 4096", "batch 16", "record 61", "Nothing was changed"] {
            #expect(middle.contains(word), "\(word) in: \(middle)")
        }
        let gap = try threeSegments()
        gap.lose(WrittenLog.segmentPath(2))
        let missing = "\(try #require(logError { _ = try gap.recover() }))"
        for word in ["record 61", "record 121", LogFolder.segmentName(3), "missing"] {
            #expect(missing.contains(word), "\(word) in: \(missing)")
        }
    }

    @Test func earlierSegmentCutShort() throws {
        let device = try threeSegments()
        let bytes = try #require(device.contents(of: WrittenLog.segmentPath(2)))
        device.setContents(of: WrittenLog.segmentPath(2), to: Array(bytes[..<(bytes.count / 2)]))
        expectRefusal(device, naming: WrittenLog.segmentPath(2))
    }

    @Test func segmentUnderAnotherName() throws {
        let device = try threeSegments()
        let bytes = try #require(device.contents(of: WrittenLog.segmentPath(1)))
        device.setContents(of: WrittenLog.segmentPath(2), to: bytes)
        expectRefusal(device, naming: WrittenLog.segmentPath(2))
    }

    @Test func segmentOfAnotherLog() throws {
        let device = try threeSegments()
        var bytes = try #require(device.contents(of: WrittenLog.segmentPath(2)))
        reseal(&bytes, blockAt: 0) { $0.put(UInt64(99), at: 16) }
        device.setContents(of: WrittenLog.segmentPath(2), to: bytes)
        expectRefusal(device, naming: WrittenLog.segmentPath(2))
    }

    @Test(arguments: [(40, "number"), (48, "position"), (64, "chain"), (56, "durable batch")] as [(Int, String)])
    func batchThatIsWholeAndWrong(offset: Int, field: String) throws {
        let written = try WrittenLog(batches: [3, 5, 4], isCovered: false)
        let path = WrittenLog.segmentPath(1)
        var bytes = try #require(written.device.contents(of: path))
        reseal(&bytes, batchAt: 12288) { $0.put(UInt64(1000), at: offset) }
        written.device.setContents(of: path, to: bytes)
        expectRefusal(written.device, naming: path)
    }

    @Test func recordsThatDoNotFillTheirBatch() throws {
        let written = try WrittenLog(batches: [3, 5], isCovered: false)
        let path = WrittenLog.segmentPath(1)
        let whole = try #require(written.device.contents(of: path))
        for (offset, value) in [(72, 4), (72, 6), (128, 4000), (128, 0), (132, 1)] as [(Int, UInt32)] {
            var bytes = whole
            reseal(&bytes, batchAt: 8192) { $0.put(value, at: offset) }
            written.device.setContents(of: path, to: bytes)
            expectRefusal(written.device, naming: path)
        }
    }

    @Test func manifestGoneOrDestroyed() throws {
        let device = try threeSegments()
        let destroyed = device.copy()
        device.lose("/log/MANIFEST")
        expectRefusal(device, naming: "/log/MANIFEST")
        destroyed.setContents(of: "/log/MANIFEST", to: [UInt8](repeating: 7, count: Manifest.fileBytes))
        expectRefusal(destroyed, naming: "/log/MANIFEST")
    }

    @Test func logShorterThanItsSnapshot() throws {
        let device = SimulatedDevice()
        let log = try WriteAheadLog.open(folder: "/log", options: .small, device: device)
        _ = try log.replayAll()
        let observer = Observer()
        try log.start(observer)
        for first in [1, 11, 21] as [UInt64] {
            #expect(log.waitUntilDurable(try log.append(first...first + 9), observer))
        }
        try log.writeSnapshot(at: 30)
        // No clean stop: the third batch is the last one, and rot in it looks like a tear, but for the snapshot.
        let damaged = device.copy()
        damaged.flipBit((3 * 4096 + 200) * 8, of: WrittenLog.segmentPath(1))
        #expect(logError { try damaged.appendInNewSession() }?.isCorrupt == true)
        try log.close()
    }

    @Test func onlySnapshotDamagedAndTheLogWhole() throws {
        let device = SimulatedDevice()
        let log = try WriteAheadLog.open(folder: "/log", options: .small, device: device)
        _ = try log.replayAll()
        let observer = Observer()
        try log.start(observer)
        #expect(log.waitUntilDurable(try log.append(1...10), observer))
        try log.writeSnapshot(at: 10)
        try log.close()
        device.flipBit(5000 * 8, of: "/log/\(LogFolder.snapshotName(10))")
        let again = try WriteAheadLog.open(folder: "/log", options: .small, device: device)
        #expect(again.snapshotPosition == nil)
        #expect(again.notices.count == 1)
        #expect(try again.replayAll().found == records(1...10))
    }

    @Test func readingOnlyChangesNothing() throws {
        let written = try WrittenLog(batches: [3, 5, 4], isCovered: false)
        let device = written.device
        device.setContents(of: "/log/\(LogFolder.spareName(9)).tmp", to: [1, 2, 3])
        device.flipBit((12288 + 130) * 8, of: WrittenLog.segmentPath(1))
        let before = device.paths.map { device.contents(of: $0) }
        #expect(try device.recover().found == records(1...8))
        #expect(device.paths.map { device.contents(of: $0) } == before)
        #expect(!device.operations.contains { $0.hasPrefix("write") || $0.hasPrefix("re") && !$0.hasPrefix("read") })
    }

    @Test func folderWithoutALog() {
        let device = SimulatedDevice()
        #expect(throws: LogError.self) { try WriteAheadLog.openReadOnly(folder: "/nowhere", device: device) }
    }
}
