/// A value that a schema describes, made of the examples in it.
struct SchemaExample: Sendable {
    /// Nesting; what is deeper is left out.
    private static let depthMax = 12

    let description: APIDescription
    /// Whether members that may be left out are there as well, where the schema has an example of them.
    let isWhole: Bool

    /// Nil where nothing can be shown.
    func value(_ schema: JSONTree, depth: Int = 0) -> JSONTree? {
        guard depth < Self.depthMax else { return nil }
        if let example = schema["example"] ?? schema["examples"]?.elements.first { return example }
        let schema = description.resolved(schema)
        if let example = schema["examples"]?.elements.first { return example }
        if let value = schema["const"] ?? schema["default"] ?? schema["enum"]?.elements.first { return value }
        if schema["type"] == nil, let choice = (schema["anyOf"] ?? schema["oneOf"])?.elements.first {
            return value(choice, depth: depth + 1)
        }
        switch schema["type"]?.texts.first {
        case "object": return object(schema, depth)
        case "array":
            let element = schema["items"].flatMap { value($0, depth: depth + 1) }
            return .list(element.map { [$0] } ?? [])
        case "string": return .string("…")
        case "integer", "number": return schema["minimum"] ?? .number("1")
        case "boolean": return .boolean(true)
        case "null": return .null
        default: return nil
        }
    }

    private func object(_ schema: JSONTree, _ depth: Int) -> JSONTree {
        let required = Set(schema["required"]?.texts ?? [])
        let members = (schema["properties"]?.members ?? []).compactMap { property -> JSONTree.Member? in
            let isShown = required.contains(property.name) || isWhole || property.value["examples"] != nil
            guard isShown, let value = value(property.value, depth: depth + 1) else { return nil }
            return JSONTree.Member(name: property.name, value: value)
        }
        return .object(members)
    }
}
