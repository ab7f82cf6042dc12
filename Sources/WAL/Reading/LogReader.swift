/// Reads a running log: the newest batches from memory, the others from their segments, one batch at a time.
///
/// Why what it hands out is right:
/// - Only records at or before the watermark are handed out. Their batches are on the disk, and are written no more.
/// - A batch counts when it is whole in the reader's own memory: mark, identity, salt, epoch, both checksums. The salt is
///   the segment's, so a file that was taken for another use meanwhile has no such batch.
/// - What can't be read is looked at twice: when its segment was let go of meanwhile, the record is gone; when not, it is
///   an error, and never the end of the log.
///
/// Memory: one batch, 1 MiB. Holds one file open, which keeps its content, and its room on the disk, if it is removed,
/// and not if it is used again: each reading begins with letting go of a file that the log has let go of, and whoever
/// doesn't read for a while should rest.
final class LogReader: RecordReader {
    private let folder: LogFolder
    private let store: SegmentStore
    private let tail: LogTail
    private let watermark: Watermark
    private let buffer = AlignedBuffer(byteCount: LogFormat.batchBytesMax)
    private var open: OpenSegment?

    init(folder: LogFolder, store: SegmentStore, tail: LogTail, watermark: Watermark) {
        self.folder = folder
        self.store = store
        self.tail = tail
        self.watermark = watermark
    }

    deinit { rest() }

    func rest() {
        open?.close()
        open = nil
    }

    func read(
        from first: LogPosition,
        bytesMax: Int,
        _ body: (LogPosition, UnsafeRawBufferPointer) throws -> Bool
    ) throws -> LogPosition {
        if let header = open?.header, !store.isReadable(header) { rest() }
        // What the window has of the time before may have been written since.
        open?.window.forget()
        let durable = watermark.position.rawValue
        var delivery = Delivery(next: max(1, first.rawValue), bytesLeft: bytesMax)
        while delivery.next <= durable, !delivery.isOver {
            if let batch = tail.batch(holding: delivery.next) {
                try batch.records.withUnsafeBytes { bytes in
                    _ = try delivery.take(RecordFrames(bytes), from: batch.firstPosition, count: batch.count, body)
                }
            } else {
                try readFile(&delivery, body)
            }
        }
        return LogPosition(delivery.next)
    }

    /// The next batch of a file: the one with the wanted record, or a covering one before it.
    private func readFile(
        _ delivery: inout Delivery,
        _ body: (LogPosition, UnsafeRawBufferPointer) throws -> Bool
    ) throws {
        let (batch, bytes, path) = try nextBatch(holding: delivery.next)
        let records = bytes.part(BatchHeader.byteCount..<BatchHeader.byteCount + Int(batch.payloadBytes))
        let count = UInt64(batch.count)
        guard try delivery.take(RecordFrames(records), from: batch.firstPosition, count: count, body) else {
            throw LogError.corrupt(
                file: path,
                offset: open?.offset ?? 0,
                reason: "the records of batch \(batch.number) are not as many, or as long, as it says"
            )
        }
    }

    private func nextBatch(
        holding position: UInt64
    ) throws(LogError) -> (BatchHeader, UnsafeRawBufferPointer, path: String) {
        guard let segment = store.segment(holding: position) else { throw gone(position) }
        do throws(LogError) {
            if open?.header != segment.header {
                rest()
                open = try OpenSegment(segment.header, in: folder, buffer: buffer)
            }
            // A reader that goes on is in its place; any other looks for it.
            if open!.point.nextPosition != position { try open!.seek(position, before: segment.successorBatch) }
            var (batch, bytes) = try open!.next()
            // The search may end early where a header can't be read: on, to the record's own batch or to the damage.
            while batch.firstPosition + UInt64(batch.count) <= position { (batch, bytes) = try open!.next() }
            return (batch, bytes, open!.window.file.path)
        } catch {
            rest()
            // What was read, or not found, may be of the file's next life.
            throw store.isReadable(segment.header) ? error : gone(position)
        }
    }

    private func gone(_ position: UInt64) -> LogError {
        .gone(position: LogPosition(position), oldest: LogPosition(store.oldestPosition))
    }
}

/// What a reader was asked for, and how much of it is still to come.
private struct Delivery {
    var next: UInt64
    var bytesLeft: Int
    var isStopped = false

    var isOver: Bool { isStopped || bytesLeft <= 0 }

    /// Hands out the records of a batch from `next` on, until it is over.
    /// - Returns: false when the bytes are not that many records, one behind the other.
    mutating func take(
        _ frames: RecordFrames,
        from firstPosition: UInt64,
        count: UInt64,
        _ body: (LogPosition, UnsafeRawBufferPointer) throws -> Bool
    ) throws -> Bool {
        var frames = frames
        var position = firstPosition
        while position < firstPosition + count {
            guard let payload = frames.next() else { return false }
            if position == next {
                bytesLeft -= RecordFrames.frameBytes(payloadBytes: payload.count)
                next += 1
                isStopped = try !body(LogPosition(position), payload)
                if isOver { return true }
            }
            position += 1
        }
        return frames.isAtEnd
    }
}
