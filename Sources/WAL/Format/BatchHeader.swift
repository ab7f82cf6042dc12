/// The first 128 bytes of a batch; its records follow at once, then zeros up to the next block.
struct BatchHeader: Equatable, Sendable {
    static let magic: UInt32 = 0x4842_4648  // "HFBH"
    static let byteCount = 128
    static let checksumOffset = 124

    var versions = LogFormat.Versions()
    var identity: LogIdentity
    var salt: UInt64
    var epoch: UInt64
    var number: UInt64
    var firstPosition: UInt64
    /// The last batch known durable when this one was submitted: proof that it was not torn.
    var durableBatch: UInt64
    /// Checksum of the batch before: the chain.
    var previousChecksum: UInt64
    var count: UInt32
    /// Bytes of the records, frames included; 0 in a batch that only covers the one before.
    var payloadBytes: UInt32
    /// Over everything between this header and the end of the batch's last block.
    var bodyChecksum: UInt32 = 0
    var headerChecksum: UInt32 = 0

    /// What the next batch repeats of this one.
    var checksum: UInt64 { UInt64(headerChecksum) << 32 | UInt64(bodyChecksum) }

    /// Bytes in the file, padding included.
    var batchBytes: Int { Self.batchBytes(payloadBytes: Int(payloadBytes)) }

    static func batchBytes(payloadBytes: Int) -> Int { LogFormat.roundedUpToBlock(byteCount + payloadBytes) }

    /// Completes a batch whose records already stand behind the header: pads, computes both checksums, writes the header.
    mutating func seal(into batch: UnsafeMutableRawBufferPointer) {
        precondition(batch.count == batchBytes && batch.count <= LogFormat.batchBytesMax)
        batch.zero(Self.byteCount + Int(payloadBytes)..<batch.count)
        bodyChecksum = crc32c(UnsafeRawBufferPointer(batch).part(Self.byteCount..<batch.count))
        batch.zero(0..<Self.byteCount)
        batch.put(Self.magic, at: 0)
        batch.put(versions.writer, at: 4)
        batch.put(versions.reader, at: 6)
        batch.put(identity, at: 8)
        batch.put(salt, at: 24)
        batch.put(epoch, at: 32)
        batch.put(number, at: 40)
        batch.put(firstPosition, at: 48)
        batch.put(durableBatch, at: 56)
        batch.put(previousChecksum, at: 64)
        batch.put(count, at: 72)
        batch.put(payloadBytes, at: 76)
        batch.put(bodyChecksum, at: 80)
        headerChecksum = crc32c(UnsafeRawBufferPointer(batch).part(0..<Self.checksumOffset))
        batch.put(headerChecksum, at: Self.checksumOffset)
    }

    /// Reads a header that belongs to `segment`, of whatever version; nil for anything else, damaged or foreign.
    init?(reading bytes: UnsafeRawBufferPointer, of segment: SegmentHeader) {
        guard bytes.count >= Self.byteCount, bytes.integer(at: 0) == Self.magic else { return nil }
        headerChecksum = bytes.integer(at: Self.checksumOffset)
        versions = LogFormat.Versions(writer: bytes.integer(at: 4), reader: bytes.integer(at: 6))
        identity = bytes.identity(at: 8)
        salt = bytes.integer(at: 24)
        epoch = bytes.integer(at: 32)
        number = bytes.integer(at: 40)
        firstPosition = bytes.integer(at: 48)
        durableBatch = bytes.integer(at: 56)
        previousChecksum = bytes.integer(at: 64)
        count = bytes.integer(at: 72)
        payloadBytes = bytes.integer(at: 76)
        bodyChecksum = bytes.integer(at: 80)
        guard identity == segment.identity, salt == segment.salt, epoch == segment.epoch,
            Int(payloadBytes) <= LogFormat.batchBytesMax - Self.byteCount,
            headerChecksum == crc32c(bytes.part(0..<Self.checksumOffset))
        else { return nil }
    }

    init(of segment: SegmentHeader, at point: ChainPoint, durableBatch: UInt64, count: Int, payloadBytes: Int) {
        identity = segment.identity
        salt = segment.salt
        epoch = segment.epoch
        number = point.nextBatch
        firstPosition = point.nextPosition
        self.durableBatch = durableBatch
        previousChecksum = point.checksum
        self.count = UInt32(count)
        self.payloadBytes = UInt32(payloadBytes)
    }

    /// Where the log continues behind this batch.
    var end: ChainPoint {
        ChainPoint(nextBatch: number + 1, nextPosition: firstPosition + UInt64(count), checksum: checksum)
    }
}
