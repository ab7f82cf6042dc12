/// Base64url (RFC 4648, 5) without padding, for runs of 3 bytes: then no text has bits to spare, and each value has
/// exactly one text.
enum Base64URL {
    private static let alphabet: StaticString = "ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789-_"

    /// - Precondition: `bytes.count` is a multiple of 3 and `output` has 4 bytes for each 3.
    static func encode(_ bytes: UnsafeRawBufferPointer, into output: UnsafeMutableRawBufferPointer) {
        precondition(bytes.count % 3 == 0 && output.count == bytes.count / 3 * 4)
        let alphabet = alphabet.utf8Start
        var place = 0
        for start in stride(from: 0, to: bytes.count, by: 3) {
            let group = UInt32(bytes[start]) << 16 | UInt32(bytes[start + 1]) << 8 | UInt32(bytes[start + 2])
            for index in 0..<4 { output[place + index] = alphabet[Int(group >> UInt32(18 - 6 * index) & 63)] }
            place += 4
        }
    }

    /// False when the text isn't 4 characters of the alphabet for each 3 bytes of `output`.
    static func decode(_ text: UnsafeRawBufferPointer, into output: UnsafeMutableRawBufferPointer) -> Bool {
        guard output.count % 3 == 0, text.count == output.count / 3 * 4 else { return false }
        var place = 0
        for start in stride(from: 0, to: text.count, by: 4) {
            var group: UInt32 = 0
            for index in start..<(start + 4) {
                guard let value = value(of: text[index]) else { return false }
                group = group << 6 | value
            }
            output[place] = UInt8(truncatingIfNeeded: group >> 16)
            output[place + 1] = UInt8(truncatingIfNeeded: group >> 8)
            output[place + 2] = UInt8(truncatingIfNeeded: group)
            place += 3
        }
        return true
    }

    private static func value(of character: UInt8) -> UInt32? {
        switch character {
        case UInt8(ascii: "A")...UInt8(ascii: "Z"): UInt32(character - UInt8(ascii: "A"))
        case UInt8(ascii: "a")...UInt8(ascii: "z"): UInt32(character - UInt8(ascii: "a")) + 26
        case UInt8(ascii: "0")...UInt8(ascii: "9"): UInt32(character - UInt8(ascii: "0")) + 52
        case UInt8(ascii: "-"): 62
        case UInt8(ascii: "_"): 63
        default: nil
        }
    }
}

/// 128 bits as 26 characters of Crockford's base32: no I, L, O or U, so that people can read them to each other.
enum CrockfordBase32 {
    static let charactersPer128Bits = 26

    private static let alphabet: StaticString = "0123456789ABCDEFGHJKMNPQRSTVWXYZ"

    /// - Precondition: `output` has 26 bytes.
    static func encode(high: UInt64, low: UInt64, into output: UnsafeMutableRawBufferPointer) {
        precondition(output.count == charactersPer128Bits)
        let value = UInt128(high) << 64 | UInt128(low)
        for index in 0..<charactersPer128Bits {
            let shift = 5 * (charactersPer128Bits - 1 - index)
            output[index] = alphabet.utf8Start[Int(truncatingIfNeeded: value >> UInt128(shift)) & 31]
        }
    }

    /// Nil for every text that `encode` doesn't make.
    static func decode(_ text: UnsafeRawBufferPointer) -> (high: UInt64, low: UInt64)? {
        guard text.count == charactersPer128Bits else { return nil }
        var value: UInt128 = 0
        for (index, character) in text.enumerated() {
            guard let digit = alphabetDigit(character), index > 0 || digit < 8 else { return nil }
            value = value << 5 | UInt128(digit)
        }
        return (UInt64(truncatingIfNeeded: value >> 64), UInt64(truncatingIfNeeded: value))
    }

    private static func alphabetDigit(_ character: UInt8) -> Int? {
        (0..<32).first { alphabet.utf8Start[$0] == character }
    }
}
