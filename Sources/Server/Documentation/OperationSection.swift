/// The part of the documentation that is about one operation.
struct OperationSection {
    let operation: APIDescription.Operation
    let description: APIDescription
    let schemas: SchemaText

    private var members: JSONTree { operation.members }

    func write(_ html: inout HTMLText) {
        let classes = operation.isOlder ? "operation older" : "operation"
        html.element("article", [("id", operation.id), ("class", classes)]) { html in
            html.element("h3") { html in
                html.element("a", [("href", "#\(operation.id)")]) { html in
                    html.method(operation.method)
                    html.path(operation.path)
                }
            }
            html.element("p", [("class", "summary")], members["summary"]?.text ?? "")
            if operation.isOlder { html.raw("<p><b>An older name of a route; use the one that it stands for.</b></p>") }
            html.paragraph(members["description"]?.text)
            roles(&html)
            parameters(&html)
            body(&html)
            answers(&html)
            refusals(&html)
        }
    }

    private func roles(_ html: inout HTMLText) {
        html.element("p", [("class", "roles")]) { html in
            guard let roles = description.roles(of: operation) else {
                return html.raw("For everybody, without a token")
            }
            html.raw("For ")
            for role in roles { html.element("span", [("class", "role")], role) }
        }
    }

    private func parameters(_ html: inout HTMLText) {
        let parameters = (members["parameters"]?.elements ?? []).map(description.resolved)
        let isField = { (parameter: JSONTree) in parameter["in"]?.text == "header" }
        let others = parameters.filter { !isField($0) }
        if !others.isEmpty {
            html.element("h4", "Parameters")
            schemas.parameters(others, &html)
        }
        let fields = parameters.filter(isField).compactMap { $0["name"]?.text }
        guard !fields.isEmpty else { return }
        // The same ones nearly everywhere: explained in one place.
        html.element("p", [("class", "fields")]) { html in
            html.raw("Header fields: ")
            for (index, name) in fields.enumerated() {
                if index > 0 { html.raw(", ") }
                html.element("a", [("href", "#field-\(name)")]) { $0.code(name) }
            }
        }
    }

    private func body(_ html: inout HTMLText) {
        guard let body = members["requestBody"] else { return }
        html.element("h4", body["required"]?.isTrue == true ? "Body" : "Body, may be left out")
        html.paragraph(body["description"]?.text)
        for content in body["content"]?.members ?? [] { value(content, isWhole: false, &html) }
    }

    private func answers(_ html: inout HTMLText) {
        html.element("h4", "Answers")
        for response in members["responses"]?.members ?? [] where !response.name.isRefusal {
            let found = description.resolved(response.value)
            html.element("details", [("class", "answer")]) { html in
                html.element("summary") { html in
                    html.status(response.name)
                    html.prose(found["description"]?.text ?? "")
                }
                headers(found["headers"]?.members ?? [], &html)
                for content in found["content"]?.members ?? [] { value(content, isWhole: true, &html) }
            }
        }
    }

    private func headers(_ headers: [JSONTree.Member], _ html: inout HTMLText) {
        for header in headers {
            html.element("p") { html in
                html.code(header.name)
                html.raw(" ")
                html.prose(description.resolved(header.value)["description"]?.text ?? "")
            }
        }
    }

    /// A body of the one media type: its members, and an example.
    private func value(_ content: JSONTree.Member, isWhole: Bool, _ html: inout HTMLText) {
        let schema = content.value["schema"] ?? .null
        html.element("p", [("class", "kind")]) { html in
            html.code(content.name)
            html.raw(" ")
            if description.name(ofSchema: schema) != nil { schemas.phrase(schema, &html) }
            if let text = schema["description"]?.text { html.prose(text) }
        }
        schemas.members(of: schema, &html)
        guard let example = example(content, isWhole: isWhole) else { return }
        html.element("details", [("class", "example")]) { html in
            html.element("summary", "Example")
            html.element("pre") { html in html.code(example) }
        }
    }

    private func example(_ content: JSONTree.Member, isWhole: Bool) -> String? {
        let given = content.value["example"] ?? content.value["examples"]?.members.first?.value["value"]
        if let given { return given.text ?? given.pretty() }
        guard content.name.hasSuffix("json") else { return nil }
        let example = SchemaExample(description: description, isWhole: isWhole)
        return content.value["schema"].flatMap { example.value($0) }?.pretty()
    }

    private func refusals(_ html: inout HTMLText) {
        let refusals = (members["responses"]?.members ?? []).filter(\.name.isRefusal)
        guard !refusals.isEmpty else { return }
        html.element("details", [("class", "answer")]) { html in
            html.element("summary") { html in
                for refusal in refusals { html.status(refusal.name) }
                html.raw(" Refusals")
            }
            html.element("table", [("class", "members")]) { html in
                for refusal in refusals {
                    html.element("tr") { html in
                        html.element("th", [("scope", "row")]) { $0.status(refusal.name) }
                        html.element("td") { reasons(refusal, &$0) }
                    }
                }
            }
        }
    }

    private func reasons(_ refusal: JSONTree.Member, _ html: inout HTMLText) {
        let codes = description.codes(of: operation, status: refusal.name)
        html.element("div") { $0.prose(description.resolved(refusal.value)["description"]?.text ?? "") }
        html.element("div", [("class", "codes")]) { html in
            for code in codes { html.element("a", [("href", "#\(code)")]) { $0.code(code) } }
        }
    }
}

extension APIDescription.Operation {
    var isOlder: Bool { members["deprecated"]?.isTrue == true }

    /// Without what all paths of the API begin with.
    var shortPath: String { path.hasPrefix("/api/v1") ? String(path.dropFirst("/api/v1".count)) : path }
}

extension String {
    /// Of a status: whether it is of an error.
    fileprivate var isRefusal: Bool { hasPrefix("4") || hasPrefix("5") }
}

extension HTMLText {
    mutating func method(_ method: String) {
        element("span", [("class", "method \(method.lowercased())")], method)
        raw(" ")
    }

    /// A path that may be broken in front of its slashes.
    mutating func path(_ path: String) {
        element("code") { html in
            for part in path.split(separator: "/") {
                html.raw("<wbr/>/")
                html.text(String(part))
            }
        }
    }

    mutating func status(_ status: String) {
        element("span", [("class", "status s\(status.prefix(1))")], status)
    }
}
