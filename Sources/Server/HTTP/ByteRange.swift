/// Where a part of a request lies, as an offset and a length in bytes from the request's first byte.
///
/// `absent` differs from an empty range: a header that was not sent is absent, one sent without a value is empty.
struct ByteRange: Equatable, Sendable {
    /// Offset of the first byte.
    let start: UInt32
    /// Length in bytes.
    let count: UInt32

    static let absent = ByteRange(unchecked: .max, 0)

    /// - Precondition: both fit in 32 bits; the parser's limits keep requests far below that.
    init(_ bounds: Range<Int>) {
        start = UInt32(bounds.lowerBound)
        count = UInt32(bounds.count)
    }

    private init(unchecked start: UInt32, _ count: UInt32) {
        self.start = start
        self.count = count
    }

    var isAbsent: Bool { start == .max }
    var isEmpty: Bool { count == 0 }
    var end: Int { Int(start) + Int(count) }
}

extension UnsafeRawBufferPointer {
    /// The bytes of a range; empty for an absent one.
    subscript(_ range: ByteRange) -> UnsafeRawBufferPointer {
        guard !range.isAbsent else { return UnsafeRawBufferPointer(start: nil, count: 0) }
        return UnsafeRawBufferPointer(rebasing: self[Int(range.start)..<range.end])
    }
}
