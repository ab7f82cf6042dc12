/// `openapi.json` as the documentation looks at it: operations in the order of their tags, references followed.
struct APIDescription: Sendable {
    struct Operation: Sendable {
        let path: String
        /// In capitals.
        let method: String
        let members: JSONTree

        var id: String { members["operationId"]?.text ?? "\(method) \(path)" }
        var tag: String { members["tags"]?.texts.first ?? "" }
    }

    struct Problem: Sendable {
        let code: String
        let statuses: [String]
        let title: String
        let meaning: String
    }

    let document: JSONTree
    let operations: [Operation]
    let problems: [Problem]

    init(_ document: JSONTree) {
        self.document = document
        operations = (document["paths"]?.members ?? []).flatMap { path in
            path.value.members.map {
                Operation(path: path.name, method: $0.name.uppercased(), members: $0.value)
            }
        }
        problems = (document["components"]?["x-problems"]?.members ?? []).map { member in
            Problem(
                code: member.name,
                statuses: member.value["status"]?.elements.map { $0.pretty() } ?? [],
                title: member.value["title"]?.text ?? "",
                meaning: member.value["description"]?.text ?? ""
            )
        }
    }

    /// What a `$ref` leads to, or the value itself.
    func resolved(_ value: JSONTree) -> JSONTree {
        guard let reference = value["$ref"]?.text else { return value }
        let names = reference.split(separator: "/").dropFirst().map(String.init)
        return names.reduce(document) { $0[$1] ?? .null }
    }

    /// The name of the schema that a `$ref` leads to; nil where the schema stands here.
    func name(ofSchema schema: JSONTree) -> String? {
        guard let reference = schema["$ref"]?.text, reference.hasPrefix("#/components/schemas/") else { return nil }
        return reference.split(separator: "/").last.map(String.init)
    }

    /// The tags, and what each of them has.
    var groups: [(tag: String, description: String?, operations: [Operation])] {
        (document["tags"]?.elements ?? []).map { tag in
            let name = tag["name"]?.text ?? ""
            return (name, tag["description"]?.text, operations.filter { $0.tag == name })
        }
    }

    /// The codes that the operation has with the status.
    func codes(of operation: Operation, status: String) -> [String] {
        let response = resolved(operation.members["responses"]?[status] ?? .null)
        let codes = (operation.members["x-problems"]?.texts ?? []) + (response["x-problems"]?.texts ?? [])
        return codes.filter { code in problems.contains { $0.code == code && $0.statuses.contains(status) } }
    }

    /// The roles that the operation is for; nil for everybody.
    func roles(of operation: Operation) -> [String]? {
        let requirements = operation.members["security"]?.elements ?? []
        return requirements.isEmpty ? nil : requirements.flatMap { $0["Token"]?.texts ?? [] }
    }
}
