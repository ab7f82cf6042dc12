/// One connection's outgoing bytes: a fixed piece of memory in which each request is put together in turn.
///
/// The memory belongs to the connection that made it and is freed by `deallocate()`. Every write is checked
/// against the capacity, so the unsafe pointer is never written past its end.
struct RequestBuffer {
    static let capacityBytes = 4096

    private let storage = UnsafeMutableRawBufferPointer.allocate(byteCount: Self.capacityBytes, alignment: 64)
    private(set) var count = 0
    private(set) var sentCount = 0

    func deallocate() { storage.deallocate() }

    var unsent: UnsafeRawBufferPointer { UnsafeRawBufferPointer(rebasing: storage[sentCount..<count]) }

    mutating func markSent(_ bytes: Int) {
        sentCount += bytes
        precondition(sentCount <= count)
    }

    /// Replaces what the buffer holds by the request with this number, and this id if the template takes one.
    @inline(__always)
    mutating func fill(_ template: RequestTemplate, number: UInt64, id: IdentifierBytes? = nil) {
        count = 0
        sentCount = 0
        append(template.before)
        if let id { id.withBytes { append($0) } }
        let start = count
        append(template.after)
        for offset in template.counterOffsets { write(number, at: start + offset) }
    }

    @inline(__always)
    private mutating func append(_ bytes: [UInt8]) {
        bytes.withUnsafeBytes { append($0) }
    }

    @inline(__always)
    private mutating func append(_ bytes: UnsafeRawBufferPointer) {
        precondition(bytes.count <= storage.count - count, "a request outgrew its buffer")
        UnsafeMutableRawBufferPointer(rebasing: storage[count...]).copyMemory(from: bytes)
        count += bytes.count
    }

    /// Decimal digits, zero-filled from the left, `RequestTemplate.counterDigits` of them.
    private func write(_ number: UInt64, at offset: Int) {
        var rest = number
        var position = offset + RequestTemplate.counterDigits
        while position > offset {
            position -= 1
            storage[position] = UInt8(ascii: "0") &+ UInt8(truncatingIfNeeded: rest % 10)
            rest /= 10
        }
    }
}

/// An id that a server gave, kept without an allocation.
struct IdentifierBytes {
    static let countMax = 63

    private var bytes = InlineArray<64, UInt8>(repeating: 0)
    private var count = 0

    init() {}

    /// Nil when the id is empty or longer than `countMax`.
    init?(_ source: UnsafeRawBufferPointer) {
        guard !source.isEmpty, source.count <= Self.countMax else { return nil }
        for index in 0..<source.count { bytes[index] = source[index] }
        count = source.count
    }

    /// The id of the reservation that an answer is about.
    @inline(__always)
    init?(reservationIn body: UnsafeRawBufferPointer) {
        guard let text = BodyScanner.text(after: "\"id\":\"rsv_", keeping: 4, in: body) else { return nil }
        self.init(text)
    }

    @inline(__always)
    func withBytes<Result>(_ body: (UnsafeRawBufferPointer) -> Result) -> Result {
        withUnsafeBytes(of: bytes) { body(UnsafeRawBufferPointer(rebasing: $0[..<count])) }
    }
}
