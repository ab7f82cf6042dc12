/// A snapshot: a header block, chunks of records, a trailer block. Everything starts at a multiple of a block.
struct SnapshotHeader: Equatable, Sendable {
    static let magic: UInt64 = 0x4853_5041_4E53_4648  // "HFSNAPSH"

    var identity: LogIdentity
    /// The snapshot holds what all records up to this position add up to.
    var position: UInt64
    /// Random for every snapshot; its chunks and its trailer repeat it.
    var salt: UInt64

    func write(to block: UnsafeMutableRawBufferPointer) {
        HeaderBlock.begin(block, magic: Self.magic)
        block.put(identity, at: 16)
        block.put(position, at: 32)
        block.put(salt, at: 40)
        HeaderBlock.seal(block)
    }

    init(identity: LogIdentity, position: UInt64, salt: UInt64) {
        self.identity = identity
        self.position = position
        self.salt = salt
    }

    init(reading block: UnsafeRawBufferPointer, file: String) throws(LogError) {
        try HeaderBlock.verify(block, magic: Self.magic, file: file)
        identity = block.identity(at: 16)
        position = block.integer(at: 32)
        salt = block.integer(at: 40)
    }
}

/// The first 64 bytes of a chunk; its records follow, then zeros up to the next block.
struct ChunkHeader: Equatable, Sendable {
    static let magic: UInt32 = 0x4843_4648  // "HFCH"
    static let byteCount = 64
    static let checksumOffset = 60

    var versions = LogFormat.Versions()
    var salt: UInt64
    /// Counted from 0.
    var number: UInt64
    /// Header checksum of the chunk before; 0 in the first.
    var previousChecksum: UInt32
    var count: UInt32
    var payloadBytes: UInt32
    var bodyChecksum: UInt32 = 0
    var headerChecksum: UInt32 = 0

    var chunkBytes: Int { LogFormat.roundedUpToBlock(Self.byteCount + Int(payloadBytes)) }

    init(salt: UInt64, number: UInt64, previousChecksum: UInt32, count: Int, payloadBytes: Int) {
        self.salt = salt
        self.number = number
        self.previousChecksum = previousChecksum
        self.count = UInt32(count)
        self.payloadBytes = UInt32(payloadBytes)
    }

    mutating func seal(into chunk: UnsafeMutableRawBufferPointer) {
        precondition(chunk.count == chunkBytes && chunk.count <= LogFormat.batchBytesMax)
        chunk.zero(Self.byteCount + Int(payloadBytes)..<chunk.count)
        bodyChecksum = crc32c(UnsafeRawBufferPointer(chunk).part(Self.byteCount..<chunk.count))
        chunk.zero(0..<Self.byteCount)
        chunk.put(Self.magic, at: 0)
        chunk.put(versions.writer, at: 4)
        chunk.put(versions.reader, at: 6)
        chunk.put(salt, at: 8)
        chunk.put(number, at: 16)
        chunk.put(count, at: 24)
        chunk.put(payloadBytes, at: 28)
        chunk.put(bodyChecksum, at: 32)
        chunk.put(previousChecksum, at: 36)
        headerChecksum = crc32c(UnsafeRawBufferPointer(chunk).part(0..<Self.checksumOffset))
        chunk.put(headerChecksum, at: Self.checksumOffset)
    }

    /// nil for anything that is not a whole chunk header, of whatever version.
    init?(reading bytes: UnsafeRawBufferPointer) {
        guard bytes.count >= Self.byteCount, bytes.integer(at: 0) == Self.magic else { return nil }
        versions = LogFormat.Versions(writer: bytes.integer(at: 4), reader: bytes.integer(at: 6))
        salt = bytes.integer(at: 8)
        number = bytes.integer(at: 16)
        count = bytes.integer(at: 24)
        payloadBytes = bytes.integer(at: 28)
        bodyChecksum = bytes.integer(at: 32)
        previousChecksum = bytes.integer(at: 36)
        headerChecksum = bytes.integer(at: Self.checksumOffset)
        guard headerChecksum == crc32c(bytes.part(0..<Self.checksumOffset)),
            Int(payloadBytes) <= LogFormat.batchBytesMax - Self.byteCount
        else { return nil }
    }
}

/// The last block of a snapshot: without it the file is not one.
struct SnapshotTrailer: Equatable, Sendable {
    static let magic: UInt64 = 0x444E_4550_414E_5348  // "HSNAPEND"

    var header: SnapshotHeader
    var chunkCount: UInt64
    var recordCount: UInt64
    var fileBytes: UInt64
    var lastChunkChecksum: UInt32

    func write(to block: UnsafeMutableRawBufferPointer) {
        HeaderBlock.begin(block, magic: Self.magic)
        block.put(header.identity, at: 16)
        block.put(header.position, at: 32)
        block.put(header.salt, at: 40)
        block.put(chunkCount, at: 48)
        block.put(recordCount, at: 56)
        block.put(fileBytes, at: 64)
        block.put(lastChunkChecksum, at: 72)
        HeaderBlock.seal(block)
    }

    init(header: SnapshotHeader, chunkCount: UInt64, recordCount: UInt64, fileBytes: Int, lastChunkChecksum: UInt32) {
        self.header = header
        self.chunkCount = chunkCount
        self.recordCount = recordCount
        self.fileBytes = UInt64(fileBytes)
        self.lastChunkChecksum = lastChunkChecksum
    }

    init(reading block: UnsafeRawBufferPointer) {
        header = SnapshotHeader(
            identity: block.identity(at: 16),
            position: block.integer(at: 32),
            salt: block.integer(at: 40)
        )
        chunkCount = block.integer(at: 48)
        recordCount = block.integer(at: 56)
        fileBytes = block.integer(at: 64)
        lastChunkChecksum = block.integer(at: 72)
    }
}
