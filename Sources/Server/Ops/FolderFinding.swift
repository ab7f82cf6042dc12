import WAL

/// One thing that is wrong with a data folder or worth knowing: where, what follows from it, what to do.
struct FolderFinding {
    /// What only the engine can tell; the rest is the log's.
    enum Kind: String {
        case snapshotDigestWrong = "snapshot-digest-wrong"
        case snapshotContradicts = "snapshot-contradicts"
        case snapshotWithoutLog = "snapshot-without-log"
        case logShorterThanSnapshot = "log-shorter-than-snapshot"
        case recordMalformed = "record-malformed"
        case recordContradicts = "record-contradicts"
    }

    /// nil for what the log found.
    let kind: Kind?
    let logKind: LogFinding.Kind?
    let isDamage: Bool
    let file: String
    let offset: Int
    var batch: UInt64?
    var positions: ClosedRange<UInt64>?
    let reason: String
    var consequence = ""
    var remedy = ""
    /// The command to type, without `--apply`; nil where there is none.
    var command: String?

    init(_ finding: LogFinding) {
        kind = nil
        logKind = finding.kind
        isDamage = finding.kind.isDamage
        file = finding.file
        offset = finding.offset
        batch = finding.batch
        positions = finding.positions
        reason = finding.reason
    }

    init(_ kind: Kind, file: String, offset: Int = 0, reason: String) {
        self.kind = kind
        logKind = nil
        isDamage = true
        self.file = file
        self.offset = offset
        self.reason = reason
    }

    var name: String { kind?.rawValue ?? logKind?.rawValue ?? "" }

    /// The number in the file's name: a segment's or a snapshot's.
    var number: UInt64? { file.split(separator: "-").last.flatMap { UInt64($0) } }

    var isAboutSnapshot: Bool { file.split(separator: "/").last?.hasPrefix("snap-") ?? false }
}
