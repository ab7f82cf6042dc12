/// Reads a snapshot and goes on behind whatever is wrong, as far as chunks can be found.
///
/// The rules are those of `SnapshotReader`.
struct SnapshotWalk {
    let position: UInt64
    let byteCount: Int
    private(set) var findings: [LogFinding] = []

    private let file: any DeviceFile
    private let window: FileWindow
    private var salt: UInt64?
    private var offset = LogFormat.blockBytes
    private var chunkCount: UInt64 = 0
    private var recordCount: UInt64 = 0
    private var chain: UInt32 = 0

    private static let bufferBytes = 4 << 20

    init(_ position: UInt64, in folder: LogFolder, identity: LogIdentity?) throws(LogError) {
        self.position = position
        file = try folder.open(LogFolder.snapshotName(position), .read)
        try file.sync()
        window = try FileWindow(file, buffer: AlignedBuffer(byteCount: Self.bufferBytes))
        byteCount = window.byteCount
        try readHeader(identity)
    }

    func close() { file.close() }

    private mutating func readHeader(_ identity: LogIdentity?) throws(LogError) {
        let block = try window.view(at: 0, count: LogFormat.blockBytes)
        do throws(LogError) {
            let header = try SnapshotHeader(reading: block, file: file.path)
            salt = header.salt
            if let identity, header.identity != identity { note(.snapshotForeign, 16, "it belongs to another log") }
            if position >> 63 != 0 { note(.snapshotDamaged, 32, "it was taken at a record that no log reaches") }
            if header.position != position { note(.snapshotMisnamed, 32, "it was taken at \(header.position)") }
        } catch {
            switch error {
            case .corrupt(_, let offset, let reason): note(.snapshotDamaged, offset, reason)
            case .unsupportedVersion(_, _, let version): note(.newerVersion, 0, LogParts.needs(version))
            default: throw error
            }
        }
    }

    /// Every record of every whole chunk, in order.
    mutating func run(_ body: (UnsafeRawBufferPointer) throws -> Void) throws {
        while offset + LogFormat.blockBytes <= byteCount {
            let start = try window.view(at: offset, count: LogFormat.blockBytes)
            if start.integer(at: 0) == SnapshotTrailer.magic, offset + LogFormat.blockBytes == byteCount {
                return checkTrailer(start)
            }
            guard let chunk = ChunkHeader(reading: start), salt == nil || chunk.salt == salt,
                chunk.chunkBytes <= LogFormat.batchBytesMax
            else {
                try skipToNextChunk()
                continue
            }
            try read(chunk, body)
        }
        note(.snapshotDamaged, offset, "it ends before its trailer")
    }

    private mutating func read(_ chunk: ChunkHeader, _ body: (UnsafeRawBufferPointer) throws -> Void) throws {
        if chunk.number != chunkCount || chunk.previousChecksum != chain {
            let reason = "chunk \(chunk.number) stands where chunk \(chunkCount) belongs"
            note(.snapshotDamaged, offset, chunk: chunk.number, reason)
        }
        let bytes = try window.view(at: offset, count: chunk.chunkBytes)
        if chunk.versions.reader > LogFormat.version {
            note(.newerVersion, offset, chunk: chunk.number, LogParts.needs(Int(chunk.versions.reader)))
        } else if bytes.count < chunk.chunkBytes {
            note(.snapshotDamaged, offset, chunk: chunk.number, "the file ends inside chunk \(chunk.number)")
        } else if crc32c(bytes.part(ChunkHeader.byteCount..<bytes.count)) != chunk.bodyChecksum {
            let reason = "the checksum of chunk \(chunk.number) does not match"
            note(.snapshotDamaged, offset, chunk: chunk.number, reason)
        } else {
            let end = ChunkHeader.byteCount + Int(chunk.payloadBytes)
            var frames = RecordFrames(bytes.part(ChunkHeader.byteCount..<end))
            var found: UInt32 = 0
            while let payload = frames.next() {
                try body(payload)
                found += 1
            }
            if !frames.isAtEnd || found != chunk.count {
                let reason = "chunk \(chunk.number) has other records than it says"
                note(.snapshotDamaged, offset, chunk: chunk.number, reason)
            }
        }
        chunkCount = chunk.number + 1
        recordCount += UInt64(chunk.count)
        chain = chunk.headerChecksum
        offset += chunk.chunkBytes
    }

    private mutating func skipToNextChunk() throws(LogError) {
        note(.snapshotDamaged, offset, chunk: chunkCount, "there is neither a chunk nor the trailer")
        while true {
            offset += LogFormat.blockBytes
            guard offset + LogFormat.blockBytes <= byteCount else { return }
            let start = try window.view(at: offset, count: LogFormat.blockBytes)
            if start.integer(at: 0) == SnapshotTrailer.magic, offset + LogFormat.blockBytes == byteCount { return }
            if let chunk = ChunkHeader(reading: start), salt == nil || chunk.salt == salt {
                // The one that is lost was noted; what follows it follows it.
                (chunkCount, chain) = (chunk.number, chunk.previousChecksum)
                return
            }
        }
    }

    private mutating func checkTrailer(_ block: UnsafeRawBufferPointer) {
        switch HeaderBlock.check(block, magic: SnapshotTrailer.magic) {
        case .newer(let versions): note(.newerVersion, offset, LogParts.needs(Int(versions.reader)))
        case .damaged(let reason): note(.snapshotDamaged, offset, "the trailer: \(reason)")
        case .valid:
            let trailer = SnapshotTrailer(reading: block)
            // After a chunk that could not be read the counts can't match; that was noted.
            guard findings.isEmpty else { return }
            let isRight =
                trailer.chunkCount == chunkCount && trailer.recordCount == recordCount
                && trailer.fileBytes == UInt64(byteCount) && trailer.lastChunkChecksum == chain
                && trailer.header.position == position && trailer.header.salt == salt
            if !isRight { note(.snapshotDamaged, offset, "the trailer contradicts the chunks") }
        }
    }

    private mutating func note(_ kind: LogFinding.Kind, _ offset: Int, chunk: UInt64? = nil, _ reason: String) {
        findings.append(LogFinding(kind: kind, file: file.path, offset: offset, batch: chunk, reason: reason))
    }
}
