import Testing

@testable import WAL

@Suite struct RecordBufferTests {
    @Test func framesAreAlignedLittleEndianAndPadded() {
        var buffer = RecordBuffer(capacity: 1)
        buffer.beginRecord()
        buffer.write(UInt8(0xAB))
        buffer.write(UInt16(0x1234))
        buffer.endRecord()
        buffer.beginRecord()
        buffer.endRecord()
        #expect(buffer.count == 2)
        #expect(buffer.byteCount == 24)
        #expect(buffer.largestPayloadBytes == 3)
        let bytes = buffer.withBytes { Array($0) }
        #expect(bytes == [3, 0, 0, 0, 0, 0, 0, 0, 0xAB, 0x34, 0x12, 0, 0, 0, 0, 0] + [UInt8](repeating: 0, count: 8))
    }

    @Test func lastPayloadWhileWritingAndAfterwards() {
        var buffer = RecordBuffer()
        buffer.beginRecord()
        buffer.write(UInt32(7))
        #expect(buffer.withLastPayload { $0.count } == 4)
        buffer.endRecord()
        #expect(buffer.withLastPayload { Array($0) } == [7, 0, 0, 0])
    }

    @Test func recordNotEndedIsForgotten() {
        var buffer = RecordBuffer()
        buffer.beginRecord()
        buffer.write(UInt64(1))
        buffer.beginRecord()
        buffer.write(UInt64(2))
        buffer.endRecord()
        #expect(buffer.count == 1)
        #expect(buffer.withLastPayload { Array($0) } == [2, 0, 0, 0, 0, 0, 0, 0])
    }

    @Test func growsAndKeepsWhatItHas() {
        var buffer = RecordBuffer(capacity: 64)
        for position in 1...500 as ClosedRange<UInt64> {
            buffer.beginRecord()
            payload(position, length: Int(position)).withUnsafeBytes { buffer.write(bytes: $0) }
            buffer.endRecord()
        }
        let found = buffer.withBytes { bytes in
            var frames = RecordFrames(bytes)
            var found: [[UInt8]] = []
            while let payload = frames.next() { found.append(Array(payload)) }
            return found
        }
        #expect(found == (1...500).map { payload($0, length: Int($0)) })
        buffer.removeAll()
        #expect(buffer.count == 0 && buffer.byteCount == 0 && buffer.largestPayloadBytes == 0)
    }
}

@Suite struct RecordFramesTests {
    private func frames(_ bytes: [UInt8]) -> Int? {
        bytes.withUnsafeBytes { bytes in
            var frames = RecordFrames(bytes)
            var count = 0
            while !frames.isAtEnd {
                guard frames.next() != nil else { return nil }
                count += 1
            }
            return count
        }
    }

    @Test func lengthsThatDoNotFitAreRefused() {
        #expect(frames([0, 0, 0, 0, 0, 0, 0, 0]) == 1)
        #expect(frames([1, 0, 0, 0, 0, 0, 0, 0]) == nil)
        #expect(frames([8, 0, 0, 0, 0, 0, 0, 0, 1, 2, 3]) == nil)
        #expect(frames([255, 255, 255, 255, 0, 0, 0, 0, 1, 2, 3, 4, 5, 6, 7, 8]) == nil)
        #expect(frames([0, 0, 0, 0, 1, 0, 0, 0]) == nil, "the reserved field is zero")
        #expect(frames([255, 255, 255, 255, 255, 255, 255, 255]) == nil)
        #expect(frames([1, 0, 0, 0]) == nil)
    }
}
