import Testing

@testable import WAL

/// A crash in the middle of a write: the log ends with the last whole batch and never refuses to open.
@Suite struct TornTailTests {
    enum Tear: CaseIterable {
        /// The rest was never written.
        case zeros
        /// The rest holds what the file's earlier life left.
        case garbage
    }

    /// Three batches of one block each behind the header.
    private static let batchCount = 3
    private static let end = (1 + batchCount) * LogFormat.blockBytes

    @Test(arguments: Tear.allCases)
    func everyByteOfTheLastTwoBatches(tear: Tear) throws {
        let written = try WrittenLog(batches: [3, 5, 4], isCovered: false)
        let path = WrittenLog.segmentPath(1)
        written.device.shrink(path, to: Self.end + LogFormat.blockBytes)
        let whole = try #require(written.device.contents(of: path))
        // With zeros behind, the zeros that fill a batch up may be missing without a difference.
        let dataEnds = (0..<Self.batchCount).map { batch in
            whole[..<((batch + 2) * LogFormat.blockBytes)].lastIndex { $0 != 0 }! + 1
        }
        for cut in Self.end - 2 * LogFormat.blockBytes...Self.end {
            var torn = Array(whole[..<cut])
            switch tear {
            case .zeros: torn += [UInt8](repeating: 0, count: whole.count - cut)
            case .garbage: torn += [UInt8](repeating: 0x5A, count: whole.count - cut)
            }
            written.device.setContents(of: path, to: torn)
            // A batch counts when all its bytes are there.
            let last = (0..<Self.batchCount).last { batch in
                cut >= (tear == .zeros ? dataEnds[batch] : (batch + 2) * LogFormat.blockBytes)
            }
            let expected = last.map { records(1...written.batchEnds[$0]) } ?? []
            let (found, summary) = try written.device.recover()
            try #require(found == expected, "cut at \(cut)")
            try #require(summary.lastPosition == LogPosition(UInt64(expected.count)), "cut at \(cut)")
        }
    }

    /// A segment has its size before it has its name, so a file that ends early was not torn by a crash: what is
    /// missing may have been acknowledged.
    @Test func fileThatEndsEarlyIsRefused() throws {
        let written = try WrittenLog(batches: [3, 5, 4], isCovered: false)
        let path = WrittenLog.segmentPath(1)
        let whole = try #require(written.device.contents(of: path))
        for cut in Array(stride(from: 0, to: whole.count, by: 509)) + [8192, 12288, 16384, whole.count - 1] {
            written.device.setContents(of: path, to: Array(whole[..<cut]))
            guard case .corrupt(path, _, _)? = logError({ _ = try written.device.recover() }) else {
                Issue.record("cut at \(cut): not refused")
                return
            }
        }
        written.device.setContents(of: path, to: whole)
        #expect(try written.device.recover().found == records(1...12))
    }

    @Test(arguments: Array(stride(from: 8192, through: 16384, by: 509)))
    func continuesBehindTheCut(cut: Int) throws {
        let written = try WrittenLog(batches: [3, 5, 4], isCovered: false)
        let path = WrittenLog.segmentPath(1)
        let whole = try #require(written.device.contents(of: path))
        let rest = [UInt8](repeating: 0, count: whole.count - cut)
        written.device.setContents(of: path, to: Array(whole[..<cut]) + rest)
        let before = try written.device.recover().found
        let next = try written.device.appendInNewSession()
        #expect(next == UInt64(before.count) + 1)
        // And once more, over the cut that is now in the middle of the log.
        #expect(try written.device.recover().found == before + records(next...next))
        #expect(try written.device.appendInNewSession() == next + 1)
        #expect(try written.device.recover().found == before + records(next...next + 1))
    }

    /// The operating system may write a later block first. The writer never has two batches in flight, so the later
    /// one is made here: whole, with our salt, and not claiming that the torn one was durable.
    @Test func hole() throws {
        let written = try WrittenLog(batches: [3, 5, 4], isCovered: false)
        let path = WrittenLog.segmentPath(1)
        var bytes = try #require(written.device.contents(of: path))
        for index in 8192..<8192 + 512 { bytes[index] = 0 }
        reseal(&bytes, batchAt: 12288) { $0.put(UInt64(1), at: 56) }
        written.device.setContents(of: path, to: bytes)
        let (found, summary) = try written.device.recover()
        #expect(found == records(1...3))
        #expect(summary.tail == .cut(file: path, offset: 8192, laterBatches: 1))
        #expect(try written.device.appendInNewSession() == 4)
        #expect(try written.device.recover().found == records(1...4))
    }

    /// A batch that was cut off, whole again later (a disk may return either), belongs to no one.
    @Test func batchOfAnOlderEpochDoesNotReturn() throws {
        let written = try WrittenLog(batches: [3, 5, 4], isCovered: false)
        let path = WrittenLog.segmentPath(1)
        let whole = try #require(written.device.contents(of: path))
        var torn = whole
        torn[12288 + 150] ^= 1
        written.device.setContents(of: path, to: torn)
        #expect(try written.device.appendInNewSession() == 9)
        written.device.setContents(of: path, to: whole)
        #expect(try written.device.recover().found == records(1...9))
        #expect(try written.device.appendInNewSession() == 10)
        #expect(try written.device.recover().found == records(1...10))
    }

    /// The control: without the new segment's word for it the batch does return.
    @Test func withoutTheNewSegmentTheBatchWouldReturn() throws {
        let written = try WrittenLog(batches: [3, 5, 4], isCovered: false)
        #expect(try written.device.recover().found == records(1...12))
    }

    @Test func recycledSegmentShowsNothingOfItsEarlierLife() throws {
        let written = try WrittenLog(batches: [3, 5, 4], isCovered: true)
        let path = WrittenLog.segmentPath(1)
        var bytes = try #require(written.device.contents(of: path))
        let old = SegmentHeaderFields(bytes)
        // The same number, position and epoch, as if the file were used again; only the salt differs.
        reseal(&bytes, blockAt: 0) { $0.put(old.salt &+ 1, at: 40) }
        written.device.setContents(of: path, to: bytes)
        let (found, summary) = try written.device.recover()
        #expect(found.isEmpty)
        #expect(summary.tail == .clean)
    }
}
