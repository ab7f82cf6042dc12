import Foundation
import Synchronization
import Testing

@testable import Server

/// Limits of requests at a whole server, over real connections, with a clock that the test sets.
@Suite struct RateLimitTests {
    /// Nanoseconds, beginning somewhere.
    final class Clock: Sendable {
        private let now = Atomic<UInt64>(1_000_000_000_000)

        func pass(seconds: UInt64) { now.add(seconds * 1_000_000_000, ordering: .relaxed) }
        var read: @Sendable () -> UInt64 { { self.now.load(ordering: .relaxed) } }
    }

    static let sale = "/api/v1/orders/ord_none"
    static let reporting = "/api/v1/events"
    /// Three at once, then one every two seconds would be too slow to test by waiting.
    static let rule = RateRule(requestsPerSecond: 1, burst: 3)

    private static func run(
        _ settings: RateLimitSettings,
        shards: Int = 1,
        _ body: (SaleServer, Clock) async throws -> Void
    ) async throws {
        let clock = Clock()
        let folder = SaleServer.makeFolder()
        defer { try? FileManager.default.removeItem(atPath: folder) }
        let limits = RateLimits(settings, clock: clock.read)
        try await SaleServer.run(folder: folder, shards: shards, rateLimits: limits) { try await body($0, clock) }
    }

    struct Policy: Sendable {
        let name: String
        let settings: RateLimitSettings
        let limited: String
        let other: String
    }

    static let policies = [
        Policy(name: "sale", settings: .init(sale: rule), limited: sale, other: reporting),
        Policy(name: "address-sale", settings: .init(addressSale: rule), limited: sale, other: reporting),
        Policy(name: "reporting", settings: .init(reporting: rule), limited: reporting, other: sale),
        Policy(name: "address-reporting", settings: .init(addressReporting: rule), limited: reporting, other: sale),
    ]

    @Test(arguments: policies)
    func eachLimitIsReachedAndPasses(_ policy: Policy) async throws {
        try await Self.run(policy.settings) { server, clock in
            let client = try server.connect()
            for left in [2, 1, 0] {
                let reply = try client.get(policy.limited)
                #expect(reply.status != 429)
                #expect(reply.headers["ratelimit-policy"] == "\"\(policy.name)\";q=3;w=3")
                #expect(reply.headers["ratelimit"] == "\"\(policy.name)\";r=\(left);t=\(3 - left)")
            }
            let refused = try client.get(policy.limited)
            #expect(refused.status == 429 && refused.code == "RATE_LIMITED")
            #expect(refused.headers["content-type"] == "application/problem+json")
            #expect(refused.headers["retry-after"] == "1")
            #expect(refused.headers["ratelimit"] == "\"\(policy.name)\";r=0;t=3")
            // The other budget is another, and what is asked of the server itself has none.
            for path in [policy.other, "/health", "/ready", "/metrics", "/nothing"] {
                let reply = try client.get(path)
                #expect(reply.status != 429 && reply.headers["ratelimit"] == nil, "\(path)")
            }
            clock.pass(seconds: 1)
            #expect(try client.get(policy.limited).status != 429)
            #expect(try client.get(policy.limited).status == 429)
            clock.pass(seconds: 100)
            for _ in 0..<3 { #expect(try client.get(policy.limited).status != 429) }
            #expect(try client.get(policy.limited).status == 429)
            #expect(
                try client.get("/metrics").body.contains(#"holdfast_rate_limited_total{policy="\#(policy.name)"} 3"#)
            )
        }
    }

    @Test func callersAreIndependentAndAnAddressIsOne() async throws {
        let settings = RateLimitSettings(sale: Self.rule, addressSale: RateRule(requestsPerSecond: 1, burst: 8))
        try await Self.run(settings) { server, _ in
            let client = try server.connect()
            func ask(_ tenant: String, _ customer: String) throws -> LoopbackClient.Reply {
                try client.send(
                    "GET \(Self.sale) HTTP/1.1\r\nHost: a\r\nX-Tenant-Id: \(tenant)\r\nX-Customer-Id: \(customer)\r\n\r\n"
                )
                return try client.next()
            }
            for _ in 0..<3 { #expect(try ask("hall", "ann").status == 404) }
            let refused = try ask("hall", "ann")
            #expect(refused.status == 429 && refused.body.contains("caller"))
            #expect(refused.headers["ratelimit"] == #""sale";r=0;t=3, "address-sale";r=4;t=4"#)
            // Another customer, and a customer of that name in another shop.
            #expect(try ask("hall", "bob").status == 404)
            #expect(try ask("club", "ann").status == 404)
            // Eight have come from here, of whomever.
            #expect(try ask("club", "ann").status == 404 && ask("club", "bob").status == 404)
            let both = try ask("club", "eve")
            #expect(both.status == 429 && both.body.contains("address"))
            #expect(both.headers["ratelimit"] == #""address-sale";r=0;t=8"#)
        }
    }

    /// A caller's connections are on several loops, and have one budget.
    @Test func loopsShareTheBudget() async throws {
        let settings = RateLimitSettings(sale: RateRule(requestsPerSecond: 1, burst: 25))
        try await Self.run(settings, shards: 2) { server, _ in
            let clients = try (0..<8).map { _ in try server.connect() }
            for client in clients {
                let request = "GET \(Self.sale) HTTP/1.1\r\nHost: a\r\n\r\n"
                try client.send(String(repeating: request, count: 10))
            }
            var granted = 0
            for client in clients {
                for _ in 0..<10 where try client.next().status == 404 { granted += 1 }
            }
            #expect(granted == 25)
        }
    }

    @Test func pipelinedAnswersSayWhatIsLeftOfTheirOwnBudget() async throws {
        try await Self.run(RateLimitSettings(sale: Self.rule, reporting: Self.rule)) { server, _ in
            let client = try server.connect()
            let fields = "HTTP/1.1\r\nHost: a\r\n"
            try client.send(
                "GET \(Self.sale) \(fields)\r\nGET /health \(fields)\r\nGET \(Self.reporting) \(fields)\r\n"
                    + "GET \(Self.sale) \(fields)Connection: close\r\n\r\n"
            )
            let said = try (0..<4).map { _ in try client.next() }
            #expect(
                said.map { $0.headers["ratelimit"] } == [
                    #""sale";r=2;t=1"#, nil, #""reporting";r=2;t=1"#, #""sale";r=1;t=2"#,
                ]
            )
            #expect(said[3].headers["connection"] == "close")
        }
    }

    @Test func aRefusalIsNotTheKeysAnswer() async throws {
        try await Self.run(RateLimitSettings(sale: RateRule(requestsPerSecond: 1, burst: 1))) { server, clock in
            try server.putOnSale("show")
            let client = try server.connect()
            let path = "/api/v1/capacity/show/reserve"
            #expect(try client.post(path, #"{"quantity":1}"#, key: "a").status == 200)
            let refused = try client.post(path, #"{"quantity":1}"#, key: "b")
            #expect(refused.status == 429)
            clock.pass(seconds: 1)
            let held = try client.post(path, #"{"quantity":1}"#, key: "b")
            #expect(held.status == 200)
            // A retry of what was answered counts as any request.
            #expect(try client.post(path, #"{"quantity":1}"#, key: "b").status == 429)
            clock.pass(seconds: 1)
            #expect(try client.post(path, #"{"quantity":1}"#, key: "b").body == held.body)
        }
    }

    @Test func aBatchCountsAndEveryLineOfIt() async throws {
        try await Self.run(RateLimitSettings(sale: Self.rule, addressSale: Self.rule), shards: 2) { server, clock in
            try server.putOnSale("show")
            let client = try server.connect()
            let lines = (0..<5).map {
                #"{"op":"reserve","capacity_id":"show","quantity":1,"idempotency_key":"k\#($0)"}"#
            }
            try client.sendBatch(lines)
            let reply = try client.next()
            #expect(reply.headers["ratelimit"] == #""sale";r=2;t=1, "address-sale";r=2;t=1"#)
            let answers = try AnswerLine.lines(of: reply)
            #expect(answers.map(\.status) == [200, 200, 429, 429, 429])
            #expect(answers[2].code == "RATE_LIMITED" && answers[2].retryAfter == 1)
            // With nothing left the batch is not begun.
            try client.sendBatch(lines)
            let refused = try client.next()
            #expect(refused.status == 429 && refused.headers["retry-after"] == "1")
            clock.pass(seconds: 3)
            let later = try client.batch(Array(lines[2..<4]))
            #expect(later.map(\.status) == [200, 200])
        }
    }

    @Test func aStreamsBeginningCounts() async throws {
        try await Self.run(RateLimitSettings(reporting: RateRule(requestsPerSecond: 1, burst: 5))) { server, _ in
            try server.putOnSale("show")
            let client = try server.connect()
            try client.send("GET /api/v1/events/show/availability/stream HTTP/1.1\r\nHost: a\r\n\r\n")
            while !String(decoding: client.received, as: UTF8.self).contains("\r\n\r\n") {
                #expect(try client.receiveMore())
            }
            let head = String(decoding: client.received, as: UTF8.self)
            #expect(head.hasPrefix("HTTP/1.1 200 OK\r\n") && head.contains("RateLimit: \"reporting\";r=0;t=5\r\n"))
            #expect(try server.connect().get("/api/v1/events/show/availability/stream").status == 429)
        }
    }

    // MARK: - Addresses

    @Test func onlyAProxysWordOnTheAddressCounts() async throws {
        for (trusted, isBelieved) in [("10.0.0.0/8", false), ("127.0.0.0/8", true)] {
            let forwarding = AddressForwarding(field: "X-Forwarded-For", trusted: [AddressNetwork(trusted)!])
            try await Self.run(RateLimitSettings(addressSale: Self.rule, forwarding: forwarding)) { server, _ in
                let client = try server.connect()
                func ask(_ address: String) throws -> Int {
                    try client.send("GET \(Self.sale) HTTP/1.1\r\nHost: a\r\nX-Forwarded-For: \(address)\r\n\r\n")
                    return try client.next().status
                }
                for _ in 0..<3 { #expect(try ask("192.0.2.1") == 404) }
                // What a client says of itself stands before what the proxy says of the client.
                #expect(try ask("198.51.100.\(Int.random(in: 1...254)), 192.0.2.1") == 429)
                #expect(try ask("192.0.2.2") == (isBelieved ? 404 : 429))
                // The addresses of one network of IPv6 are one client's.
                guard isBelieved else { return }
                for host in 1...3 { #expect(try ask("2001:db8:0:1::\(host)") == 404) }
                #expect(try ask("2001:db8:0:1:ffff::4") == 429)
                #expect(try ask("2001:db8:0:2::1") == 404)
            }
        }
    }

    /// Who tries tokens is refused before they are looked at.
    @Test func refusedTokensCountForTheAddress() async throws {
        let limits = RateLimits(RateLimitSettings(sale: Self.rule, addressSale: Self.rule), clock: Clock().read)
        try await TokenDesk.run(limits: limits) { server, mint, _ in
            let client = try server.connect()
            func ask(_ token: String) throws -> LoopbackClient.Reply {
                try client.send("GET \(Self.sale) HTTP/1.1\r\nHost: a\r\nAuthorization: Bearer \(token)\r\n\r\n")
                return try client.next()
            }
            for _ in 0..<3 {
                let reply = try ask("e30.e30.e30")
                #expect(reply.status == 401 && reply.headers["ratelimit"]?.contains("\"sale\"") == false)
            }
            #expect(try ask("e30.e30.e30").status == 429)
            #expect(try ask(try TokenDesk(client: client, mint: mint).token(.agent, "ann")).status == 429)
        }
    }

    @Test func aTokensSubjectIsTheCaller() async throws {
        let limits = RateLimits(RateLimitSettings(sale: Self.rule), clock: Clock().read)
        try await TokenDesk.run(limits: limits) { server, mint, _ in
            var desk = TokenDesk(client: try server.connect(), mint: mint)
            // Whom an agent serves is not who asks.
            for customer in ["a", "b", "c"] {
                #expect(try desk.call("GET", Self.sale, as: .agent, "till-1", customer: customer).status == 404)
            }
            #expect(try desk.call("GET", Self.sale, as: .agent, "till-1", customer: "d").status == 429)
            #expect(try desk.call("GET", Self.sale, as: .agent, "till-2", customer: "d").status == 404)
            desk.tenant = "elsewhere"
            #expect(try desk.call("GET", Self.sale, as: .agent, "till-1").status == 404)
        }
    }
}

/// What is paid from which budget.
@Suite struct RouteBudgetTests {
    @Test func onlyWhatIsAskedOfTheServerIsFree() {
        for endpoint in Endpoint.allCases {
            #expect((endpoint.budget == .unlimited) == (endpoint.operation != nil), "\(endpoint)")
        }
    }

    @Test func theDocumentSaysWhatIsLimited() throws {
        let sources = URL(filePath: #filePath).deletingLastPathComponent().appending(path: "../../../Sources")
        let data = try Data(contentsOf: sources.appending(path: "Server/Resources/openapi.json"))
        let document = try #require(try JSONSerialization.jsonObject(with: data) as? [String: Any])
        let paths = try #require(document["paths"] as? [String: [String: [String: Any]]])
        for (path, operations) in paths {
            var text = path.replacing("{id}", with: "x").replacing("{schedule_id}", with: "y")
            let found = try text.withUTF8 { Endpoint.match(try PathSegments(UnsafeRawBufferPointer($0))) }
            let endpoint = try #require(found?.endpoint, "\(path)")
            for (method, operation) in operations {
                let responses = try #require(operation["responses"] as? [String: Any])
                #expect((responses["429"] != nil) == (endpoint.budget != .unlimited), "\(method) \(path)")
            }
        }
    }

    @Test func theSaleIsPaidAsASale() {
        for endpoint in Endpoint.allCases where endpoint.isSale { #expect(endpoint.budget == .sale, "\(endpoint)") }
        // Whoever guesses codes pays from the smaller purse.
        for endpoint in [Endpoint.ticketsValidate, .ticketTransferAccept, .ticket] { #expect(endpoint.budget == .sale) }
        for endpoint in [Endpoint.reportSales, .feed, .events, .eventAvailabilityStream] {
            #expect(endpoint.budget == .reporting)
        }
    }
}
