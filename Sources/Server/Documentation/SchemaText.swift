// Schemas as people read them: a phrase for a value, a table for the members of an object.

struct SchemaText: Sendable {
    let description: APIDescription

    /// The kind of the value and its limits, in a phrase.
    func phrase(_ schema: JSONTree, _ html: inout HTMLText) {
        if let name = description.name(ofSchema: schema) { return html.link(to: "schema-\(name)", name) }
        for key in ["anyOf", "oneOf"] where schema["type"] == nil {
            guard let choices = schema[key]?.elements, !choices.isEmpty else { continue }
            for (index, choice) in choices.enumerated() {
                if index > 0 { html.raw(" or ") }
                phrase(choice, &html)
            }
            return
        }
        if let value = schema["const"] { return html.code(value.pretty()) }
        if let values = schema["enum"]?.elements, !values.isEmpty { return choice(values, &html) }
        kinds(schema, &html)
        let limits = limits(of: schema)
        if !limits.isEmpty { html.text(", " + limits.joined(separator: ", ")) }
        if let pattern = schema["pattern"]?.text {
            html.raw(", like ")
            html.code(pattern)
        }
    }

    private func choice(_ values: [JSONTree], _ html: inout HTMLText) {
        // The codes have a part of the page to themselves.
        guard values.count <= 20 else { return html.link(to: "problems", "one of the codes") }
        for (index, value) in values.enumerated() {
            if index > 0 { html.raw(" · ") }
            html.code(value.pretty())
        }
    }

    private func kinds(_ schema: JSONTree, _ html: inout HTMLText) {
        let kinds = schema["type"]?.texts ?? []
        guard !kinds.isEmpty else { return html.raw("anything") }
        for (index, kind) in kinds.enumerated() {
            if index > 0 { html.raw(" or ") }
            switch kind {
            case "array":
                html.raw("list of ")
                phrase(schema["items"] ?? .null, &html)
            case "string" where schema["format"]?.text == "date-time": html.raw("time")
            case "string": html.raw("text")
            default: html.text(kind)
            }
        }
    }

    private func limits(of schema: JSONTree) -> [String] {
        func range(_ lowest: String, _ highest: String, _ unit: String) -> String? {
            let (low, high) = (schema[lowest]?.pretty(), schema[highest]?.pretty())
            return switch (low, high) {
            case (nil, nil): nil
            case (let low?, let high?) where low == high: "\(Self.grouped(low))\(unit)"
            case (let low?, let high?): "\(Self.grouped(low)) to \(Self.grouped(high))\(unit)"
            case (let low?, nil): "\(Self.grouped(low)) or more\(unit)"
            case (nil, let high?): "up to \(Self.grouped(high))\(unit)"
            }
        }
        var limits = [
            range("minimum", "maximum", ""), range("minLength", "maxLength", " characters"),
            range("minItems", "maxItems", " entries"),
        ].compactMap(\.self)
        if let step = schema["multipleOf"]?.pretty() { limits.append("in steps of \(step)") }
        if let value = schema["default"]?.pretty() { limits.append("usually \(value)") }
        return limits
    }

    /// Digits in groups of three.
    private static func grouped(_ number: String) -> String {
        guard number.count > 4, number.allSatisfy(\.isNumber) else { return number }
        var text = ""
        for (index, digit) in number.enumerated() {
            if index > 0, (number.count - index) % 3 == 0 { text += "," }
            text.append(digit)
        }
        return text
    }

    // MARK: - Parameters and members

    /// A table of parameters, each with the place that it has in a request.
    func parameters(_ parameters: [JSONTree], _ html: inout HTMLText) {
        html.element("table", [("class", "members")]) { html in
            for parameter in parameters {
                let name = parameter["name"]?.text ?? ""
                let isField = parameter["in"]?.text == "header"
                html.element("tr", isField ? [("id", "field-\(name)")] : []) { html in
                    html.element("th", [("scope", "row")]) { html in
                        html.code(name)
                        if !isField { html.element("small", parameter["in"]?.text ?? "") }
                        if parameter["required"]?.isTrue == true { html.element("small", "required") }
                    }
                    html.element("td") { html in
                        html.element("div", [("class", "kind")]) { phrase(parameter["schema"] ?? .null, &$0) }
                        if let text = parameter["description"]?.text { html.element("div") { $0.prose(text) } }
                    }
                }
            }
        }
    }

    /// A table of the members of an object, or of the objects of a list; nothing for other values.
    func members(of schema: JSONTree, _ html: inout HTMLText) {
        let object = objectWithMembers(schema)
        guard let properties = object["properties"]?.members, !properties.isEmpty else { return }
        let required = Set(object["required"]?.texts ?? [])
        html.element("table", [("class", "members")]) { html in
            for property in properties {
                html.element("tr") { html in
                    html.element("th", [("scope", "row")]) { html in
                        html.code(property.name)
                        if required.contains(property.name) { html.element("small", "required") }
                    }
                    html.element("td") { value(property.value, &$0) }
                }
            }
        }
    }

    private func value(_ schema: JSONTree, _ html: inout HTMLText) {
        html.element("div", [("class", "kind")]) { phrase(schema, &$0) }
        if let text = schema["description"]?.text { html.element("div") { $0.prose(text) } }
        members(of: schema, &html)
    }

    /// The schema itself, or that of a list's elements, as long as it stands here and isn't named elsewhere.
    private func objectWithMembers(_ schema: JSONTree) -> JSONTree {
        guard schema["properties"] == nil, let items = schema["items"] else { return schema }
        return objectWithMembers(items)
    }
}
