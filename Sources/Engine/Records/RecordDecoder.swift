/// Reads back what `RecordBuffer` wrote. Every read is checked: bytes that passed a checksum may still be hostile.
public struct RecordDecoder {
    /// The bytes are not a record of this format.
    public struct Malformed: Error, Equatable {
        public let offset: Int
        public let reason: String
    }

    // Sound: the decoder lives within the call that lends it the bytes.
    private let bytes: UnsafeRawBufferPointer
    private(set) var offset = 0

    public init(_ bytes: UnsafeRawBufferPointer) { self.bytes = bytes }

    var isAtEnd: Bool { offset == bytes.count }

    /// What the next read begins with; nil at the end.
    var nextByte: UInt8? { isAtEnd ? nil : bytes[offset] }

    func malformed(_ reason: String) -> Malformed { Malformed(offset: offset, reason: reason) }

    @inline(__always)
    mutating func read<T: FixedWidthInteger>(_ type: T.Type = T.self) throws(Malformed) -> T {
        guard bytes.count - offset >= MemoryLayout<T>.size else { throw malformed("the record ends early") }
        let value = T(littleEndian: bytes.loadUnaligned(fromByteOffset: offset, as: T.self))
        offset += MemoryLayout<T>.size
        return value
    }

    /// A count followed by that many bytes.
    @inline(__always)
    mutating func readBytes<L: FixedWidthInteger & UnsignedInteger>(
        count type: L.Type
    ) throws(Malformed) -> UnsafeRawBufferPointer {
        try readBytes(count: Int(try read(type)))
    }

    /// - Precondition: `count` is not negative.
    @inline(__always)
    mutating func readBytes(count: Int) throws(Malformed) -> UnsafeRawBufferPointer {
        guard bytes.count - offset >= count else { throw malformed("a length of \(count) exceeds the record") }
        defer { offset += count }
        return UnsafeRawBufferPointer(rebasing: bytes[offset..<offset + count])
    }

    /// Seven bits a byte, the lowest first.
    mutating func readVariable() throws(Malformed) -> UInt32 {
        var value: UInt64 = 0
        for shift in 0..<5 as Range<UInt64> {
            let byte = try read(UInt8.self)
            value |= UInt64(byte & 0x7f) << (7 * shift)
            guard byte < 0x80 else { continue }
            guard let number = UInt32(exactly: value) else { throw malformed("\(value) is out of range") }
            return number
        }
        throw malformed("a number of more than five bytes")
    }

    @inline(__always)
    mutating func readBool() throws(Malformed) -> Bool {
        switch try read(UInt8.self) {
        case 0: return false
        case 1: return true
        default: throw malformed("a flag that is neither 0 nor 1")
        }
    }

    @inline(__always)
    mutating func readOptional<T: FixedWidthInteger>() throws(Malformed) -> T? {
        try readBool() ? try read(T.self) : nil
    }

    mutating func readShortText() throws(Malformed) -> ShortText {
        guard let text = ShortText(utf8: try readBytes(count: UInt8.self)) else { throw malformed("not a short text") }
        return text
    }

    mutating func readString() throws(Malformed) -> String {
        guard let text = String(validating: try readBytes(count: UInt32.self), as: UTF8.self) else {
            throw malformed("not UTF-8")
        }
        return text
    }

    /// Everything up to the record's end.
    mutating func rest() -> UnsafeRawBufferPointer {
        defer { offset = bytes.count }
        return UnsafeRawBufferPointer(rebasing: bytes[offset...])
    }

    mutating func readNumbers() throws(Malformed) -> [UInt32] {
        let count = Int(try read(UInt32.self))
        guard (bytes.count - offset) / 4 >= count else { throw malformed("a list of \(count) exceeds the record") }
        var numbers: [UInt32] = []
        numbers.reserveCapacity(count)
        for _ in 0..<count { numbers.append(try read()) }
        return numbers
    }

    mutating func readCase<T: RawRepresentable>(_ type: T.Type = T.self) throws(Malformed) -> T
    where T.RawValue == UInt8 {
        let raw = try read(UInt8.self)
        guard let value = T(rawValue: raw) else { throw malformed("\(raw) is no \(T.self)") }
        return value
    }
}
