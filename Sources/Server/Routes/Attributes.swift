import Engine

/// Members of a thing's JSON that this engine doesn't know, each as it came.
struct Attributes: Equatable, Sendable {
    struct Member: Equatable, Sendable {
        let name: String
        /// Key, colon and value as they came, without blanks around the colon.
        let json: String
        let isNull: Bool
    }

    private(set) var members: [Member] = []
    private var names: Set<String> = []

    init() {}

    /// Reads the value behind an unknown key.
    mutating func read(_ key: JSONString, _ body: inout BodyReader) throws(JSONError) {
        let name = key.makeString()
        guard names.insert(name).inserted else { throw body.duplicateKey() }
        let value = try body.raw()
        let text = String(decoding: key.content, as: UTF8.self)
        members.append(
            Member(
                name: name,
                json: "\"\(text)\":\(String(decoding: value, as: UTF8.self))",
                isNull: value.equals("null")
            )
        )
    }

    /// The stored members, those given here replaced in their place or, by `null`, removed, and new ones behind.
    ///
    /// - Parameter stored: as `EventDetails.attributes` and its like have them.
    func merged(into stored: String) -> String {
        guard !members.isEmpty else { return stored }
        let given = Dictionary(uniqueKeysWithValues: members.map { ($0.name, $0) })
        let old = Self.parse(stored)
        let oldNames = Set(old.map(\.name))
        let merged = old.map { given[$0.name] ?? $0 } + members.filter { !oldNames.contains($0.name) }
        return merged.filter { !$0.isNull || given[$0.name] == nil }.map(\.json).joined(separator: ",")
    }

    /// The stored members but for one.
    static func without(_ name: String, in stored: String) -> String {
        guard !stored.isEmpty, stored.mentions(name) else { return stored }
        return parse(stored).filter { $0.name != name }.map(\.json).joined(separator: ",")
    }

    /// The members as they came, with commas between them.
    var json: String { members.map(\.json).joined(separator: ",") }

    /// - Parameter stored: members of a JSON object: the engine takes nothing else, from anybody. What is none all the same
    ///   stops nobody: it is dropped with the next change.
    private static func parse(_ stored: String) -> [Member] {
        guard !stored.isEmpty else { return [] }
        var text = "{\(stored)}"
        return text.withUTF8 { utf8 in
            var body = BodyReader(UnsafeRawBufferPointer(utf8))
            var attributes = Attributes()
            do throws(JSONError) {
                try body.begin()
                while let key = try body.nextKey() { try attributes.read(key, &body) }
            } catch {
                return []
            }
            return attributes.members
        }
    }
}

extension String {
    /// Whether the name may be among these members, unless it is written with escapes.
    fileprivate func mentions(_ name: String) -> Bool {
        var (text, name) = (self, name)
        return text.withUTF8 { text in
            name.withUTF8 { name in
                text.indices.dropLast(name.count - 1).contains {
                    text[$0] == name[0] && text[$0...].starts(with: name)
                }
            }
        }
    }
}
