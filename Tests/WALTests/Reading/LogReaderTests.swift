import Glibc
import Testing

@testable import WAL

/// A log that is read while it is written.
@Suite struct LogReaderTests {
    @Test(arguments: [0, 3_000, 4 << 20])
    func pagesOfAnySizeFromAnywhereAreTheLog(tailBytes: Int) throws {
        var options = WriteAheadLog.Options.small
        options.tailBytesMax = tailBytes
        let stepped = try SteppedLog(SimulatedDevice(), options)
        let reader = try stepped.log.makeReader()
        var random = SimulatedRandom(seed: 7)
        for _ in 0..<120 {
            try stepped.write(1 + random.next() % 9, length: 700)
            if random.next() % 7 == 0 { stepped.step() }
        }
        let last = stepped.log.durablePosition.rawValue
        #expect(stepped.device.paths.count { $0.hasPrefix("/log/wal-") } > 5)
        #expect(try reader.readAll() == records(1...last, length: 700))
        #expect(try reader.readAll(bytesMax: 1) == records(1...last, length: 700))
        for first in stride(from: 1, through: last, by: 3) {
            let page = try reader.page(from: first, bytesMax: Int(random.next() % 9_000))
            #expect(!page.isEmpty && page == Array(first..<first + UInt64(page.count)))
        }
        #expect(try reader.readAll(from: last + 1).isEmpty && reader.readAll(from: last + 99).isEmpty)
        #expect(try reader.readAll(from: 0).count == Int(last))
    }

    /// Batches of any size, in a segment as the server has it: a place is found with few looks.
    @Test func aPlaceIsFoundWithoutReadingTheSegment() throws {
        var options = WriteAheadLog.Options.withoutTail
        options.segmentBytes = 32 << 20
        options.batchBytesMax = 1 << 20
        let stepped = try SteppedLog(SimulatedDevice(), options)
        var random = SimulatedRandom(seed: 3)
        for turn in 0..<90 { try stepped.write(turn % 10 == 0 ? 100 : 1 + random.next() % 5, length: 9_000) }
        let last = stepped.log.durablePosition.rawValue
        let reader = try stepped.log.makeReader()
        for first in stride(from: 1, through: last, by: 41) {
            let before = stepped.device.operations.count { $0.hasPrefix("read ") }
            #expect(try reader.page(from: first, bytesMax: 1) == [first])
            let looks = stepped.device.operations.count { $0.hasPrefix("read ") } - before
            // Of 64 KiB each.
            #expect(looks <= 100, "\(looks) reads for record \(first)")
        }
        #expect(try reader.readAll(from: last / 2) == records(last / 2...last, length: 9_000))
    }

    @Test(arguments: [0, 4 << 20])
    func nothingIsShownBeforeItIsDurable(tailBytes: Int) throws {
        var options = WriteAheadLog.Options.small
        options.tailBytesMax = tailBytes
        let stepped = try SteppedLog(SimulatedDevice(), options)
        let reader = try stepped.log.makeReader()
        #expect(try reader.readAll().isEmpty)
        try stepped.append(3)
        #expect(try reader.readAll().isEmpty, "it waits to be written")
        // Taken, and not yet written.
        stepped.step()
        #expect(try reader.readAll().isEmpty)
        stepped.step()
        #expect(try reader.readAll() == records(1...3))
        // Written whole, and the sync fails: who knows whether it is there after a crash.
        stepped.device.plan(.fail(errno: EIO), ofOperation: "sync batch")
        try stepped.append(2)
        while stepped.step() {}
        #expect(stepped.failures.failures.count == 1)
        #expect(try reader.readAll() == records(1...3), "what is durable can still be read")
    }

    /// A batch that the power tore, and the cut behind it, in a segment that has a successor by now.
    @Test func theTornEndOfAnEarlierLifeIsNotShown() throws {
        for tear in 0..<4 {
            let first = try SteppedLog(SimulatedDevice(seed: UInt64(tear)), .withoutTail)
            try first.write(5, length: 700)
            try first.write(2, length: 700)
            let before = first.log.durablePosition.rawValue
            first.device.plan(.crash, ofOperation: tear < 2 ? "write batch" : "sync batch")
            try first.append(4, length: 900)
            while first.step() {}
            let second = try SteppedLog(first.device.crash(), .withoutTail)
            let start = second.log.durablePosition.rawValue
            #expect(start == before || start == before + 4)
            try second.write(3, length: 500)
            let found = try second.log.makeReader().readAll()
            #expect(found.map(\.position) == Array(1...start + 3))
            #expect(found.suffix(3) == records(start + 1...start + 3, length: 500).suffix(3))
            #expect(found.prefix(Int(before)) == records(1...before, length: 700).prefix(Int(before)))
        }
    }

    /// A cut batch that turns up whole after all: the next segment begins with another one of its number.
    @Test func aCutBatchThatReturnsIsNotShown() throws {
        let first = try SteppedLog(SimulatedDevice(), .withoutTail)
        try first.write(2)
        let cut = first.device.copy()
        try first.write(4, length: 40)
        let segment = WrittenLog.segmentPath(1)
        let whole = try #require(first.device.contents(of: segment))
        let second = try SteppedLog(cut, .withoutTail)
        cut.setContents(of: segment, to: whole)
        try second.write(3)
        #expect(try second.log.makeReader().readAll() == records(1...5))
        for first in 1...5 as ClosedRange<UInt64> {
            #expect(try second.log.makeReader().page(from: first, bytesMax: 1) == [first])
        }
    }

    @Test func aReaderBelongsToARunningLog() throws {
        let device = SimulatedDevice()
        let log = try WriteAheadLog.open(folder: "/log", options: .small, device: device)
        #expect(logError { _ = try log.makeReader() } == .closed)
        _ = try log.replayAll()
        try log.start(Observer())
        _ = try log.makeReader()
        try log.close()
        #expect(logError { _ = try log.makeReader() } == .closed)
    }

    // MARK: Failures

    /// Damage to anything that was durable is an error where it is met, and what is before it can be read.
    @Test func damageIsNeverTheEnd() throws {
        let stepped = try SteppedLog(SimulatedDevice(), .withoutTail)
        for _ in 0..<40 { try stepped.write(4, length: 700) }
        let last = stepped.log.durablePosition.rawValue
        let path = WrittenLog.segmentPath(2)
        let reader = try stepped.log.makeReader()
        var met: Set<UInt64> = []
        for block in 1..<16 {
            for bit in [3, 900, 8 * 124, 8 * 400] {
                let victim = (block * 4096) * 8 + bit
                stepped.device.flipBit(victim, of: path)
                defer { stepped.device.flipBit(victim, of: path) }
                var seen: UInt64 = 0
                let error = logError {
                    _ = try reader.read(from: LogPosition(1), bytesMax: .max) { position, _ in
                        seen = position.rawValue
                        return true
                    }
                }
                #expect(
                    error?.isCorrupt == true,
                    "block \(block), bit \(bit), up to \(seen): \(String(describing: error))"
                )
                #expect(seen < last)
                met.insert(seen)
            }
        }
        #expect(met.count == 15, "each batch of the segment is checked")
        #expect(try reader.readAll().count == Int(last), "an error is not remembered")
    }

    @Test func aFailedReadIsAnErrorAndNeverTheEnd() throws {
        for operation in ["open (readDirect)", "size", "read"] {
            let stepped = try SteppedLog(SimulatedDevice(), .withoutTail)
            for _ in 0..<40 { try stepped.write(4, length: 700) }
            let reader = try stepped.log.makeReader()
            for occurrence in 1...3 {
                stepped.device.plan(.fail(errno: EIO), at: occurrence, ofOperation: operation + " /log/wal-")
                let error = logError { _ = try reader.readAll() }
                guard case .system(_, _, EIO)? = error else {
                    Issue.record("\(operation): \(String(describing: error))")
                    return
                }
                #expect(try reader.readAll() == records(1...160, length: 700))
            }
            stepped.device.plan(.flip, ofOperation: "read /log/wal-")
            #expect(logError { _ = try reader.readAll() }?.isCorrupt ?? true)
            try stepped.write(1)
            #expect(stepped.failures.failures.isEmpty, "the log goes on whatever its readers meet")
        }
    }
}
