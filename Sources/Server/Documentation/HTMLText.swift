/// HTML that is put together piece by piece. Text only gets in escaped, so that no description can become an element.
struct HTMLText {
    private(set) var markup = ""

    /// Markup that is written in this program.
    mutating func raw(_ markup: StaticString) { self.markup += "\(markup)" }

    mutating func text(_ text: String) {
        for character in text.unicodeScalars {
            switch character {
            case "&": markup += "&amp;"
            case "<": markup += "&lt;"
            case ">": markup += "&gt;"
            case "\"": markup += "&quot;"
            default: markup.unicodeScalars.append(character)
            }
        }
    }

    /// An element with what `content` writes in it.
    mutating func element(
        _ name: StaticString,
        _ attributes: [(StaticString, String)] = [],
        _ content: (inout HTMLText) -> Void
    ) {
        markup += "<\(name)"
        for (attribute, value) in attributes {
            markup += " \(attribute)=\""
            text(value)
            markup += "\""
        }
        markup += ">"
        content(&self)
        markup += "</\(name)>"
    }

    mutating func element(_ name: StaticString, _ attributes: [(StaticString, String)], _ content: String) {
        element(name, attributes) { $0.text(content) }
    }

    mutating func element(_ name: StaticString, _ content: String) { element(name, [], content) }

    /// A link to a place of the same page.
    mutating func link(to anchor: String, _ content: String) { element("a", [("href", "#\(anchor)")], content) }

    mutating func code(_ content: String) { element("code", content) }

    /// A paragraph in which what stands between backticks is code; nothing for no text.
    mutating func paragraph(_ content: String?) {
        guard let content, !content.isEmpty else { return }
        element("p") { $0.prose(content) }
    }

    mutating func prose(_ content: String) {
        for (index, part) in content.split(separator: "`", omittingEmptySubsequences: false).enumerated() {
            if index % 2 == 1 { code(String(part)) } else { text(String(part)) }
        }
    }
}

extension HTMLText {
    /// A style sheet as it is: in one nothing is escaped.
    /// - Precondition: it doesn't end its element itself.
    mutating func style(_ sheet: String) {
        precondition(!sheet.contains("</"), "the style sheet ends its element")
        markup += sheet
    }
}
