/// A file seen through one buffer, front to back, in large reads. Memory does not depend on the file's size.
final class FileWindow {
    let file: any DeviceFile
    let byteCount: Int
    private let buffer: AlignedBuffer
    private var start = 0
    private var filled = 0
    /// How much is read at a time, where no more is asked for.
    var readAheadBytes = Int.max

    /// - Parameter capacity: at least the longest view asked for.
    init(_ file: any DeviceFile, buffer: AlignedBuffer) throws(LogError) {
        self.file = file
        self.buffer = buffer
        byteCount = try file.byteCount()
    }

    /// The bytes from `offset`, shorter only where the file ends. Valid until the next call.
    func view(at offset: Int, count: Int) throws(LogError) -> UnsafeRawBufferPointer {
        precondition(count <= buffer.bytes.count)
        let wanted = max(0, min(count, byteCount - offset))
        if offset < start || offset + wanted > start + filled { try fill(from: offset, count: wanted) }
        let available = max(0, min(wanted, start + filled - offset))
        guard available > 0 else { return UnsafeRawBufferPointer(start: nil, count: 0) }
        return UnsafeRawBufferPointer(rebasing: buffer.bytes[offset - start..<offset - start + available])
    }

    /// Forgets what was read: the file has been written since.
    func forget() { filled = 0 }

    /// Reads on from `offset`, keeping what the buffer already has of it.
    private func fill(from offset: Int, count: Int) throws(LogError) {
        var kept = 0
        if offset >= start, offset < start + filled, let base = buffer.bytes.baseAddress {
            kept = start + filled - offset
            base.copyMemory(from: base + (offset - start), byteCount: kept)
        }
        start = offset
        filled = kept
        let end = min(buffer.bytes.count, max(LogFormat.roundedUpToBlock(count), readAheadBytes))
        let rest = UnsafeMutableRawBufferPointer(rebasing: buffer.bytes[kept..<max(kept, end)])
        filled += try file.read(into: rest, at: offset + kept)
    }
}
