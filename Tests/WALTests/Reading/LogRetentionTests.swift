import Glibc
import Testing

@testable import WAL

/// What becomes of readers when the log lets go of its past, and how much of it is kept for them.
@Suite struct LogRetentionTests {
    private func segments(_ device: SimulatedDevice) -> Int {
        device.paths.count { $0.hasPrefix("/log/wal-") }
    }

    private func isGone(_ error: LogError?, oldest: LogPosition) -> Bool {
        if case .gone(_, oldest)? = error { true } else { false }
    }

    @Test(arguments: [0, 1])
    func whatWasLetGoOfIsGone(spares: Int) throws {
        var options = WriteAheadLog.Options.withoutTail
        options.spareSegments = spares
        let stepped = try SteppedLog(SimulatedDevice(), options)
        let reader = try stepped.log.makeReader()
        for _ in 0..<20 { try stepped.write(4, length: 700) }
        // In the middle of the first segment, with its file open.
        #expect(try reader.page(from: 5, bytesMax: 1) == [5])
        let other = try stepped.log.makeReader()
        for _ in 0..<3 {
            for _ in 0..<20 { try stepped.write(4, length: 700) }
            try stepped.snapshot()
        }
        let oldest = stepped.log.oldestPosition
        #expect(oldest > LogPosition(60))
        for reader in [reader, other] {
            #expect(isGone(logError { _ = try reader.page(from: 6) }, oldest: oldest))
            #expect(isGone(logError { _ = try reader.page(from: oldest.rawValue - 1) }, oldest: oldest))
            let last = stepped.log.durablePosition.rawValue
            #expect(try reader.readAll(from: oldest.rawValue) == records(oldest.rawValue...last, length: 700))
        }
    }

    /// The segment's file becomes another segment while a reader has it open and is about to read on.
    @Test func aFileThatIsUsedAgainUnderAReaderIsNoticed() throws {
        var options = WriteAheadLog.Options.withoutTail
        options.spareSegments = 1
        options.snapshotsKept = 1
        let stepped = try SteppedLog(SimulatedDevice(), options)
        for _ in 0..<15 { try stepped.write(4, length: 700) }
        let reader = try stepped.log.makeReader()
        var seen: [UInt64] = []
        let error = logError {
            _ = try reader.read(from: LogPosition(1), bytesMax: .max) { position, _ in
                seen.append(position.rawValue)
                guard position.rawValue == 2 else { return true }
                // Between two records: the log goes on, lets go of the file and writes all over it.
                for _ in 0..<8 {
                    for _ in 0..<15 { try stepped.write(4, length: 700) }
                    try stepped.snapshot()
                }
                return true
            }
        }
        #expect(stepped.device.operations.contains { $0.hasPrefix("rename /log/wal-") }, "files are used again")
        #expect(error == nil || isGone(error, oldest: stepped.log.oldestPosition), "\(String(describing: error))")
        #expect(seen == Array(1...UInt64(seen.count)), "a window of the first segment is all that was shown")
        let rest = try reader.readAll(from: stepped.log.oldestPosition.rawValue)
        #expect(rest.last?.position == stepped.log.durablePosition.rawValue)
    }

    @Test func keptSegmentsStayAndOlderOnesGo() throws {
        var options = WriteAheadLog.Options.withoutTail
        options.keptBytes = 5 * options.segmentBytes
        let stepped = try SteppedLog(SimulatedDevice(), options)
        for _ in 0..<30 {
            for _ in 0..<15 { try stepped.write(4, length: 700) }
            try stepped.snapshot()
        }
        #expect((6...8).contains(segments(stepped.device)), "\(segments(stepped.device))")
        let oldest = stepped.log.oldestPosition.rawValue
        let last = stepped.log.durablePosition.rawValue
        #expect(last - oldest > 6 * 55)
        #expect(try stepped.log.makeReader().readAll(from: oldest) == records(oldest...last, length: 700))

        // A start copes with a log that goes back further than its snapshots, and an option that became smaller.
        try stepped.log.close()
        let again = try SteppedLog(stepped.device.copy(), options)
        #expect(again.log.oldestPosition.rawValue == oldest)
        #expect(try again.log.makeReader().readAll(from: oldest).count == Int(last - oldest + 1))
        try again.log.close()
        let less = try SteppedLog(again.device.copy(), .withoutTail)
        try less.write(1)
        try less.snapshot()
        try less.write(1)
        try less.snapshot()
        #expect(segments(less.device) <= 3)
        #expect(less.log.oldestPosition > LogPosition(oldest))
    }

    /// The sale needs the room more than readers do.
    @Test func whatIsKeptGoesBeforeTheLogIsShortOfRoom() throws {
        var options = WriteAheadLog.Options.withoutTail
        options.keptBytes = 20 * options.segmentBytes
        options.reserveBytes = 3 * options.segmentBytes
        let stepped = try SteppedLog(SimulatedDevice(), options)
        for _ in 0..<12 {
            for _ in 0..<15 { try stepped.write(4, length: 700) }
            try stepped.snapshot()
        }
        let kept = segments(stepped.device)
        #expect(kept > 10)
        let used = stepped.device.paths.reduce(0) { $0 + (stepped.device.contents(of: $1)?.count ?? 0) }
        // A mebibyte is what the next snapshot is thought to take at least.
        stepped.device.limitCapacity(bytes: used + (1 << 20))
        stepped.log.measureRoom()
        #expect(stepped.log.roomState == .enough)
        let left = segments(stepped.device)
        #expect(left < kept && left > 4, "no more than is needed goes: \(left) of \(kept)")
        #expect(stepped.log.oldestPosition > LogPosition(1))
        // Filled by somebody else: all of it goes, and then the log says that it is short.
        stepped.device.limitCapacity(bytes: used - 20 * options.segmentBytes)
        stepped.log.measureRoom()
        #expect(stepped.log.roomState != .enough)
        #expect(segments(stepped.device) <= 3)
        let oldest = stepped.log.oldestPosition.rawValue
        #expect(
            try stepped.log.makeReader().readAll(from: oldest).last?.position == stepped.log.durablePosition.rawValue
        )
    }

    /// Segments kept for use again are missed by nobody, those kept for readers by readers.
    @Test func surplusSparesGoBeforeWhatReadersHave() throws {
        var options = WriteAheadLog.Options.withoutTail
        options.spareSegments = 2
        options.keptBytes = 20 * options.segmentBytes
        options.reserveBytes = 3 * options.segmentBytes
        let stepped = try SteppedLog(SimulatedDevice(), options)
        for _ in 0..<25 {
            for _ in 0..<15 { try stepped.write(4, length: 700) }
            try stepped.snapshot()
        }
        try stepped.log.close()
        options.keptBytes = 5 * options.segmentBytes
        let again = try SteppedLog(stepped.device.copy(), options)
        for _ in 0..<2 {
            try again.write(1)
            try again.snapshot()
        }
        func spares() -> Int { again.device.paths.count { $0.hasPrefix("/log/spare-") } }
        #expect(spares() > 5, "\(again.device.paths)")
        let kept = segments(again.device)
        let oldest = again.log.oldestPosition
        let used = again.device.paths.reduce(0) { $0 + (again.device.contents(of: $1)?.count ?? 0) }
        again.device.limitCapacity(bytes: used + (1 << 20))
        again.log.measureRoom()
        #expect(again.log.roomState == .enough)
        #expect(spares() == 2)
        #expect(segments(again.device) == kept && again.log.oldestPosition == oldest)
    }

    /// Whatever fails while old segments go, a reader sees the records or hears that they are gone.
    @Test func failuresOfLettingGoConfuseNobody() throws {
        for operation in ["remove /log/wal-", "rename /log/wal-"] {
            var options = WriteAheadLog.Options.withoutTail
            options.spareSegments = operation.hasPrefix("rename") ? 1 : 0
            let stepped = try SteppedLog(SimulatedDevice(), options)
            let reader = try stepped.log.makeReader()
            for _ in 0..<4 {
                for _ in 0..<15 { try stepped.write(4, length: 700) }
                stepped.device.plan(.fail(errno: EIO), ofOperation: operation)
                _ = logError { try stepped.snapshot() }
                let oldest = stepped.log.oldestPosition
                if oldest > LogPosition(1) {
                    #expect(isGone(logError { _ = try reader.page(from: oldest.rawValue - 1) }, oldest: oldest))
                }
                let found = try reader.readAll(from: oldest.rawValue)
                #expect(found == records(oldest.rawValue...stepped.log.durablePosition.rawValue, length: 700))
            }
        }
    }
}
