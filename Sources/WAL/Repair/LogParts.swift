/// The segments of a folder as far as they can be told, whatever else is wrong with it.
///
/// Where `FolderContents` refuses at the first thing that does not fit, this notes it and goes on.
struct LogParts {
    /// A segment that can be read.
    struct Part {
        let header: SegmentHeader
        let name: String
        /// The header block is damaged, or says more than there is; `header` is what it should be.
        let isRebuilt: Bool
    }

    let folder: LogFolder
    let names: [String]
    private(set) var findings: [LogFinding] = []
    /// nil when neither slot is whole, or there is no such file.
    private(set) var manifest: Manifest?
    private(set) var identity: LogIdentity?
    /// Ascending.
    private(set) var parts: [Part] = []
    /// Segments that can't be used: the numbers in their names, and where their finding stands.
    private(set) var unusable: [UInt64: Int] = [:]

    /// Descending.
    var snapshots: [UInt64] { names.compactMap(LogFolder.snapshotPosition).sorted(by: >) }

    /// The numbers in the segments' names, ascending.
    var segmentNumbers: [UInt64] { names.compactMap(LogFolder.segmentNumber).sorted() }

    init(of folder: LogFolder) throws(LogError) {
        self.folder = folder
        names = try folder.list().sorted()
        readManifest()
        noteOtherFiles()
        let headers = segmentNumbers.map { ($0, Self.readHeader($0, in: folder)) }
        let identities = headers.compactMap { try? $0.1.get().header.identity }
        if let manifest, !identities.isEmpty, !identities.contains(manifest.identity) {
            note(.manifestForeign, LogFolder.manifestName, at: 16, "it belongs to another log than the segments")
            self.manifest = nil
        }
        // Without a manifest the segments themselves say whose they are.
        identity = manifest?.identity ?? Self.mostFrequent(identities)
        noteMissingSnapshots()
        for (number, header) in headers { try add(number, header) }
    }

    private mutating func note(_ kind: LogFinding.Kind, _ name: String, at offset: Int = 0, _ reason: String) {
        findings.append(LogFinding(kind: kind, file: folder.path(of: name), offset: offset, reason: reason))
    }

    private mutating func noteOtherFiles() {
        for name in names where name != LogFolder.manifestName && name != LogFolder.lockName {
            if name.hasSuffix(LogFolder.temporarySuffix) {
                note(.unfinishedFile, name, "a file that was being written when the program ended")
            } else if LogFolder.segmentNumber(name) == nil, LogFolder.snapshotPosition(name) == nil,
                LogFolder.spareNumber(name) == nil
            {
                note(.unknownFile, name, "a file that is not the log's")
            }
        }
    }

    /// Whether a segment that can't be used holds something else than this log's continuation, and so proves nothing.
    func isStray(_ number: UInt64) -> Bool {
        guard let index = unusable[number] else { return false }
        return findings[index].kind == .segmentForeign || findings[index].kind == .segmentMisnamed
    }

    /// Fills in which records are lost with a segment that can't be used.
    mutating func setPositions(_ positions: ClosedRange<UInt64>, ofUnusable number: UInt64) {
        if let index = unusable[number] { findings[index].positions = positions }
    }
}

// MARK: - Manifest

extension LogParts {
    private mutating func readManifest() {
        let name = LogFolder.manifestName
        guard names.contains(name) else { return note(.manifestMissing, name, "the file is missing") }
        do throws(LogError) {
            let file = try folder.open(name, .read)
            defer { file.close() }
            try file.sync()
            let buffer = AlignedBuffer(byteCount: Manifest.fileBytes)
            let bytes = UnsafeRawBufferPointer(buffer.bytes).part(0..<(try file.read(into: buffer.bytes, at: 0)))
            noteDamagedSlot(bytes)
            manifest = try Manifest.newest(in: bytes, file: file.path)
        } catch {
            // Both slots are one finding.
            findings.removeAll { $0.kind == .manifestSlotDamaged }
            switch error {
            case .corrupt(_, let offset, let reason): note(.manifestDamaged, name, at: offset, reason)
            case .unsupportedVersion(_, _, let version): note(.newerVersion, name, Self.needs(version))
            default: note(.unreadable, name, "\(error)")
            }
        }
    }

    /// As `SnapshotChoice` sees it: snapshots have their names before the manifest lists them, and lose them after it no
    /// longer does. A folder with a newer one than it lists is ahead of it.
    private mutating func noteMissingSnapshots() {
        let listed = manifest?.snapshots.map(\.position) ?? []
        guard snapshots.first ?? 0 <= listed.first ?? 0 else { return }
        for position in listed where !snapshots.contains(position) {
            note(.snapshotMissing, LogFolder.snapshotName(position), "the file is missing, and the manifest lists it")
        }
    }

    /// A slot is zeros until its first generation; otherwise a torn write or rot is why it is not whole.
    private mutating func noteDamagedSlot(_ bytes: UnsafeRawBufferPointer) {
        for offset in stride(from: 0, to: Manifest.fileBytes, by: LogFormat.blockBytes) {
            let block = bytes.part(min(offset, bytes.count)..<min(offset + LogFormat.blockBytes, bytes.count))
            if block.count == LogFormat.blockBytes, block.isAllZero { continue }
            guard case .damaged(let reason) = HeaderBlock.check(block, magic: Manifest.magic) else { continue }
            note(.manifestSlotDamaged, LogFolder.manifestName, at: offset, reason)
        }
    }

    static func needs(_ version: Int) -> String { "only a program that reads format version \(version) can read it" }
}

// MARK: - Segments

extension LogParts {
    private typealias Found = (header: SegmentHeader, byteCount: Int)

    private static func readHeader(_ number: UInt64, in folder: LogFolder) -> Result<Found, LogError> {
        do throws(LogError) {
            let file = try folder.open(LogFolder.segmentName(number), .read)
            defer { file.close() }
            try file.sync()
            let block = AlignedBuffer(byteCount: LogFormat.blockBytes)
            let count = try file.read(into: block.bytes, at: 0)
            let bytes = UnsafeRawBufferPointer(block.bytes).part(0..<count)
            return .success((try SegmentHeader(reading: bytes, file: file.path), try file.byteCount()))
        } catch {
            return .failure(error)
        }
    }

    private static func mostFrequent(_ identities: [LogIdentity]) -> LogIdentity? {
        identities.max { left, right in
            identities.count { $0 == left } < identities.count { $0 == right }
        }
    }

    private mutating func add(_ number: UInt64, _ found: Result<Found, LogError>) throws(LogError) {
        let name = LogFolder.segmentName(number)
        unusable[number] = findings.count
        switch found {
        case .success((let header, _)) where header.identity != identity:
            note(.segmentForeign, name, at: 16, "it belongs to another log")
        case .success((let header, _)) where header.number != number:
            note(.segmentMisnamed, name, at: 32, "inside it says that it is segment \(header.number)")
        case .success((let header, _)) where !header.start.isPossible:
            note(.segmentOutOfPlace, name, at: 56, "it begins with a batch or a record that no log reaches")
        case .success((let header, let byteCount)): addPart(header, name, byteCount)
        case .failure(.corrupt(_, let offset, let reason)):
            note(.segmentHeaderDamaged, name, at: offset, reason)
            guard let header = try rebuiltHeader(number, name) else { return }
            unusable[number] = nil
            parts.append(Part(header: header, name: name, isRebuilt: true))
        case .failure(.unsupportedVersion(_, _, let version)): note(.newerVersion, name, Self.needs(version))
        case .failure(let error): note(.unreadable, name, "\(error)")
        }
    }

    private mutating func addPart(_ header: SegmentHeader, _ name: String, _ byteCount: Int) {
        unusable[header.number] = nil
        guard UInt64(byteCount) < header.segmentBytes else {
            return parts.append(Part(header: header, name: name, isRebuilt: false))
        }
        var shorter = header
        shorter.segmentBytes = UInt64(byteCount / LogFormat.blockBytes * LogFormat.blockBytes)
        let reason = "it ends here, and its header says that it has \(header.segmentBytes) bytes"
        note(.segmentShort, name, at: byteCount, reason)
        parts.append(Part(header: shorter, name: name, isRebuilt: true))
    }

    /// Everything that a header says stands in the segment's first batch, too.
    private func rebuiltHeader(_ number: UInt64, _ name: String) throws(LogError) -> SegmentHeader? {
        guard let identity else { return nil }
        let file = try folder.open(name, .read)
        defer { file.close() }
        let window = try FileWindow(file, buffer: AlignedBuffer(byteCount: LogFormat.batchBytesMax))
        let bytes = try window.view(at: LogFormat.blockBytes, count: BatchHeader.byteCount)
        guard bytes.count == BatchHeader.byteCount else { return nil }
        var header = SegmentHeader(
            identity: identity,
            number: number,
            salt: bytes.integer(at: 24),
            epoch: bytes.integer(at: 32),
            start: ChainPoint(),
            segmentBytes: window.byteCount / LogFormat.blockBytes * LogFormat.blockBytes
        )
        guard let batch = BatchHeader(reading: bytes, of: header), batch.start.isPossible else { return nil }
        // A segment without a batch may still have what the file held in an earlier use: it is older than the segment
        // before this one.
        if let before = parts.last?.header, batch.epoch < before.epoch || batch.number < before.start.nextBatch {
            return nil
        }
        header.start = batch.start
        return header
    }
}

extension BatchHeader {
    /// Where the log stands before this batch.
    var start: ChainPoint {
        ChainPoint(nextBatch: number, nextPosition: firstPosition, checksum: previousChecksum)
    }
}
