/// Walks the segments from a position to the end of the log.
struct LogReplay {
    /// Several batches at a time; a batch never exceeds 1 MiB.
    private static let bufferBytes = 4 << 20

    let folder: LogFolder
    /// Ascending.
    let segments: [SegmentHeader]

    func run(
        from first: LogPosition,
        _ body: (LogPosition, UnsafeRawBufferPointer) throws -> Void
    ) throws -> (ReplaySummary, ChainPoint, LastBatch?) {
        var summary = ReplaySummary()
        guard let index = try indexOfSegment(with: first) else {
            guard first.rawValue <= 1 else {
                throw LogError.misused("reading an empty log from record \(first.rawValue)")
            }
            return (summary, ChainPoint(), nil)
        }
        var point = segments[index].start
        var lastBatch: LastBatch?
        let buffer = AlignedBuffer(byteCount: Self.bufferBytes)
        for current in index..<segments.count {
            let successor = current + 1 < segments.count ? segments[current + 1] : nil
            let file = try folder.open(LogFolder.segmentName(segments[current].number), .read)
            defer { file.close() }
            let window = try FileWindow(file, buffer: buffer)
            var reader = SegmentReader(header: segments[current], window: window)
            let end = try reader.read(from: &point, until: successor, first: first.rawValue, body)
            let name = LogFolder.segmentName(segments[current].number)
            lastBatch = reader.lastBatch.map { LastBatch(segment: name, offset: $0.lowerBound, byteCount: $0.count) }
            summary.segmentCount += 1
            summary.batchCount += reader.batchCount
            summary.recordCount += reader.recordCount
            summary.bytesRead += reader.offset
            if case .cut(let offset, _, let laterBatches) = end {
                summary.tail = .cut(file: file.path, offset: offset, laterBatches: laterBatches)
            }
        }
        summary.lastPosition = LogPosition(point.nextPosition - 1)
        guard first.rawValue <= point.nextPosition else {
            throw LogError.corrupt(
                file: folder.path(of: LogFolder.segmentName(segments[segments.count - 1].number)),
                offset: 0,
                reason: "the log ends with record \(summary.lastPosition), and a snapshot says that record "
                    + "\(first.rawValue - 1) was durable"
            )
        }
        return (summary, point, lastBatch)
    }

    /// The last segment that begins at or before `first`; nil in an empty log.
    private func indexOfSegment(with first: LogPosition) throws(LogError) -> Int? {
        guard let oldest = segments.first else { return nil }
        // Position 0 is before the first record: from there means from the first.
        let wanted = max(1, first.rawValue)
        guard let index = segments.lastIndex(where: { $0.start.nextPosition <= wanted }) else {
            throw LogError.corrupt(
                file: folder.path(of: LogFolder.segmentName(oldest.number)),
                offset: 0,
                reason:
                    "the log begins with record \(oldest.start.nextPosition), record \(wanted) is needed and there is "
                    + "no usable snapshot in between"
            )
        }
        return index
    }
}
