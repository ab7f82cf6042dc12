import Glibc

/// Text of at most 64 UTF-8 bytes, held in place: identifiers travel through the sale without touching the heap.
public struct ShortText: Hashable, Sendable {
    /// The longest text, in UTF-8 bytes.
    public static let bytesMax = 64

    /// The empty text; stands for "none" where a text is optional.
    public static let empty = ShortText(words: InlineArray(repeating: 0), count: 0)

    // The text's bytes in memory order, zeros behind the last one, so that equal texts have equal words.
    @usableFromInline var words: InlineArray<8, UInt64>
    public private(set) var count: UInt8

    private init(words: InlineArray<8, UInt64>, count: UInt8) {
        self.words = words
        self.count = count
    }

    /// The text of these bytes; nil when they are more than 64 or not valid UTF-8.
    public init?(utf8 bytes: UnsafeRawBufferPointer) {
        guard bytes.count <= Self.bytesMax else { return nil }
        self = .empty
        count = UInt8(bytes.count)
        var ascii: UInt8 = 0
        for byte in bytes { ascii |= byte }
        if ascii >= 0x80, String(validating: bytes, as: UTF8.self) == nil { return nil }
        withUnsafeMutableBytes(of: &words) { $0.copyMemory(from: bytes) }
    }

    /// The text; nil when it is longer than 64 bytes.
    public init?(_ text: String) {
        var text = text
        guard let short = text.withUTF8({ ShortText(utf8: UnsafeRawBufferPointer($0)) }) else { return nil }
        self = short
    }

    /// The text of bytes that were one before.
    init(trusted bytes: UnsafeRawBufferPointer) {
        self = .empty
        count = UInt8(bytes.count)
        withUnsafeMutableBytes(of: &words) { $0.copyMemory(from: bytes) }
    }

    /// Whether the text has exactly these bytes.
    @inline(__always)
    func hasBytes(_ bytes: UnsafeRawBufferPointer) -> Bool {
        guard bytes.count == Int(count) else { return false }
        return withBytes { memcmp($0.baseAddress!, bytes.baseAddress!, bytes.count) == 0 }
    }

    /// A hash for tables in memory: fast, and another one in every process, so that nobody can choose ids that collide.
    /// What is kept or shared goes through `StableHash`.
    @inline(__always)
    var memoryHash: UInt64 {
        var hash = Self.memorySeed ^ UInt64(count)
        for index in 0..<(Int(count) + 7) / 8 {
            let product = (hash ^ words[index]).multipliedFullWidth(by: 0x9fb2_1c65_1e98_df25)
            hash = product.high ^ product.low
        }
        let product = (hash ^ Self.memorySeed).multipliedFullWidth(by: 0xa076_1d64_78bd_642f)
        return product.high ^ product.low
    }

    private static let memorySeed = UInt64.random(in: .min ... .max)

    /// Whether this text comes before the other one, by their bytes.
    public func precedes(_ other: ShortText) -> Bool {
        for index in 0..<8 where words[index] != other.words[index] {
            return UInt64(bigEndian: words[index]) < UInt64(bigEndian: other.words[index])
        }
        return count < other.count
    }

    public var isEmpty: Bool { count == 0 }

    /// The UTF-8 bytes. Valid inside `body` only.
    @inlinable
    public func withBytes<R, E: Error>(_ body: (UnsafeRawBufferPointer) throws(E) -> R) throws(E) -> R {
        try withUnsafeBytes(of: words) { (whole) throws(E) -> R in
            try body(UnsafeRawBufferPointer(rebasing: whole[0..<Int(count)]))
        }
    }

    public static func == (left: ShortText, right: ShortText) -> Bool {
        guard left.count == right.count else { return false }
        for index in 0..<8 where left.words[index] != right.words[index] { return false }
        return true
    }

    public func hash(into hasher: inout Hasher) { withBytes { hasher.combine(bytes: $0) } }
}

extension ShortText: CustomStringConvertible, ExpressibleByStringLiteral {
    public var description: String { withBytes { String(decoding: $0, as: UTF8.self) } }

    /// - Precondition: the literal has at most 64 UTF-8 bytes.
    public init(stringLiteral literal: String) { self = ShortText(literal)! }
}
