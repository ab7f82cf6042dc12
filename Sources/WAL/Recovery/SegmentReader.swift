/// Reads the batches of one segment in order and decides where the log ends.
struct SegmentReader {
    /// How reading a segment ended.
    enum End: Equatable {
        /// At the batch with which the next segment begins.
        case successor
        /// In the last segment: nothing that looks like a batch follows.
        case clean
        /// In the last segment: batch `number` at `offset` is not whole and nothing says that it was answered.
        case cut(offset: Int, number: UInt64, laterBatches: Int)
    }

    let header: SegmentHeader
    let window: FileWindow
    private(set) var offset = LogFormat.blockBytes
    private(set) var batchCount = 0
    private(set) var recordCount = 0
    /// Where the last whole batch stands; nil before the first.
    private(set) var lastBatch: Range<Int>?

    private var path: String { window.file.path }

    init(header: SegmentHeader, window: FileWindow) {
        self.header = header
        self.window = window
    }

    /// Walks from the segment's start to its end, which is where `successor` begins, or the log's end without one.
    ///
    /// - Parameters:
    ///   - point: where the log stands; moved along.
    ///   - first: records before this position are checked and not delivered.
    mutating func read(
        from point: inout ChainPoint,
        until successor: SegmentHeader?,
        first: UInt64,
        _ body: (LogPosition, UnsafeRawBufferPointer) throws -> Void
    ) throws -> End {
        while true {
            if let successor, point.nextBatch == successor.start.nextBatch {
                try check(point, against: successor)
                return .successor
            }
            guard let (batch, bytes) = try window.wholeBatch(at: offset, of: header) else {
                let end = try TailRule(header: header, window: window).end(bad: point, at: offset)
                if let successor { throw unfinished(end, point, successor) }
                return end
            }
            try LogFormat.requireReadable(batch.versions, in: path)
            try check(batch, at: point)
            try deliver(batch, bytes, first: first, body)
            point = batch.end
            lastBatch = offset..<offset + batch.batchBytes
            offset += batch.batchBytes
            batchCount += 1
        }
    }

    /// A whole batch that does not continue the log was not torn: the writer never wrote such a thing here.
    private func check(_ batch: BatchHeader, at point: ChainPoint) throws(LogError) {
        if let contradiction = batch.contradiction(to: point) { throw corrupt(contradiction) }
    }

    /// Reading ended before the batch with which the next segment begins.
    private func unfinished(_ end: End, _ point: ChainPoint, _ successor: SegmentHeader) -> LogError {
        let next = LogFolder.segmentName(successor.number)
        guard end == .clean else {
            return corrupt(
                "batch \(point.nextBatch), which begins with record \(point.nextPosition), is damaged, and \(next) proves "
                    + "that it was durable"
            )
        }
        return corrupt(
            "it ends before record \(point.nextPosition) and \(next) begins with record \(successor.start.nextPosition): "
                + "a segment in between is missing, or the end of this one was never stored"
        )
    }

    private func check(_ point: ChainPoint, against successor: SegmentHeader) throws(LogError) {
        guard point == successor.start else {
            throw corrupt(
                "it ends with record \(point.nextPosition - 1) and \(LogFolder.segmentName(successor.number)) begins "
                    + "with record \(successor.start.nextPosition), or after another batch"
            )
        }
    }

    private mutating func deliver(
        _ batch: BatchHeader,
        _ bytes: UnsafeRawBufferPointer,
        first: UInt64,
        _ body: (LogPosition, UnsafeRawBufferPointer) throws -> Void
    ) throws {
        let end = BatchHeader.byteCount + Int(batch.payloadBytes)
        guard end <= bytes.count else { throw corrupt("batch \(batch.number) is longer than its blocks") }
        var frames = RecordFrames(bytes.part(BatchHeader.byteCount..<end))
        var position = batch.firstPosition
        for _ in 0..<batch.count {
            guard let payload = frames.next() else {
                throw corrupt("batch \(batch.number): a record has no valid length")
            }
            if position >= first {
                try body(LogPosition(position), payload)
                recordCount += 1
            }
            position += 1
        }
        guard frames.isAtEnd else { throw corrupt("batch \(batch.number) has more bytes than records") }
    }

    private func corrupt(_ reason: String) -> LogError { .corrupt(file: path, offset: offset, reason: reason) }
}

extension FileWindow {
    /// The batch of `segment` at `offset`; nil when there is none that is whole.
    func wholeBatch(
        at offset: Int,
        of segment: SegmentHeader
    ) throws(LogError) -> (BatchHeader, UnsafeRawBufferPointer)? {
        let start = try view(at: offset, count: BatchHeader.byteCount)
        guard let batch = BatchHeader(reading: start, of: segment) else { return nil }
        // The length is capped by the format and by what is left of the file before it is used.
        guard batch.batchBytes <= LogFormat.batchBytesMax, offset + batch.batchBytes <= byteCount else { return nil }
        let bytes = try view(at: offset, count: batch.batchBytes)
        guard bytes.count == batch.batchBytes,
            crc32c(bytes.part(BatchHeader.byteCount..<bytes.count)) == batch.bodyChecksum
        else { return nil }
        return (batch, bytes)
    }

    /// Nothing of `segment` was ever written at `offset`.
    func isUntouched(at offset: Int, of segment: SegmentHeader) throws(LogError) -> Bool {
        let start = try view(at: offset, count: BatchHeader.byteCount)
        guard start.count == BatchHeader.byteCount else { return start.isEmpty }
        if start.isAllZero { return true }
        return start.identity(at: 8) != segment.identity || start.integer(at: 24) != segment.salt
    }
}

extension BatchHeader {
    /// In what a whole batch does not continue the log at `point`; nil when it does.
    func contradiction(to point: ChainPoint) -> String? {
        if number != point.nextBatch { return "batch \(number) stands where batch \(point.nextBatch) belongs" }
        if firstPosition != point.nextPosition {
            return "batch \(number) begins with record \(firstPosition) instead of \(point.nextPosition)"
        }
        if previousChecksum != point.checksum {
            return "batch \(number) does not follow the batch before it (the chain is broken)"
        }
        return durableBatch < number ? nil : "batch \(number) claims to have been durable before it was written"
    }
}

/// What a batch that is not whole means: the end of the log, or damage to something that was answered.
///
/// The writer has one batch in flight and every batch says which one was durable when it was submitted. So a later
/// batch, wherever it stands in the segment, is a witness.
struct TailRule {
    let header: SegmentHeader
    let window: FileWindow

    /// - Throws: `LogError.corrupt` when a later batch says that this one was durable.
    func end(bad point: ChainPoint, at offset: Int) throws(LogError) -> SegmentReader.End {
        let badBatch = point.nextBatch
        var laterBatches = 0
        var later = offset + LogFormat.blockBytes
        while later + BatchHeader.byteCount <= window.byteCount {
            let block = try window.view(at: later, count: BatchHeader.byteCount)
            if let witness = BatchHeader(reading: block, of: header), witness.number > badBatch {
                guard witness.durableBatch < badBatch else {
                    throw LogError.corrupt(
                        file: window.file.path,
                        offset: offset,
                        reason:
                            "batch \(badBatch), which begins with record \(point.nextPosition), is damaged, and batch "
                            + "\(witness.number) at byte \(later) says that it was durable, so its records may have been "
                            + "acknowledged"
                    )
                }
                laterBatches += 1
            }
            later += LogFormat.blockBytes
        }
        if laterBatches == 0, try window.isUntouched(at: offset, of: header) { return .clean }
        return .cut(offset: offset, number: badBatch, laterBatches: laterBatches)
    }
}
