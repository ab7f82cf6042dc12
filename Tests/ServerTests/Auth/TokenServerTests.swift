import Auth
import Engine
import Foundation
import Testing

@testable import Server

/// Tokens at a whole server, over real connections.
@Suite struct TokenServerTests {
    /// Who may not ask any more may not listen any more.
    @Test func aStreamEndsWithItsToken() async throws {
        try await TokenDesk.run { server, mint, _ in
            let desk = TokenDesk(client: try server.connect(), mint: mint)
            try desk.putOnSale()
            let path = "/api/v1/events/show/availability/stream"
            #expect(try desk.call("GET", path, "", token: nil).status == 401)
            // Accepted for two seconds more: clocks may differ by thirty.
            let now = Engine.systemClock() / 1_000 - 628
            let token = try mint.token(tenant: "default", subject: "ann", role: .customer, now: now, seconds: 600)
            let stream = try EventStream(server, path, fields: "Authorization: Bearer \(token)\r\n")
            #expect(try stream.some().available() == ["floor": 10])
            while try stream.next() != nil {}
            #expect(stream.hasEnded)
            #expect(Engine.systemClock() / 1_000 >= now + 629)
        }
    }

    @Test func everyRoleDoesItsPartOfASale() async throws {
        try await TokenDesk.run { server, mint, _ in
            let desk = TokenDesk(client: try server.connect(), mint: mint)
            try desk.putOnSale()
            let reserve = "/api/v1/capacity/floor/reserve"
            #expect(try desk.call("POST", reserve, #"{"quantity":1}"#, as: .organizer).status == 403)
            #expect(try desk.call("POST", reserve, #"{"quantity":1}"#, as: .scanner).status == 403)
            let held = try desk.call("POST", reserve, #"{"quantity":1}"#, as: .customer, "ann", key: "k")
            #expect(held.status == 200 && held.body.contains(#""customer_id":"ann""#))
            // The same key of somebody else is another key, and another's reservation is not there.
            let other = try desk.call("POST", reserve, #"{"quantity":1}"#, as: .customer, "bob", key: "k")
            #expect(other.status == 200 && other.body != held.body)
            let path = "/api/v1/reservations/\(try held.reservation())"
            #expect(try desk.call("GET", path, "", as: .customer, "bob").status == 404)
            #expect(try desk.call("GET", path, "", as: .customer, "ann").status == 200)
            #expect(try desk.call("GET", path, "", as: .agent, "till-1").status == 200)
            let payment = #"{"payment_reference":"p"}"#
            #expect(try desk.call("POST", "\(path)/confirm", payment, as: .scanner).status == 403)
            let sold = try desk.call("POST", "\(path)/confirm", payment, as: .agent, "till-1")
            #expect(sold.status == 200)
            let order = "/api/v1/orders/ord_\(try held.reservation().dropFirst(4))"
            #expect(try desk.call("POST", "\(order)/refund", as: .customer, "ann").status == 403)
            #expect(try desk.call("POST", "\(order)/refund", as: .organizer).status == 200)
        }
    }

    /// A retry may come as a line of a batch, and nobody gets what somebody else's key has made.
    @Test func aKeyInABatchIsTheCallersOwn() async throws {
        try await TokenDesk.run { server, mint, _ in
            let desk = TokenDesk(client: try server.connect(), mint: mint)
            try desk.putOnSale()
            let held = try desk.call(
                "POST",
                "/api/v1/capacity/floor/reserve",
                #"{"quantity":1}"#,
                as: .agent,
                "till-1",
                key: "k"
            )
            let line = #"{"op":"reserve","capacity_id":"floor","quantity":1,"idempotency_key":"k"}"#
            func batch(_ subject: String) throws -> String {
                let type = "application/x-ndjson"
                let reply = try desk.call("POST", "/api/v1/batch", line, as: .agent, subject, type: type)
                #expect(reply.status == 200, "\(reply.body)")
                return try reply.reservation()
            }
            #expect(try batch("till-1") == held.reservation())
            #expect(try batch("till-2") != held.reservation())
            #expect(try batch("till-2") == batch("till-2"))
        }
    }

    @Test func withoutAGoodTokenNothing() async throws {
        try await TokenDesk.run { server, mint, _ in
            var desk = TokenDesk(client: try server.connect(), mint: mint)
            let path = "/api/v1/events"
            let missing = try desk.call("GET", path, "", token: nil)
            #expect(missing.status == 401 && missing.headers["www-authenticate"] == "Bearer")
            #expect(missing.body.contains("TOKEN_MISSING"))
            let forged = try TokenMint(
                keys: try TokenKeys(secret: Array("some other secret of 32 bytes or more".utf8))
            )
            let wrong = try TokenDesk(client: desk.client, mint: forged).call("GET", path, "", as: .admin)
            #expect(wrong.status == 401 && wrong.body.contains("TOKEN_INVALID"))
            #expect(wrong.headers["www-authenticate"] == "Bearer error=\"invalid_token\"")
            desk.secondsAgo = 700
            let expired = try desk.call("GET", path, "", as: .admin)
            #expect(expired.status == 401 && expired.body.contains("TOKEN_EXPIRED"))
            #expect(try desk.call("GET", "/health", "", token: nil).status == 200)
            #expect(try desk.call("GET", "/metrics", "", token: nil).status == 401)
            // Its figures are of all tenants, so no tenant's admin sees them.
            desk.secondsAgo = 0
            #expect(try desk.call("GET", "/metrics", "", as: .admin).status == 403)
            let metrics = try desk.call("GET", "/metrics", "", as: .monitor)
            #expect(metrics.status == 200 && metrics.body.contains("holdfast_events 0"))
            #expect(try desk.call("GET", path, "", as: .monitor).status == 403)
        }
    }

    @Test func newKeysTakeTheOldOnesPlace() async throws {
        try await TokenDesk.run { server, mint, file in
            let desk = TokenDesk(client: try server.connect(), mint: mint)
            let now = Engine.systemClock() / 1_000
            let token = try mint.token(tenant: "default", subject: "ann", role: .admin, now: now, seconds: 600)
            // Twice, so that the second time it is known.
            for _ in 0..<2 { #expect(try desk.call("GET", "/api/v1/events", "", token: token).status == 200) }
            let ring = try #require(server.keyRing)
            #expect(try await ring.reload() == false)
            try "broken".write(toFile: file, atomically: true, encoding: .utf8)
            await #expect(throws: TokenKeyError.self) { try await ring.reload(isForced: true) }
            #expect(try desk.call("GET", "/api/v1/events", "", token: token).status == 200)
            try "another secret, of more than thirty-two bytes".write(toFile: file, atomically: true, encoding: .utf8)
            // One look may find it half written.
            #expect(try await ring.reload() == false)
            #expect(try await ring.reload())
            #expect(try desk.call("GET", "/api/v1/events", "", token: token).status == 401)
        }
    }

    /// Whose key was taken back may not listen any more; who has one that stays may.
    @Test func aStreamEndsWithItsKey() async throws {
        let names = ["old", "new"]
        let mints = try names.map { try TokenMint(keys: try TokenKeys(secret: Array("\($0)\(TokenDesk.secret)".utf8))) }
        try await TokenDesk.run { server, _, file in
            let ring = try #require(server.keyRing)
            func use(_ name: String) async throws {
                try "\(name)\(TokenDesk.secret)".write(toFile: file, atomically: true, encoding: .utf8)
                #expect(try await ring.reload(isForced: true))
            }
            func listen(_ path: String, _ mint: TokenMint) throws -> EventStream {
                let now = Engine.systemClock() / 1_000
                let token = try mint.token(tenant: "default", subject: "boss", role: .admin, now: now, seconds: 600)
                let fields = "Accept: text/event-stream\r\nAuthorization: Bearer \(token)\r\n"
                return try EventStream(server, path, fields: fields)
            }
            try await use("old")
            let desk = TokenDesk(client: try server.connect(), mint: mints[0])
            try desk.putOnSale()
            let streams = try ["/api/v1/events/show/availability/stream", "/api/v1/feed"].map {
                try listen($0, mints[0])
            }
            #expect(streams.allSatisfy { $0.isStream })
            // The same key, read again.
            try await use("old")
            try await Task.sleep(for: .milliseconds(2_500))
            try await server.streams(are: 2)
            try await use("new")
            try await server.streams(are: 0)
            for stream in streams {
                while try stream.next() != nil {}
                #expect(stream.hasEnded)
            }
            #expect(try listen("/api/v1/feed", mints[1]).isStream)
        }
    }
}

@Suite struct TokenCacheTests {
    @Test func aTokenThatIsKnownEndsInTimeAllTheSame() async throws {
        let file = SaleServer.makeFolder()
        defer { try? FileManager.default.removeItem(atPath: file) }
        try "a secret of more than thirty-two bytes".write(toFile: file, atomically: true, encoding: .utf8)
        let rules = TokenRules(leewaySeconds: 10)
        var cache = TokenCache(try await TokenKeyRing(file: file, rules: rules))
        let mint = try TokenMint(keys: try await TokenKeys(file: file))
        let token = try mint.token(tenant: "t", subject: "s", role: .agent, now: 1_000, seconds: 100)
        func ask(_ cache: inout TokenCache, _ text: String, at now: Milliseconds) -> Authorization {
            Array(text.utf8).withUnsafeBytes { cache.caller($0, at: now) }
        }
        for now in [1_000_000, 1_109_999] as [Milliseconds] {
            guard case .known(let caller) = ask(&cache, "bEaReR  \(token) ", at: now) else {
                Issue.record("refused at \(now)")
                continue
            }
            #expect(caller.role == .agent && caller.tenant == "t" && caller.subject == "s")
        }
        guard case .refused(.expired) = ask(&cache, "Bearer \(token)", at: 1_110_000) else {
            Issue.record("accepted beyond its end")
            return
        }
        for other in ["Basic abc", "Bearer", "Bearer ", token, "Bearer\(token)"] {
            guard case .refused = ask(&cache, other, at: 1_000_000) else {
                Issue.record("accepted: \(other)")
                return
            }
        }
        guard case .nobody = ask(&cache, "", at: 1_000_000) else {
            Issue.record("no field is no token")
            return
        }
    }
}
