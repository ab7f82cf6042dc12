/// One thing that is wrong in a log's folder, or worth knowing about it.
public struct LogFinding: Sendable, Equatable {
    /// What it is. The names stand in reports for machines and don't change.
    public enum Kind: String, Sendable, CaseIterable {
        // What a start settles by itself.
        case manifestSlotDamaged = "manifest-slot-damaged"
        case tornTail = "torn-tail"
        case unfinishedFile = "unfinished-file"
        case unknownFile = "unknown-file"
        // Damage.
        case manifestMissing = "manifest-missing"
        case manifestDamaged = "manifest-damaged"
        case manifestForeign = "manifest-foreign"
        case segmentMissing = "segment-missing"
        case segmentHeaderDamaged = "segment-header-damaged"
        case segmentShort = "segment-short"
        case segmentMisnamed = "segment-misnamed"
        case segmentForeign = "segment-foreign"
        case segmentOutOfPlace = "segment-out-of-place"
        case batchDamaged = "batch-damaged"
        case batchOutOfPlace = "batch-out-of-place"
        case recordsDamaged = "records-damaged"
        case snapshotMissing = "snapshot-missing"
        case snapshotDamaged = "snapshot-damaged"
        case snapshotMisnamed = "snapshot-misnamed"
        case snapshotForeign = "snapshot-foreign"
        case newerVersion = "newer-version"
        case unreadable

        public var isDamage: Bool {
            switch self {
            case .manifestSlotDamaged, .tornTail, .unfinishedFile, .unknownFile: false
            default: true
            }
        }
    }

    public var kind: Kind
    /// The file's path.
    public var file: String
    /// The byte where it begins.
    public var offset: Int
    /// The batch, or in a snapshot the chunk.
    public var batch: UInt64?
    /// The records that can't be read because of it, where that is known.
    public var positions: ClosedRange<UInt64>?
    public var reason: String
}

/// Records that follow each other without a gap, every batch chained to the one before.
public struct LogRun: Sendable, Equatable {
    /// Position of the first record.
    public var first: UInt64
    /// Position of the last record; `first - 1` without any.
    public var last: UInt64
}

/// Where a record stands in the log.
public struct RecordPlace: Sendable, Equatable {
    public var position: UInt64
    /// Counts the runs of the log from 0.
    public var run: Int
    public var file: String
    /// Where its batch begins in the file, and that batch's number.
    public var offset: Int
    public var batch: UInt64
}

/// Why a command on a data folder was not carried out. Nothing was changed.
public struct LogRefusal: Error, Equatable, CustomStringConvertible {
    public let description: String

    public init(_ description: String) { self.description = description }
}
