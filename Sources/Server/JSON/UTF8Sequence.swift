/// Well-formed UTF-8, sequence by sequence (RFC 3629): no overlong forms, no surrogates, nothing above U+10FFFF.
enum UTF8Sequence {
    /// The length in bytes, 1 to 4, of the sequence that begins at `index`; nil where there is none.
    static func length(in bytes: UnsafeRawBufferPointer, at index: Int) -> Int? {
        let first = bytes[index]
        if first < 0x80 { return 1 }
        let length = first < 0xE0 ? 2 : first < 0xF0 ? 3 : 4
        guard index + length <= bytes.count, let second = secondByteRange(after: first),
            second.contains(bytes[index + 1])
        else { return nil }
        for offset in 2..<max(2, length) where bytes[index + offset] & 0xC0 != 0x80 { return nil }
        return length
    }

    /// The second byte is where overlong forms, surrogates and too large numbers show.
    private static func secondByteRange(after first: UInt8) -> ClosedRange<UInt8>? {
        switch first {
        case 0xE0: 0xA0...0xBF
        case 0xED: 0x80...0x9F
        case 0xF0: 0x90...0xBF
        case 0xF4: 0x80...0x8F
        case 0xC2...0xF3: 0x80...0xBF
        default: nil
        }
    }

    static func isValid(_ bytes: UnsafeRawBufferPointer) -> Bool {
        var index = 0
        while index < bytes.count {
            guard let length = length(in: bytes, at: index) else { return false }
            index += length
        }
        return true
    }
}
