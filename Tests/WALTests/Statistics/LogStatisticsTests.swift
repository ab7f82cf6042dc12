import Testing

@testable import WAL

/// What the log counts of itself.
@Suite struct LogStatisticsTests {
    @Test func aValueIsCountedUpToItsBound() {
        var counts = BucketCounts(bounds: [1, 10, 100])
        for value: UInt64 in [0, 1, 2, 10, 11, 100, 101, 1_000_000] { counts.add(value) }
        #expect(Array(counts.counts) == [2, 2, 2, 2])
        #expect(counts.count == 8)
        #expect(counts.sum == 0 + 1 + 2 + 10 + 11 + 100 + 101 + 1_000_000)
        var both = counts
        both += counts
        #expect(Array(both.counts) == [4, 4, 4, 4])
        #expect(both.sum == 2 * counts.sum)
    }

    /// Records, batches and bytes of a log of which every step is known.
    @Test func everyBatchIsCounted() throws {
        let device = SimulatedDevice()
        var options = WriteAheadLog.Options.small
        options.spareSegments = 0
        let log = try WriteAheadLog.open(folder: "/log", options: options, device: device)
        _ = try log.replay(from: LogPosition(1)) { _, _ in }
        let steps = try log.startStepped(onDurable: { _ in }, onFailure: { Issue.record("\($0)") })
        let empty = log.statistics()
        #expect(empty.batches == 0 && empty.records == 0 && empty.writtenBytes == 0 && empty.segments == 1)
        #expect(empty.pendingBytesMax == options.pendingBytesMax && empty.segmentBytes == options.segmentBytes)

        var buffer = RecordBuffer()
        for number in 0..<3 as Range<UInt64> {
            buffer.beginRecord()
            buffer.write(number)
            buffer.endRecord()
        }
        _ = try log.append(buffer)
        #expect(log.statistics().pendingBytes == buffer.byteCount)
        // Taken, written, and proven by an empty batch.
        for _ in 0..<3 { steps.write() }
        let statistics = log.statistics()
        #expect(statistics.batches == 1 && statistics.records == 3)
        #expect(statistics.recordBytes == UInt64(buffer.byteCount))
        #expect(statistics.writtenBytes == 2 * 4_096)
        #expect(statistics.batchRecords.sum == 3 && statistics.batchRecords.count == 1)
        #expect(statistics.commitNanoseconds.count == 1)
        #expect(statistics.pendingBytes == 0)
        try log.close()
    }
}
