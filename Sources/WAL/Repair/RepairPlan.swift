/// What an operator can have done to a folder that no server will start from.
public enum RepairWish: Sendable, Equatable {
    /// Gives up every record behind a position, and the snapshots that are not kept.
    case truncate(at: UInt64, keepingSnapshots: Set<UInt64>)
    /// Gives up the log before a snapshot that holds the same: older records, older snapshots.
    ///
    /// - reach: the last position whose record the snapshot may hold.
    case startAtSnapshot(UInt64, reach: UInt64)
    case dropSnapshot(UInt64)
    /// Removes a segment that is not part of the log.
    case dropSegment(UInt64)
    /// Writes a segment's header again from what its batches say.
    case rebuildHeader(UInt64)
    /// Writes the manifest again from what the segments say.
    case rebuildManifest
}

/// The changes that fulfil a wish, worked out before the first of them is made.
///
/// Invariant: after any number of the steps, also half of one, the folder holds a log from before or after the repair,
/// or is refused by a start; and the same wish can be fulfilled again. For this segments go from the newest down while
/// the manifest still names the newest one, and what replaces them comes under its name in one rename.
public struct RepairPlan: Sendable {
    enum Step: Sendable {
        case remove(String)
        /// A segment with nothing but a cut batch, or with nothing at all: from where on the log continues.
        case seal(SealedSegment)
        /// The last batch that stays, again: nothing but what replaces its successors says that it is on the disk.
        case writeAgain(LastBatch)
        /// A segment without what stands before `offset`.
        case cutHead(name: String, header: SegmentHeader, offset: Int)
        case header(name: String, SegmentHeader)
        case manifest(Manifest)
    }

    let steps: [Step]
    /// Names of the files that are removed or changed, in order.
    public let changedFiles: [String]
    /// Files that stay as they are for now and hold records that are given up: a server will use them again.
    let filesGivenUp: [String]

    init(_ steps: [Step], of log: LogParts, givingUp filesGivenUp: [String] = []) {
        self.steps = steps
        self.filesGivenUp = filesGivenUp
        changedFiles = steps.flatMap { step -> [String] in
            switch step {
            case .remove(let name), .cutHead(let name, _, _), .header(let name, _): return [name]
            case .seal, .writeAgain: return []
            case .manifest: return log.names.contains(LogFolder.manifestName) ? [LogFolder.manifestName] : []
            }
        }
    }
}

/// A segment in memory: its header, and the records of a batch that was cut in the middle.
///
/// A covering batch behind those says that they were durable, so that damage to them can't pass for a torn write.
struct SealedSegment: Sendable {
    let header: SegmentHeader
    /// Framed records, whole ones.
    let records: [UInt8]
    let recordCount: Int

    var byteCount: Int { Self.byteCount(records: records.count) }

    init(_ header: SegmentHeader, records: [UInt8] = [], recordCount: Int = 0) {
        var header = header
        header.segmentBytes = UInt64(Self.byteCount(records: records.count))
        self.header = header
        self.records = records
        self.recordCount = recordCount
    }

    private static func byteCount(records: Int) -> Int {
        LogFormat.blockBytes + (records > 0 ? BatchHeader.batchBytes(payloadBytes: records) + LogFormat.blockBytes : 0)
    }

    func makeBytes() -> AlignedBuffer {
        let buffer = AlignedBuffer(byteCount: byteCount)
        func part(_ range: Range<Int>) -> UnsafeMutableRawBufferPointer { .init(rebasing: buffer.bytes[range]) }
        header.write(to: part(0..<LogFormat.blockBytes))
        guard recordCount > 0 else { return buffer }
        var batch = BatchHeader(
            of: header,
            at: header.start,
            durableBatch: header.start.nextBatch - 1,
            count: recordCount,
            payloadBytes: records.count
        )
        let end = LogFormat.blockBytes + batch.batchBytes
        part(LogFormat.blockBytes + BatchHeader.byteCount..<end).copyBytes(from: records)
        batch.seal(into: part(LogFormat.blockBytes..<end))
        var cover = BatchHeader(of: header, at: batch.end, durableBatch: batch.number, count: 0, payloadBytes: 0)
        cover.seal(into: part(end..<end + LogFormat.blockBytes))
        return buffer
    }
}
