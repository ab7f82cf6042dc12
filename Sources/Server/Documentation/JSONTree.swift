/// A JSON document in memory, with the members of objects in the order in which they were written: for the description of
/// the API, whose order is its authors'. Not for requests, which are read as they come.
indirect enum JSONTree: Equatable, Sendable {
    case null
    case boolean(Bool)
    /// As it was written.
    case number(String)
    case string(String)
    case list([JSONTree])
    case object([Member])

    struct Member: Equatable, Sendable {
        let name: String
        let value: JSONTree
    }

    /// - Throws: where the text is no JSON, or nested deeper than `JSONReader.depthMax`.
    init(parsing text: String) throws(JSONError) {
        let bytes = Array(text.utf8)
        let result = bytes.withUnsafeBytes { bytes -> Result<JSONTree, JSONError> in
            do throws(JSONError) {
                var reader = JSONReader(bytes)
                let tree = try JSONTree(&reader)
                try reader.finish()
                return .success(tree)
            } catch {
                return .failure(error)
            }
        }
        self = try result.get()
    }

    private init(_ reader: inout JSONReader) throws(JSONError) {
        switch try reader.peekKind() {
        case .object:
            var members: [Member] = []
            try reader.beginObject()
            while let key = try reader.nextKey() {
                members.append(Member(name: key.makeString(), value: try JSONTree(&reader)))
            }
            self = .object(members)
        case .array:
            var elements: [JSONTree] = []
            try reader.beginArray()
            while try reader.nextElement() { elements.append(try JSONTree(&reader)) }
            self = .list(elements)
        case .string: self = .string(try reader.readString().makeString())
        case .number: self = .number(String(decoding: try reader.readRaw(), as: UTF8.self))
        case .boolean: self = .boolean(try reader.readBoolean())
        case .null:
            _ = try reader.readNullIfPresent()
            self = .null
        }
    }
}

// MARK: - Looking into it

extension JSONTree {
    /// Nil where this is no object, or has no such member.
    subscript(_ name: String) -> JSONTree? {
        guard case .object(let members) = self else { return nil }
        return members.first { $0.name == name }?.value
    }

    /// Empty where this is no object.
    var members: [Member] {
        guard case .object(let members) = self else { return [] }
        return members
    }

    /// Empty where this is no list.
    var elements: [JSONTree] {
        guard case .list(let elements) = self else { return [] }
        return elements
    }

    var text: String? {
        guard case .string(let text) = self else { return nil }
        return text
    }

    var isTrue: Bool { self == .boolean(true) }

    /// The texts of a list; one for a text that stands alone.
    var texts: [String] { text.map { [$0] } ?? elements.compactMap(\.text) }
}

// MARK: - Writing it

extension JSONTree {
    /// JSON as people write it: short things in a line, others a member a line.
    func pretty(indent: Int = 0, column: Int = 0, width: Int = 72) -> String {
        let line = inline
        guard column + line.count > width else { return line }
        let blanks = String(repeating: " ", count: indent + 2)
        let end = "\n" + String(repeating: " ", count: indent)
        switch self {
        case .object(let members) where !members.isEmpty:
            let lines = members.map { member in
                let head = "\(blanks)\(Self.quoted(member.name)): "
                return head + member.value.pretty(indent: indent + 2, column: head.count, width: width)
            }
            return "{\n" + lines.joined(separator: ",\n") + end + "}"
        case .list(let elements) where !elements.isEmpty:
            let lines = elements.map { blanks + $0.pretty(indent: indent + 2, column: indent + 2, width: width) }
            return "[\n" + lines.joined(separator: ",\n") + end + "]"
        default: return line
        }
    }

    private var inline: String {
        switch self {
        case .null: "null"
        case .boolean(let value): value ? "true" : "false"
        case .number(let text): text
        case .string(let text): Self.quoted(text)
        case .list(let elements): "[" + elements.map(\.inline).joined(separator: ", ") + "]"
        case .object(let members):
            "{" + members.map { "\(Self.quoted($0.name)): \($0.value.inline)" }.joined(separator: ", ") + "}"
        }
    }

    private static func quoted(_ text: String) -> String {
        var writer = ByteWriter(capacity: text.utf8.count + 16)
        var text = text
        text.withUTF8 { writer.string(UnsafeRawBufferPointer($0)) }
        return writer.withBytes { String(decoding: $0, as: UTF8.self) }
    }
}
