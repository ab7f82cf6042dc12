/// Records on their way into a log: each written field by field between `beginRecord` and `endRecord`.
///
/// Integers are little-endian. The buffer grows as needed and keeps its memory from turn to turn.
/// In memory a record is `length: UInt32`, `reserved: UInt32` (zero), payload, zeros up to the next multiple of 8:
/// the bytes that end up in the log's file.
public struct RecordBuffer: ~Copyable, Sendable {
    /// Bytes in front of each payload.
    public static let frameHeaderBytes = 8

    // Sound because the buffer is the only owner of this memory: it is not copyable and frees it in deinit.
    @usableFromInline nonisolated(unsafe) var base: UnsafeMutableRawPointer
    @usableFromInline var capacity: Int
    /// Where the record begun last starts; -1 before the first.
    @usableFromInline var recordStart = -1
    /// Where the next byte of the record that is being written goes.
    @usableFromInline var cursor = 0
    @usableFromInline var endedBytes = 0
    @usableFromInline var endedCount = 0
    @usableFromInline var largestPayload = 0

    /// Bytes of all ended records, frames included.
    @inlinable public var byteCount: Int { endedBytes }

    /// Number of ended records.
    @inlinable public var count: Int { endedCount }

    /// Bytes of the largest payload among the ended records.
    @inlinable public var largestPayloadBytes: Int { largestPayload }

    /// - Parameter capacity: bytes to begin with; at least 64.
    public init(capacity: Int = 64 * 1024) {
        self.capacity = max(64, capacity)
        base = .allocate(byteCount: self.capacity, alignment: 16)
    }

    deinit { base.deallocate() }

    /// The ended records, framed. Valid inside `body` only.
    @inlinable
    public borrowing func withBytes<R, E: Error>(_ body: (UnsafeRawBufferPointer) throws(E) -> R) throws(E) -> R {
        try body(UnsafeRawBufferPointer(start: base, count: endedBytes))
    }

    /// The payload of the record that is being written, or was ended last. Valid inside `body` only.
    @inlinable
    public borrowing func withLastPayload<R, E: Error>(_ body: (UnsafeRawBufferPointer) throws(E) -> R) throws(E) -> R {
        precondition(recordStart >= 0, "withLastPayload before beginRecord")
        let start = recordStart + Self.frameHeaderBytes
        let isEnded = endedBytes > recordStart
        let length =
            isEnded
            ? Int(UInt32(littleEndian: base.load(fromByteOffset: recordStart, as: UInt32.self))) : cursor - start
        return try body(UnsafeRawBufferPointer(start: base + start, count: length))
    }

    /// Payload bytes written so far to the record that is being written.
    public var openPayloadBytes: Int { cursor - recordStart - Self.frameHeaderBytes }

    /// Forgets all records and keeps the memory.
    @inlinable
    public mutating func removeAll() {
        endedBytes = 0
        endedCount = 0
        largestPayload = 0
        cursor = 0
        recordStart = -1
    }

    /// Starts a record; a record begun and not ended is forgotten.
    @inlinable
    public mutating func beginRecord() {
        recordStart = endedBytes
        cursor = endedBytes
        write(UInt64(0))
    }

    /// Ends the record begun last: from here on it is part of the buffer.
    @inlinable
    public mutating func endRecord() {
        precondition(recordStart == endedBytes, "endRecord without beginRecord")
        let length = cursor - recordStart - Self.frameHeaderBytes
        precondition(length <= Int(UInt32.max), "a record of 4 GiB or more")
        base.storeBytes(of: UInt32(truncatingIfNeeded: length).littleEndian, toByteOffset: recordStart, as: UInt32.self)
        let padding = (8 - length & 7) & 7
        reserve(padding)
        for offset in 0..<padding { base.storeBytes(of: 0, toByteOffset: cursor + offset, as: UInt8.self) }
        cursor += padding
        endedBytes = cursor
        endedCount += 1
        largestPayload = max(largestPayload, length)
    }

    /// Appends an integer to the record that is being written.
    @inlinable
    public mutating func write<T: FixedWidthInteger>(_ value: T) {
        reserve(MemoryLayout<T>.size)
        base.storeBytes(of: value.littleEndian, toByteOffset: cursor, as: T.self)
        cursor += MemoryLayout<T>.size
    }

    /// Appends bytes to the record that is being written.
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
