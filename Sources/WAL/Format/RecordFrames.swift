/// Steps through framed records (see `RecordBuffer`) without copying or allocating.
package struct RecordFrames {
    let bytes: UnsafeRawBufferPointer
    private(set) var offset = 0

    package init(_ bytes: UnsafeRawBufferPointer, from offset: Int = 0) {
        self.bytes = bytes
        self.offset = offset
    }

    /// Bytes a record of this payload takes, frame and padding included.
    static func frameBytes(payloadBytes: Int) -> Int { RecordBuffer.frameHeaderBytes + (payloadBytes + 7) & ~7 }

    package var isAtEnd: Bool { offset == bytes.count }

    /// The next payload; nil when what follows is not a record that fits.
    package mutating func next() -> UnsafeRawBufferPointer? {
        let start = offset + RecordBuffer.frameHeaderBytes
        guard start <= bytes.count else { return nil }
        let word: UInt64 = bytes.integer(at: offset)
        // The upper half is the reserved field, which is zero.
        guard word <= UInt64(bytes.count - start) else { return nil }
        let length = Int(word)
        let end = offset + Self.frameBytes(payloadBytes: length)
        guard end <= bytes.count else { return nil }
        offset = end
        return UnsafeRawBufferPointer(start: bytes.baseAddress.map { $0 + start }, count: length)
    }
}

/// The records of one batch or chunk, cut from a longer run: as many whole ones as fit.
struct RecordRun {
    var count = 0
    var byteCount = 0

    /// The longest run of whole records from `offset` that takes at most `limit` bytes.
    init(in bytes: UnsafeRawBufferPointer, from offset: Int, limit: Int) {
        var end = offset
        while end < bytes.count {
            let length: UInt32 = bytes.integer(at: end)
            let next = end + RecordFrames.frameBytes(payloadBytes: Int(length))
            if next - offset > limit { break }
            end = next
            count += 1
        }
        byteCount = end - offset
    }
}
