/// Members of an organizer's JSON that this engine doesn't know, kept as they came: `"a":1,"b":[true]`, without the braces
/// around them. Whoever shows a thing puts them between members of its own, so they have to be what they say they are.
enum AttributeText {
    /// Levels of objects and lists within a member: with the object around it as many as a request may have.
    static let depthMax = 31

    /// Whether the text is members of a JSON object (RFC 8259), with names that differ, and nothing else.
    static func isWellFormed(_ text: String) -> Bool {
        var text = text
        return text.isEmpty || text.withUTF8 { AttributeReader(UnsafeRawBufferPointer($0)).isWellFormed }
    }
}

extension Fact {
    /// The members that came with the details of what the fact is about; nil for a fact without.
    var attributes: String? {
        switch self {
        case .eventCreated(_, let details, _), .eventUpdated(let details): details.attributes
        case .eventRestored(let event): event.details.attributes
        case .sectionAdded(let details), .sectionUpdated(_, let details): details.attributes
        case .tierAdded(let details, _), .tierUpdated(_, let details), .tierRestored(let details, _): details.attributes
        case .scheduleAdded(let details), .scheduleUpdated(_, let details), .scheduleRestored(let details, _):
            details.attributes
        case .venueAdded(let details, _), .venueUpdated(let details): details.attributes
        case .venueRestored(let view): view.details.attributes
        default: nil
        }
    }
}

/// Reads over JSON without keeping anything but the members' names. The bytes are UTF-8: they are a string's.
private struct AttributeReader {
    private struct Malformed: Error {}

    private let bytes: UnsafeRawBufferPointer
    private var position = 0

    init(_ bytes: UnsafeRawBufferPointer) { self.bytes = bytes }

    var isWellFormed: Bool {
        var reader = self
        do throws(Malformed) {
            try reader.members(depth: 0, isTop: true)
            return reader.next() == nil
        } catch {
            return false
        }
    }

    // MARK: - Values

    private mutating func members(depth: Int, isTop: Bool) throws(Malformed) {
        var names: Set<String> = []
        repeat {
            try expect("\"")
            let start = position
            try string()
            if isTop, !names.insert(try name(start..<position - 1)).inserted { throw Malformed() }
            try expect(":")
            try value(depth: depth)
        } while take(",")
    }

    private mutating func value(depth: Int) throws(Malformed) {
        guard let byte = next() else { throw Malformed() }
        switch byte {
        case UInt8(ascii: "{"):
            try begin(depth)
            if take("}") { return }
            try members(depth: depth + 1, isTop: false)
            try expect("}")
        case UInt8(ascii: "["):
            try begin(depth)
            if take("]") { return }
            repeat { try value(depth: depth + 1) } while take(",")
            try expect("]")
        case UInt8(ascii: "\""):
            position += 1
            try string()
        case UInt8(ascii: "t"): try literal("true")
        case UInt8(ascii: "f"): try literal("false")
        case UInt8(ascii: "n"): try literal("null")
        default: try number()
        }
    }

    private mutating func begin(_ depth: Int) throws(Malformed) {
        guard depth < AttributeText.depthMax else { throw Malformed() }
        position += 1
    }

    private mutating func literal(_ text: StaticString) throws(Malformed) {
        let end = position + text.utf8CodeUnitCount
        guard end <= bytes.count, text.withUTF8Buffer({ $0.elementsEqual(bytes[position..<end]) }) else {
            throw Malformed()
        }
        position = end
    }

    private mutating func number() throws(Malformed) {
        if peek == UInt8(ascii: "-") { position += 1 }
        if peek == UInt8(ascii: "0") { position += 1 } else { try digits() }
        if peek == UInt8(ascii: ".") {
            position += 1
            try digits()
        }
        if peek == UInt8(ascii: "e") || peek == UInt8(ascii: "E") {
            position += 1
            if peek == UInt8(ascii: "+") || peek == UInt8(ascii: "-") { position += 1 }
            try digits()
        }
    }

    private mutating func digits() throws(Malformed) {
        let start = position
        while let byte = peek, (UInt8(ascii: "0")...UInt8(ascii: "9")).contains(byte) { position += 1 }
        guard position > start else { throw Malformed() }
    }

    // MARK: - Strings

    /// From behind the quote that begins it to behind the one that ends it.
    private mutating func string() throws(Malformed) {
        while let byte = peek {
            position += 1
            if byte == UInt8(ascii: "\"") { return }
            guard byte >= 0x20 else { throw Malformed() }
            if byte == UInt8(ascii: "\\") { _ = try escape() }
        }
        throw Malformed()
    }

    /// What an escape stands for, from behind its backslash.
    private mutating func escape() throws(Malformed) -> Unicode.Scalar {
        guard let byte = peek else { throw Malformed() }
        position += 1
        switch byte {
        case UInt8(ascii: "\""), UInt8(ascii: "\\"), UInt8(ascii: "/"): return Unicode.Scalar(byte)
        case UInt8(ascii: "b"): return "\u{8}"
        case UInt8(ascii: "f"): return "\u{C}"
        case UInt8(ascii: "n"): return "\n"
        case UInt8(ascii: "r"): return "\r"
        case UInt8(ascii: "t"): return "\t"
        case UInt8(ascii: "u"): return try unicode()
        default: throw Malformed()
        }
    }

    /// Halves of a pair stand together.
    private mutating func unicode() throws(Malformed) -> Unicode.Scalar {
        let unit = try hexadecimal()
        if let scalar = Unicode.Scalar(unit) { return scalar }
        guard (0xD800..<0xDC00).contains(unit) else { throw Malformed() }
        try literal("\\u")
        let low = try hexadecimal()
        guard (0xDC00..<0xE000).contains(low),
            let scalar = Unicode.Scalar(0x10000 + (unit - 0xD800) << 10 + low - 0xDC00)
        else { throw Malformed() }
        return scalar
    }

    private mutating func hexadecimal() throws(Malformed) -> UInt32 {
        guard position + 4 <= bytes.count else { throw Malformed() }
        var value: UInt32 = 0
        for _ in 0..<4 {
            guard let digit = Character(Unicode.Scalar(bytes[position])).hexDigitValue else { throw Malformed() }
            value = value << 4 | UInt32(digit)
            position += 1
        }
        return value
    }

    /// A name as it is meant, escapes resolved.
    private func name(_ range: Range<Int>) throws(Malformed) -> String {
        let content = UnsafeRawBufferPointer(rebasing: bytes[range])
        guard content.contains(UInt8(ascii: "\\")) else { return String(decoding: content, as: UTF8.self) }
        var reader = AttributeReader(content)
        var plain: [UInt8] = []
        while let byte = reader.peek {
            reader.position += 1
            if byte == UInt8(ascii: "\\") {
                plain += Array(String(try reader.escape()).utf8)
            } else {
                plain.append(byte)
            }
        }
        return String(decoding: plain, as: UTF8.self)
    }

    // MARK: - Bytes

    private var peek: UInt8? { position < bytes.count ? bytes[position] : nil }

    /// The next byte that is no blank.
    private mutating func next() -> UInt8? {
        while let byte = peek, byte == 0x20 || byte == 0x0A || byte == 0x0D || byte == 0x09 { position += 1 }
        return peek
    }

    private mutating func take(_ character: Unicode.Scalar) -> Bool {
        guard next() == UInt8(ascii: character) else { return false }
        position += 1
        return true
    }

    private mutating func expect(_ character: Unicode.Scalar) throws(Malformed) {
        guard take(character) else { throw Malformed() }
    }
}
