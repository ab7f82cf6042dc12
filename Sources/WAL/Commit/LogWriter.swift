import CLiburing
import Synchronization

/// The log's thread: takes what has gathered, cuts it into batches, makes each durable, tells the world.
///
/// Invariants: one batch is in flight; a batch is submitted only when the one before is durable, and says so; the
/// watermark moves only after the device reported the batch durable; after any failure nothing moves any more.
///
/// Made by `WriteAheadLog.start`, used on the log's thread only, or stepped by whoever called `startStepped`.
final class LogWriter {
    private let pending: PendingRecords
    private let store: SegmentStore
    private let options: WriteAheadLog.Options
    private let watermark: Watermark
    private let tail: LogTail
    private let counters: LogCounters
    private let onDurable: @Sendable (LogPosition) -> Void

    private let buffer: AlignedBuffer
    private let device: any BatchWriter
    private var file: any DeviceFile
    private var segment: SegmentHeader
    private var offset = LogFormat.blockBytes
    private var point: ChainPoint
    private var pacer: Pacer
    /// Records taken from those that wait, and how many of their bytes are written. Valid until more are taken.
    private var taken = UnsafeRawBufferPointer(start: nil, count: 0)
    private var written = 0
    /// The last batch had records and nothing behind it proves that it was answered.
    private var needsCover = false

    init(_ setup: LogThread.Setup) throws(LogError) {
        pending = setup.pending
        store = setup.store
        options = setup.options
        watermark = setup.watermark
        tail = setup.tail
        counters = setup.counters
        onDurable = setup.onDurable
        segment = setup.segment.header
        file = setup.segment.file
        point = setup.segment.header.start
        pacer = Pacer(paceMicroseconds: options.paceMicroseconds)
        buffer = AlignedBuffer(byteCount: options.batchBytesMax)
        device = try store.folder.device.makeBatchWriter(buffer: buffer)
        try device.use(file)
        // The kernel's 50 µs would be a good part of a commit.
        holdfast_set_timer_slack(1000)
    }

    deinit { file.close() }

    /// One piece of the log's work: takes what waits, or writes one batch of what was taken, or proves that the last
    /// batch was answered.
    ///
    /// - Parameter isPatient: sleeps until there is something to do, and lets records gather. Without it a call that
    ///   finds nothing waiting counts as idle time.
    /// - Returns: false when the log was stopped and everything is written.
    /// - Throws: what made the log fail.
    func step(isPatient: Bool) throws(LogError) -> Bool {
        if written < taken.count {
            try writeNext()
            return true
        }
        switch pending.wait(records: 1, bytes: 1, until: isPatient ? coverDeadline : .longAgo) {
        case .failed(let error): throw error
        case .deadlinePassed: try cover()
        case .stopping:
            try cover()
            return false
        case .ready(let records):
            if isPatient { letGather(records) }
            take()
        }
        return true
    }

    private var coverDeadline: MonotonicTime? {
        needsCover ? .now.advanced(microseconds: options.idleCoverMilliseconds * 1000) : nil
    }

    /// Waits for more records while the pacer expects them.
    private func letGather(_ records: Int) {
        guard let patience = pacer.patience(gathered: records, now: .now) else { return }
        _ = pending.wait(records: patience.records, bytes: options.batchBytesMax, until: patience.deadline)
    }

    private func take() {
        let (bytes, recordCount) = pending.take()
        pacer.submitted(records: recordCount, at: .now)
        taken = bytes
        written = 0
    }

    private func writeNext() throws(LogError) {
        let room = options.batchBytesMax - BatchHeader.byteCount
        let run = RecordRun(in: taken, from: written, limit: room)
        precondition(run.count > 0, "a record larger than a batch was accepted")
        let records = taken.part(written..<written + run.byteCount)
        pending.handedOver(bytes: run.byteCount)
        try writeBatch(records, count: run.count)
        written += run.byteCount
        needsCover = true
        let durable = LogPosition(point.nextPosition - 1)
        tail.append(firstPosition: point.nextPosition - UInt64(run.count), count: run.count, records)
        watermark.advance(to: durable)
        store.roomGauge.count(recordBytes: run.byteCount)
        onDurable(durable)
    }

    /// The proof that the last batch was answered, so that rot in it can't pass for a torn write.
    private func cover() throws(LogError) {
        guard needsCover else { return }
        try writeBatch(UnsafeRawBufferPointer(start: nil, count: 0), count: 0)
        needsCover = false
    }

    private func writeBatch(_ records: UnsafeRawBufferPointer, count: Int) throws(LogError) {
        let batchBytes = BatchHeader.batchBytes(payloadBytes: records.count)
        if offset + batchBytes > Int(segment.segmentBytes) { try rotate() }
        var header = BatchHeader(
            of: segment,
            at: point,
            durableBatch: point.nextBatch - 1,
            count: count,
            payloadBytes: records.count
        )
        let batch = UnsafeMutableRawBufferPointer(rebasing: buffer.bytes[0..<batchBytes])
        UnsafeMutableRawBufferPointer(rebasing: batch[BatchHeader.byteCount...]).copyMemory(from: records)
        header.seal(into: batch)
        let began = MonotonicTime.now
        try device.writeDurably(byteCount: batchBytes, at: offset)
        counters.committed(
            records: count,
            recordBytes: records.count,
            batchBytes: batchBytes,
            nanoseconds: MonotonicTime.now.nanoseconds - began.nanoseconds
        )
        offset += batchBytes
        point = header.end
    }

    /// Continues in a new segment. Every batch of the old one is durable, and the new header says so.
    private func rotate() throws(LogError) {
        let next = try store.makeSegment(startingAt: point)
        try device.use(next.file)
        file.close()
        file = next.file
        segment = next.header
        offset = LogFormat.blockBytes
    }
}

/// Every record up to here is durable. Moves forward only; read by any thread.
final class Watermark: Sendable {
    private let value: Atomic<UInt64>

    init(_ position: LogPosition) { value = Atomic(position.rawValue) }

    var position: LogPosition { LogPosition(value.load(ordering: .acquiring)) }

    func advance(to position: LogPosition) {
        precondition(position.rawValue >= value.load(ordering: .relaxed), "the watermark would step back")
        value.store(position.rawValue, ordering: .releasing)
    }
}
