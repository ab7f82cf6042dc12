/// A string of a JSON document, validated and still as it was sent. Valid as long as the document's bytes.
struct JSONString {
    /// Between the quotes.
    let content: UnsafeRawBufferPointer
    /// False when `content` is the string itself.
    let hasEscapes: Bool

    /// Length in bytes without escapes.
    var byteCount: Int {
        guard hasEscapes else { return content.count }
        var count = 0
        unescape { _ in count += 1 }
        return count
    }

    /// Appends the string's own UTF-8.
    func append(to bytes: inout ByteWriter) {
        guard hasEscapes else { return bytes.append(content) }
        unescape { bytes.append($0) }
    }

    /// The string's own UTF-8. Valid inside `body` only.
    func withBytes<R>(_ body: (UnsafeRawBufferPointer) -> R) -> R {
        guard hasEscapes else { return body(content) }
        var text = makeString()
        return text.withUTF8 { body(UnsafeRawBufferPointer($0)) }
    }

    func makeString() -> String {
        guard hasEscapes else { return String(decoding: content, as: UTF8.self) }
        var utf8: [UInt8] = []
        unescape { utf8.append($0) }
        return String(decoding: utf8, as: UTF8.self)
    }

    func equals(_ text: StaticString) -> Bool {
        guard hasEscapes else { return content.equals(text) }
        var index = 0
        var isEqual = true
        unescape { byte in
            isEqual = isEqual && index < text.utf8CodeUnitCount && text.utf8Start[index] == byte
            index += 1
        }
        return isEqual && index == text.utf8CodeUnitCount
    }

    /// So that keys can be told apart in a `switch` over string literals.
    static func ~= (text: StaticString, string: JSONString) -> Bool { string.equals(text) }
}

// MARK: - Escapes

extension JSONString {
    /// Gives the string's UTF-8 byte by byte. The reader has checked every escape.
    private func unescape(_ emit: (UInt8) -> Void) {
        var index = 0
        while index < content.count {
            guard content[index] == UInt8(ascii: "\\") else {
                emit(content[index])
                index += 1
                continue
            }
            let kind = content[index + 1]
            guard kind == UInt8(ascii: "u") else {
                emit(Self.unescaped(kind))
                index += 2
                continue
            }
            var scalar = Self.hexadecimal(content, at: index + 2)
            index += 6
            if scalar & 0xFC00 == 0xD800 {
                scalar = 0x10000 + (scalar & 0x3FF) << 10 + Self.hexadecimal(content, at: index + 2) & 0x3FF
                index += 6
            }
            for byte in UTF8.encode(Unicode.Scalar(scalar)!)! { emit(byte) }
        }
    }

    private static func unescaped(_ kind: UInt8) -> UInt8 {
        switch kind {
        case UInt8(ascii: "b"): 0x08
        case UInt8(ascii: "f"): 0x0C
        case UInt8(ascii: "n"): 0x0A
        case UInt8(ascii: "r"): 0x0D
        case UInt8(ascii: "t"): 0x09
        default: kind
        }
    }

    private static func hexadecimal(_ bytes: UnsafeRawBufferPointer, at start: Int) -> UInt32 {
        var value: UInt32 = 0
        for index in start..<(start + 4) { value = value << 4 | UInt32(bytes[index].hexadecimalValue ?? 0) }
        return value
    }
}

extension UInt8 {
    /// The value of a hexadecimal digit.
    var hexadecimalValue: UInt8? {
        switch self {
        case UInt8(ascii: "0")...UInt8(ascii: "9"): self - UInt8(ascii: "0")
        case UInt8(ascii: "a")...UInt8(ascii: "f"): self - UInt8(ascii: "a") + 10
        case UInt8(ascii: "A")...UInt8(ascii: "F"): self - UInt8(ascii: "A") + 10
        default: nil
        }
    }
}
