/// Which segment each record was written into, also of segments that the log has let go of.
///
/// A segment's salt is random and its batches are written by one process, so two logs that have a record in segments of one
/// salt have the same records up to it. That tells the histories apart of a log whose folder was put back to an older state.
struct SegmentOrigins: Sendable {
    /// 4 TiB of log with segments of 64 MiB; the oldest are forgotten then. After a start there are as many as the manifest
    /// has.
    private static let countMax = 1 << 16

    private var entries: [Manifest.Origin] = []

    /// - Parameters:
    ///   - earlier: of the manifest.
    ///   - segments: that there are, ascending.
    init(earlier: [Manifest.Origin], _ segments: [SegmentHeader]) {
        guard let oldest = segments.first?.start.nextPosition else { return }
        for origin in earlier where origin.first < oldest { add(origin) }
        for segment in segments { add(segment) }
    }

    /// Behind all others. One without a batch gives its place to the next.
    mutating func add(_ segment: SegmentHeader) {
        add(Manifest.Origin(first: segment.start.nextPosition, salt: segment.salt))
    }

    private mutating func add(_ origin: Manifest.Origin) {
        while let last = entries.last, last.first >= origin.first { entries.removeLast() }
        if entries.count == Self.countMax { entries.removeFirst(Self.countMax / 2) }
        entries.append(origin)
    }

    /// For the manifest.
    var newest: [Manifest.Origin] { Array(entries.suffix(Manifest.originsMax)) }

    /// The salt of the segment that a record was written into, or would be; nil for one from before the oldest.
    func salt(ofRecordAt position: UInt64) -> UInt64? {
        var (low, high) = (0, entries.count)
        while low < high {
            let middle = (low + high) / 2
            if entries[middle].first <= position { low = middle + 1 } else { high = middle }
        }
        return low > 0 ? entries[low - 1].salt : nil
    }
}
