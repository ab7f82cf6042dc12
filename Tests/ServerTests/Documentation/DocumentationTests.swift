import Foundation
import FoundationXML
import Testing

@testable import Server

/// The page that is made of `openapi.json`.
@Suite struct DocumentationTests {
    private static let document = String(decoding: PackageResources.openapi_json, as: UTF8.self)
    private static let style = String(decoding: PackageResources.docs_css, as: UTF8.self)

    private func page() throws -> PageReading {
        try PageReading(try DocumentationPage.markup(of: Self.document, style: Self.style))
    }

    /// The page is XML as well, so a strict reader says whether every element ends where it should.
    @Test func thePageIsWellFormed() throws {
        let page = try page()
        #expect(page.elements.contains("main") && page.elements.contains("nav"))
        #expect(page.style == Self.style)
    }

    @Test func everyCodeAndOperationHasItsPlace() throws {
        let ids = Set(try page().ids)
        let document = try OpenAPIDocument.shared.get()
        #expect(!document.problems.isEmpty && ids.isSuperset(of: document.problems.keys))
        #expect(ids.isSuperset(of: document.operations.values.map(\.name)))
        #expect(ids.isSuperset(of: document.older.map(\.name)))
        #expect(ids.contains("schema-Reservation") && ids.contains("field-Idempotency-Key"))
    }

    @Test func everyLinkLeadsToOnePlace() throws {
        let page = try page()
        #expect(Set(page.ids).count == page.ids.count, "an id is there twice")
        let others = page.links.filter { !$0.hasPrefix("#") }
        #expect(others == ["/openapi.json"])
        let ids = Set(page.ids)
        for link in page.links where link.hasPrefix("#") { #expect(ids.contains(String(link.dropFirst())), "\(link)") }
    }

    @Test func thePageLoadsAndRunsNothing() throws {
        let page = try page()
        #expect(page.elements.isDisjoint(with: ["script", "link", "img", "iframe", "form", "object", "base"]))
        #expect(
            page.attributes.isSubset(of: [
                "id", "class", "href", "lang", "charset", "name", "content", "scope", "aria-label",
            ])
        )
        #expect(!page.style.contains("url(") && !page.style.contains("@import"))
    }

    /// What a description says is text, whatever it looks like.
    @Test func nothingThatIsWrittenBecomesMarkup() throws {
        let document = #"{"info":{"title":"<b>\"A\" & B</b>","summary":"a `<code>` b"},"paths":{}}"#
        let markup = try DocumentationPage.markup(of: document, style: "")
        #expect(markup.contains("<title>&lt;b&gt;&quot;A&quot; &amp; B&lt;/b&gt; API</title>"))
        #expect(try !PageReading(markup).elements.contains("b"))
    }

    @Test func examplesAreWhatTheSchemasAllow() throws {
        let description = APIDescription(try JSONTree(parsing: Self.document))
        let schemas = description.document["components"]?["schemas"]?.members ?? []
        let check = try SchemaCheck()
        for schema in schemas where schema.value["additionalProperties"] == nil {
            let example = try #require(SchemaExample(description: description, isWhole: true).value(schema.value))
            let value = try JSONSerialization.jsonObject(with: Data(example.pretty().utf8), options: .fragmentsAllowed)
            let reference: [String: Any] = ["$ref": "#/components/schemas/\(schema.name)"]
            #expect(check.differences(value, reference) == [], "\(schema.name): \(example.pretty())")
        }
    }

    // MARK: - Over a connection

    @Test(arguments: ["/docs", "/openapi.json"])
    func aPageIsServedAndKnownAgain(path: String) async throws {
        try await SaleServer.run { server in
            let client = try server.connect()
            let whole = try client.get(path)
            #expect(whole.status == 200 && whole.headers["cache-control"] == "no-cache")
            let tag = try #require(whole.headers["etag"])
            try client.send("GET \(path) HTTP/1.1\r\nHost: test\r\nIf-None-Match: \(tag)\r\nX-Request-Id: r1\r\n\r\n")
            let known = try client.next()
            #expect(known.status == 304 && known.body.isEmpty && known.headers["etag"] == tag)
            #expect(known.headers["x-request-id"] == "r1")
            #expect(known.headers["content-security-policy"] == whole.headers["content-security-policy"])
            try client.send("HEAD \(path) HTTP/1.1\r\nHost: test\r\n\r\n")
            let head = try #require(try client.receive(hasBody: false))
            #expect(head.status == 200 && head.headers["content-length"] == "\(whole.body.utf8.count)")
        }
    }

    /// The hash that the policy names is of the very bytes between the tags.
    @Test func thePolicyLetsInTheStyleAndNothingElse() async throws {
        try await SaleServer.run { server in
            let answer = try server.connect().get("/docs")
            #expect(answer.headers["content-type"] == "text/html; charset=utf-8")
            #expect(answer.headers["x-content-type-options"] == "nosniff")
            let policy = try #require(answer.headers["content-security-policy"])
            #expect(policy == StaticPages.policy(style: try PageReading(answer.body).style))
            #expect(policy.hasPrefix("default-src 'none'; style-src 'sha256-") && !policy.contains("unsafe"))
        }
    }
}

/// What a strict reader finds in the page.
private final class PageReading: NSObject, XMLParserDelegate {
    private(set) var ids: [String] = []
    private(set) var links: [String] = []
    private(set) var elements: Set<String> = []
    private(set) var attributes: Set<String> = []
    private(set) var style = ""
    private var isInStyle = false

    init(_ markup: String) throws {
        super.init()
        let parser = XMLParser(data: Data(markup.utf8))
        parser.delegate = self
        guard parser.parse() else {
            throw TestFailure(
                "line \(parser.lineNumber), \(parser.columnNumber): \(String(describing: parser.parserError))"
            )
        }
    }

    func parser(
        _ parser: XMLParser,
        didStartElement name: String,
        namespaceURI: String?,
        qualifiedName: String?,
        attributes: [String: String]
    ) {
        elements.insert(name)
        self.attributes.formUnion(attributes.keys)
        if let id = attributes["id"] { ids.append(id) }
        if let link = attributes["href"] { links.append(link) }
        isInStyle = name == "style"
    }

    func parser(_ parser: XMLParser, didEndElement name: String, namespaceURI: String?, qualifiedName: String?) {
        isInStyle = false
    }

    func parser(_ parser: XMLParser, foundCharacters text: String) {
        if isInStyle { style += text }
    }
}
