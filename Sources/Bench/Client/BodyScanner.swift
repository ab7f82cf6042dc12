import Glibc

/// Finds a string field in a JSON body by its bytes. Enough for a client that knows what it asked for, and a
/// hundred times cheaper than a JSON parser.
enum BodyScanner {
    /// The text from after `mark` to the next quotation mark, `keeping` that many of the mark's own last bytes:
    /// `"id":"rsv_` keeping 4 gives `rsv_…`.
    @inline(__always)
    static func text(
        after mark: StaticString,
        keeping: Int = 0,
        in body: UnsafeRawBufferPointer
    ) -> UnsafeRawBufferPointer? {
        guard let base = body.baseAddress, let end = end(of: mark, in: body) else { return nil }
        let start = end - keeping
        guard let quote = memchr(base + end, 0x22, body.count - end) else { return nil }
        return UnsafeRawBufferPointer(start: base + start, count: UnsafeRawPointer(quote) - (base + start))
    }

    /// The offset just after the first occurrence of `mark`.
    @inline(__always)
    private static func end(of mark: StaticString, in body: UnsafeRawBufferPointer) -> Int? {
        guard let base = body.baseAddress else { return nil }
        let length = mark.utf8CodeUnitCount
        // The second byte is a letter and therefore rarer in JSON than the quotation mark before it.
        let second = Int32(mark.utf8Start[1])
        var index = 1
        while index < body.count, let hit = memchr(base + index, second, body.count - index) {
            let start = UnsafeRawPointer(hit) - base - 1
            guard start + length <= body.count else { return nil }
            if memcmp(base + start, mark.utf8Start, length) == 0 { return start + length }
            index = start + 2
        }
        return nil
    }
}
