import Auth
import Foundation
import Testing

@testable import Server

/// What `openapi.json` says of refusals and of who may ask, held against the code.
@Suite struct OpenAPITruthTests {
    private let document: OpenAPIDocument

    init() throws { document = try OpenAPIDocument.shared.get() }

    @Test func everyOperationIsForTheRolesOfTheTable() {
        for (place, operation) in document.operations {
            let access = place.endpoint.access(HTTPMethod(place.method))
            let roles = Role.allCases.filter(access.contains).map(\.rawValue)
            #expect(operation.roles == (access == .everybody ? nil : Set(roles)), "\(operation.name)")
        }
    }

    @Test func everyChangeTakesAKey() {
        for (place, operation) in document.operations {
            let isChange = place.endpoint.isChange(HTTPMethod(place.method))
            #expect(operation.takesKey == isChange, "\(operation.name)")
            #expect((operation.types[428] != nil) == isChange, "\(operation.name)")
        }
    }

    /// Whoever writes a code into the server's source has to write it into the document, and the other way round.
    @Test func everyCodeOfTheSourceIsExplained() throws {
        let written = try CodesInTheSource()
        #expect(written.codes.count > 100, "the source isn't read any more")
        #expect(Set(written.codes.keys) == Set(document.problems.keys))
        for (code, found) in written.codes {
            let problem = try #require(document.problems[code], "\(code)")
            #expect(found.titles == [problem.title], "\(code)")
            #expect(found.statuses == problem.statuses, "\(code)")
            #expect(problem.description.hasSuffix("."), "\(code)")
        }
    }

    @Test func theListOfCodesIsTheSchemas() throws {
        let schemas = try #require(try OpenAPIDocument.object()["components"] as? [String: [String: Any]])["schemas"]
        let members = try #require((schemas?["Problem"] as? [String: Any])?["properties"] as? [String: [String: Any]])
        #expect(Set(members["code"]?["enum"] as? [String] ?? []) == Set(document.problems.keys))
    }

    /// A code has a status that is documented, and a status of a refusal has a code.
    @Test func codesAndStatusesOfAnOperationGoTogether() {
        for operation in Array(document.operations.values) + document.older {
            var explained: Set<Int> = []
            for code in operation.codes {
                let statuses = document.problems[code]?.statuses ?? []
                #expect(!statuses.isDisjoint(with: operation.types.keys), "\(operation.name): \(code)")
                explained.formUnion(statuses)
            }
            for (status, types) in operation.types where status >= 400 && operation.name != "ready" {
                #expect(explained.contains(status), "\(operation.name) has a \(status) without a code")
                #expect(types == ["application/problem+json"], "\(operation.name): \(status)")
            }
        }
        #expect(document.codesOfEveryPath.isSubset(of: document.problems.keys))
    }

    @Test func everyCodeCanBeHeardSomewhere() {
        let heard = document.operations.values.reduce(into: document.codesOfEveryPath) { $0.formUnion($1.codes) }
        #expect(heard == Set(document.problems.keys))
    }

    /// Whoever asks a server of these tests, asks the document as well.
    @Test func everyAnswerOverASocketIsLookedAt() async throws {
        try await SaleServer.run { server in
            let seen = try Self.answersLookedAt(try server.connect())
            #expect(seen == ["GET /health 200", "POST /api/v1/events 422", "GET /api/v1/events/gala?x=1 404"])
        }
    }

    private static func answersLookedAt(_ client: LoopbackClient) throws -> [String] {
        let check = try #require(client.onReply)
        var seen: [String] = []
        client.onReply = { method, target, reply in
            seen.append("\(method) \(target) \(reply.status)")
            check(method, target, reply)
        }
        _ = try client.get("/health")
        _ = try client.post("/api/v1/events", "{}", key: "k")
        _ = try client.get("/api/v1/events/gala?x=1")
        return seen
    }

    /// What the check of running servers' answers is for: that it finds what isn't documented.
    @Test func anAnswerThatIsNotDocumentedIsFound() {
        func difference(_ method: String, _ path: String, _ status: Int, _ code: String? = nil) -> String? {
            let type = code == nil ? "application/json" : "application/problem+json"
            let body = code.map { "{\"code\":\"\($0)\"}" } ?? "{}"
            let reply = LoopbackClient.Reply(status: status, headers: ["content-type": type], body: body)
            return document.difference(method, path, reply)
        }
        #expect(difference("GET", "/api/v1/events/gala?x=1", 200) == nil)
        #expect(difference("GET", "/api/v1/events/gala", 404, "EVENT_NOT_FOUND") == nil)
        #expect(difference("GET", "/api/v1/events/gala", 413, "BODY_TOO_LARGE") == nil)
        #expect(difference("GET", "/api/v1/events/gala", 404, "VENUE_NOT_FOUND") != nil)
        #expect(difference("GET", "/api/v1/events/gala", 201) != nil)
        #expect(difference("POST", "/api/v1/events/gala", 200) != nil)
        #expect(difference("GET", "/api/v1/nothing", 200) != nil)
        #expect(difference("GET", "/metrics", 200) != nil)
    }
}

/// Every problem that the server's source makes: what stands behind `Problem(`, `self.init(` and `HTTPRejection(`.
private struct CodesInTheSource {
    struct Found {
        var statuses: Set<Int> = []
        var titles: Set<String> = []
    }

    private(set) var codes: [String: Found] = [:]

    init() throws {
        let folder = URL(filePath: #filePath).deletingLastPathComponent().appending(path: "../../../Sources/Server")
        let statuses = try Self.statuses(folder)
        let files = FileManager.default.enumerator(at: folder, includingPropertiesForKeys: nil)
        for case let file as URL in try #require(files) where file.pathExtension == "swift" {
            let text = try String(contentsOf: file, encoding: .utf8)
            // The status, one code or two of which one is chosen, and a title for each of them.
            let problem = /(?:Problem|self\.init)\(\s*\.(\w+),\s*([^,]*?"[A-Z_]+"),\s*([^,]*?"[^"]+"),/
            for match in text.matches(of: problem) {
                add(match.2, match.3, statuses[String(match.1)])
            }
            let rejection = /HTTPRejection\(\s*status: \.(\w+),\s*code: ("[A-Z_]+"),\s*title: ("[^"]+")/
            for match in text.matches(of: rejection) { add(match.2, match.3, statuses[String(match.1)]) }
        }
    }

    private mutating func add(_ codes: Substring, _ titles: Substring, _ status: Int?) {
        let quoted = /"([^"]+)"/
        for (code, title) in zip(codes.matches(of: quoted), titles.matches(of: quoted)) {
            self.codes[String(code.1), default: Found()].statuses.insert(status ?? 0)
            self.codes[String(code.1), default: Found()].titles.insert(String(title.1))
        }
    }

    private static func statuses(_ folder: URL) throws -> [String: Int] {
        let text = try String(contentsOf: folder.appending(path: "HTTP/HTTPStatus.swift"), encoding: .utf8)
        let cases = text.matches(of: /case (\w+) = (\d+)/).map { (String($0.1), Int($0.2) ?? 0) }
        return Dictionary(uniqueKeysWithValues: cases)
    }
}
