import Synchronization

/// What a log has written since it was started, and what it consists of.
public struct LogStatistics: Equatable, Sendable {
    /// Batches with records.
    public var batches: UInt64 = 0
    /// Records made durable, and the bytes that they were appended with.
    public var records: UInt64 = 0
    public var recordBytes: UInt64 = 0
    /// What was handed to the device: batches with their headers and padding, the empty ones as well.
    public var writtenBytes: UInt64 = 0
    /// Records of a batch.
    public var batchRecords = BucketCounts(bounds: [1, 2, 4, 8, 16, 32, 64, 128, 256, 512, 1_024, 4_096])
    /// Nanoseconds from handing a batch to the device until it is durable.
    public var commitNanoseconds = BucketCounts(
        bounds: [50, 100, 200, 400, 800, 1_600, 3_200, 6_400, 12_800, 25_600, 51_200, 102_400, 409_600, 1_638_400]
            .map { $0 * 1_000 }
    )
    /// Segments that can be read, the one in use included; spares that are ready.
    public var segments = 0
    public var spareSegments = 0
    public var segmentBytes = 0
    /// Bytes that wait to be written, and from how many on `append` refuses.
    public var pendingBytes = 0
    public var pendingBytesMax = 0
}

/// Counts what the log's thread does, once a batch.
final class LogCounters: Sendable {
    private let counted = Mutex(LogStatistics())

    var statistics: LogStatistics { counted.withLock { $0 } }

    /// A batch has become durable.
    func committed(records: Int, recordBytes: Int, batchBytes: Int, nanoseconds: UInt64) {
        counted.withLock {
            $0.writtenBytes += UInt64(batchBytes)
            guard records > 0 else { return }
            $0.batches += 1
            $0.records += UInt64(records)
            $0.recordBytes += UInt64(recordBytes)
            $0.batchRecords.add(UInt64(records))
            $0.commitNanoseconds.add(nanoseconds)
        }
    }
}

extension WriteAheadLog {
    /// On any thread, at any time.
    public func statistics() -> LogStatistics {
        var statistics = counters.statistics
        statistics.pendingBytes = pendingBytes
        statistics.pendingBytesMax = options.pendingBytesMax
        statistics.segmentBytes = options.segmentBytes
        if let store = try? runningStore() { (statistics.segments, statistics.spareSegments) = store.fileCounts }
        return statistics
    }
}

extension SegmentStore {
    fileprivate var fileCounts: (segments: Int, spares: Int) {
        (withSegments { $0.count }, spareCount)
    }
}
