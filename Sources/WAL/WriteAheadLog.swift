import Synchronization

/// A write-ahead log in a folder: records go in, get dense positions, and are durable when the watermark says so.
///
/// The order of calls is `open`, then `readSnapshot` if there is one, then `replay` once, then `start`, and `close`
/// at the end. `append` and the positions may be used from any thread between `start` and `close`.
///
/// FORMAT.md describes the files. The log knows bytes and positions; what a record means is the caller's.
///
/// `@unchecked Sendable`: what appenders use is thread-safe by itself (`PendingRecords`, `Watermark`); what recovery
/// and the life cycle change is guarded by `monitor`.
public final class WriteAheadLog: CommitLog, @unchecked Sendable {
    /// Things the operator should see although the log works: a damaged snapshot that was passed over, a filesystem
    /// without `O_DIRECT`. One sentence each.
    public var notices: [String] { monitor.withLock { noticed } }

    /// Where the snapshot to begin with was taken; nil when there is none.
    public let snapshotPosition: LogPosition?

    /// The folder as given to `open`.
    public var path: String { folder.path }

    private let folder: LogFolder
    let options: Options
    private let isReadOnly: Bool
    private let lock: any DeviceLock
    private let contents: FolderContents
    /// Newest first, without those found damaged.
    private let snapshots: [Manifest.Snapshot]
    private let random: RandomSource

    private let pending: PendingRecords
    private let watermark = Watermark(.zero)
    private let tail: LogTail
    private let roomGauge = RoomGauge()
    let counters = LogCounters()

    private let monitor = Monitor()
    private var noticed: [String]
    private var phase = Phase.opened

    private enum Phase {
        /// → replayed, closed
        case opened
        /// Where the log continues, and the batch before that. → starting, closed
        case replayed(ChainPoint, LastBatch?)
        /// Stays so when the start failed. → running, closed
        case starting
        /// → closed
        case running(Running)
        case closed
    }

    private struct Running {
        let store: SegmentStore
        /// The last record when the log was started.
        let start: LogPosition
        let writer: Writer
        let preparer: JoinableThread?
    }

    private enum Writer {
        case thread(JoinableThread)
        case steps(LogSteps)

        /// Returns when everything is written, after the log was told to stop.
        func end() {
            switch self {
            // The last reference may be let go inside a callback: a thread can't wait for itself.
            case .thread(let thread): if thread.isCurrent { thread.detach() } else { thread.join() }
            case .steps(let steps): steps.finish()
            }
        }
    }

    // MARK: Opening

    /// Takes the folder for this process and finds out what is in it; makes an empty log when nothing is.
    ///
    /// - Throws: `locked` when another process has it, `corrupt` or `unsupportedVersion` when it can't be used,
    ///   `ioUringUnavailable`, `misused` for options out of range, `system` for what the system refused.
    public static func open(folder: String, options: Options, device: any LogDevice) throws(LogError) -> WriteAheadLog {
        if let problem = options.problem { throw LogError.misused(problem) }
        try device.checkAvailable()
        try device.createFolder(folder)
        let lock = try device.lock("\(folder)/\(LogFolder.lockName)", .exclusive)
        return try WriteAheadLog(
            folder: LogFolder(path: folder, device: device),
            options: options,
            lock: lock,
            isReadOnly: false
        )
    }

    /// For looking at a log while no server has it: repairs nothing, writes nothing, can't be started.
    ///
    /// - Throws: as `open`; `system` when there is no folder or no log in it.
    public static func openReadOnly(folder: String, device: any LogDevice) throws(LogError) -> WriteAheadLog {
        let lock = try device.lock("\(folder)/\(LogFolder.lockName)", .shared)
        return try WriteAheadLog(
            folder: LogFolder(path: folder, device: device),
            options: Options(),
            lock: lock,
            isReadOnly: true
        )
    }

    private init(folder: LogFolder, options: Options, lock: any DeviceLock, isReadOnly: Bool) throws(LogError) {
        self.folder = folder
        self.options = options
        self.lock = lock
        self.isReadOnly = isReadOnly
        random = RandomSource(fixed: options.fixedRandom)
        do throws(LogError) {
            let contents = try FolderContents(of: folder, mayChange: !isReadOnly, random: random)
            let chosen = try SnapshotChoice(of: contents, in: folder)
            self.contents = contents
            snapshots = chosen.usable
            noticed = chosen.notices
            snapshotPosition = chosen.usable.first.map { LogPosition($0.position) }
        } catch {
            lock.release()
            throw error
        }
        let recordBytesMax = options.batchBytesMax - BatchHeader.byteCount - RecordBuffer.frameHeaderBytes
        tail = LogTail(bytesMax: options.tailBytesMax)
        pending = PendingRecords(
            limitBytes: options.pendingBytesMax,
            recordBytesMax: recordBytesMax
        )
    }

    deinit { try? close() }

    // MARK: Recovery

    /// The payload of every record in the snapshot, in order, with a few megabytes of memory whatever its size.
    ///
    /// The bytes are valid inside `body` only. The snapshot was checked as a whole by `open`; it is checked again
    /// while it is read. Does nothing when there is none.
    public func readSnapshot(_ body: (UnsafeRawBufferPointer) throws -> Void) throws {
        guard let snapshotPosition else { return }
        let reader = try SnapshotReader(
            in: folder,
            position: snapshotPosition.rawValue,
            identity: contents.manifest.identity
        )
        defer { reader.close() }
        try reader.read(body)
    }

    /// Every record from `first` to the end of the log, in order; `first` is one behind the snapshot, or 1.
    ///
    /// Checks everything it reads, finds the end of the log, and refuses a log that contradicts itself. The bytes
    /// are valid inside `body` only. Runs once before `start`; a read-only log may be replayed again.
    ///
    /// - Throws: `LogError.corrupt`, a read error, or what `body` throws.
    public func replay(
        from first: LogPosition,
        _ body: (LogPosition, UnsafeRawBufferPointer) throws -> Void
    ) throws -> ReplaySummary {
        try monitor.withLock {
            switch phase {
            case .opened: break
            case .replayed where isReadOnly: break
            case .replayed: throw LogError.misused("replay runs once")
            case .starting, .running: throw LogError.misused("replay runs before start")
            case .closed: throw LogError.closed
            }
        }
        let replay = LogReplay(folder: folder, segments: contents.segments)
        let (summary, end, lastBatch) = try replay.run(from: first) { position, payload in
            roomGauge.count(recordBytes: payload.count)
            try body(position, payload)
        }
        watermark.advance(to: summary.lastPosition)
        pending.continueAfter(summary.lastPosition)
        monitor.withLock {
            if case .opened = phase { phase = .replayed(end, lastBatch) }
        }
        return summary
    }

    /// Instead of `replay`, for a new log: it goes on behind a position, as if what is before it had been there.
    ///
    /// Nobody can start from it before it has a snapshot at that position.
    /// - Throws: `misused` for a log that isn't new.
    package func begin(behind position: LogPosition) throws(LogError) {
        try monitor.withLock { () throws(LogError) in
            guard case .opened = phase, contents.segments.isEmpty, snapshots.isEmpty, !isReadOnly else {
                throw LogError.misused("only a new log can begin behind a position")
            }
            phase = .replayed(ChainPoint(nextBatch: 1, nextPosition: position.rawValue + 1, checksum: 0), nil)
        }
        watermark.advance(to: position)
        pending.continueAfter(position)
    }

    /// What tells this log from any other: 32 hexadecimal digits, the same for as long as it lives.
    package var identity: String { Self.text(contents.manifest.identity) }

    static func text(_ identity: LogIdentity) -> String {
        [identity.high, identity.low].map { half in
            let digits = String(half, radix: 16)
            return String(repeating: "0", count: 16 - digits.count) + digits
        }.joined()
    }

    // MARK: Life

    /// Begins a new segment behind what was replayed, starts the log's thread, and lets `append` in.
    ///
    /// - Parameters:
    ///   - onDurable: called on the log's thread once for each durable batch, with the new watermark. While it runs
    ///     nothing is written: hand over and return.
    ///   - onFailure: called on the log's thread once, when the log has stopped for good.
    /// - Throws: what the device refused. The log can't be started again then: close it.
    public func start(
        onDurable: @escaping @Sendable (LogPosition) -> Void,
        onFailure: @escaping @Sendable (LogError) -> Void
    ) throws(LogError) {
        let setup = try prepareToWrite(onDurable, onFailure)
        let store = setup.store
        let writer = try LogThread.start(setup)
        // Without this thread the log's own makes the segments: slower now and then, not wrong.
        let isPrepared = options.spareSegments > 0 || options.reserveBytes != nil
        let preparer =
            isPrepared ? try? JoinableThread(name: "holdfast-spares") { store.prepareSpares() } : nil
        monitor.withLock {
            phase = .running(
                Running(store: store, start: setup.start, writer: .thread(writer), preparer: preparer)
            )
        }
    }

    /// As `start`, but without threads: nothing is written until the caller does it, by the steps that are returned.
    ///
    /// For simulations; `onDurable` and `onFailure` are called inside the steps. Closing takes the steps that are left.
    package func startStepped(
        onDurable: @escaping @Sendable (LogPosition) -> Void,
        onFailure: @escaping @Sendable (LogError) -> Void
    ) throws(LogError) -> LogSteps {
        let setup = try prepareToWrite(onDurable, onFailure)
        let steps = try LogSteps(setup)
        monitor.withLock {
            phase = .running(Running(store: setup.store, start: setup.start, writer: .steps(steps), preparer: nil))
        }
        return steps
    }

    /// Makes the segment in which the log continues, behind what was replayed.
    private func prepareToWrite(
        _ onDurable: @escaping @Sendable (LogPosition) -> Void,
        _ onFailure: @escaping @Sendable (LogError) -> Void
    ) throws(LogError) -> LogThread.Setup {
        let (end, lastBatch) = try pointToStartFrom()
        try lastBatch?.writeAgain(in: folder)
        let store = try SegmentStore(
            folder: folder,
            manifest: contents.manifest,
            segments: contents.segments,
            snapshots: snapshots,
            spares: contents.spares,
            unfinished: contents.unfinished,
            options: options,
            random: random,
            roomGauge: roomGauge
        )
        store.measureRoom()
        let segment = try store.makeSegment(startingAt: end)
        if !segment.file.isDirect { note("the filesystem of \(folder.path) has no O_DIRECT; the page cache is used") }
        try store.dropEmptySegments()
        return LogThread.Setup(
            pending: pending,
            store: store,
            options: options,
            watermark: watermark,
            tail: tail,
            counters: counters,
            segment: segment,
            onDurable: onDurable,
            onFailure: onFailure
        )
    }

    private func pointToStartFrom() throws(LogError) -> (ChainPoint, LastBatch?) {
        guard !isReadOnly else { throw LogError.misused("a log opened for reading can't be started") }
        return try monitor.withLock { () throws(LogError) in
            switch phase {
            case .replayed(let end, let lastBatch):
                phase = .starting
                return (end, lastBatch)
            case .opened: throw LogError.misused("start before replay")
            case .starting, .running: throw LogError.misused("start runs once")
            case .closed: throw LogError.closed
            }
        }
    }

    private func note(_ notice: String) { monitor.withLock { noticed.append(notice) } }

    /// Writes what waits, makes it durable, proves it with an empty batch, ends the threads, gives the folder back.
    ///
    /// Closing again does nothing. Must not be called from `onDurable` or `onFailure`.
    /// - Throws: what stopped the log, when it had failed.
    public func close() throws(LogError) {
        let before = monitor.withLock {
            defer { phase = .closed }
            return phase
        }
        if case .closed = before { return }
        pending.stop()
        if case .running(let running) = before {
            running.writer.end()
            running.store.stopPreparing()
            running.preparer?.join()
        }
        lock.release()
        if let failure = pending.failure { throw failure }
    }

    // MARK: CommitLog

    public func append(_ records: borrowing RecordBuffer) throws(LogError) -> LogPosition {
        try pending.append(records)
    }

    /// While it runs: before `start` nothing is known to be durable.
    public func makeReader() throws(LogError) -> any RecordReader {
        let store = try runningStore()
        tail.follow()
        return LogReader(folder: folder, store: store, tail: tail, watermark: watermark)
    }

    /// Position of the oldest record that can be read; one behind the last where there is none.
    public var oldestPosition: LogPosition {
        LogPosition((try? runningStore())?.oldestPosition ?? contents.segments.first?.start.nextPosition ?? 1)
    }

    /// What tells the histories of this log apart: two folders that have one origin for a record have the same records up
    /// to it, and a folder that was put back to an older state gives another one to the records that it goes on with.
    ///
    /// - Returns: nil for a record from before the oldest segment that is remembered, and when it isn't running.
    package func origin(of position: LogPosition) -> UInt64? {
        (try? runningStore())?.salt(ofRecordAt: position.rawValue)
    }

    /// The last record when the log was started; nil when it isn't running.
    package var startedBehind: LogPosition? {
        monitor.withLock {
            if case .running(let running) = phase { running.start } else { nil }
        }
    }

    func runningStore() throws(LogError) -> SegmentStore {
        try monitor.withLock { () throws(LogError) in
            guard case .running(let running) = phase else { throw LogError.closed }
            return running.store
        }
    }

    public var lastPosition: LogPosition { pending.lastPosition }
    public var durablePosition: LogPosition { watermark.position }
    public var pendingBytes: Int { pending.byteCount }
    public var roomState: StorageRoom.State { roomGauge.state }

    /// What the filesystem had left when it was asked last, about a second ago at most.
    public var room: StorageRoom { roomGauge.room }

    /// Asks the filesystem now, instead of within the second. Does nothing unless `reserveBytes` is set.
    public func measureRoom() {
        (try? runningStore())?.measureRoom()
    }

    // MARK: Snapshots

    /// Begins a snapshot of the state as of `position`. One at a time; on any thread.
    ///
    /// The caller sees to it that everything in it is durable before `finish`.
    /// - Throws: `misused` when another one is being written or when `position` is behind the newest snapshot,
    ///   `noRoomForSnapshot` when the log is short of room and the snapshot would not fit.
    public func beginSnapshot(at position: LogPosition) throws(LogError) -> SnapshotWriter {
        let store = try runningStore()
        if let failure = pending.failure { throw failure }
        guard position <= lastPosition else {
            throw LogError.misused("a snapshot at \(position) of a log that ends at \(lastPosition)")
        }
        try store.checkRoomForSnapshot()
        try store.beginSnapshot(at: position)
        return try SnapshotWriter(at: position, store: store, log: pending, watermark: watermark)
    }
}
