import Testing

@testable import WAL

/// Changes a batch and makes its checksums right again: damage that only the rules can find.
func reseal(_ bytes: inout [UInt8], batchAt offset: Int, _ change: (UnsafeMutableRawBufferPointer) -> Void) {
    bytes.withUnsafeMutableBytes { whole in
        let payloadBytes = Int(UnsafeRawBufferPointer(whole).integer(at: offset + 76, as: UInt32.self))
        let end = offset + BatchHeader.batchBytes(payloadBytes: payloadBytes)
        let batch = UnsafeMutableRawBufferPointer(rebasing: whole[offset..<end])
        change(batch)
        let raw = UnsafeRawBufferPointer(batch)
        batch.put(crc32c(raw.part(128..<raw.count)), at: 80)
        batch.put(crc32c(raw.part(0..<124)), at: 124)
    }
}

/// The same for a chunk of a snapshot.
func reseal(_ bytes: inout [UInt8], chunkAt offset: Int, _ change: (UnsafeMutableRawBufferPointer) -> Void) {
    bytes.withUnsafeMutableBytes { whole in
        let payloadBytes = Int(UnsafeRawBufferPointer(whole).integer(at: offset + 28, as: UInt32.self))
        let end = offset + LogFormat.roundedUpToBlock(ChunkHeader.byteCount + payloadBytes)
        let chunk = UnsafeMutableRawBufferPointer(rebasing: whole[offset..<end])
        change(chunk)
        let raw = UnsafeRawBufferPointer(chunk)
        chunk.put(crc32c(raw.part(64..<raw.count)), at: 32)
        chunk.put(crc32c(raw.part(0..<60)), at: 60)
    }
}

/// The same for a header block.
func reseal(_ bytes: inout [UInt8], blockAt offset: Int, _ change: (UnsafeMutableRawBufferPointer) -> Void) {
    bytes.withUnsafeMutableBytes { whole in
        let block = UnsafeMutableRawBufferPointer(rebasing: whole[offset..<offset + LogFormat.blockBytes])
        change(block)
        HeaderBlock.seal(block)
    }
}

extension SimulatedDevice {
    /// Makes a segment a file of so many bytes that says so itself: less to look through.
    func shrink(_ path: String, to byteCount: Int) {
        var bytes = Array(contents(of: path)!.prefix(byteCount))
        reseal(&bytes, blockAt: 0) { $0.put(UInt64(byteCount), at: 80) }
        setContents(of: path, to: bytes)
    }

    /// Every file with its content: equal before and after when nothing was changed.
    var everything: [String: [UInt8]] {
        Dictionary(uniqueKeysWithValues: paths.map { ($0, contents(of: $0) ?? []) })
    }
}

/// Fields of a segment header, read by their offsets in FORMAT.md.
struct SegmentHeaderFields {
    let salt: UInt64
    let epoch: UInt64

    init(_ bytes: [UInt8]) {
        (salt, epoch) = bytes.withUnsafeBytes { ($0.integer(at: 40), $0.integer(at: 48)) }
    }
}
