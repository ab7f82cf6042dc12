/// The first block of a segment. It is durable before the segment gets its name, and never changes afterwards.
struct SegmentHeader: Equatable, Sendable {
    static let magic: UInt64 = 0x4745_534C_4157_4648  // "HFWALSEG"

    var identity: LogIdentity
    var number: UInt64
    /// Random for every segment: what an earlier use left in a recycled file can't pass for a batch of this one.
    var salt: UInt64
    /// One more at every open of the log; the segments of one open share it.
    var epoch: UInt64
    /// Where the log continues in this segment, and by that where the one before was cut.
    var start: ChainPoint
    var segmentBytes: UInt64

    func write(to block: UnsafeMutableRawBufferPointer) {
        HeaderBlock.begin(block, magic: Self.magic)
        block.put(identity, at: 16)
        block.put(number, at: 32)
        block.put(salt, at: 40)
        block.put(epoch, at: 48)
        block.put(start.nextBatch, at: 56)
        block.put(start.nextPosition, at: 64)
        block.put(start.checksum, at: 72)
        block.put(segmentBytes, at: 80)
        HeaderBlock.seal(block)
    }

    init(
        identity: LogIdentity,
        number: UInt64,
        salt: UInt64,
        epoch: UInt64,
        start: ChainPoint,
        segmentBytes: Int
    ) {
        self.identity = identity
        self.number = number
        self.salt = salt
        self.epoch = epoch
        self.start = start
        self.segmentBytes = UInt64(segmentBytes)
    }

    init(reading block: UnsafeRawBufferPointer, file: String) throws(LogError) {
        try HeaderBlock.verify(block, magic: Self.magic, file: file)
        identity = block.identity(at: 16)
        number = block.integer(at: 32)
        salt = block.integer(at: 40)
        epoch = block.integer(at: 48)
        start = ChainPoint(
            nextBatch: block.integer(at: 56),
            nextPosition: block.integer(at: 64),
            checksum: block.integer(at: 72)
        )
        segmentBytes = block.integer(at: 80)
    }
}

/// Where the log continues: what the next batch must say about itself and about the batch before it.
struct ChainPoint: Equatable, Sendable {
    /// Number of the next batch; batches are counted from 1.
    var nextBatch: UInt64 = 1
    /// Position of the next record.
    var nextPosition: UInt64 = 1
    /// Checksum of the batch before; 0 before the first.
    var checksum: UInt64 = 0

    /// Whether both numbers can be counted on from: a header whose checksum is right may still say anything.
    var isPossible: Bool { nextBatch >= 1 && nextPosition >= 1 && (nextBatch | nextPosition) >> 63 == 0 }
}
