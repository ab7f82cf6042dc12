/// Works out what to do to a folder. Reads, and changes nothing.
struct RepairPlanner {
    let log: LogParts
    let random: RandomSource

    func plan(_ wish: RepairWish) throws -> RepairPlan {
        try requireReadable(log.findings)
        return switch wish {
        case .truncate(let position, let kept): try truncate(at: position, keeping: kept)
        case .startAtSnapshot(let position, let reach): plan(try startAtSnapshot(position, reach: reach))
        case .dropSnapshot(let position): plan(try dropSnapshot(position))
        case .dropSegment(let number): plan(try dropSegment(number))
        case .rebuildHeader(let number): plan(try rebuildHeader(number))
        case .rebuildManifest: plan([.manifest(try manifest())])
        }
    }

    /// What a failing disk does not give back today may be whole, and is not to be removed for that.
    private func requireReadable(_ findings: [LogFinding]) throws {
        guard let first = findings.first(where: { $0.kind == .unreadable || $0.kind == .newerVersion }) else { return }
        throw LogRefusal("\(first.file) can't be judged: \(first.reason). Repair a copy on a healthy disk")
    }

    private func plan(_ steps: [RepairPlan.Step]) -> RepairPlan { RepairPlan(steps, of: log) }

    // MARK: Truncating

    private func truncate(at position: UInt64, keeping kept: Set<UInt64>) throws -> RepairPlan {
        let cut = try cut(at: position)
        let segment = SealedSegment(try nextHeader(startingAt: cut.start), records: cut.records, recordCount: cut.count)
        // The newest first: the manifest says that it was there, so a folder left half done is refused.
        let kept = (segments: log.parts.filter { $0.header.start.nextBatch < cut.start.nextBatch }, snapshots: kept)
        let keptNames = Set(kept.segments.map(\.name))
        let snapshots = log.snapshots.filter { !kept.snapshots.contains($0) }
        var steps = snapshots.map { RepairPlan.Step.remove(LogFolder.snapshotName($0)) }
        steps += kept.segments.filter(\.isRebuilt).map { .header(name: $0.name, $0.header) }
        for number in log.segmentNumbers.reversed() where !keptNames.contains(LogFolder.segmentName(number)) {
            steps.append(.remove(LogFolder.segmentName(number)))
        }
        if let last = cut.lastKept { steps.append(.writeAgain(last)) }
        steps.append(.seal(segment))
        let oldest = kept.segments.first?.header.number ?? segment.header.number
        let numbers = oldest...segment.header.number
        steps.append(.manifest(try manifest(segments: numbers, segment.header.epoch, kept.snapshots)))
        return RepairPlan(steps, of: log, givingUp: kept.segments.suffix(1).map(\.name))
    }

    private struct Cut {
        /// With which batch and record the log continues there.
        var start: ChainPoint
        /// Those records of the batch at `start` that stay, framed.
        var records: [UInt8] = []
        var count = 0
        /// The batch before `start`.
        var lastKept: LastBatch?
    }

    private func cut(at position: UInt64) throws -> Cut {
        guard let first = log.parts.first?.header.start else {
            throw LogRefusal("there is no segment that can be read; restore the folder from a backup")
        }
        guard position + 1 >= first.nextPosition else {
            throw LogRefusal(
                "the log begins with record \(first.nextPosition), so the earliest position to cut at is "
                    + "\(first.nextPosition - 1)"
            )
        }
        var found = position + 1 == first.nextPosition ? Cut(start: first) : nil
        var lastKept: LastBatch?
        var walk = LogWalk(log)
        try walk.run { place, batch, bytes in
            guard found == nil, place.run == 0 else { return }
            let here = LastBatch(segment: place.part.name, offset: place.offset, byteCount: batch.batchBytes)
            if position + 1 == batch.end.nextPosition {
                found = Cut(start: batch.end, lastKept: here)
            } else if position >= batch.firstPosition, position < batch.end.nextPosition {
                found = Self.head(of: batch, place.before, bytes, through: position)
                found?.lastKept = lastKept
            }
            lastKept = here
        }
        try requireReadable(walk.findings)
        if let found { return found }
        let end = walk.runs.first?.last ?? 0
        throw LogRefusal(
            "the log can be read up to record \(end) only, so the latest position to cut at is \(end)"
        )
    }

    private static func head(
        of batch: BatchHeader,
        _ start: ChainPoint,
        _ bytes: UnsafeRawBufferPointer,
        through position: UInt64
    ) -> Cut {
        var frames = RecordFrames(bytes.part(BatchHeader.byteCount..<BatchHeader.byteCount + Int(batch.payloadBytes)))
        let count = Int(position - batch.firstPosition) + 1
        for _ in 0..<count { _ = frames.next() }
        let records = Array(bytes.part(BatchHeader.byteCount..<BatchHeader.byteCount + frames.offset))
        return Cut(start: start, records: records, count: count)
    }

    /// The header of a segment behind all others, in an epoch of its own as after an opening.
    private func nextHeader(startingAt start: ChainPoint) throws -> SegmentHeader {
        guard let identity = log.identity else { throw LogRefusal("nothing in the folder says which log it is") }
        return SegmentHeader(
            identity: identity,
            number: max(log.segmentNumbers.last ?? 0, log.manifest?.newestSegment ?? 0) + 1,
            salt: random.next(),
            epoch: epoch + 1,
            start: start,
            segmentBytes: LogFormat.blockBytes
        )
    }

    private var epoch: UInt64 { max(log.manifest?.epoch ?? 0, log.parts.map(\.header.epoch).max() ?? 0) }

    // MARK: Starting at a snapshot

    private func startAtSnapshot(_ position: UInt64, reach: UInt64) throws -> [RepairPlan.Step] {
        guard log.snapshots.contains(position) else { throw noSnapshot(position) }
        var begin: (part: LogParts.Part, offset: Int, start: ChainPoint)?
        var end: ChainPoint?
        var walk = LogWalk(log)
        try walk.run { place, batch, _ in
            defer { end = batch.end }
            // Not by the run's number: a run without records is forgotten, and the next one gets its number.
            guard place.before != end else { return }
            begin = (place.part, place.offset, place.before)
        }
        try requireReadable(walk.findings)
        // Behind the last whole batch the log may go on elsewhere, with nothing readable in it.
        if end != walk.point { begin = nil }
        let steps = log.snapshots.filter { $0 < position }.map { RepairPlan.Step.remove(LogFolder.snapshotName($0)) }
        let next = walk.point.nextPosition
        // A damaged end is not mended by giving up what is before it, unless the snapshot holds all that is left.
        if walk.endsInDamage, position + 1 < next, begin?.start == log.parts.first?.header.start {
            throw LogRefusal(
                "the log is damaged behind record \(next - 1), and nothing before the snapshot at \(position) is; cut it "
                    + "behind record \(next - 1)"
            )
        }
        let isInTheLog = walk.endsInDamage ? position + 1 < next : position < next
        if let begin, begin.start.nextPosition <= position + 1, isInTheLog {
            return try steps + removeLog(before: begin.part, at: begin.offset, begin.start, position)
        }
        guard walk.point.nextPosition <= position + 1 else {
            throw LogRefusal(
                "the log behind the snapshot at \(position) is damaged, too: it can be read without a gap only from "
                    + "record \(begin?.start.nextPosition ?? 0) on"
            )
        }
        guard reach == position else {
            throw LogRefusal(
                "the log ends with record \(walk.point.nextPosition - 1), and the snapshot at \(position) holds some "
                    + "records up to \(reach) and not all of them; restore the folder from a backup"
            )
        }
        var start = walk.point
        (start.nextBatch, start.nextPosition) = (start.nextBatch + 1, position + 1)
        return try steps + replaceLog(from: start, position)
    }

    /// Removes what is before the last run; a run that begins inside a segment leaves the segment's rest.
    private func removeLog(
        before part: LogParts.Part,
        at offset: Int,
        _ start: ChainPoint,
        _ position: UInt64
    ) throws -> [RepairPlan.Step] {
        var steps: [RepairPlan.Step] = []
        if offset > LogFormat.blockBytes || part.isRebuilt {
            var header = part.header
            header.start = start
            steps.append(.cutHead(name: part.name, header: header, offset: offset))
        }
        let kept = log.parts.filter { $0.header.number >= part.header.number }
        steps += kept.dropFirst().filter(\.isRebuilt).map { .header(name: $0.name, $0.header) }
        let keptNames = Set(kept.map(\.name))
        for number in log.segmentNumbers where !keptNames.contains(LogFolder.segmentName(number)) {
            steps.append(.remove(LogFolder.segmentName(number)))
        }
        let newest = kept.last?.header.number ?? part.header.number
        let snapshots = Set(log.snapshots.filter { $0 >= position })
        return steps + [.manifest(try manifest(segments: part.header.number...newest, epoch, snapshots))]
    }

    /// The snapshot is all that is left: a log without records continues from it.
    private func replaceLog(from start: ChainPoint, _ position: UInt64) throws -> [RepairPlan.Step] {
        let segment = SealedSegment(try nextHeader(startingAt: start))
        let number = segment.header.number
        let steps = log.segmentNumbers.reversed().map { RepairPlan.Step.remove(LogFolder.segmentName($0)) }
        return steps + [
            .seal(segment), .manifest(try manifest(segments: number...number, segment.header.epoch, [position])),
        ]
    }

    // MARK: Single files

    private func dropSnapshot(_ position: UInt64) throws -> [RepairPlan.Step] {
        guard log.snapshots.contains(position) else { throw noSnapshot(position) }
        var steps = [RepairPlan.Step.remove(LogFolder.snapshotName(position))]
        // Without a manifest there is nothing to bring up to date.
        if log.manifest != nil { steps.append(.manifest(try manifest(withoutSnapshot: position))) }
        return steps
    }

    private func dropSegment(_ number: UInt64) throws -> [RepairPlan.Step] {
        guard log.segmentNumbers.contains(number) else { throw noSegment(number) }
        guard log.unusable[number] != nil else {
            throw LogRefusal("\(LogFolder.segmentName(number)) is a part of this log; cut the log instead")
        }
        // The manifest first: it must not name a segment that is gone, and as long as the file is there this can be
        // done again.
        return [.manifest(try manifest(withoutSegment: number)), .remove(LogFolder.segmentName(number))]
    }

    private func rebuildHeader(_ number: UInt64) throws -> [RepairPlan.Step] {
        guard log.segmentNumbers.contains(number) else { throw noSegment(number) }
        guard let part = log.parts.first(where: { $0.header.number == number && $0.isRebuilt }) else {
            throw LogRefusal(
                log.unusable[number] == nil
                    ? "the header of \(LogFolder.segmentName(number)) is whole"
                    : "no batch of \(LogFolder.segmentName(number)) says what its header was"
            )
        }
        return [.header(name: part.name, part.header)]
    }

    private func noSnapshot(_ position: UInt64) -> LogRefusal {
        let list = log.snapshots.map { "\($0)" }.joined(separator: ", ")
        return LogRefusal("there is no snapshot at \(position); there are \(list.isEmpty ? "none" : list)")
    }

    private func noSegment(_ number: UInt64) -> LogRefusal {
        LogRefusal("there is no file \(LogFolder.segmentName(number))")
    }

    // MARK: Manifest

    /// A manifest of what is in the folder. It goes on to name a newest segment that is missing: nothing else says that
    /// the log's end is.
    private func manifest(withoutSnapshot snapshot: UInt64? = nil, withoutSegment segment: UInt64? = nil) throws
        -> Manifest
    {
        guard let first = log.parts.first, let last = log.parts.last else {
            throw LogRefusal("there is no segment that can be read; restore the folder from a backup")
        }
        let snapshots = Set(log.snapshots.filter { $0 != snapshot })
        let known = log.manifest.map(\.newestSegment) ?? 0
        let newest = max(last.header.number, known == segment ? 0 : known)
        return try manifest(segments: first.header.number...newest, epoch, snapshots)
    }

    private func manifest(
        segments: ClosedRange<UInt64>,
        _ epoch: UInt64,
        _ snapshots: Set<UInt64>
    ) throws -> Manifest {
        guard let identity = log.identity else { throw LogRefusal("nothing in the folder says which log it is") }
        var manifest = Manifest(identity: identity)
        manifest.generation = (log.manifest?.generation ?? 0) + 1
        manifest.epoch = epoch
        manifest.newestSegment = segments.upperBound
        manifest.oldestSegment = segments.lowerBound
        manifest.origins = log.manifest?.origins ?? []
        for position in snapshots.sorted(by: >).prefix(LogFormat.snapshotsMax) {
            let file = try log.folder.open(LogFolder.snapshotName(position), .read)
            defer { file.close() }
            manifest.snapshots.append(.init(position: position, fileBytes: UInt64(try file.byteCount())))
        }
        return manifest
    }
}
