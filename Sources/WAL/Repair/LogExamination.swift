/// Looks through a log's folder from end to end without stopping at what is wrong, and changes nothing.
///
/// Construct it, then `readSnapshot` for each of `snapshots`, then `readLog` once. Findings gather on the way.
public final class LogExamination {
    /// What is wrong or worth knowing, so far.
    public var findings: [LogFinding] {
        (walk?.log ?? log).findings + snapshotFindings + (walk?.findings ?? [])
    }

    /// Positions of the snapshots, newest first.
    public let snapshots: [UInt64]
    /// Numbers of the segments that can't be used at all.
    public var unusableSegments: [UInt64] { log.unusable.keys.sorted() }
    /// Numbers of the segments with a damaged header whose batches can be read all the same.
    public var segmentsWithoutHeader: [UInt64] { log.parts.filter(\.isRebuilt).map(\.header.number) }

    /// Position of the first record that the log can still have; nil without a readable segment.
    public var firstPosition: UInt64? { log.parts.first?.header.start.nextPosition }
    /// The number of the newest segment that can be read.
    public var lastSegment: UInt64? { log.parts.last?.header.number }
    public var folder: String { log.folder.path }
    /// What tells this log from any other; nil where nothing says it.
    package var identity: String? { log.identity.map { WriteAheadLog.text($0) } }

    /// As `WriteAheadLog.origin(of:)`, for a record that the folder has; nil for one from before what it has.
    package func origin(of position: LogPosition) -> UInt64? {
        log.parts.last { $0.header.start.nextPosition <= position.rawValue }?.header.salt
    }

    /// The name of the file with the snapshot at a position.
    public static func snapshotName(_ position: UInt64) -> String { LogFolder.snapshotName(position) }

    /// Known after `readLog`.
    public var runs: [LogRun] { walk?.runs ?? [] }
    /// The log went on behind its last readable record, and what stood there is damaged or missing.
    public var endsInDamage: Bool { walk?.endsInDamage ?? false }
    public var batchCount: Int { walk?.batchCount ?? 0 }
    public var segmentCount: Int { log.parts.count }
    public var bytesRead: Int { walk?.bytesRead ?? 0 }

    let log: LogParts
    private var walk: LogWalk?
    private var snapshotFindings: [LogFinding] = []
    private let lock: (any DeviceLock)?

    /// Takes the folder so that no server can begin to write meanwhile.
    ///
    /// - Throws: `locked` when a server has it, `system` when there is no such folder.
    public convenience init(folder: String, device: any LogDevice) throws(LogError) {
        try self.init(LogFolder(path: folder, device: device), lock: device.lockToRead(folder))
    }

    init(_ folder: LogFolder, lock: (any DeviceLock)?) throws(LogError) {
        self.lock = lock
        log = try LogParts(of: folder)
        snapshots = log.snapshots
    }

    deinit { lock?.release() }

    /// Every readable record of a snapshot.
    ///
    /// - Returns: whether the snapshot is whole.
    public func readSnapshot(at position: UInt64, _ body: (UnsafeRawBufferPointer) throws -> Void) throws -> Bool {
        do {
            var walk = try SnapshotWalk(position, in: log.folder, identity: log.identity)
            defer { walk.close() }
            try walk.run(body)
            snapshotFindings += walk.findings
            return walk.findings.isEmpty
        } catch let error as LogError {
            let file = log.folder.path(of: LogFolder.snapshotName(position))
            snapshotFindings.append(LogFinding(kind: .unreadable, file: file, offset: 0, reason: "\(error)"))
            return false
        }
    }

    /// Every readable record of the log, in the order in which they stand.
    public func readLog(_ body: (RecordPlace, UnsafeRawBufferPointer) throws -> Void) throws {
        var walk = LogWalk(log)
        try walk.run { place, batch, bytes in
            var record = RecordPlace(
                position: 0,
                run: place.run,
                file: log.folder.path(of: place.part.name),
                offset: place.offset,
                batch: batch.number
            )
            try batch.visitRecords(of: bytes) { position, payload in
                record.position = position
                try body(record, payload)
            }
        }
        self.walk = walk
    }
}

extension LogDevice {
    /// The shared lock on a folder; a copy of a folder may lack the file, which stands for nobody then.
    func lockToRead(_ folder: String) throws(LogError) -> (any DeviceLock)? {
        guard try list(folder).contains(LogFolder.lockName) else { return nil }
        return try lock("\(folder)/\(LogFolder.lockName)", .shared)
    }
}
