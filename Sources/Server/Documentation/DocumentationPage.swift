/// `/docs`: `openapi.json` as a page for people. It is made of the document that the server itself serves, so that the two
/// can't say different things; it loads nothing and runs nothing.
struct DocumentationPage: Sendable {
    let description: APIDescription
    private let schemas: SchemaText

    init(_ description: APIDescription) {
        self.description = description
        schemas = SchemaText(description: description)
    }

    /// - Parameters:
    ///   - document: the text of `openapi.json`.
    ///   - style: the style sheet.
    static func markup(of document: String, style: String) throws(JSONError) -> String {
        let page = DocumentationPage(APIDescription(try JSONTree(parsing: document)))
        var html = HTMLText()
        html.raw("<!DOCTYPE html>\n<html lang=\"en\">")
        page.head(style, &html)
        html.element("body") { html in
            page.contents(&html)
            html.element("main", [("id", "top")]) { html in
                page.introduction(&html)
                for group in page.description.groups { page.section(group, &html) }
                page.things(&html)
                page.problems(&html)
            }
        }
        html.raw("</html>\n")
        return html.markup
    }

    private func head(_ style: String, _ html: inout HTMLText) {
        html.element("head") { html in
            html.raw("<meta charset=\"utf-8\"/>")
            html.raw("<meta name=\"viewport\" content=\"width=device-width, initial-scale=1\"/>")
            html.raw("<meta name=\"color-scheme\" content=\"light dark\"/>")
            html.element("title", "\(title) API")
            // The policy that the page is sent with lets in these very bytes and no other style.
            html.element("style") { $0.style(style) }
        }
    }

    private var title: String { description.document["info"]?["title"]?.text ?? "" }

    // MARK: - Around the operations

    private func contents(_ html: inout HTMLText) {
        html.element("nav", [("id", "contents"), ("aria-label", "Contents")]) { html in
            html.element("p", [("class", "brand")]) { $0.link(to: "top", title) }
            for group in description.groups {
                html.element("h2") { $0.link(to: "tag-\(group.tag)", group.tag) }
                html.element("ul") { html in
                    for operation in group.operations where !operation.isOlder {
                        html.element("li") { html in
                            html.element("a", [("href", "#\(operation.id)")]) { html in
                                html.method(operation.method)
                                html.path(operation.shortPath)
                            }
                        }
                    }
                }
            }
            html.element("h2") { $0.link(to: "things", "Things") }
            html.element("h2") { $0.link(to: "problems", "Problems") }
        }
    }

    private func introduction(_ html: inout HTMLText) {
        let info = description.document["info"] ?? .null
        html.element("header") { html in
            html.element("h1") { html in
                html.text("\(title) API ")
                html.element("small", "version \(info["version"]?.text ?? "")")
            }
            html.element("p", [("class", "lead")], info["summary"]?.text ?? "")
            for paragraph in (info["description"]?.text ?? "").split(separator: "\n\n") {
                html.paragraph(String(paragraph))
            }
            html.element("p") { html in
                html.raw("For programs: <a href=\"/openapi.json\">openapi.json</a> (OpenAPI 3.1). ")
                html.raw("<a class=\"jump\" href=\"#contents\">Contents</a>")
            }
        }
        authorization(&html)
        html.element("section", [("id", "fields")]) { html in
            html.element("h2", "Header fields")
            let parameters = (description.document["components"]?["parameters"]?.members ?? []).map(\.value)
            schemas.parameters(parameters.filter { $0["in"]?.text == "header" }, &html)
        }
    }

    private func authorization(_ html: inout HTMLText) {
        let schemes = description.document["components"]?["securitySchemes"]?.members ?? []
        for scheme in schemes {
            html.element("section", [("id", "authorization")]) { html in
                html.element("h2", "Authorization")
                html.paragraph(scheme.value["description"]?.text)
            }
        }
    }

    private func section(
        _ group: (tag: String, description: String?, operations: [APIDescription.Operation]),
        _ html: inout HTMLText
    ) {
        html.element("section", [("id", "tag-\(group.tag)")]) { html in
            html.element("h2", group.tag)
            html.paragraph(group.description)
            for operation in group.operations {
                OperationSection(operation: operation, description: description, schemas: schemas).write(&html)
            }
        }
    }

    // MARK: - Behind the operations

    private func things(_ html: inout HTMLText) {
        html.element("section", [("id", "things")]) { html in
            html.element("h2", "Things")
            for schema in description.document["components"]?["schemas"]?.members ?? [] {
                html.element("article", [("id", "schema-\(schema.name)"), ("class", "thing")]) { html in
                    html.element("h3") { $0.link(to: "schema-\(schema.name)", schema.name) }
                    html.paragraph(schema.value["description"]?.text)
                    if schema.value["properties"] == nil {
                        html.element("p", [("class", "kind")]) { schemas.phrase(schema.value, &$0) }
                    }
                    schemas.members(of: schema.value, &html)
                }
            }
        }
    }

    private func problems(_ html: inout HTMLText) {
        html.element("section", [("id", "problems")]) { html in
            html.element("h2", "Problems")
            html.element("p") { html in
                html.raw("Every refusal is <code>application/problem+json</code> (RFC 9457) with one of these codes. ")
                html.raw("Codes stay what they are; titles and details are for people. See ")
                html.link(to: "schema-Problem", "Problem")
                html.raw(" for what else such an answer has.")
            }
            for problem in description.problems {
                html.element("article", [("id", problem.code), ("class", "problem")]) { html in
                    html.element("h3") { html in
                        html.element("a", [("href", "#\(problem.code)")]) { $0.code(problem.code) }
                        for status in problem.statuses { html.status(status) }
                    }
                    html.element("p") { html in
                        html.element("b", "\(problem.title).")
                        html.raw(" ")
                        html.prose(problem.meaning)
                    }
                }
            }
        }
    }
}
