/// What the folder holds, in one block. `MANIFEST` has two of them, written in turn: a torn one leaves the other.
struct Manifest: Equatable, Sendable {
    static let magic: UInt64 = 0x4546_494E_414D_4648  // "HFMANIFE"
    static let fileBytes = 2 * LogFormat.blockBytes

    struct Snapshot: Equatable, Sendable {
        var position: UInt64
        var fileBytes: UInt64
    }

    /// A segment that there is or was: where it began, and its salt.
    struct Origin: Equatable, Sendable {
        var first: UInt64
        var salt: UInt64
    }

    static let originsMax = 192

    var identity: LogIdentity
    /// One more at every write; it chooses the slot, and the higher one counts.
    var generation: UInt64 = 0
    var epoch: UInt64 = 0
    /// A segment with this number or a higher one exists; 0 before the first. Guards against a lost end of the log.
    var newestSegment: UInt64 = 0
    /// Segments below this number are no longer needed.
    var oldestSegment: UInt64 = 0
    /// Newest first.
    var snapshots: [Snapshot] = []
    /// Ascending; the newest segments, also those that the log has let go of.
    var origins: [Origin] = []

    init(identity: LogIdentity) { self.identity = identity }

    var slotOffset: Int { Int(generation & 1) * LogFormat.blockBytes }

    func write(to block: UnsafeMutableRawBufferPointer) {
        precondition(snapshots.count <= LogFormat.snapshotsMax && origins.count <= Self.originsMax)
        HeaderBlock.begin(block, magic: Self.magic)
        block.put(identity, at: 16)
        block.put(generation, at: 32)
        block.put(epoch, at: 40)
        block.put(newestSegment, at: 48)
        block.put(oldestSegment, at: 56)
        block.put(UInt32(snapshots.count), at: 64)
        for (index, snapshot) in snapshots.enumerated() {
            block.put(snapshot.position, at: 72 + 16 * index)
            block.put(snapshot.fileBytes, at: 80 + 16 * index)
        }
        block.put(UInt32(origins.count), at: 200)
        for (index, origin) in origins.enumerated() {
            block.put(origin.first, at: 208 + 16 * index)
            block.put(origin.salt, at: 216 + 16 * index)
        }
        HeaderBlock.seal(block)
    }

    /// Reads one slot that `HeaderBlock.check` found valid; nil when its fields can't be.
    init?(reading block: UnsafeRawBufferPointer) {
        identity = block.identity(at: 16)
        generation = block.integer(at: 32)
        epoch = block.integer(at: 40)
        newestSegment = block.integer(at: 48)
        oldestSegment = block.integer(at: 56)
        let count = Int(block.integer(at: 64, as: UInt32.self))
        guard count <= LogFormat.snapshotsMax else { return nil }
        for index in 0..<count {
            let position: UInt64 = block.integer(at: 72 + 16 * index)
            let fileBytes: UInt64 = block.integer(at: 80 + 16 * index)
            snapshots.append(Snapshot(position: position, fileBytes: fileBytes))
        }
        // Nothing of the log depends on them.
        let originCount = Int(block.integer(at: 200, as: UInt32.self))
        for index in 0..<(originCount <= Self.originsMax ? originCount : 0) {
            origins.append(
                Origin(first: block.integer(at: 208 + 16 * index), salt: block.integer(at: 216 + 16 * index))
            )
        }
    }

    /// The newest valid slot of the file's bytes.
    static func newest(in bytes: UnsafeRawBufferPointer, file: String) throws(LogError) -> Manifest {
        var newest: Manifest?
        for slot in 0..<2 where bytes.count >= (slot + 1) * LogFormat.blockBytes {
            let block = bytes.part(slot * LogFormat.blockBytes..<(slot + 1) * LogFormat.blockBytes)
            switch HeaderBlock.check(block, magic: magic) {
            case .newer(let versions): try LogFormat.requireReadable(versions, in: file)
            case .damaged: continue
            case .valid:
                guard let found = Manifest(reading: block) else { continue }
                if found.generation >= newest?.generation ?? 0 { newest = found }
            }
        }
        guard let newest else { throw .corrupt(file: file, offset: 0, reason: "neither of its two slots is valid") }
        return newest
    }
}
