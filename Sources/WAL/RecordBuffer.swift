/// Records on their way into a log: each written field by field between `beginRecord` and `endRecord`.
///
/// Integers are little-endian. The buffer grows as needed and keeps its memory from turn to turn.
/// In memory a record is `length: UInt32`, `reserved: UInt32`, payload, zeros up to the next multiple of 8.
public struct RecordBuffer: ~Copyable, Sendable {
    /// Bytes in front of each payload.
    public static let frameHeaderBytes = 8

    // Sound because the buffer is the only owner of this memory: it is not copyable and frees it in deinit.
    @usableFromInline nonisolated(unsafe) var base: UnsafeMutableRawPointer
    @usableFromInline var capacity: Int
    @usableFromInline var recordStart = -1

    /// Bytes of all ended records, frames included.
    public private(set) var byteCount = 0

    /// Number of ended records.
    public private(set) var count = 0

    @usableFromInline var cursor = 0

    /// - Parameter capacity: bytes to begin with; at least 64.
    public init(capacity: Int = 64 * 1024) {
        self.capacity = max(64, capacity)
        base = .allocate(byteCount: self.capacity, alignment: 16)
    }

    deinit { base.deallocate() }

    /// The ended records, framed. Valid inside `body` only.
    public borrowing func withBytes<R>(_ body: (UnsafeRawBufferPointer) throws -> R) rethrows -> R {
        try body(UnsafeRawBufferPointer(start: base, count: byteCount))
    }

    /// The payload of the record that is being written, or was ended last. Valid inside `body` only.
    public borrowing func withLastPayload<R>(_ body: (UnsafeRawBufferPointer) throws -> R) rethrows -> R {
        let start = recordStart + Self.frameHeaderBytes
        let length = Int(base.load(fromByteOffset: recordStart, as: UInt32.self))
        return try body(UnsafeRawBufferPointer(start: base + start, count: length))
    }

    /// Payload bytes written so far to the record that is being written.
    public var openPayloadBytes: Int { cursor - recordStart - Self.frameHeaderBytes }

    public mutating func removeAll() {
        byteCount = 0
        count = 0
        cursor = 0
        recordStart = -1
    }

    /// Starts a record; a record begun and not ended is forgotten.
    public mutating func beginRecord() {
        recordStart = byteCount
        cursor = byteCount
        write(UInt64(0))
    }

    /// Ends the record begun last: from here on it is part of the buffer.
    public mutating func endRecord() {
        precondition(recordStart == byteCount, "endRecord without beginRecord")
        let length = cursor - recordStart - Self.frameHeaderBytes
        base.storeBytes(of: UInt32(length).littleEndian, toByteOffset: recordStart, as: UInt32.self)
        let padding = (8 - length & 7) & 7
        reserve(padding)
        for offset in 0..<padding { base.storeBytes(of: 0, toByteOffset: cursor + offset, as: UInt8.self) }
        cursor += padding
        byteCount = cursor
        count += 1
    }

    @inlinable
    public mutating func write<T: FixedWidthInteger>(_ value: T) {
        reserve(MemoryLayout<T>.size)
        base.storeBytes(of: value.littleEndian, toByteOffset: cursor, as: T.self)
        cursor += MemoryLayout<T>.size
    }

    @inlinable
    public mutating func write(bytes: UnsafeRawBufferPointer) {
        guard let source = bytes.baseAddress, !bytes.isEmpty else { return }
        reserve(bytes.count)
        (base + cursor).copyMemory(from: source, byteCount: bytes.count)
        cursor += bytes.count
    }

    @inlinable
    mutating func reserve(_ byteCount: Int) {
        if cursor + byteCount > capacity { grow(to: cursor + byteCount) }
    }

    @usableFromInline
    mutating func grow(to byteCount: Int) {
        var grown = capacity
        while grown < byteCount { grown *= 2 }
        let moved = UnsafeMutableRawPointer.allocate(byteCount: grown, alignment: 16)
        moved.copyMemory(from: base, byteCount: cursor)
        base.deallocate()
        base = moved
        capacity = grown
    }
}
