/// Reads a snapshot front to back with one buffer, checking everything on the way.
struct SnapshotReader {
    /// Chunks are at most this long, and reads as long as this.
    private static let bufferBytes = 4 << 20

    private let file: any DeviceFile
    private let window: FileWindow
    private let header: SnapshotHeader

    /// - Throws: `LogError.corrupt` when the header is damaged, or belongs to another log or position.
    init(in folder: LogFolder, position: UInt64, identity: LogIdentity) throws(LogError) {
        file = try folder.open(LogFolder.snapshotName(position), .read)
        try file.sync()
        window = try FileWindow(file, buffer: AlignedBuffer(byteCount: Self.bufferBytes))
        let block = try window.view(at: 0, count: LogFormat.blockBytes)
        header = try SnapshotHeader(reading: block, file: file.path)
        guard header.identity == identity else {
            throw LogError.corrupt(file: file.path, offset: 0, reason: "it belongs to another log")
        }
        guard position >> 63 == 0 else {
            throw LogError.corrupt(file: file.path, offset: 0, reason: "it was taken at a record that no log reaches")
        }
        guard header.position == position else {
            throw LogError.corrupt(file: file.path, offset: 0, reason: "it was taken at \(header.position)")
        }
    }

    var byteCount: Int { window.byteCount }

    /// Reads everything and keeps nothing.
    func verify() throws(LogError) {
        do {
            try read { _ in }
        } catch let error as LogError {
            throw error
        } catch {
            preconditionFailure("reading a snapshot throws only LogError")
        }
    }

    /// Reads the last block only: whether the file has its end, and is no longer and no shorter than that says.
    func verifyEnd() throws(LogError) {
        let offset = byteCount - LogFormat.blockBytes
        guard offset >= LogFormat.blockBytes else { throw corrupt(byteCount, "it ends before its trailer") }
        let block = try window.view(at: offset, count: LogFormat.blockBytes)
        try HeaderBlock.verify(block, magic: SnapshotTrailer.magic, file: file.path, offset: offset)
        let trailer = SnapshotTrailer(reading: block)
        guard trailer.header == header, trailer.fileBytes == UInt64(byteCount) else {
            throw corrupt(offset, "the trailer contradicts the header or the file's size")
        }
    }

    func close() { file.close() }

    /// Every record, in order, after its chunk was checked; the trailer at the end.
    func read(_ body: (UnsafeRawBufferPointer) throws -> Void) throws {
        var offset = LogFormat.blockBytes
        var chunkCount: UInt64 = 0
        var recordCount: UInt64 = 0
        var chain: UInt32 = 0
        while let (chunk, bytes) = try nextChunk(at: offset) {
            guard chunk.number == chunkCount, chunk.previousChecksum == chain else {
                throw corrupt(offset, "chunk \(chunk.number) stands where chunk \(chunkCount) belongs")
            }
            var frames = RecordFrames(
                bytes.part(ChunkHeader.byteCount..<ChunkHeader.byteCount + Int(chunk.payloadBytes))
            )
            for _ in 0..<chunk.count {
                guard let payload = frames.next() else { throw corrupt(offset, "a record has no valid length") }
                try body(payload)
            }
            guard frames.isAtEnd else { throw corrupt(offset, "chunk \(chunkCount) has more bytes than records") }
            chunkCount += 1
            recordCount += UInt64(chunk.count)
            chain = chunk.headerChecksum
            offset += chunk.chunkBytes
        }
        let trailer = SnapshotTrailer(
            header: header,
            chunkCount: chunkCount,
            recordCount: recordCount,
            fileBytes: offset + LogFormat.blockBytes,
            lastChunkChecksum: chain
        )
        try check(trailer, at: offset)
    }

    /// The chunk at `offset`; nil where the trailer begins.
    private func nextChunk(at offset: Int) throws(LogError) -> (ChunkHeader, UnsafeRawBufferPointer)? {
        let start = try window.view(at: offset, count: ChunkHeader.byteCount)
        guard start.count == ChunkHeader.byteCount else { throw corrupt(offset, "it ends before its trailer") }
        if start.integer(at: 0) == SnapshotTrailer.magic { return nil }
        guard let chunk = ChunkHeader(reading: start), chunk.salt == header.salt,
            chunk.chunkBytes <= LogFormat.batchBytesMax
        else { throw corrupt(offset, "there is neither a chunk nor the trailer") }
        try LogFormat.requireReadable(chunk.versions, in: file.path)
        let bytes = try window.view(at: offset, count: chunk.chunkBytes)
        guard bytes.count == chunk.chunkBytes,
            crc32c(bytes.part(ChunkHeader.byteCount..<bytes.count)) == chunk.bodyChecksum
        else { throw corrupt(offset, "the checksum of chunk \(chunk.number) does not match") }
        return (chunk, bytes)
    }

    private func check(_ expected: SnapshotTrailer, at offset: Int) throws(LogError) {
        let block = try window.view(at: offset, count: LogFormat.blockBytes)
        try HeaderBlock.verify(block, magic: SnapshotTrailer.magic, file: file.path, offset: offset)
        guard SnapshotTrailer(reading: block) == expected, window.byteCount == offset + LogFormat.blockBytes else {
            throw corrupt(offset, "the trailer contradicts the chunks")
        }
    }

    private func corrupt(_ offset: Int, _ reason: String) -> LogError {
        .corrupt(file: file.path, offset: offset, reason: reason)
    }
}
