import Foundation
import Testing

@testable import Server

/// What `openapi.json` says of the answers of one operation.
struct DocumentedOperation: Sendable {
    var name = ""
    /// The media types of each status.
    var types: [Int: Set<String>] = [:]
    /// Codes of its own, and those of its responses.
    var codes: Set<String> = []
    /// Those of its own alone.
    var ownCodes: Set<String> = []
    /// Roles that may ask; nil for everybody.
    var roles: Set<String>? = []
    var takesKey = false
}

/// `openapi.json`, as far as the tests of its truth read it.
struct OpenAPIDocument: Sendable {
    struct Place: Hashable {
        let endpoint: Endpoint
        let method: String
    }

    struct DocumentedProblem: Equatable, Sendable {
        let statuses: Set<Int>
        let title: String
        let description: String
    }

    static let shared = Result { try OpenAPIDocument() }

    /// Of every path and method; an older name of a path has the same one, by its own name in `older`.
    private(set) var operations: [Place: DocumentedOperation] = [:]
    private(set) var older: [DocumentedOperation] = []
    let problems: [String: DocumentedProblem]
    /// Codes that any request can hear before its path is looked at.
    let codesOfEveryPath: Set<String>

    static func object() throws -> [String: Any] {
        let sources = URL(filePath: #filePath).deletingLastPathComponent().appending(path: "../../../Sources")
        let data = try Data(contentsOf: sources.appending(path: "Server/Resources/openapi.json"))
        return try #require(try JSONSerialization.jsonObject(with: data) as? [String: Any])
    }

    private init() throws {
        let document = try Self.object()
        let components = try #require(document["components"] as? [String: [String: [String: Any]]])
        problems = try #require(components["x-problems"]).mapValues {
            DocumentedProblem(
                statuses: Set($0["status"] as? [Int] ?? []),
                title: $0["title"] as? String ?? "",
                description: $0["description"] as? String ?? ""
            )
        }
        codesOfEveryPath = Set(try #require(document["x-problems"] as? [String]))
        for (path, methods) in try #require(document["paths"] as? [String: [String: [String: Any]]]) {
            var sample = path.replacing("{id}", with: "x").replacing("{schedule_id}", with: "y")
            let endpoint = try sample.withUTF8 {
                try #require(Endpoint.match(try PathSegments(UnsafeRawBufferPointer($0)))?.endpoint, "\(path)")
            }
            for (method, members) in methods {
                let operation = try Self.operation(members, components)
                let place = Place(endpoint: endpoint, method: method.uppercased())
                if members["deprecated"] as? Bool == true {
                    older.append(operation)
                } else {
                    operations[place] = operation
                }
            }
        }
    }

    private static func operation(
        _ members: [String: Any],
        _ components: [String: [String: [String: Any]]]
    ) throws -> DocumentedOperation {
        var operation = DocumentedOperation()
        operation.name = try #require(members["operationId"] as? String)
        operation.ownCodes = Set(members["x-problems"] as? [String] ?? [])
        operation.codes = operation.ownCodes
        for (status, response) in try #require(members["responses"] as? [String: [String: Any]]) {
            let shared = (response["$ref"] as? String).flatMap { components["responses"]?[$0.lastName] }
            let found = shared ?? response
            operation.types[try #require(Int(status))] = Set((found["content"] as? [String: Any] ?? [:]).keys)
            operation.codes.formUnion(found["x-problems"] as? [String] ?? [])
        }
        let security = try #require(members["security"] as? [[String: [String]]], "\(operation.name)")
        operation.roles = security.isEmpty ? nil : Set(security.flatMap { $0["Token"] ?? [] })
        let parameters = members["parameters"] as? [[String: Any]] ?? []
        operation.takesKey = parameters.contains { ($0["$ref"] as? String)?.lastName == "IdempotencyKey" }
        return operation
    }
}

extension String {
    /// Of a reference: what is behind the last `/`.
    fileprivate var lastName: String { split(separator: "/").last.map(String.init) ?? "" }
}

// MARK: - Answers of a running server

extension OpenAPIDocument {
    /// What of the answer isn't in the document; nil when all of it is.
    func difference(_ method: String, _ target: String, _ reply: LoopbackClient.Reply) -> String? {
        let code = Self.code(of: reply)
        // Of a refusal behind HEAD there is no code to be seen.
        if method == "HEAD", reply.status >= 400 { return nil }
        if let code, codesOfEveryPath.contains(code) { return nil }
        var path = String(target.prefix { $0 != "?" })
        let match = path.withUTF8 { bytes in
            (try? PathSegments(UnsafeRawBufferPointer(bytes))).flatMap { Endpoint.match($0)?.endpoint }
        }
        guard let endpoint = match else {
            return reply.status == 400 ? nil : "\(path) is answered with \(reply.status)"
        }
        let place = Place(endpoint: endpoint, method: method == "HEAD" ? "GET" : method)
        guard let operation = operations[place] else { return "\(method) \(path) isn't there" }
        guard let types = operation.types[reply.status] else { return "\(operation.name) has no \(reply.status)" }
        if let code, !operation.codes.contains(code) { return "\(operation.name) has no \(code)" }
        let type = reply.headers["content-type"]?.prefix { $0 != ";" } ?? ""
        guard type.isEmpty ? types.isEmpty || method == "HEAD" : types.contains(String(type)) else {
            return "\(operation.name) has no \(reply.status) of '\(type)'"
        }
        return nil
    }

    private static func code(of reply: LoopbackClient.Reply) -> String? {
        guard reply.headers["content-type"] == "application/problem+json" else { return nil }
        return (try? JSONSerialization.jsonObject(with: Data(reply.body.utf8)) as? [String: Any])?["code"] as? String
    }
}
