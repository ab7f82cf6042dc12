import Glibc

/// A growable run of bytes that is written from front to back and keeps its memory from use to use.
///
/// Responses and JSON are both built in one of these; once warm, writing allocates nothing.
struct ByteWriter: ~Copyable, Sendable {
    // Sound because the writer is the only owner of this memory: it is not copyable and frees it in deinit.
    private nonisolated(unsafe) var base: UnsafeMutableRawPointer
    /// Bytes of memory.
    private(set) var capacity: Int

    /// Bytes written so far.
    private(set) var count = 0

    /// - Parameter capacity: bytes to begin with; at least 64.
    init(capacity: Int = 1024) {
        self.capacity = max(64, capacity)
        base = .allocate(byteCount: self.capacity, alignment: 16)
    }

    deinit { base.deallocate() }

    var isEmpty: Bool { count == 0 }

    /// The byte written last, if any.
    var last: UInt8? { count == 0 ? nil : base.load(fromByteOffset: count - 1, as: UInt8.self) }

    /// Everything written. Valid inside `body` only.
    borrowing func withBytes<R>(_ body: (UnsafeRawBufferPointer) throws -> R) rethrows -> R {
        try body(UnsafeRawBufferPointer(start: base, count: count))
    }

    /// The bytes of a part. Valid inside `body` only.
    borrowing func withBytes<R>(in range: Range<Int>, _ body: (UnsafeRawBufferPointer) throws -> R) rethrows -> R {
        precondition(range.upperBound <= count)
        return try body(UnsafeRawBufferPointer(start: base + range.lowerBound, count: range.count))
    }

    /// Forgets the bytes, keeps the memory.
    mutating func removeAll() { count = 0 }

    /// Forgets everything from `count` on.
    mutating func truncate(to count: Int) {
        precondition(count <= self.count)
        self.count = count
    }

    @inline(__always)
    mutating func append(_ byte: UInt8) {
        reserve(1)
        base.storeBytes(of: byte, toByteOffset: count, as: UInt8.self)
        count += 1
    }

    mutating func append(_ bytes: UnsafeRawBufferPointer) {
        guard let source = bytes.baseAddress, !bytes.isEmpty else { return }
        reserve(bytes.count)
        (base + count).copyMemory(from: source, byteCount: bytes.count)
        count += bytes.count
    }

    @inline(__always)
    mutating func append(_ text: StaticString) {
        append(UnsafeRawBufferPointer(start: text.utf8Start, count: text.utf8CodeUnitCount))
    }

    mutating func append(_ text: String) {
        var text = text
        text.withUTF8 { append(UnsafeRawBufferPointer($0)) }
    }

    /// Room for `byteCount` bytes that `fill` writes; it returns how many it has written.
    mutating func append(atMost byteCount: Int, _ fill: (UnsafeMutableRawBufferPointer) -> Int) {
        reserve(byteCount)
        let written = fill(UnsafeMutableRawBufferPointer(start: base + count, count: byteCount))
        precondition(written <= byteCount)
        count += written
    }

    /// Writes an integer in decimal.
    mutating func append(decimal value: Int64) {
        if value < 0 { append(UInt8(ascii: "-")) }
        append(decimal: value.magnitude, digitsMin: 1)
    }

    /// Writes an integer in decimal, with zeros in front up to `digitsMin` digits.
    mutating func append(decimal value: UInt64, digitsMin: Int) {
        let digits = max(digitsMin, Self.decimalDigits(of: value))
        reserve(digits)
        Self.storeDecimal(value, digits: digits, at: base + count)
        count += digits
    }

    /// Overwrites the bytes from `offset` on with `value` in exactly `digits` decimal digits.
    mutating func overwrite(decimal value: UInt64, digits: Int, at offset: Int) {
        precondition(offset >= 0 && offset + digits <= count)
        Self.storeDecimal(value, digits: digits, at: base + offset)
    }

    mutating func overwrite(_ byte: UInt8, at offset: Int) {
        precondition(offset >= 0 && offset < count)
        base.storeBytes(of: byte, toByteOffset: offset, as: UInt8.self)
    }

    /// Moves a part back by `distance` bytes, over what is there. What it leaves behind means nothing any more.
    mutating func move(_ range: Range<Int>, by distance: Int) {
        precondition(range.lowerBound >= 0 && distance >= 0 && range.upperBound + distance <= count)
        memmove(base + range.lowerBound + distance, base + range.lowerBound, range.count)
    }

    static func decimalDigits(of value: UInt64) -> Int {
        var digits = 1
        var rest = value
        while rest >= 10 {
            rest /= 10
            digits += 1
        }
        return digits
    }

    private static func storeDecimal(_ value: UInt64, digits: Int, at start: UnsafeMutableRawPointer) {
        var rest = value
        var offset = digits
        while offset > 0 {
            offset &-= 1
            let next = rest / 10
            start.storeBytes(
                of: UInt8(ascii: "0") &+ UInt8(truncatingIfNeeded: rest &- next &* 10),
                toByteOffset: offset,
                as: UInt8.self
            )
            rest = next
        }
    }

    @inline(__always)
    private mutating func reserve(_ byteCount: Int) {
        if count + byteCount > capacity { grow(to: count + byteCount) }
    }

    @inline(never)
    private mutating func grow(to byteCount: Int) {
        var grown = capacity
        while grown < byteCount { grown *= 2 }
        let moved = UnsafeMutableRawPointer.allocate(byteCount: grown, alignment: 16)
        moved.copyMemory(from: base, byteCount: count)
        base.deallocate()
        base = moved
        capacity = grown
    }
}
