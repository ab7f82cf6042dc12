import Foundation
import Testing

@testable import Server

/// A server that takes no change without a key for its retry.
@Suite struct RequiredKeyTests {
    private static func run(_ body: (LoopbackClient) throws -> Void) async throws {
        let folder = SaleServer.makeFolder()
        defer { try? FileManager.default.removeItem(atPath: folder) }
        try await SaleServer.run(folder: folder, requiresIdempotencyKeys: true) { try body(try $0.connect()) }
    }

    @Test func aChangeWithoutOneIsRefusedAndHasNoEffect() async throws {
        try await Self.run { client in
            let event = #"{"id":"gala","name":"Gala","currency":"EUR"}"#
            let refused = try client.post("/api/v1/events", event)
            #expect(refused.status == 428 && refused.code == "IDEMPOTENCY_KEY_REQUIRED")
            #expect(try client.get("/api/v1/events/gala").status == 404)
            #expect(try client.post("/api/v1/events", event, key: "e").status == 201)
            #expect(try client.get("/api/v1/events/gala").status == 200)
            // Nor a DELETE, whose answer has no body.
            try client.send("DELETE /api/v1/events/gala HTTP/1.1\r\nHost: test\r\n\r\n")
            #expect(try client.next().code == "IDEMPOTENCY_KEY_REQUIRED")
            #expect(try client.get("/api/v1/events/gala").status == 200)
        }
    }

    @Test func soIsALineWithoutOne() async throws {
        try await Self.run { client in
            try Self.putOnSale(client)
            let line = #"{"op":"reserve","capacity_id":"floor","quantity":1}"#
            let answers = try client.batch([
                line, #"{"op":"reserve","capacity_id":"floor","quantity":1,"idempotency_key":"k"}"#, line,
            ])
            #expect(answers.map(\.status) == [428, 200, 428])
            #expect(answers[0].code == "IDEMPOTENCY_KEY_REQUIRED")
            let left = try client.get("/api/v1/capacity/floor")
            #expect(left.body.contains(#""available_capacity":9"#), "\(left.body)")
        }
    }

    private static func putOnSale(_ client: LoopbackClient) throws {
        for (index, (path, body)) in [
            ("/api/v1/events", #"{"id":"show","name":"Gala","currency":"EUR"}"#),
            ("/api/v1/events/show/pricing", #"{"base_price":50}"#),
            ("/api/v1/events/show/capacity", #"{"id":"floor","section_name":"Floor","total_capacity":10}"#),
            ("/api/v1/events/show/publish", "{}"),
        ].enumerated() {
            let reply = try client.post(path, body, key: "sale-\(index)")
            guard reply.status < 300 else { throw TestFailure("\(path): \(reply.body)") }
        }
    }
}
