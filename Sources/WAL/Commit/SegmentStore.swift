/// The files of the log: which segments and snapshots there are, making the next segment, letting go of old ones.
///
/// Every change of a name is made durable before anything relies on it, in the order that FORMAT.md gives.
///
/// `@unchecked Sendable`: everything that changes is guarded by `monitor`. The log's thread, the thread that prepares
/// spares and the one that takes a snapshot come in.
final class SegmentStore: @unchecked Sendable {
    let folder: LogFolder
    let identity: LogIdentity
    let epoch: UInt64
    let options: WriteAheadLog.Options
    let roomGauge: RoomGauge
    private let random: RandomSource

    private let monitor = Monitor()
    private let manifestFile: ManifestFile
    /// Ascending; the last one is in use.
    private var segments: [SegmentHeader]
    private var origins: SegmentOrigins
    /// Segments up to this number are being let go of: nobody may begin to read them.
    private var hiddenThrough: UInt64 = 0
    /// Held by the one thread that lets go of segments, around `monitor`.
    private let lettingGo = Monitor()
    /// Newest first; only ones that are not known to be damaged.
    private var snapshots: [Manifest.Snapshot]
    private var spares: [UInt64]
    private var nextSpare: UInt64
    private var isStopping = false
    private var isSnapshotOpen = false
    /// Bytes of records that the snapshot being written stands for.
    private var snapshotRecordBytes = 0
    /// The filesystem had no room for the last spare.
    private var isSpareRefused = false
    /// Why the folder's state is not known: a sync of it or a write of the manifest failed. Whatever a later one
    /// answers, nothing may be built on names from then on.
    private var unknown: LogError?

    /// Removes what never got its final name: nothing was changed before, and the folder was found good by now.
    ///
    /// - Parameters:
    ///   - segments: ascending.
    ///   - snapshots: newest first.
    ///   - spares: numbers of the spare files in the folder.
    ///   - unfinished: names to remove.
    init(
        folder: LogFolder,
        manifest: Manifest,
        segments: [SegmentHeader],
        snapshots: [Manifest.Snapshot],
        spares: [UInt64],
        unfinished: [String],
        options: WriteAheadLog.Options,
        random: RandomSource,
        roomGauge: RoomGauge
    ) throws(LogError) {
        self.folder = folder
        self.options = options
        self.roomGauge = roomGauge
        self.random = random
        self.segments = segments
        origins = SegmentOrigins(earlier: manifest.origins, segments)
        self.snapshots = snapshots
        self.spares = []
        identity = manifest.identity
        epoch = max(manifest.epoch, segments.last?.epoch ?? 0) + 1
        nextSpare = (spares.max() ?? 0) + 1
        manifestFile = try ManifestFile(manifest, in: folder)
        for name in unfinished { try folder.remove(name) }
        if !unfinished.isEmpty { try syncFolder() }
        try adopt(spares)
    }

    // MARK: What may fail once only

    /// Why the log must not go on, although no batch failed; nil while it may.
    var failure: LogError? { monitor.withLock { unknown } }

    /// Makes the changes of names durable. Not repeated after a failure: the next one may answer that all is well while
    /// the changes are gone.
    func syncFolder() throws(LogError) {
        if let failure { throw failure }
        do throws(LogError) {
            try folder.sync()
        } catch {
            monitor.withLock { unknown = unknown ?? error }
            throw error
        }
    }

    /// The caller holds `monitor`.
    private func updateManifest(_ change: (inout Manifest) -> Void) throws(LogError) {
        if let unknown { throw unknown }
        do throws(LogError) {
            try manifestFile.update(change)
        } catch {
            unknown = error
            throw error
        }
    }

    // MARK: The next segment

    /// Makes the segment in which the log continues at `start`, and everything about it durable.
    func makeSegment(startingAt start: ChainPoint) throws(LogError) -> (file: any DeviceFile, header: SegmentHeader) {
        let spare = try takeSpare()
        let number = monitor.withLock { max(segments.last?.number ?? 0, manifestFile.manifest.newestSegment) + 1 }
        let header = SegmentHeader(
            identity: identity,
            number: number,
            salt: random.next(),
            epoch: epoch,
            start: start,
            segmentBytes: options.segmentBytes
        )
        let file = try folder.open(LogFolder.spareName(spare), .update)
        let block = AlignedBuffer(byteCount: LogFormat.blockBytes)
        header.write(to: block.bytes)
        try file.write(UnsafeRawBufferPointer(block.bytes), at: 0)
        try file.sync()
        file.close()
        let name = LogFolder.segmentName(number)
        try folder.rename(LogFolder.spareName(spare), to: name)
        try syncFolder()
        try monitor.withLock { () throws(LogError) in
            segments.append(header)
            origins.add(header)
            let (epoch, origins) = (epoch, origins.newest)
            try updateManifest {
                $0.newestSegment = number
                $0.epoch = epoch
                $0.origins = origins
            }
            monitor.signal()
        }
        return (try folder.open(name, .update), header)
    }

    /// Lets go of a segment that ended without a batch, once the one after it is durable.
    func dropEmptySegments() throws(LogError) {
        let empty = monitor.withLock {
            zip(segments, segments.dropFirst()).filter { $0.start == $1.start }.map { $0.0 }
        }
        for segment in empty {
            monitor.withLock { segments.removeAll { $0.number == segment.number } }
            try recycle(segment)
        }
    }

    // MARK: Spares

    /// The number of a spare that is filled and durable; made on the spot when none is ready.
    private func takeSpare() throws(LogError) -> UInt64 {
        if let ready = monitor.withLock({ spares.isEmpty ? nil : spares.removeFirst() }) { return ready }
        guard let made = try makeSpare() else { throw LogError.closed }
        return made
    }

    /// Sleeps until a spare is missing or it is time to look at the room again. False when it is over.
    func waitForWork(canMake: Bool) -> Bool {
        monitor.withLock {
            let isWatched = options.reserveBytes != nil
            let next = isWatched ? MonotonicTime.now.advanced(microseconds: Self.roomIntervalMicroseconds) : nil
            while !isStopping && (!canMake || isSpareRefused || spares.count >= options.spareSegments) {
                if !monitor.wait(until: next) { break }
            }
            return !isStopping
        }
    }

    var spareCount: Int { monitor.withLock { spares.count } }

    var lacksSpare: Bool { monitor.withLock { spares.count < options.spareSegments } }

    func addPrepared(_ spare: UInt64) {
        monitor.withLock {
            spares.append(spare)
            isSpareRefused = false
        }
    }

    /// - Parameter isRefused: for lack of room; false when it failed for another reason.
    func noteSpareRefused(_ isRefused: Bool) { monitor.withLock { isSpareRefused = isRefused } }

    func stopPreparing() {
        monitor.withLock { isStopping = true }
        monitor.signal()
    }

    func roomDemand() -> RoomDemand {
        monitor.withLock {
            RoomDemand(
                segmentBytes: options.segmentBytes,
                readySpares: spares.count,
                wantedSpares: options.spareSegments,
                reserveBytes: options.reserveBytes ?? 0,
                snapshotBytes: isSnapshotOpen ? 0 : nextSnapshotBytes,
                isSpareRefused: isSpareRefused && spares.count < options.spareSegments
            )
        }
    }

    /// About: what the newest one takes, and what was logged since.
    private var nextSnapshotBytes: Int {
        Int(snapshots.first?.fileBytes ?? 0) + roomGauge.recordBytesSinceSnapshot + LogFormat.batchBytesMax
    }

    /// Gives back what is ready beyond the wanted number. The names need no sync: a spare that returns is a spare.
    /// - Returns: false when there was none.
    func removeSurplusSpares() -> Bool {
        let surplus = monitor.withLock {
            let surplus = Array(spares.dropFirst(options.spareSegments))
            spares.removeLast(surplus.count)
            return surplus
        }
        for spare in surplus { try? folder.remove(LogFolder.spareName(spare)) }
        return !surplus.isEmpty
    }

    /// A file of the size of a segment, filled with zeros by real writes so that later ones change no metadata.
    /// nil when `stopPreparing` came in between.
    func makeSpare() throws(LogError) -> UInt64? {
        let number = monitor.withLock {
            nextSpare += 1
            return nextSpare - 1
        }
        let name = LogFolder.spareName(number)
        let temporary = name + LogFolder.temporarySuffix
        let file = try folder.open(temporary, .create)
        defer { file.close() }
        do throws(LogError) {
            guard try fill(file) else { return nil }
        } catch {
            // What was written of it must not take the room that others wait for.
            if error.isLackOfRoom { try? folder.remove(temporary) }
            throw error
        }
        try folder.rename(temporary, to: name)
        try syncFolder()
        return number
    }

    /// False when `stopPreparing` came in between.
    private func fill(_ file: any DeviceFile) throws(LogError) -> Bool {
        let zeros = AlignedBuffer(byteCount: min(options.segmentBytes, 1 << 20))
        zeros.bytes.zero(0..<zeros.bytes.count)
        var offset = 0
        while offset < options.segmentBytes {
            if monitor.withLock({ isStopping }) { return false }
            let count = min(zeros.bytes.count, options.segmentBytes - offset)
            try file.write(UnsafeRawBufferPointer(zeros.bytes).part(0..<count), at: offset)
            offset += count
        }
        try file.sync()
        return true
    }

    /// Keeps the spares of an earlier run that have the right size and were never a segment, within the bound; removes the
    /// others.
    ///
    /// A spare that was a segment has that name back after a power loss when the sync of the folder that was to make the
    /// change durable failed, and the process was gone without the power. No later sync makes up for that, so nothing
    /// may be written into it.
    private func adopt(_ found: [UInt64]) throws(LogError) {
        var hasRemoved = false
        for number in found.sorted() {
            let name = LogFolder.spareName(number)
            let file = try folder.open(name, .read)
            let byteCount = try file.byteCount()
            let isFresh = try Self.isFresh(file)
            file.close()
            if byteCount == options.segmentBytes && isFresh && spares.count < max(1, options.sparesMax) {
                spares.append(number)
            } else {
                try folder.remove(name)
                hasRemoved = true
            }
        }
        if hasRemoved { try syncFolder() }
    }

    /// Whether no header was ever written into the file.
    private static func isFresh(_ file: any DeviceFile) throws(LogError) -> Bool {
        let block = AlignedBuffer(byteCount: LogFormat.blockBytes)
        let count = try file.read(into: block.bytes, at: 0)
        return UnsafeRawBufferPointer(block.bytes).part(0..<count).allSatisfy { $0 == 0 }
    }

    /// Turns a segment nobody needs into a spare, or removes it.
    private func recycle(_ segment: SegmentHeader, freesRoom: Bool = false) throws(LogError) {
        let name = LogFolder.segmentName(segment.number)
        let spare: UInt64? = monitor.withLock {
            let hasRoom = roomGauge.state == .enough && !freesRoom
            let sparesMax = hasRoom ? options.sparesMax : options.spareSegments
            guard spares.count < sparesMax, segment.segmentBytes == UInt64(options.segmentBytes) else {
                return nil
            }
            nextSpare += 1
            return nextSpare - 1
        }
        guard let spare else {
            try folder.remove(name)
            return try syncFolder()
        }
        try folder.rename(name, to: LogFolder.spareName(spare))
        // Before anything is written into it: otherwise a crash could bring the old name back over new content.
        try syncFolder()
        monitor.withLock { spares.append(spare) }
        monitor.signal()
    }

    // MARK: Snapshots

    /// Reserves the one place for a snapshot that is being written.
    func beginSnapshot(at position: LogPosition) throws(LogError) {
        try monitor.withLock { () throws(LogError) in
            guard !isSnapshotOpen else { throw LogError.misused("two snapshots at the same time") }
            if let newest = snapshots.first, newest.position > position.rawValue {
                throw LogError.misused("a snapshot at \(position) when there is one at \(newest.position)")
            }
            isSnapshotOpen = true
            snapshotRecordBytes = roomGauge.recordBytesSinceSnapshot
        }
    }

    func endSnapshot() { monitor.withLock { isSnapshotOpen = false } }

    func randomSalt() -> UInt64 { random.next() }

    /// A snapshot has its name, durably: records it, then lets go of what only older ones needed.
    ///
    /// What can't be let go now is let go with the next snapshot or start.
    func add(_ snapshot: Manifest.Snapshot) throws(LogError) {
        try monitor.withLock { () throws(LogError) in
            snapshots.removeAll { $0.position == snapshot.position }
            snapshots.insert(snapshot, at: 0)
            snapshots = Array(snapshots.prefix(options.snapshotsKept))
            roomGauge.snapshotTaken(covering: snapshotRecordBytes)
            let kept = snapshots
            let oldest = oldestNeededSegment()
            try updateManifest {
                $0.snapshots = kept
                $0.oldestSegment = oldest
            }
        }
        try removeOldSnapshots()
        while try letGoOfOldest(keeping: options.keptBytes) {}
    }

    /// The segment that holds the record behind the oldest kept snapshot; the first one while there are too few.
    private func oldestNeededSegment() -> UInt64 {
        let first = segments.first?.number ?? 0
        guard snapshots.count == options.snapshotsKept, let position = snapshots.last?.position else { return first }
        return segments.last { $0.start.nextPosition <= position + 1 }?.number ?? first
    }

    private func removeOldSnapshots() throws(LogError) {
        let kept = monitor.withLock { Set(snapshots.map(\.position)) }
        let old = try folder.list().filter { name in
            LogFolder.snapshotPosition(name).map { !kept.contains($0) } ?? false
        }
        for name in old.sorted() { try folder.remove(name) }
        if !old.isEmpty { try syncFolder() }
    }

    // MARK: Old segments

    /// What readers may read: ascending, the last one is in use.
    func withSegments<R>(_ body: (ArraySlice<SegmentHeader>) -> R) -> R {
        monitor.withLock { body(segments.drop { $0.number <= hiddenThrough }) }
    }

    func withOrigins<R>(_ body: (SegmentOrigins) -> R) -> R { monitor.withLock { body(origins) } }

    /// Lets go of the oldest segment, when no snapshot needs it and those like it take more than `keptBytes`.
    ///
    /// Oldest first and each durably, one thread at a time: whatever a crash leaves has no gap.
    /// - Parameter freesRoom: gives the file back, unless a spare is missing.
    /// - Returns: false when there is none to let go of.
    func letGoOfOldest(keeping keptBytes: Int, freesRoom: Bool = false) throws(LogError) -> Bool {
        try lettingGo.withLock { () throws(LogError) in
            let old: SegmentHeader? = monitor.withLock {
                let needed = oldestNeededSegment()
                let bytes = segments.prefix { $0.number < needed }.reduce(0) { $0 + Int($1.segmentBytes) }
                guard bytes > keptBytes, let first = segments.first else { return nil }
                // Before its file is anything else.
                hiddenThrough = max(hiddenThrough, first.number)
                return first
            }
            guard let old else { return false }
            try recycle(old, freesRoom: freesRoom)
            monitor.withLock { segments.removeAll { $0.number == old.number } }
            return true
        }
    }
}
