/// What a folder holds, checked as far as the headers go.
struct FolderContents {
    var manifest: Manifest
    /// Ascending by number.
    var segments: [SegmentHeader] = []
    /// Newest first, not yet checked.
    var snapshots: [UInt64] = []
    var spares: [UInt64] = []
    /// Files that never got their final name. Nothing depends on them; they stay until the folder was found good.
    var unfinished: [String] = []

    /// Reads the folder and changes nothing in it, except that it makes the manifest of a new log when there is nothing.
    ///
    /// - Parameter mayChange: false makes no manifest either.
    init(of folder: LogFolder, mayChange: Bool, random: RandomSource) throws(LogError) {
        let names = try folder.list()
        unfinished = names.filter(Self.isUnfinished).sorted()
        let segmentNumbers = names.compactMap(LogFolder.segmentNumber).sorted()
        snapshots = names.compactMap(LogFolder.snapshotPosition).sorted(by: >)
        spares = names.compactMap(LogFolder.spareNumber).sorted()
        if names.contains(LogFolder.manifestName) {
            manifest = try ManifestFile.read(in: folder)
            if mayChange && segmentNumbers.isEmpty && snapshots.isEmpty && manifest.newestSegment == 0 {
                // The first start didn't get far. Perhaps it was this name that could not be made durable, and another
                // sync of the folder doesn't make up for that: only making the name again does.
                manifest = try ManifestFile.create(in: folder, identity: manifest.identity)
                unfinished.removeAll { $0.hasPrefix(LogFolder.manifestName) }
            }
        } else if segmentNumbers.isEmpty && snapshots.isEmpty && mayChange {
            let identity = LogIdentity(high: random.next(), low: random.next())
            manifest = try ManifestFile.create(in: folder, identity: identity)
            // What an earlier try left of it has become it.
            unfinished.removeAll { $0.hasPrefix(LogFolder.manifestName) }
        } else {
            throw LogError.corrupt(
                file: folder.path(of: LogFolder.manifestName),
                offset: 0,
                reason: segmentNumbers.isEmpty ? "there is no log here" : "it is missing although there are segments"
            )
        }
        for number in segmentNumbers { segments.append(try Self.readHeader(number, in: folder)) }
        try check(in: folder)
    }

    /// One of ours: other files in the folder are left alone, whatever they end with.
    private static func isUnfinished(_ name: String) -> Bool {
        name.hasSuffix(LogFolder.temporarySuffix)
            && (name.hasPrefix("wal-") || name.hasPrefix("snap-") || name.hasPrefix("spare-")
                || name.hasPrefix(LogFolder.manifestName))
    }

    private static func readHeader(_ number: UInt64, in folder: LogFolder) throws(LogError) -> SegmentHeader {
        let file = try folder.open(LogFolder.segmentName(number), .read)
        defer { file.close() }
        // What the page cache has may never have reached the disk: a log is read only after it has.
        try file.sync()
        let block = AlignedBuffer(byteCount: LogFormat.blockBytes)
        let count = try file.read(into: block.bytes, at: 0)
        let header = try SegmentHeader(reading: UnsafeRawBufferPointer(block.bytes).part(0..<count), file: file.path)
        guard header.number == number else {
            throw LogError.corrupt(
                file: file.path,
                offset: 0,
                reason: "inside it says that it is segment \(header.number)"
            )
        }
        // It had its full size before it had its name. A shorter one was cut, and with it perhaps acknowledged batches
        // whose loss would look like the end of the log.
        let byteCount = try file.byteCount()
        guard UInt64(byteCount) >= header.segmentBytes else {
            throw LogError.corrupt(
                file: file.path,
                offset: byteCount,
                reason: "it ends here and its header says that it has \(header.segmentBytes) bytes"
            )
        }
        return header
    }

    private func check(in folder: LogFolder) throws(LogError) {
        func refuse(_ segment: SegmentHeader, _ reason: String) -> LogError {
            .corrupt(file: folder.path(of: LogFolder.segmentName(segment.number)), offset: 0, reason: reason)
        }
        if let strange = segments.first(where: { $0.identity != manifest.identity }) {
            guard segments.contains(where: { $0.identity == manifest.identity }) else {
                throw LogError.corrupt(
                    file: folder.path(of: LogFolder.manifestName),
                    offset: 0,
                    reason: "it belongs to another log than the segments"
                )
            }
            throw refuse(strange, "it belongs to another log")
        }
        guard !segments.isEmpty || snapshots.isEmpty else {
            throw LogError.corrupt(
                file: folder.path(of: LogFolder.segmentName(max(1, manifest.newestSegment))),
                offset: 0,
                reason: "the file is missing: there are snapshots, and a log has at least one segment"
            )
        }
        for segment in segments where !segment.start.isPossible {
            throw refuse(segment, "it begins with a batch or a record that no log reaches")
        }
        for (earlier, later) in zip(segments, segments.dropFirst()) {
            guard earlier.epoch <= later.epoch, earlier.start.nextBatch <= later.start.nextBatch,
                earlier.start.nextPosition <= later.start.nextPosition
            else { throw refuse(later, "it begins before \(LogFolder.segmentName(earlier.number))") }
        }
        guard (segments.last?.number ?? 0) >= manifest.newestSegment else {
            throw LogError.corrupt(
                file: folder.path(of: LogFolder.segmentName(manifest.newestSegment)),
                offset: 0,
                reason: "the file is missing and the manifest says that it was there"
            )
        }
    }
}
