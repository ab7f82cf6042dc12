extension JSONReader {
    /// Reads the string that begins at `position`, and checks its UTF-8 and escapes.
    mutating func scanString() throws(JSONError) -> JSONString {
        let start = position + 1
        var index = start
        var hasEscapes = false
        while true {
            index = plainRunEnd(from: index)
            guard index < bytes.count else { throw error(.malformed("unexpected end"), at: index) }
            switch bytes[index] {
            case UInt8(ascii: "\""):
                position = index + 1
                return JSONString(
                    content: UnsafeRawBufferPointer(rebasing: bytes[start..<index]),
                    hasEscapes: hasEscapes
                )
            case UInt8(ascii: "\\"):
                hasEscapes = true
                index += try escapeLength(at: index)
            case 0..<0x20: throw error(.malformed("a control character in a string"), at: index)
            default:
                guard let length = UTF8Sequence.length(in: bytes, at: index) else {
                    throw error(.invalidUTF8, at: index)
                }
                index += length
            }
        }
    }

    /// The first byte from `start` on that is not plain ASCII: a quote, a backslash, a control, or above 127.
    ///
    /// Eight bytes a step: in each of the four tests a byte's top bit is set if it matches; a borrow can set it
    /// wrongly only above a byte that matches, so the lowest one is right.
    private func plainRunEnd(from start: Int) -> Int {
        let ones: UInt64 = 0x0101_0101_0101_0101
        let tops: UInt64 = 0x8080_8080_8080_8080
        var index = start
        while index + 8 <= bytes.count {
            let word = UInt64(littleEndian: bytes.loadUnaligned(fromByteOffset: index, as: UInt64.self))
            let quotes = word ^ (ones &* 0x22)
            let backslashes = word ^ (ones &* 0x5C)
            let special =
                ((word &- ones &* 0x20) & ~word | (quotes &- ones) & ~quotes | (backslashes &- ones) & ~backslashes
                    | word) & tops
            if special != 0 { return index + special.trailingZeroBitCount / 8 }
            index += 8
        }
        while index < bytes.count {
            let byte = bytes[index]
            if byte < 0x20 || byte >= 0x80 || byte == UInt8(ascii: "\"") || byte == UInt8(ascii: "\\") { break }
            index += 1
        }
        return index
    }

    private func escapeLength(at index: Int) throws(JSONError) -> Int {
        guard index + 1 < bytes.count else { throw error(.malformed("unexpected end"), at: bytes.count) }
        switch bytes[index + 1] {
        case UInt8(ascii: "\""), UInt8(ascii: "\\"), UInt8(ascii: "/"), UInt8(ascii: "b"), UInt8(ascii: "f"),
            UInt8(ascii: "n"), UInt8(ascii: "r"), UInt8(ascii: "t"):
            return 2
        case UInt8(ascii: "u"): return try unicodeEscapeLength(at: index)
        default: throw error(.malformed("an unknown escape"), at: index)
        }
    }

    private func unicodeEscapeLength(at index: Int) throws(JSONError) -> Int {
        let unit = try codeUnit(at: index)
        guard unit & 0xF800 == 0xD800 else { return 6 }
        guard unit < 0xDC00, index + 7 < bytes.count, bytes[index + 6] == UInt8(ascii: "\\"),
            bytes[index + 7] == UInt8(ascii: "u"), try codeUnit(at: index + 6) & 0xFC00 == 0xDC00
        else { throw error(.loneSurrogate, at: index) }
        return 12
    }

    /// The four hexadecimal digits of the `\u` escape at `index`.
    private func codeUnit(at index: Int) throws(JSONError) -> UInt16 {
        guard index + 6 <= bytes.count else { throw error(.malformed("unexpected end"), at: bytes.count) }
        var unit: UInt16 = 0
        for offset in 2..<6 {
            guard let digit = bytes[index + offset].hexadecimalValue else {
                throw error(.malformed("an unknown escape"), at: index)
            }
            unit = unit << 4 | UInt16(digit)
        }
        return unit
    }
}
