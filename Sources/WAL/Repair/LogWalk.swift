/// Reads all batches of a log and goes on behind whatever is wrong.
///
/// The rules are those of `LogReplay`. Where that refuses, this notes what it found, looks for the next whole batch,
/// and begins a new run with it.
struct LogWalk {
    /// Where a batch stands.
    struct Place {
        let part: LogParts.Part
        let offset: Int
        let run: Int
        /// Where the log stands before it.
        let before: ChainPoint
    }

    typealias Body = (Place, BatchHeader, UnsafeRawBufferPointer) throws -> Void

    private static let bufferBytes = 4 << 20

    private(set) var log: LogParts
    private(set) var findings: [LogFinding] = []
    private(set) var runs: [LogRun] = []
    private(set) var batchCount = 0
    private(set) var bytesRead = 0
    /// Where the log stands at the end of the last run.
    private(set) var point = ChainPoint()

    private let buffer = AlignedBuffer(byteCount: bufferBytes)
    /// What comes next belongs to a new run, and why was noted.
    private var isBroken = true
    /// Known after `run`: the log went on behind what can be read, as far as can be told, and nothing says how far.
    var endsInDamage: Bool { isBroken }

    /// The segment that is being read.
    private struct Reader {
        let part: LogParts.Part
        let successor: SegmentHeader?
        let window: FileWindow
        var offset = LogFormat.blockBytes
        var header: SegmentHeader { part.header }
    }

    init(_ log: LogParts) { self.log = log }

    /// - Throws: what `body` throws. What can't be read is a finding.
    mutating func run(_ body: Body) throws {
        for (index, part) in log.parts.enumerated() {
            begin(part)
            let successor = index + 1 < log.parts.count ? log.parts[index + 1].header : nil
            do {
                let file = try log.folder.open(part.name, .read)
                defer { file.close() }
                var reader = Reader(part: part, successor: successor, window: try FileWindow(file, buffer: buffer))
                defer { bytesRead += reader.offset }
                try read(&reader, body)
            } catch LogError.system(let operation, let path, let errno) {
                note(.unreadable, part.name, 0, "\(LogError.system(operation: operation, path: path, errno: errno))")
                isBroken = true
            }
        }
        noteLostEnd()
    }

    // MARK: Whole batches

    private mutating func begin(_ part: LogParts.Part) {
        let start = part.header.start
        if !isBroken, point != start {
            note(
                .segmentOutOfPlace,
                part.name,
                56,
                "it begins with batch \(start.nextBatch) and record \(start.nextPosition), and the log before it ends "
                    + "with batch \(point.nextBatch - 1) and record \(point.nextPosition - 1)"
                    + (point.nextBatch == start.nextBatch ? ", or with another batch of that number" : "")
            )
            isBroken = true
        }
        if isBroken { beginRun(at: start) }
    }

    private mutating func beginRun(at start: ChainPoint) {
        isBroken = false
        point = start
        // A run behind the first in which nothing was found says nothing.
        if runs.count > 1, let last = runs.last, last.last < last.first { runs.removeLast() }
        runs.append(LogRun(first: start.nextPosition, last: start.nextPosition - 1))
    }

    private mutating func read(_ reader: inout Reader, _ body: Body) throws {
        while true {
            if let successor = reader.successor, point.nextBatch >= successor.start.nextBatch { return }
            let found = try reader.window.wholeBatch(at: reader.offset, of: reader.header)
            if let (batch, bytes) = found, batch.start.isPossible {
                try take(batch, bytes, &reader, body)
            } else if try !passOver(&reader) {
                return
            }
        }
    }

    private mutating func take(
        _ batch: BatchHeader,
        _ bytes: UnsafeRawBufferPointer,
        _ reader: inout Reader,
        _ body: Body
    ) throws {
        if !isBroken, let contradiction = batch.contradiction(to: point) {
            note(.batchOutOfPlace, reader.part.name, reader.offset, batch: batch.number, contradiction)
            setPositions(from: point.nextPosition, to: batch.firstPosition)
            isBroken = true
        }
        if isBroken { beginRun(at: batch.start) }
        let place = Place(part: reader.part, offset: reader.offset, run: runs.count - 1, before: point)
        if batch.versions.reader > LogFormat.version {
            noteNewer(batch, reader)
            isBroken = true
        } else if let problem = batch.problem(ofRecordsIn: bytes) {
            note(.recordsDamaged, reader.part.name, reader.offset, batch: batch.number, problem)
            setPositions(from: batch.firstPosition, to: batch.end.nextPosition)
            isBroken = true
        } else {
            try body(place, batch, bytes)
            runs[runs.count - 1].last = batch.end.nextPosition - 1
        }
        point = batch.end
        reader.offset += batch.batchBytes
        batchCount += 1
    }

    // MARK: Damage

    /// What stands at the reader's offset is not a whole batch: finds out what that means, and where the next one is.
    /// - Returns: false at the end of the segment.
    private mutating func passOver(_ reader: inout Reader) throws(LogError) -> Bool {
        guard let successor = reader.successor else { return try passOverAtTheEnd(&reader) }
        let next = try nextWholeBatch(after: reader, below: successor.start.nextBatch)
        let end = next?.batch.firstPosition ?? successor.start.nextPosition
        if !isBroken {
            let isUntouched = try reader.window.isUntouched(at: reader.offset, of: reader.header)
            if next == nil, isUntouched, successor.number > reader.header.number + 1 {
                noteMissing(between: reader.header.number, and: successor.number, end)
            } else {
                noteDamagedBatch(reader, try whyNotWhole(reader), end)
            }
        }
        isBroken = true
        if let next { reader.offset = next.offset }
        return next != nil
    }

    /// In the last segment: the rule that recovery goes by says whether this is the log's end or damage.
    private mutating func passOverAtTheEnd(_ reader: inout Reader) throws(LogError) -> Bool {
        do throws(LogError) {
            let rule = TailRule(header: reader.header, window: reader.window)
            guard case .cut(_, let number, let later) = try rule.end(bad: point, at: reader.offset) else {
                return false
            }
            let behind = later > 0 ? " and \(later) batches behind it" : ""
            let reason = "an unfinished write\(behind); nothing says that it was answered"
            note(.tornTail, reader.part.name, reader.offset, batch: number, reason)
            return false
        } catch {
            guard case .corrupt(_, _, let reason) = error else { throw error }
            let next = try nextWholeBatch(after: reader, below: .max)
            if !isBroken { noteDamagedBatch(reader, reason, next?.batch.firstPosition) }
            isBroken = true
            if let next { reader.offset = next.offset }
            return next != nil
        }
    }

    private func nextWholeBatch(
        after reader: Reader,
        below limit: UInt64
    ) throws(LogError) -> (batch: BatchHeader, offset: Int)? {
        var offset = reader.offset + LogFormat.blockBytes
        while offset + BatchHeader.byteCount <= reader.window.byteCount {
            if let (batch, _) = try reader.window.wholeBatch(at: offset, of: reader.header),
                batch.number >= point.nextBatch, batch.number < limit, batch.start.isPossible
            {
                return (batch, offset)
            }
            offset += LogFormat.blockBytes
        }
        return nil
    }

    private func whyNotWhole(_ reader: Reader) throws(LogError) -> String {
        let (window, offset) = (reader.window, reader.offset)
        let start = try window.view(at: offset, count: BatchHeader.byteCount)
        let batch = "batch \(point.nextBatch)"
        guard start.count == BatchHeader.byteCount else { return "the file ends before \(batch)" }
        if start.isAllZero { return "there are zeros where \(batch) belongs" }
        if start.integer(at: 0) != BatchHeader.magic { return "\(batch) does not begin with the mark of a batch" }
        guard start.integer(at: BatchHeader.checksumOffset) == crc32c(start.part(0..<BatchHeader.checksumOffset)) else {
            return "the checksum of the header of \(batch) does not match"
        }
        guard let found = BatchHeader(reading: start, of: reader.header), found.start.isPossible else {
            return "what stands where \(batch) belongs is of another log, or of an earlier use of the file"
        }
        if offset + found.batchBytes > window.byteCount { return "the file ends inside \(batch)" }
        return "the checksum of the records of \(batch) does not match"
    }

    // MARK: Notes

    private mutating func noteDamagedBatch(_ reader: Reader, _ reason: String, _ end: UInt64?) {
        note(.batchDamaged, reader.part.name, reader.offset, batch: point.nextBatch, reason)
        setPositions(from: point.nextPosition, to: end)
    }

    /// Once for a segment.
    private mutating func noteNewer(_ batch: BatchHeader, _ reader: Reader) {
        let file = log.folder.path(of: reader.part.name)
        guard findings.last?.kind != .newerVersion || findings.last?.file != file else { return }
        let reason = LogParts.needs(Int(batch.versions.reader))
        note(.newerVersion, reader.part.name, reader.offset, batch: batch.number, reason)
    }

    private mutating func noteMissing(between earlier: UInt64, and later: UInt64, _ end: UInt64) {
        let unusable = log.unusable.keys.filter { $0 > earlier && $0 < later }
        if unusable.isEmpty {
            note(.segmentMissing, LogFolder.segmentName(earlier + 1), 0, "the file is missing")
            setPositions(from: point.nextPosition, to: end)
        }
        guard end > point.nextPosition else { return }
        for number in unusable { log.setPositions(point.nextPosition...(end - 1), ofUnusable: number) }
    }

    /// A segment behind all that can be read can't be used, or the manifest knows of one that is not there.
    private mutating func noteLostEnd() {
        let last = log.parts.last?.header.number ?? 0
        if log.unusable.keys.contains(where: { $0 > last && !log.isStray($0) }) { isBroken = true }
        guard let manifest = log.manifest, manifest.newestSegment > last else { return }
        isBroken = true
        // One that is there and can't be used was noted.
        guard !log.segmentNumbers.contains(manifest.newestSegment) else { return }
        let reason = "the file is missing, and the manifest says that it was there"
        note(.segmentMissing, LogFolder.segmentName(manifest.newestSegment), 0, reason)
    }

    private mutating func note(
        _ kind: LogFinding.Kind,
        _ name: String,
        _ offset: Int,
        batch: UInt64? = nil,
        _ reason: String
    ) {
        let file = log.folder.path(of: name)
        findings.append(LogFinding(kind: kind, file: file, offset: offset, batch: batch, reason: reason))
    }

    /// The records lost with what was noted last: from `first` up to, not at, `end`.
    private mutating func setPositions(from first: UInt64, to end: UInt64?) {
        guard let end, end > first else { return }
        findings[findings.count - 1].positions = first...(end - 1)
    }
}

extension BatchHeader {
    /// Every record of a batch without a `problem`, front to back.
    func visitRecords(
        of bytes: UnsafeRawBufferPointer,
        _ body: (UInt64, UnsafeRawBufferPointer) throws -> Void
    ) rethrows {
        var frames = RecordFrames(bytes.part(Self.byteCount..<Self.byteCount + Int(payloadBytes)))
        var position = firstPosition
        while let payload = frames.next() {
            try body(position, payload)
            position += 1
        }
    }

    /// In what the records of a whole batch contradict its header; nil when they don't.
    func problem(ofRecordsIn bytes: UnsafeRawBufferPointer) -> String? {
        let end = Self.byteCount + Int(payloadBytes)
        guard end <= bytes.count else { return "batch \(number) is longer than its blocks" }
        var frames = RecordFrames(bytes.part(Self.byteCount..<end))
        for _ in 0..<count where frames.next() == nil { return "batch \(number): a record has no valid length" }
        return frames.isAtEnd ? nil : "batch \(number) has more bytes than records"
    }
}
