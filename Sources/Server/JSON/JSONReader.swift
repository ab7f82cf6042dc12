/// Reads a JSON document value by value, in the order the caller asks, without allocating.
///
///     try reader.beginObject()
///     while let key = try reader.nextKey() {
///         switch key {
///         case "quantity":
///             try reader.once(0, &seen)
///             quantity = try reader.readInteger(in: 1...10)
///         default: try reader.skipValue()
///         }
///     }
///     try reader.finish()
///
/// Strict: RFC 8259 to the letter, valid UTF-8, no half surrogate pairs, at most 32 levels, nothing after the
/// document. After an error the reader is of no further use. What it gives out points into the document's bytes.
struct JSONReader {
    /// Levels of objects and lists within each other.
    static let depthMax = 32

    /// The key or index that a level stands at, for naming the field in an error.
    fileprivate struct Step {
        static let none = -2
        static let index = -1

        /// Offset of a key, or one of the above.
        var start: Int32
        /// Length of the key, or the index.
        var count: Int32
    }

    let bytes: UnsafeRawBufferPointer
    /// Where reading goes on.
    var position = 0
    private var depth = 0
    /// Whether nothing has been read yet of the object or list that is open.
    private var isFirst = false
    /// Of the level that is open; `steps` has those around it.
    private var step = Step(start: -2, count: 0)
    private var steps = InlineArray<32, Step>(repeating: Step(start: -2, count: 0))

    /// - Parameter bytes: the whole document; must outlive the reader and what it gives out.
    init(_ bytes: UnsafeRawBufferPointer) { self.bytes = bytes }
}

// MARK: - Objects and lists

extension JSONReader {
    mutating func beginObject() throws(JSONError) { try begin(.object) }

    /// The next key of the object, its value comes next; nil at the end of the object.
    mutating func nextKey() throws(JSONError) -> JSONString? {
        if try endOrSeparator(UInt8(ascii: "}")) { return nil }
        guard position < bytes.count, bytes[position] == UInt8(ascii: "\"") else { throw malformed("expected a key") }
        let start = position + 1
        let key = try scanString()
        step = Step(start: Int32(start), count: Int32(key.content.count))
        skipBlanks()
        guard position < bytes.count, bytes[position] == UInt8(ascii: ":") else {
            throw malformed("expected a colon")
        }
        position += 1
        return key
    }

    mutating func beginArray() throws(JSONError) { try begin(.array) }

    /// Whether another element follows; it is to be read next.
    mutating func nextElement() throws(JSONError) -> Bool {
        if try endOrSeparator(UInt8(ascii: "]")) { return false }
        let index = step.start == Step.index ? step.count + 1 : 0
        step = Step(start: Int32(Step.index), count: index)
        return true
    }

    /// Refuses a key that was read before: `bit`, 0 to 63, stands for it in `seen`.
    func once(_ bit: UInt64, _ seen: inout UInt64) throws(JSONError) {
        let mask = 1 << bit as UInt64
        guard seen & mask == 0 else { throw error(.duplicateKey) }
        seen |= mask
    }

    /// Refuses anything after the document.
    mutating func finish() throws(JSONError) {
        precondition(depth == 0, "finish inside an object or list")
        skipBlanks()
        guard position == bytes.count else { throw error(.trailingBytes) }
    }

    private mutating func begin(_ kind: JSONKind) throws(JSONError) {
        try expect(kind)
        guard depth < Self.depthMax else { throw error(.tooDeep) }
        position += 1
        if depth > 0 { steps[depth - 1] = step }
        step = Step(start: Int32(Step.none), count: 0)
        depth += 1
        isFirst = true
    }

    /// True at the end of the object or list; otherwise stands before the next key or element.
    private mutating func endOrSeparator(_ end: UInt8) throws(JSONError) -> Bool {
        precondition(depth > 0, "not inside an object or list")
        skipBlanks()
        guard position < bytes.count else { throw malformed("unexpected end") }
        if bytes[position] == end {
            position += 1
            depth -= 1
            if depth > 0 { step = steps[depth - 1] }
            isFirst = false
            return true
        }
        if isFirst {
            isFirst = false
            return false
        }
        guard bytes[position] == UInt8(ascii: ",") else { throw malformed("expected a comma or the end") }
        position += 1
        skipBlanks()
        // A comma is followed by something: `[1,]` would otherwise end at the next call.
        guard position < bytes.count, bytes[position] != end else { throw malformed("nothing follows the comma") }
        return false
    }
}

// MARK: - Looking ahead

extension JSONReader {
    /// A place in the object or list that is open.
    struct Mark {
        fileprivate let position: Int
        fileprivate let depth: Int
        fileprivate let isFirst: Bool
        fileprivate let step: Step
    }

    var mark: Mark { Mark(position: position, depth: depth, isFirst: isFirst, step: step) }

    /// Goes back to a place in the object or list that is open.
    mutating func rewind(to mark: Mark) {
        precondition(mark.depth == depth, "rewinding into another object or list")
        position = mark.position
        isFirst = mark.isFirst
        step = mark.step
    }
}

// MARK: - Values

extension JSONReader {
    /// The kind of the next value.
    mutating func peekKind() throws(JSONError) -> JSONKind {
        skipBlanks()
        guard position < bytes.count else { throw malformed("unexpected end") }
        switch bytes[position] {
        case UInt8(ascii: "{"): return .object
        case UInt8(ascii: "["): return .array
        case UInt8(ascii: "\""): return .string
        case UInt8(ascii: "-"), UInt8(ascii: "0")...UInt8(ascii: "9"): return .number
        case UInt8(ascii: "t"), UInt8(ascii: "f"): return .boolean
        case UInt8(ascii: "n"): return .null
        default: throw malformed("expected a value")
        }
    }

    /// - Parameter bytesMax: length in bytes, escapes resolved.
    mutating func readString(bytesMax: Int = .max) throws(JSONError) -> JSONString {
        try expect(.string)
        let start = position
        let string = try scanString()
        guard string.byteCount <= bytesMax else { throw error(.stringTooLong(bytesMax: bytesMax), at: start) }
        return string
    }

    mutating func readBoolean() throws(JSONError) -> Bool {
        try expect(.boolean)
        let isTrue = bytes[position] == UInt8(ascii: "t")
        try scanLiteral(isTrue ? "true" : "false")
        return isTrue
    }

    /// Reads `null` where there is one; otherwise reads nothing and says false.
    mutating func readNullIfPresent() throws(JSONError) -> Bool {
        guard try peekKind() == .null else { return false }
        try scanLiteral("null")
        return true
    }

    /// Reads over any value, checking its form.
    mutating func skipValue() throws(JSONError) {
        switch try peekKind() {
        case .object:
            try beginObject()
            while try nextKey() != nil { try skipValue() }
        case .array:
            try beginArray()
            while try nextElement() { try skipValue() }
        case .string: _ = try scanString()
        case .number: _ = try scanNumber()
        case .boolean: _ = try readBoolean()
        case .null: try scanLiteral("null")
        }
    }

    /// Any value as it was sent, checked, without blanks around it.
    mutating func readRaw() throws(JSONError) -> UnsafeRawBufferPointer {
        skipBlanks()
        let start = position
        try skipValue()
        return UnsafeRawBufferPointer(rebasing: bytes[start..<position])
    }

    mutating func expect(_ kind: JSONKind) throws(JSONError) {
        guard try peekKind() == kind else { throw error(.wrongType(expected: kind)) }
    }

    private mutating func scanLiteral(_ text: StaticString) throws(JSONError) {
        let end = min(bytes.count, position + text.utf8CodeUnitCount)
        guard UnsafeRawBufferPointer(rebasing: bytes[position..<end]).equals(text) else {
            throw malformed("expected true, false or null")
        }
        position = end
    }

    mutating func skipBlanks() {
        while position < bytes.count {
            switch bytes[position] {
            case 0x20, 0x0A, 0x0D, 0x09: position += 1
            default: return
            }
        }
    }
}

// MARK: - Errors

extension JSONReader {
    func malformed(_ reason: StaticReason) -> JSONError { error(.malformed(reason)) }

    func error(_ kind: JSONError.Kind) -> JSONError { error(kind, at: position) }

    func error(_ kind: JSONError.Kind, at offset: Int) -> JSONError {
        JSONError(kind: kind, offset: offset, field: fieldPath)
    }

    /// Where the reader stands, as in `items[1].quantity`; empty at the top.
    var fieldPath: String {
        var path = ""
        for level in 0..<depth {
            let step = level == depth - 1 ? self.step : steps[level]
            if step.start == Step.none { continue }
            if step.start == Step.index {
                path += "[\(step.count)]"
            } else {
                if !path.isEmpty { path += "." }
                let key = bytes[Int(step.start)..<Int(step.start + step.count)]
                path += String(decoding: key, as: UTF8.self)
            }
        }
        return path
    }
}
