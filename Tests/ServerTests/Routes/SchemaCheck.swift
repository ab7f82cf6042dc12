import Foundation

/// Holds JSON against the schemas of `openapi.json`, as far as those go: types, required and known members, references.
struct SchemaCheck {
    private let document: [String: Any]

    init() throws {
        let sources = URL(filePath: #filePath).deletingLastPathComponent().appending(path: "../../../Sources")
        let data = try Data(contentsOf: sources.appending(path: "Server/Resources/openapi.json"))
        guard let document = try JSONSerialization.jsonObject(with: data) as? [String: Any] else {
            throw TestFailure("openapi.json is no object")
        }
        self.document = document
    }

    /// The schema of an operation's success.
    func success(of path: String, _ method: String = "get") -> [String: Any] {
        let operation = (document["paths"] as? [String: [String: Any]])?[path]?[method] as? [String: Any]
        let responses = operation?["responses"] as? [String: [String: Any]]
        let content = responses?["200"]?["content"] as? [String: [String: Any]]
        return content?["application/json"]?["schema"] as? [String: Any] ?? [:]
    }

    /// Where the value is not what the schema says; empty when it is.
    func differences(_ value: Any, _ schema: [String: Any], at place: String = "$") -> [String] {
        if let reference = schema["$ref"] as? String { return differences(value, resolved(reference), at: place) }
        for key in ["anyOf", "oneOf"] {
            guard let choices = schema[key] as? [[String: Any]] else { continue }
            let all = choices.map { differences(value, $0, at: place) }
            return all.contains([]) ? [] : all.min { $0.count < $1.count } ?? []
        }
        let types = (schema["type"] as? [String]) ?? (schema["type"] as? String).map { [$0] } ?? []
        if value is NSNull { return types.contains("null") ? [] : ["\(place) is null"] }
        if let object = value as? [String: Any] {
            return types.contains("object") ? members(object, schema, place) : ["\(place) is an object"]
        }
        if let list = value as? [Any] {
            guard types.contains("array"), let items = schema["items"] as? [String: Any] else {
                return ["\(place) is a list"]
            }
            return list.enumerated().flatMap { differences($1, items, at: "\(place)[\($0)]") }
        }
        if let constant = schema["const"] as? String {
            return value as? String == constant ? [] : ["\(place): \(value)"]
        }
        let others = ["number", "integer", "boolean"]
        let isRight = value is String ? types.contains("string") : !types.isDisjoint(with: others)
        return isRight ? [] : ["\(place) is \(value), not \(types)"]
    }

    private func members(_ object: [String: Any], _ schema: [String: Any], _ place: String) -> [String] {
        let known = schema["properties"] as? [String: [String: Any]] ?? [:]
        let missing = Set(schema["required"] as? [String] ?? []).subtracting(object.keys)
        let unknown = Set(object.keys).subtracting(known.keys)
        return missing.sorted().map { "\(place) lacks \($0)" } + unknown.sorted().map { "\(place) has \($0)" }
            + object.filter { known[$0.key] != nil }.flatMap { differences($1, known[$0]!, at: "\(place).\($0)") }
    }

    private func resolved(_ reference: String) -> [String: Any] {
        let path = reference.split(separator: "/").dropFirst().map(String.init)
        return path.reduce(document) { $0[$1] as? [String: Any] ?? [:] }
    }
}

extension Array where Element == String {
    fileprivate func isDisjoint(with others: [String]) -> Bool { !contains { others.contains($0) } }
}
