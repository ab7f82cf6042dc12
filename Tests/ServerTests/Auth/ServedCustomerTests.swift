import Engine
import Testing

@testable import Server

/// A key is the agent's own, whichever customer is served: for another customer it is a key that was used before.
@Suite struct ServedCustomerTests {
    private static let reserve = "/api/v1/capacity/floor/reserve"

    @Test func aKeyIsOfOneCustomer() async throws {
        try await TokenDesk.run { server, mint, _ in
            let desk = TokenDesk(client: try server.connect(), mint: mint)
            try desk.putOnSale()
            let held = try desk.call("POST", Self.reserve, #"{"quantity":1}"#, as: .agent, customer: "bob", key: "r")
            #expect(held.status == 200 && held.body.contains(#""customer_id":"bob""#))
            // The same bodies, keys and paths: only whom they are for differs.
            let id = try held.reservation()
            let calls = [
                (Self.reserve, #"{"quantity":1}"#, "r"),
                ("/api/v1/reservations/\(id)/price-lock", "{}", "p"),
                ("/api/v1/reservations/\(id)/extend", #"{"seconds":1}"#, "e"),
                ("/api/v1/reservations/\(id)/confirm", #"{"payment_reference":"x","amount":50}"#, "c"),
                ("/api/v1/reservations/\(id)/confirm", #"{"payment_reference":"x"}"#, "d"),
            ]
            for (path, body, key) in calls {
                let first = try desk.call("POST", path, body, as: .agent, customer: "bob", key: key)
                #expect(first.code != "IDEMPOTENCY_KEY_REUSED", "\(path)")
                let again = try desk.call("POST", path, body, as: .agent, customer: "bob", key: key)
                #expect(again.status == first.status && again.body == first.body, "\(path)")
                for other in ["eve", nil, "ann"] {
                    let reused = try desk.call("POST", path, body, as: .agent, customer: other, key: key)
                    #expect(reused.status == 422 && reused.code == "IDEMPOTENCY_KEY_REUSED", "\(path) \(reused.body)")
                }
            }
        }
    }

    @Test func soIsThatOfALine() async throws {
        try await TokenDesk.run { server, mint, _ in
            let desk = TokenDesk(client: try server.connect(), mint: mint)
            try desk.putOnSale()
            func line(_ customer: String) throws -> AnswerLine {
                let line = #"{"op":"reserve","capacity_id":"floor","quantity":1,"idempotency_key":"k"}"#
                let type = "application/x-ndjson"
                let reply = try desk.call("POST", "/api/v1/batch", line, as: .agent, customer: customer, type: type)
                return try #require(try AnswerLine.lines(of: reply).first)
            }
            let held = try line("bob")
            #expect(held.status == 200)
            // As a request of its own it is the same command.
            let single = try desk.call("POST", Self.reserve, #"{"quantity":1}"#, as: .agent, customer: "bob", key: "k")
            #expect(try single.reservation() == held.reservation)
            let reused = try line("eve")
            #expect(reused.status == 422 && reused.code == "IDEMPOTENCY_KEY_REUSED")
        }
    }

    @Test func soIsThatOfAGift() async throws {
        try await TokenDesk.run { server, mint, _ in
            let desk = TokenDesk(client: try server.connect(), mint: mint)
            try desk.putOnSale()
            let held = try desk.call("POST", Self.reserve, #"{"quantity":1}"#, as: .agent, customer: "bob")
            let confirm = "/api/v1/reservations/\(try held.reservation())/confirm"
            let sold = try desk.call("POST", confirm, #"{"payment_reference":"x"}"#, as: .agent, customer: "bob")
            let range = try #require(sold.body.range(of: #"tkt_[A-Za-z0-9_-]+"#, options: .regularExpression))
            let transfer = "/api/v1/tickets/\(sold.body[range])/transfer"
            let offered = try desk.call("POST", transfer, as: .agent, customer: "bob", key: "g")
            #expect(offered.status < 300, "\(offered.body)")
            let reused = try desk.call("POST", transfer, as: .agent, customer: "eve", key: "g")
            #expect(reused.status == 422 && reused.code == "IDEMPOTENCY_KEY_REUSED")
            // Taken back, which comes singly only and is compared by its bytes.
            let gone = try desk.call("DELETE", transfer, "", as: .agent, customer: "bob", key: "w")
            #expect(gone.status < 300, "\(gone.body)")
            let again = try desk.call("DELETE", transfer, "", as: .agent, customer: "bob", key: "w")
            #expect(again.status == gone.status && again.body == gone.body)
            let other = try desk.call("DELETE", transfer, "", as: .agent, customer: "eve", key: "w")
            #expect(other.status == 422 && other.code == "IDEMPOTENCY_KEY_REUSED")
        }
    }

    /// Earlier builds kept an agent's key without the customer.
    @Test func aKeyOfAnEarlierBuildIsKnown() async throws {
        try await TokenDesk.run { server, mint, _ in
            let desk = TokenDesk(client: try server.connect(), mint: mint)
            try desk.putOnSale()
            let event = EventKey(tenant: "default", event: "show")
            let request = ReserveRequest(
                customer: "bob",
                first: .init(section: 0, quantity: 1),
                isSingleSection: true
            )
            let key = Array("k".utf8).withUnsafeBytes {
                IdempotencyKey(
                    tenant: "default",
                    principal: "ann",
                    key: $0,
                    fingerprint: Command.reserve(request).fingerprint(of: event)
                )
            }
            let caller = Caller(tenant: "default", customer: "bob", idempotency: key)
            let held = try await server.engine.reserve(request, in: event, by: caller)
            let body = #"{"quantity":1}"#
            let again = try desk.call("POST", Self.reserve, body, as: .agent, customer: "bob", key: "k")
            let id = Array(try again.reservation().utf8).withUnsafeBytes {
                PublicIdentifiers.hold($0, as: .reservation)
            }
            #expect(id?.reference == held.reference && id?.secret == held.secret)
            let other = try desk.call("POST", Self.reserve, body, as: .agent, customer: "eve", key: "k")
            #expect(other.code == "IDEMPOTENCY_KEY_REUSED")
        }
    }
}
