import Foundation
import Testing

@testable import Engine
@testable import Server

/// The limits of the sale over real connections: each has its own answer with its numbers, none is exceeded by one when
/// many ask at once, and what counts for them counts on after a restart.
@Suite struct LimitTests {
    /// One event with one section and one price, at which many ask for the same at once.
    struct Scenario: Sendable {
        let name: String
        var event = ""
        var section = #""total_capacity":1000"#
        var tier = ""
        /// Of the even and of the odd requests.
        var quantities = [1, 1]
        var further = ""
        /// How many of forty requests are granted, and the places that they have together.
        let granted: Int
        let places: Int
        let code: String
        /// The members that the refusals show.
        var numbers: [String: Int] = [:]
        var times: [String: String] = [:]
    }

    private static let past = "2020-01-01T00:00:00.000Z"
    private static let future = "2100-01-01T00:00:00.000Z"

    static let scenarios: [Scenario] = [
        Scenario(
            name: "minimum",
            section: #""total_capacity":1000,"minimum_purchase":3"#,
            quantities: [3, 2],
            granted: 20,
            places: 60,
            code: "BELOW_MINIMUM_PURCHASE",
            numbers: ["asked": 2, "minimum": 3]
        ),
        Scenario(
            name: "maximum",
            section: #""total_capacity":1000,"maximum_purchase":4"#,
            quantities: [4, 5],
            granted: 20,
            places: 80,
            code: "ABOVE_MAXIMUM_PURCHASE",
            numbers: ["asked": 5, "maximum": 4]
        ),
        Scenario(
            name: "order",
            tier: #","max_per_order":4"#,
            quantities: [4, 5],
            granted: 20,
            places: 80,
            code: "OVER_ORDER_LIMIT",
            numbers: ["asked": 5, "limit": 4]
        ),
        Scenario(
            name: "customer",
            tier: #","max_per_customer":7"#,
            granted: 7,
            places: 7,
            code: "OVER_CUSTOMER_LIMIT",
            numbers: ["asked": 1, "held": 7, "limit": 7]
        ),
        Scenario(
            name: "customer-pairs",
            tier: #","max_per_customer":7"#,
            quantities: [2, 2],
            granted: 3,
            places: 6,
            code: "OVER_CUSTOMER_LIMIT",
            numbers: ["asked": 2, "held": 6, "limit": 7]
        ),
        Scenario(
            name: "open",
            event: #","max_open_reservations_per_customer":5"#,
            granted: 5,
            places: 5,
            code: "TOO_MANY_OPEN_RESERVATIONS",
            numbers: ["held": 5, "limit": 5]
        ),
        Scenario(
            name: "buffer",
            section: #""total_capacity":20,"buffer_capacity":8"#,
            granted: 12,
            places: 12,
            code: "SOLD_OUT",
            numbers: ["asked": 1, "available": 0, "buffer": 8]
        ),
        Scenario(
            name: "buffer-fives",
            section: #""total_capacity":20,"buffer_capacity":8"#,
            quantities: [5, 5],
            granted: 2,
            places: 10,
            code: "SOLD_OUT",
            numbers: ["asked": 5, "available": 2, "buffer": 8]
        ),
        Scenario(
            name: "hold-time",
            event: #","hold_time_seconds":60,"hold_time_max_seconds":120"#,
            further: #","reservation_minutes":3"#,
            granted: 0,
            places: 0,
            code: "HOLD_TIME_OUT_OF_RANGE",
            numbers: ["asked_seconds": 180, "maximum_seconds": 120]
        ),
        Scenario(
            name: "section-off",
            section: #""total_capacity":9,"is_active":false"#,
            granted: 0,
            places: 0,
            code: "CAPACITY_INACTIVE"
        ),
        Scenario(
            name: "section-hidden",
            section: #""total_capacity":9,"is_visible":false"#,
            granted: 0,
            places: 0,
            code: "CAPACITY_INACTIVE"
        ),
        Scenario(name: "tier-off", tier: #","is_active":false"#, granted: 0, places: 0, code: "PRICING_INACTIVE"),
        Scenario(name: "tier-hidden", tier: #","is_visible":false"#, granted: 0, places: 0, code: "PRICING_INACTIVE"),
        Scenario(
            name: "tier-early",
            tier: #","sales_start_at":"\#(future)""#,
            granted: 0,
            places: 0,
            code: "SALES_NOT_STARTED",
            times: ["sales_start_at": future]
        ),
        Scenario(
            name: "tier-late",
            tier: #","sales_end_at":"\#(past)""#,
            granted: 0,
            places: 0,
            code: "SALES_ENDED",
            times: ["sales_end_at": past]
        ),
        Scenario(
            name: "event-early",
            event: #","sales_start_at":"\#(future)""#,
            granted: 0,
            places: 0,
            code: "SALES_NOT_STARTED",
            times: ["sales_start_at": future]
        ),
        Scenario(
            name: "event-late",
            event: #","sales_end_at":"\#(past)""#,
            granted: 0,
            places: 0,
            code: "SALES_ENDED",
            times: ["sales_end_at": past]
        ),
    ]

    /// On two loops, whose connections all ask for events of both; then a start from the log alone, and one from the snapshot.
    @Test func noLimitIsExceededByOneAtOnceOrAfterARestart() async throws {
        let folder = SaleServer.makeFolder()
        defer { try? FileManager.default.removeItem(atPath: folder) }
        var pricings: [String: String] = [:]
        try await SaleServer.run(folder: folder, shards: 2) { server in
            let shop = try LimitShop(server, connections: 40)
            for scenario in Self.scenarios {
                pricings[scenario.name] = try shop.open(
                    scenario.name,
                    event: scenario.event,
                    section: scenario.section,
                    tier: scenario.tier
                )
                let replies = try shop.atOnce { Self.request($0, of: scenario, pricings[scenario.name]!) }
                #expect(replies.count { $0.status == 200 } == scenario.granted, "\(scenario.name)")
                try Self.check(replies, of: scenario)
                #expect(try shop.reserved(scenario.name) == scenario.places, "\(scenario.name)")
            }
        }
        try SaleServer.removeSnapshots(folder)
        for _ in 0..<2 {
            try await SaleServer.run(folder: folder, shards: 2) { server in
                let shop = try LimitShop(server, connections: 3)
                for scenario in Self.scenarios {
                    #expect(try shop.reserved(scenario.name) == scenario.places, "\(scenario.name)")
                    // The odd requests are those that are refused.
                    let replies = try shop.atOnce { _ in Self.request(1, of: scenario, pricings[scenario.name]!) }
                    #expect(replies.allSatisfy { $0.status != 200 }, "\(scenario.name)")
                    try Self.check(replies, of: scenario)
                    #expect(try shop.reserved(scenario.name) == scenario.places, "\(scenario.name)")
                }
            }
        }
    }

    private static func request(_ number: Int, of scenario: Scenario, _ pricing: String) -> (String, String) {
        let quantity = scenario.quantities[number % 2]
        let body = #"{"quantity":\#(quantity),"pricing_id":"\#(pricing)","customer_id":"ann"\#(scenario.further)}"#
        return ("/api/v1/capacity/\(scenario.name)/reserve", body)
    }

    private static func check(_ replies: [LoopbackClient.Reply], of scenario: Scenario) throws {
        for reply in replies where reply.status != 200 {
            let json = try LimitShop.json(reply)
            #expect(json["code"] as? String == scenario.code, "\(scenario.name): \(reply.body)")
            for (name, number) in scenario.numbers {
                #expect(json[name] as? Int == number, "\(scenario.name): \(reply.body)")
            }
            for (name, time) in scenario.times {
                #expect(json[name] as? String == time, "\(scenario.name): \(reply.body)")
            }
        }
    }
}

/// A server's clients, and an event for each question.
struct LimitShop {
    private let clients: [LoopbackClient]

    init(_ server: SaleServer, connections: Int) throws {
        clients = try (0..<connections).map { _ in try server.connect() }
    }

    static func json(_ reply: LoopbackClient.Reply) throws -> [String: Any] {
        let object = try JSONSerialization.jsonObject(with: Data(reply.body.utf8)) as? [String: Any]
        return try #require(object, "\(reply.body)")
    }

    /// Puts an event on sale; its one section has its id.
    /// - Parameters: further members of their bodies.
    /// - Returns: the id of its one price.
    func open(_ id: String, event: String = "", section: String, tier: String = "") throws -> String {
        _ = try created("/api/v1/events", #"{"id":"\#(id)","name":"Gala","currency":"EUR"}"#)
        let capacity = "/api/v1/events/\(id)/capacity"
        _ = try created(capacity, #"{"id":"\#(id)","section_name":"Floor",\#(section)}"#)
        let pricing = try created("/api/v1/events/\(id)/pricing", #"{"base_price":10\#(tier)}"#)
        _ = try created("/api/v1/events/\(id)/publish", "{}")
        // Behind that: an event whose sale is over is not published.
        if !event.isEmpty { try change("/api/v1/events/\(id)", "{\(event.dropFirst())}") }
        return try #require((pricing["pricing"] as? [String: Any])?["id"] as? String)
    }

    private func change(_ path: String, _ body: String) throws {
        try clients[0].send(
            "PUT \(path) HTTP/1.1\r\nHost: test\r\nContent-Type: application/json\r\n"
                + "Content-Length: \(body.utf8.count)\r\n\r\n\(body)"
        )
        let reply = try clients[0].next()
        try #require(reply.status < 300, "\(path): \(reply.body)")
    }

    private func created(_ path: String, _ body: String) throws -> [String: Any] {
        let reply = try clients[0].post(path, body)
        try #require(reply.status < 300, "\(path): \(reply.body)")
        return try Self.json(reply)
    }

    /// One request on each connection, all of them sent before the first answer is read.
    func atOnce(_ request: (Int) throws -> (path: String, body: String)) throws -> [LoopbackClient.Reply] {
        for (number, client) in clients.enumerated() {
            let (path, body) = try request(number)
            try client.sendPost(path, body)
        }
        return try clients.map { try $0.next() }
    }

    func post(_ path: String, _ body: String = "{}") throws -> LoopbackClient.Reply { try clients[0].post(path, body) }

    func put(_ path: String, _ body: String) throws -> LoopbackClient.Reply {
        try clients[0].send(
            "PUT \(path) HTTP/1.1\r\nHost: test\r\nContent-Type: application/json\r\n"
                + "Content-Length: \(body.utf8.count)\r\n\r\n\(body)"
        )
        return try clients[0].next()
    }

    /// Status and code.
    func answer(_ reply: LoopbackClient.Reply) throws -> String {
        reply.status < 300 ? "\(reply.status)" : "\(reply.status) \(try Self.json(reply)["code"] ?? "")"
    }

    func capacity(_ id: String) throws -> [String: Any] {
        let reply = try clients[0].get("/api/v1/capacity/\(id)")
        return try #require(try Self.json(reply)["capacity"] as? [String: Any], "\(reply.body)")
    }

    func reserved(_ id: String) throws -> Int? { try capacity(id)["reserved_capacity"] as? Int }

    /// - Returns: the reservation's id.
    func reserve(_ section: String, _ body: String) throws -> String {
        let reply = try post("/api/v1/capacity/\(section)/reserve", body)
        return try #require((try Self.json(reply)["reservation"] as? [String: Any])?["id"] as? String, "\(reply.body)")
    }

    func confirm(_ reservation: String) throws -> LoopbackClient.Reply {
        try post("/api/v1/reservations/\(reservation)/confirm", #"{"payment_reference":"p"}"#)
    }
}
