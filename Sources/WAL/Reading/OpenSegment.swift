/// A segment that a reader has open, and its place in it.
struct OpenSegment {
    let header: SegmentHeader
    let window: FileWindow
    /// Where the next batch stands, and what it must say of itself.
    private(set) var offset = LogFormat.blockBytes
    private(set) var point: ChainPoint

    /// What is read ahead while a place is looked for: most batches are small.
    private static let searchBytes = 64 << 10

    init(_ header: SegmentHeader, in folder: LogFolder, buffer: AlignedBuffer) throws(LogError) {
        self.header = header
        point = header.start
        let file = try folder.open(LogFolder.segmentName(header.number), .readDirect)
        do throws(LogError) {
            window = try FileWindow(file, buffer: buffer)
        } catch {
            file.close()
            throw error
        }
    }

    func close() { window.file.close() }

    /// The batch at the place, checked as recovery does; the place moves behind it. The bytes are valid until the next
    /// call.
    mutating func next() throws(LogError) -> (BatchHeader, UnsafeRawBufferPointer) {
        guard let (batch, bytes) = try window.wholeBatch(at: offset, of: header) else {
            throw corrupt(
                "batch \(point.nextBatch), which begins with record \(point.nextPosition) and was durable, is damaged"
            )
        }
        try LogFormat.requireReadable(batch.versions, in: window.file.path)
        if let contradiction = batch.contradiction(to: point) { throw corrupt(contradiction) }
        point = batch.end
        offset += batch.batchBytes
        return (batch, bytes)
    }

    /// Goes to the last batch that begins at or before a record of this segment.
    ///
    /// Batches begin at blocks and say what they are, so the place is found by halving: some fifteen looks in a segment
    /// of 64 MiB, each of a batch at most, instead of reading half of it. Only headers are believed here, and `next`
    /// checks the batch.
    ///
    /// - Parameter successorBatch: the batch with which the next segment begins: from there on this one was cut.
    mutating func seek(_ position: UInt64, before successorBatch: UInt64?) throws(LogError) {
        offset = LogFormat.blockBytes
        point = header.start
        if point.nextPosition == position { return }
        window.readAheadBytes = Self.searchBytes
        defer { window.readAheadBytes = .max }
        var low = offset
        var high = min(window.byteCount, Int(header.segmentBytes)) & ~(LogFormat.blockBytes - 1)
        while low < high {
            let middle = low + (high - low) / 2 & ~(LogFormat.blockBytes - 1)
            guard let (found, batch) = try batchHeader(from: middle, to: high, before: successorBatch),
                batch.firstPosition <= position
            else {
                high = middle
                continue
            }
            offset = found
            point = ChainPoint(
                nextBatch: batch.number,
                nextPosition: batch.firstPosition,
                checksum: batch.previousChecksum
            )
            low = found + batch.batchBytes
        }
    }

    /// The first header of a batch of this segment at or behind `start`; nil when there is none where one must be, in a
    /// batch's length: the segment's batches end before.
    private func batchHeader(
        from start: Int,
        to end: Int,
        before successorBatch: UInt64?
    ) throws(LogError) -> (offset: Int, BatchHeader)? {
        var offset = start
        while offset < min(end, start + LogFormat.batchBytesMax) {
            let block = try window.view(at: offset, count: BatchHeader.byteCount)
            if let batch = BatchHeader(reading: block, of: header) {
                return batch.number < successorBatch ?? .max ? (offset, batch) : nil
            }
            offset += LogFormat.blockBytes
        }
        return nil
    }

    private func corrupt(_ reason: String) -> LogError {
        .corrupt(file: window.file.path, offset: offset, reason: reason)
    }
}
