/// What a folder holds, checked as far as the headers go.
struct FolderContents {
    var manifest: Manifest
    /// Ascending by number.
    var segments: [SegmentHeader] = []
    /// Newest first, not yet checked.
    var snapshots: [UInt64] = []
    var spares: [UInt64] = []

    /// Reads the folder; makes the manifest of a new log when there is nothing.
    ///
    /// - Parameter mayChange: false leaves the folder as it is.
    init(of folder: LogFolder, mayChange: Bool, random: RandomSource) throws(LogError) {
        let names = try folder.list()
        let segmentNumbers = names.compactMap(LogFolder.segmentNumber).sorted()
        snapshots = names.compactMap(LogFolder.snapshotPosition).sorted(by: >)
        spares = names.compactMap(LogFolder.spareNumber).sorted()
        if names.contains(LogFolder.manifestName) {
            manifest = try ManifestFile.read(in: folder)
        } else if segmentNumbers.isEmpty && snapshots.isEmpty && mayChange {
            let identity = LogIdentity(high: random.next(), low: random.next())
            manifest = try ManifestFile.create(in: folder, identity: identity)
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

    /// Files that never got their final name: nothing depends on them. Only once the folder is known to be of a version
    /// that this program reads: one of a later version is left as it was found.
    static func removeUnfinished(in folder: LogFolder) throws(LogError) {
        let unfinished = try folder.list().filter { name in
            name.hasSuffix(LogFolder.temporarySuffix)
                && (name.hasPrefix("wal-") || name.hasPrefix("snap-") || name.hasPrefix("spare-")
                    || name.hasPrefix(LogFolder.manifestName))
        }
        for name in unfinished.sorted() { try folder.remove(name) }
        if !unfinished.isEmpty { try folder.sync() }
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
        return header
    }

    private func check(in folder: LogFolder) throws(LogError) {
        func refuse(_ segment: SegmentHeader, _ reason: String) -> LogError {
            .corrupt(file: folder.path(of: LogFolder.segmentName(segment.number)), offset: 0, reason: reason)
        }
        for segment in segments where segment.identity != manifest.identity {
            throw refuse(segment, "it belongs to another log")
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
