import CLiburing
import Synchronization

/// The log's thread: takes what has gathered, cuts it into batches, makes each durable, tells the world.
///
/// Invariants: one batch is in flight; a batch is submitted only when the one before is durable, and says so; the
/// watermark moves only after the device reported the batch durable; after any failure nothing moves any more.
///
/// Made by `WriteAheadLog.start`, used on the log's thread only.
final class LogWriter {
    private let pending: PendingRecords
    private let store: SegmentStore
    private let options: WriteAheadLog.Options
    private let watermark: Watermark
    private let onDurable: @Sendable (LogPosition) -> Void

    private let buffer: AlignedBuffer
    private let device: any BatchWriter
    private var file: any DeviceFile
    private var segment: SegmentHeader
    private var offset = LogFormat.blockBytes
    private var point: ChainPoint
    private var pacer: Pacer
    /// The last batch had records and nothing behind it proves that it was answered.
    private var needsCover = false

    init(_ setup: LogThread.Setup) throws(LogError) {
        pending = setup.pending
        store = setup.store
        options = setup.options
        watermark = setup.watermark
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

    /// Writes until the log stops. Throws what made it fail.
    func run() throws(LogError) {
        while true {
            let idleSince = MonotonicTime.now
            let deadline = needsCover ? idleSince.advanced(microseconds: options.idleCoverMilliseconds * 1000) : nil
            switch pending.wait(records: 1, bytes: 1, until: deadline) {
            case .failed(let error): throw error
            case .deadlinePassed: try cover()
            case .stopping:
                try cover()
                return
            case .ready(let records):
                letGather(records)
                try write(pending.take())
            }
        }
    }

    /// Waits for more records while the pacer expects them.
    private func letGather(_ records: Int) {
        guard let patience = pacer.patience(gathered: records, now: .now) else { return }
        _ = pending.wait(records: patience.records, bytes: options.batchBytesMax, until: patience.deadline)
    }

    private func write(_ taken: (bytes: UnsafeRawBufferPointer, recordCount: Int)) throws(LogError) {
        pacer.submitted(records: taken.recordCount, at: .now)
        var done = 0
        while done < taken.bytes.count {
            let room = options.batchBytesMax - BatchHeader.byteCount
            let run = RecordRun(in: taken.bytes, from: done, limit: room)
            precondition(run.count > 0, "a record larger than a batch was accepted")
            let records = taken.bytes.part(done..<done + run.byteCount)
            pending.handedOver(bytes: run.byteCount)
            try writeBatch(records, count: run.count)
            done += run.byteCount
            needsCover = true
            let durable = LogPosition(point.nextPosition - 1)
            watermark.advance(to: durable)
            store.roomGauge.count(recordBytes: run.byteCount)
            onDurable(durable)
        }
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
        try device.writeDurably(byteCount: batchBytes, at: offset)
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
