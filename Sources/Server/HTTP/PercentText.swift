/// A part of a target: a path segment, or a name or value of the query; checked, and still as it was sent.
/// Valid as long as the request's bytes.
struct PercentText {
    /// Still percent-encoded.
    let content: UnsafeRawBufferPointer
    /// False when `content` is the text itself.
    let isEncoded: Bool
    private let plusIsBlank: Bool

    /// - Parameter plusIsBlank: true in a query, where `+` stands for a blank.
    /// - Returns: nil when an escape is broken, or the text has control characters or is not valid UTF-8.
    init?(_ content: UnsafeRawBufferPointer, plusIsBlank: Bool) {
        self.content = content
        self.plusIsBlank = plusIsBlank
        isEncoded = content.contains {
            $0 == UInt8(ascii: "%") || $0 >= 0x80 || (plusIsBlank && $0 == UInt8(ascii: "+"))
        }
        if isEncoded, !isWellFormed { return nil }
    }

    var isEmpty: Bool { content.isEmpty }

    /// Appends the decoded text.
    func append(to bytes: inout ByteWriter) {
        guard isEncoded else { return bytes.append(content) }
        forEachDecoded { bytes.append($0) }
    }

    func makeString() -> String {
        guard isEncoded else { return String(decoding: content, as: UTF8.self) }
        return String(decoding: decoded(), as: UTF8.self)
    }

    func equals(_ text: StaticString) -> Bool {
        guard isEncoded else { return content.equals(text) }
        return decoded().withUnsafeBytes { $0.equals(text) }
    }

    /// So that segments and names can be told apart in a `switch` over string literals.
    static func ~= (text: StaticString, part: PercentText) -> Bool { part.equals(text) }

    /// The text as an integer: digits only, at most 18; nil for anything else and outside `range`.
    func integer(in range: ClosedRange<Int64>) -> Int64? {
        guard !content.isEmpty, content.count <= 18, content.allSatisfy(\.isDigit) else { return nil }
        var value: Int64 = 0
        for digit in content { value = value * 10 + Int64(digit & 0x0F) }
        return range.contains(value) ? value : nil
    }
}

extension PercentText {
    private var isWellFormed: Bool {
        for index in 0..<content.count where content[index] == UInt8(ascii: "%") {
            guard index + 2 < content.count, content[index + 1].hexadecimalValue != nil,
                content[index + 2].hexadecimalValue != nil
            else { return false }
        }
        let decoded = decoded()
        guard decoded.allSatisfy({ $0 >= 0x20 && $0 != 0x7F }) else { return false }
        return decoded.withUnsafeBytes { UTF8Sequence.isValid($0) }
    }

    private func decoded() -> [UInt8] {
        var bytes: [UInt8] = []
        forEachDecoded { bytes.append($0) }
        return bytes
    }

    private func forEachDecoded(_ emit: (UInt8) -> Void) {
        var index = 0
        while index < content.count {
            let byte = content[index]
            if byte == UInt8(ascii: "%"), let high = content[index + 1].hexadecimalValue,
                let low = content[index + 2].hexadecimalValue
            {
                emit(high << 4 | low)
                index += 3
            } else {
                emit(plusIsBlank && byte == UInt8(ascii: "+") ? UInt8(ascii: " ") : byte)
                index += 1
            }
        }
    }
}

extension PercentText {
    /// A text as the value of a query's pair: everything but letters, digits and `-._~` is escaped.
    static func encoding(_ text: some CustomStringConvertible) -> String {
        let digits = Array("0123456789ABCDEF".utf8)
        var encoded: [UInt8] = []
        for byte in text.description.utf8 {
            switch byte {
            case UInt8(ascii: "a")...UInt8(ascii: "z"), UInt8(ascii: "A")...UInt8(ascii: "Z"),
                UInt8(ascii: "0")...UInt8(ascii: "9"), UInt8(ascii: "-"), UInt8(ascii: "."), UInt8(ascii: "_"),
                UInt8(ascii: "~"):
                encoded.append(byte)
            default: encoded += [UInt8(ascii: "%"), digits[Int(byte >> 4)], digits[Int(byte & 15)]]
            }
        }
        return String(decoding: encoded, as: UTF8.self)
    }
}
