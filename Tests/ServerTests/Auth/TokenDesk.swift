import Auth
import Engine
import Foundation
import Testing

@testable import Server

/// Somebody with tokens of its own making, over a real connection to a server that asks for them.
struct TokenDesk {
    static let secret = "a secret of more than thirty-two bytes"

    let client: LoopbackClient
    let mint: TokenMint
    var tenant = "default"
    var secondsAgo: Int64 = 0

    /// Runs `body` with a server that asks for tokens; the file has its keys.
    static func run(
        limits: RateLimits? = nil,
        shards: Int = 1,
        _ body: (SaleServer, TokenMint, _ file: String) async throws -> Void
    ) async throws {
        let folder = SaleServer.makeFolder()
        try FileManager.default.createDirectory(atPath: folder, withIntermediateDirectories: true)
        defer { try? FileManager.default.removeItem(atPath: folder) }
        let file = "\(folder)/keys"
        try Self.secret.write(toFile: file, atomically: true, encoding: .utf8)
        let ring = try await TokenKeyRing(file: file, rules: TokenRules())
        let mint = try TokenMint(keys: try await TokenKeys(file: file))
        try await SaleServer.run(folder: "\(folder)/data", shards: shards, keyRing: ring, rateLimits: limits) {
            try await body($0, mint, file)
        }
    }

    func token(_ role: Role, _ subject: String) throws -> String {
        let now = Engine.systemClock() / 1_000 - secondsAgo
        return try mint.token(tenant: tenant, subject: subject, role: role, now: now, seconds: 600)
    }

    func call(
        _ method: String,
        _ path: String,
        _ body: String = "{}",
        as role: Role,
        _ subject: String = "ann",
        customer: String? = nil,
        key: String? = nil,
        type: String = "application/json"
    ) throws -> LoopbackClient.Reply {
        let token = try token(role, subject)
        return try call(method, path, body, token: token, customer: customer, key: key, type: type)
    }

    func call(
        _ method: String,
        _ path: String,
        _ body: String,
        token: String?,
        customer: String? = nil,
        key: String? = nil,
        type: String = "application/json"
    ) throws -> LoopbackClient.Reply {
        var fields = token.map { "Authorization: Bearer \($0)\r\n" } ?? ""
        if let customer { fields += "X-Customer-Id: \(customer)\r\n" }
        if let key { fields += "Idempotency-Key: \(key)\r\n" }
        try client.send(
            "\(method) \(path) HTTP/1.1\r\nHost: test\r\nContent-Type: \(type)\r\n\(fields)"
                + "Content-Length: \(body.utf8.count)\r\n\r\n\(body)"
        )
        guard let reply = try client.receive(hasBody: method != "HEAD") else {
            throw TestFailure("the server has closed the connection")
        }
        return reply
    }

    /// The event `show` with the section `floor` of ten places.
    func putOnSale() throws {
        for (path, body) in [
            ("/api/v1/events", #"{"id":"show","name":"Gala","currency":"EUR"}"#),
            ("/api/v1/events/show/pricing", #"{"base_price":50}"#),
            ("/api/v1/events/show/capacity", #"{"id":"floor","section_name":"Floor","total_capacity":10}"#),
            ("/api/v1/events/show/publish", "{}"),
        ] {
            let reply = try call("POST", path, body, as: .organizer, "office")
            guard reply.status < 300 else { throw TestFailure("\(path): \(reply.body)") }
        }
    }
}

extension LoopbackClient.Reply {
    /// The problem's code; nil where the reply is none.
    var code: String? {
        let object = try? JSONSerialization.jsonObject(with: Data(body.utf8)) as? [String: Any]
        return object?["code"] as? String
    }

    /// The first id of a reservation in the body.
    func reservation() throws -> String {
        let range = try #require(body.range(of: #"rsv_[A-Za-z0-9_-]+"#, options: .regularExpression))
        return String(body[range])
    }
}
