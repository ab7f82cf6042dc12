import Crypto
import Engine
import Foundation
import Synchronization

/// What the server says about its API: `/openapi.json` as it is, and `/docs`, which is made of it when it is first asked for.
final class StaticPages: Sendable {
    private let document: String
    private let style: String
    private let made = Mutex<(openAPI: Operations.Page?, docs: Operations.Page?)>((nil, nil))

    /// - Parameters:
    ///   - document: the text of `openapi.json`.
    ///   - style: the style sheet of `/docs`.
    init(document: String, style: String) {
        self.document = document
        self.style = style
    }

    var openAPI: Operations.Page {
        made.withLock { made in
            if let page = made.openAPI { return page }
            let page = Operations.Page(body: document, entityTag: Self.entityTag(document))
            made.openAPI = page
            return page
        }
    }

    /// Takes some milliseconds the first time.
    var docs: Operations.Page {
        made.withLock { made in
            if let page = made.docs { return page }
            let page = Self.docs(document, style: style)
            made.docs = page
            return page
        }
    }

    private static func docs(_ document: String, style: String) -> Operations.Page {
        do throws(JSONError) {
            let markup = try DocumentationPage.markup(of: document, style: style)
            var page = Operations.Page(contentType: .html, body: markup, entityTag: entityTag(markup))
            page.securityPolicy = policy(style: style)
            return page
        } catch {
            preconditionFailure("openapi.json can't be read: \(error.message)")
        }
    }

    /// Lets in nothing but the page itself and its one style sheet.
    static func policy(style: String) -> String {
        let hash = Data(SHA256.hash(data: Data(style.utf8))).base64EncodedString()
        return
            "default-src 'none'; style-src 'sha256-\(hash)'; base-uri 'none'; form-action 'none'; frame-ancestors 'none'"
    }

    private static func entityTag(_ text: String) -> UInt64 {
        var hash = StableHash(seed: 0x7374_6174_6963_7031)
        var text = text
        text.withUTF8 { hash.combine(UnsafeRawBufferPointer($0)) }
        return hash.finish()
    }
}
