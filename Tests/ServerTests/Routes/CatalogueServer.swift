import Foundation
import Testing

@testable import Engine
@testable import Server

/// What tests of the catalogue over a socket say in a line.
struct CatalogueClient {
    let client: LoopbackClient

    init(_ server: SaleServer) throws { client = try server.connect() }

    /// Sends a request, and gives the answer.
    func send(
        _ method: String,
        _ path: String,
        _ body: String = "",
        key: String? = nil,
        ifMatch: String? = nil,
        tenant: String? = nil
    ) throws -> LoopbackClient.Reply {
        var head = "\(method) \(path) HTTP/1.1\r\nHost: test\r\nContent-Length: \(body.utf8.count)\r\n"
        if !body.isEmpty { head += "Content-Type: application/json\r\n" }
        if let key { head += "Idempotency-Key: \(key)\r\n" }
        if let ifMatch { head += "If-Match: \(ifMatch)\r\n" }
        if let tenant { head += "X-Tenant-Id: \(tenant)\r\n" }
        try client.send("\(head)\r\n\(body)")
        return try client.next()
    }

    /// The thing of that name in the answer to a request that has to succeed.
    @discardableResult
    func thing(
        _ name: String,
        _ method: String,
        _ path: String,
        _ body: String = "",
        tenant: String? = nil
    ) throws -> [String: Any] {
        let reply = try send(method, path, body, tenant: tenant)
        try #require(reply.status < 300, "\(method) \(path): \(reply.body)")
        return try #require(try Self.json(reply)[name] as? [String: Any], "\(reply.body)")
    }

    /// Status and code of a refusal.
    func refusal(
        _ method: String,
        _ path: String,
        _ body: String = "",
        ifMatch: String? = nil,
        tenant: String? = nil
    ) throws -> String {
        let reply = try send(method, path, body, ifMatch: ifMatch, tenant: tenant)
        return "\(reply.status) \(try Self.json(reply)["code"] as? String ?? "-")"
    }

    /// The ids of a list, page by page, in the order in which they came; and how many pages there were.
    func ids(_ name: String, _ path: String, tenant: String? = nil) throws -> (ids: [String], pages: Int) {
        var ids: [String] = []
        var pages = 0
        var next: String? = path
        while let path = next {
            let reply = try send("GET", path, tenant: tenant)
            try #require(reply.status == 200, "\(path): \(reply.body)")
            ids += try #require(try Self.json(reply)[name] as? [[String: Any]]).map { $0["id"] as? String ?? "-" }
            pages += 1
            let link = reply.headers["link"].map { $0.dropFirst().prefix { $0 != ">" } }
            next = link.map(String.init)
            #expect((next != nil) == (try Self.json(reply)["next_cursor"] is String), "\(reply.body)")
        }
        return (ids, pages)
    }

    static func json(_ reply: LoopbackClient.Reply) throws -> [String: Any] {
        try #require(try JSONSerialization.jsonObject(with: Data(reply.body.utf8)) as? [String: Any], "\(reply.body)")
    }
}
