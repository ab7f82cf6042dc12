// What readers of the running log ask of its files.
extension SegmentStore {
    /// A segment that has a record, and the batch with which the next one begins; nil in the newest.
    struct Readable {
        let header: SegmentHeader
        let successorBatch: UInt64?
    }

    /// The segment with the record at `position`, which is durable; nil when it was let go of.
    func segment(holding position: UInt64) -> Readable? {
        withSegments { segments in
            guard let index = segments.lastIndex(where: { $0.start.nextPosition <= position }) else { return nil }
            let successor = index + 1 < segments.endIndex ? segments[index + 1].start.nextBatch : nil
            return Readable(header: segments[index], successorBatch: successor)
        }
    }

    /// Whether the segment's file is still its own.
    func isReadable(_ segment: SegmentHeader) -> Bool {
        withSegments { $0.contains { $0.number == segment.number } }
    }

    func salt(ofRecordAt position: UInt64) -> UInt64? { withOrigins { $0.salt(ofRecordAt: position) } }

    /// Position of the oldest record that the log has, or will have.
    var oldestPosition: UInt64 { withSegments { $0.first?.start.nextPosition } ?? 1 }
}
