import Foundation
import Testing

@testable import Server

/// The audit trail and the feed, over HTTP on a whole server.
@Suite(.timeLimit(.minutes(2))) struct FeedRouteTests {
    /// Sends with header fields of the test's choice.
    private static func ask(
        _ client: LoopbackClient,
        _ method: String,
        _ target: String,
        _ body: String = "",
        fields: [String] = []
    ) throws -> LoopbackClient.Reply {
        let own = fields.map { $0 + "\r\n" }.joined()
        let type = body.isEmpty ? "" : "Content-Type: application/json\r\n"
        try client.send(
            "\(method) \(target) HTTP/1.1\r\nHost: test\r\n\(own)\(type)Content-Length: \(body.utf8.count)\r\n\r\n\(body)"
        )
        guard let reply = try client.receive(hasBody: method != "HEAD") else {
            throw TestFailure("the server has closed the connection")
        }
        return reply
    }

    /// Runs what waits for the server on a thread of its own: its answers are made by tasks, and clients that block the
    /// tasks' few threads would wait for each other.
    private static func onThread(_ server: SaleServer, _ body: @escaping @Sendable (LoopbackClient) throws -> Void)
        async throws
    {
        let port = server.port
        try await withCheckedThrowingContinuation { (done: CheckedContinuation<Void, any Error>) in
            Thread.detachNewThread {
                done.resume(with: Result { try body(try LoopbackClient(port: port, receiveBufferBytes: nil)) })
            }
        }
    }

    /// What one life of a server leaves to the next. Sound: one thread at a time.
    private final class Seen: @unchecked Sendable {
        var entries: [[String: Any]] = []
        var after = 0
    }

    private static func json(_ reply: LoopbackClient.Reply) throws -> [String: Any] {
        guard let object = try JSONSerialization.jsonObject(with: Data(reply.body.utf8)) as? [String: Any] else {
            throw TestFailure("not an object: \(reply.body)")
        }
        return object
    }

    /// What the API says of a sale while it is made: ids to be found again in the log.
    private struct Sale {
        var reservation = ""
        var order = ""
        var tickets: [String] = []
        var pricing = ""
    }

    /// One of everything.
    private static func makeSale(_ client: LoopbackClient, tenant: String = "default") throws -> Sale {
        let whose = "X-Tenant-Id: \(tenant)"
        func change(
            _ path: String,
            _ body: String,
            customer: String? = nil,
            method: String = "POST",
            isKeyed: Bool = true
        ) throws -> [String: Any] {
            let fields = [whose] + (customer.map { ["X-Customer-Id: \($0)"] } ?? [])
            let key = isKeyed ? ["Idempotency-Key: \(tenant)-\(UUID().uuidString)"] : []
            let reply = try ask(client, method, "/api/v1\(path)", body, fields: fields + key)
            guard reply.status < 300 else { throw TestFailure("\(path): \(reply.status) \(reply.body)") }
            return reply.body.isEmpty ? [:] : try json(reply)
        }
        var sale = Sale()
        _ = try change("/events", #"{"id":"gala","name":"Gala","currency":"EUR"}"#)
        _ = try change("/events/gala", #"{"name":"Great Gala"}"#, method: "PUT")
        _ = try change("/events/gala/capacity", #"{"id":"floor","section_name":"Floor","total_capacity":100}"#)
        _ = try change("/events/gala/capacity", #"{"id":"box","section_name":"Box","total_capacity":0}"#)
        _ = try change("/capacity/box/seats", #"{"rows":[{"label":"A","from":1,"to":5}]}"#)
        _ = try change("/capacity/box/seats/block", #"{"seats":["A-2"]}"#)
        _ = try change("/capacity/box/seats/unblock", #"{"seats":["A-2"]}"#)
        let prices = #"{"base_price":50,"service_fee":5}"#
        let tier = try change("/events/gala/pricing", prices, isKeyed: false)["pricing"]
        sale.pricing = (tier as? [String: Any])?["id"] as? String ?? ""
        _ = try change("/pricing/\(sale.pricing)", #"{"base_price":60}"#, method: "PUT")
        _ = try change("/events/gala/publish", "{}")
        let reserved = try change("/capacity/floor/reserve", #"{"quantity":2}"#, customer: "ada")
        sale.reservation = (reserved["reservation"] as? [String: Any])?["id"] as? String ?? ""
        _ = try change("/reservations/\(sale.reservation)/extend", #"{"seconds":1200}"#, customer: "ada")
        let sold = try change(
            "/reservations/\(sale.reservation)/confirm",
            #"{"payment_reference":"pay-1"}"#,
            customer: "ada"
        )
        sale.order = (sold["order"] as? [String: Any])?["id"] as? String ?? ""
        sale.tickets = (sold["tickets"] as? [[String: Any]])?.compactMap { $0["id"] as? String } ?? []
        _ = try change("/orders/\(sale.order)/refund", "{\"tickets\":[\"\(sale.tickets[1])\"]}")
        let other = try change("/capacity/box/reserve", #"{"quantity":1}"#, customer: "ben")
        let id = (other["reservation"] as? [String: Any])?["id"] as? String ?? ""
        _ = try change("/reservations/\(id)/release", "{}")
        return sale
    }

    private static let actions = [
        "event.created", "event.updated", "capacity.created", "capacity.created", "seats.added", "seats.blocked",
        "seats.unblocked", "pricing.created", "pricing.updated", "event.published", "reservation.created",
        "reservation.extended", "reservation.price_locked", "order.created", "order.refunded", "reservation.created",
        "reservation.released",
    ]

    private static func audit(
        _ client: LoopbackClient,
        _ query: String = "limit=200",
        tenant: String = "default"
    ) throws -> [[String: Any]] {
        var entries: [[String: Any]] = []
        var target = "/api/v1/events/gala/audit?\(query)"
        while true {
            let reply = try ask(client, "GET", target, fields: ["X-Tenant-Id: \(tenant)"])
            guard reply.status == 200 else { throw TestFailure("\(target): \(reply.body)") }
            let page = try json(reply)
            entries += page["audit"] as? [[String: Any]] ?? []
            guard let cursor = page["next_cursor"] as? String else { return entries }
            #expect(reply.headers["link"]?.contains("cursor=\(cursor)") == true)
            target = "/api/v1/events/gala/audit?\(query)&cursor=\(cursor)"
        }
    }

    @Test func theAuditTrailTellsASaleInTheWordsOfTheAPI() async throws {
        try await SaleServer.run(shards: 2) { server in
            try await Self.onThread(server) { try Self.checkAudit($0) }
        }
    }

    private static func checkAudit(_ client: LoopbackClient) throws {
        let sale = try Self.makeSale(client)
        let entries = try Self.audit(client)
        #expect(entries.map { $0["action"] as? String } == Self.actions)
        #expect(entries.allSatisfy { $0["event_id"] as? String == "gala" })
        let actors = entries.map { $0["actor"] as? String }
        #expect(actors[..<10].allSatisfy { $0 == nil } && actors[10...13].allSatisfy { $0 == "ada" })
        #expect(actors[14...] == [nil, "ben", nil])
        for index in 10...14 { #expect(entries[index]["reservation_id"] as? String == sale.reservation) }
        let number = entries[10]["reservation_number"] as? String
        #expect(number != nil && number == entries[13]["reservation_number"] as? String)
        #expect(entries[7]["pricing_id"] as? String == sale.pricing)
        #expect((entries[8]["pricing"] as? [String: Any])?["base_price"] as? Double == 60)
        #expect((entries[12]["locked_price"] as? [String: Any])?["pricing_id"] as? String == sale.pricing)
        #expect(entries[13]["order_id"] as? String == sale.order && entries[13]["total"] as? Double == 130)
        #expect(entries[13]["ticket_ids"] as? [String] == sale.tickets)
        #expect(entries[14]["ticket_ids"] as? [String] == [sale.tickets[1]])
        #expect(entries[14]["refunded_amount"] as? Double == 65 && entries[14]["currency"] as? String == "EUR")
        #expect(entries[5]["seats"] as? [String] == ["A-2"])
        #expect((entries[4]["rows"] as? [[String: Any]])?.first?["to"] as? Int == 5)
        #expect((entries[15]["items"] as? [[String: Any]])?.first?["capacity_id"] as? String == "box")
        try Self.checkPaging(client, entries)
        try Self.checkEnds(client)
    }

    /// An event that was called off owes refunds; one that was deleted had sold nothing.
    private static func checkEnds(_ client: LoopbackClient) throws {
        for (id, method, path, action) in [
            ("off", "POST", "/cancel", "event.cancelled"), ("gone", "DELETE", "", "event.deleted"),
        ] {
            _ = try ask(client, "POST", "/api/v1/events", "{\"id\":\"\(id)\",\"name\":\"A\",\"currency\":\"EUR\"}")
            let reply = try ask(client, method, "/api/v1/events/\(id)\(path)", method == "POST" ? "{}" : "")
            #expect(reply.status < 300, "\(reply.body)")
            let page = try json(ask(client, "GET", "/api/v1/events/\(id)/audit"))
            let entries = page["audit"] as? [[String: Any]] ?? []
            #expect(actions(entries) == ["event.created", action])
            #expect(page["oldest_position"] as? Int == 1, "the log has everything")
        }
    }

    private static func checkPaging(_ client: LoopbackClient, _ entries: [[String: Any]]) throws {
        let positions = entries.map { $0["position"] as? Int ?? 0 }
        #expect(positions == positions.sorted() && positions[12] == positions[13], "one command, one position")
        for limit in [1, 3, 200] {
            let paged = try audit(client, "limit=\(limit)")
            #expect(paged as NSArray == entries as NSArray)
        }
        let part = try audit(client, "from=\(positions[3])&to=\(positions[8])&limit=2")
        #expect(part as NSArray == Array(entries[3...8]) as NSArray)
        #expect(try audit(client, "from=\(positions.last! + 1)").isEmpty)
        #expect(try audit(client, "from=9000000").isEmpty)
    }

    /// A fact may name thousands of seats in a few bytes of the log: pages are as long as what they show.
    @Test func aPageEndsWhereItsEntriesAreLong() async throws {
        try await SaleServer.run { server in
            try await Self.onThread(server) { client in
                try Self.blockSeats(client, times: 12)
                let reply = try client.get("/api/v1/feed?limit=200")
                #expect(reply.body.utf8.count < 300_000, "\(reply.body.utf8.count) bytes")
                let entries = try Self.read(client, "default", 200, from: 0).0
                #expect(entries.count { $0["action"] as? String == "seats.blocked" } == 12)
                #expect(try Self.audit(client).count == entries.count)
            }
        }
    }

    /// Blocks 7,000 seats, which the log tells in a few bytes, and gives them back, so often.
    private static func blockSeats(_ client: LoopbackClient, times: Int) throws {
        let rows = (0..<7).map { "{\"label\":\"\($0)\",\"from\":100,\"to\":1099}" }.joined(separator: ",")
        let seats = (0..<7).flatMap { row in (100..<1_100).map { "\"\(row)-\($0)\"" } }.joined(separator: ",")
        var changes = [
            ("/events", #"{"id":"gala","name":"Gala","currency":"EUR"}"#),
            ("/events/gala/capacity", #"{"id":"box","section_name":"Box","total_capacity":0}"#),
            ("/capacity/box/seats", "{\"rows\":[\(rows)]}"),
        ]
        for _ in 0..<times {
            changes.append(("/capacity/box/seats/block", "{\"seats\":[\(seats)]}"))
            changes.append(("/capacity/box/seats/unblock", "{\"seats\":[\(seats)]}"))
        }
        for (path, body) in changes {
            let reply = try client.post("/api/v1" + path, body)
            guard reply.status < 300 else { throw TestFailure("\(path): \(reply.body)") }
        }
    }

    private static func read(_ client: LoopbackClient, _ tenant: String, _ limit: Int, from start: Int) throws
        -> ([[String: Any]], Int)
    {
        var entries: [[String: Any]] = []
        var next = start
        while true {
            let target = "/api/v1/feed?limit=\(limit)&after=\(next)"
            let page = try json(ask(client, "GET", target, fields: ["X-Tenant-Id: \(tenant)"]))
            entries += page["feed"] as? [[String: Any]] ?? []
            next = page["next_after"] as? Int ?? -1
            if page["is_at_end"] as? Bool != false { return (entries, next) }
        }
    }

    private static func actions(_ entries: [[String: Any]]) -> [String?] { entries.map { $0["action"] as? String } }

    @Test func aFeedIsResumedByPositionAndBelongsToItsTenant() async throws {
        let folder = SaleServer.makeFolder()
        defer { try? FileManager.default.removeItem(atPath: folder) }
        let seen = Seen()
        try await SaleServer.run(folder: folder, shards: 2) { server in
            try await Self.onThread(server) { try Self.followFirst($0, seen) }
        }
        try await SaleServer.run(folder: folder, shards: 1) { server in
            try await Self.onThread(server) { try Self.followOn($0, seen) }
        }
    }

    private static func followFirst(_ client: LoopbackClient, _ seen: Seen) throws {
        _ = try makeSale(client, tenant: "north")
        _ = try makeSale(client, tenant: "south")
        (seen.entries, seen.after) = try read(client, "north", 4, from: 0)
        #expect(actions(seen.entries) == actions)
        let south = try read(client, "south", 200, from: 0).0
        #expect(actions(south) == actions)
        let positions = Set(seen.entries.map { $0["position"] as? Int })
        #expect(positions.isDisjoint(with: south.map { $0["position"] as? Int }))
        #expect(try read(client, "east", 200, from: 0).0.isEmpty)
        try checkLines(client, seen.entries)
    }

    private static func followOn(_ client: LoopbackClient, _ seen: Seen) throws {
        #expect(try read(client, "north", 200, from: seen.after).0.isEmpty)
        let fields = ["X-Tenant-Id: north", "X-Customer-Id: fay", "Idempotency-Key: again"]
        let body = #"{"quantity":1}"#
        #expect(try ask(client, "POST", "/api/v1/capacity/floor/reserve", body, fields: fields).status == 200)
        let more = try read(client, "north", 200, from: seen.after).0
        #expect(actions(more) == ["reservation.created"])
        let all = try read(client, "north", 3, from: 0).0
        #expect(all as NSArray == seen.entries + more as NSArray)
    }

    private static func checkLines(_ client: LoopbackClient, _ entries: [[String: Any]]) throws {
        let fields = ["X-Tenant-Id: north", "Accept: text/html;q=0.1, application/x-ndjson;q=0.9"]
        let reply = try ask(client, "GET", "/api/v1/feed?limit=200", fields: fields)
        #expect(reply.headers["content-type"] == "application/x-ndjson")
        let lines = try reply.body.split(separator: "\n").map {
            try JSONSerialization.jsonObject(with: Data($0.utf8)) as? [String: Any] ?? [:]
        }
        #expect(lines as NSArray == entries as NSArray)
        #expect(reply.headers["link"]?.hasPrefix("</api/v1/feed?limit=200&after=") == true)
        let head = try ask(client, "HEAD", "/api/v1/feed", fields: fields)
        #expect(head.status == 200 && head.body.isEmpty)
    }

    /// Every start begins another file of the log, and every stop takes a snapshot: the first files are let go of.
    @Test func whatIsGoneIsGoneWithTheOldestThatThereIs() async throws {
        let folder = SaleServer.makeFolder()
        defer { try? FileManager.default.removeItem(atPath: folder) }
        for life in 0..<4 {
            try await SaleServer.run(folder: folder) { server in
                try await Self.onThread(server) { client in
                    if life == 0 { _ = try Self.makeSale(client) }
                    _ = try Self.ask(client, "POST", "/api/v1/capacity/floor/reserve", #"{"quantity":1}"#)
                    if life == 3 { try Self.checkGone(client) }
                }
            }
        }
    }

    private static func checkGone(_ client: LoopbackClient) throws {
        for target in ["/api/v1/feed?after=0", "/api/v1/events/gala/audit?from=1"] {
            let gone = try ask(client, "GET", target)
            #expect(gone.status == 410)
            let problem = try json(gone)
            #expect(problem["code"] as? String == "POSITION_GONE")
            let oldest = try #require(problem["oldest_position"] as? Int)
            #expect(oldest > 10)
            let rest = try json(ask(client, "GET", "/api/v1/feed?after=\(oldest - 1)"))
            #expect((rest["feed"] as? [[String: Any]])?.first?["position"] as? Int == oldest)
        }
        let oldest = try json(ask(client, "GET", "/api/v1/feed"))
        #expect((oldest["feed"] as? [Any])?.isEmpty == false, "without a position: what there is")
        #expect(try audit(client).isEmpty == false)
    }

    private static let nonsense = [
        ("/api/v1/feed?after=-1", 422, "VALIDATION_FAILED"), ("/api/v1/feed?after=x", 422, "VALIDATION_FAILED"),
        ("/api/v1/feed?after=99999", 422, "VALIDATION_FAILED"), ("/api/v1/feed?limit=0", 422, "VALIDATION_FAILED"),
        ("/api/v1/feed?limit=201", 422, "VALIDATION_FAILED"),
        ("/api/v1/events/gala/audit?from=0", 422, "VALIDATION_FAILED"),
        ("/api/v1/events/gala/audit?to=0", 422, "VALIDATION_FAILED"),
        ("/api/v1/events/gala/audit?cursor=abc", 422, "VALIDATION_FAILED"),
        ("/api/v1/events/gala/audit?cursor=_AAAAAAAAAAA", 422, "VALIDATION_FAILED"),
        ("/api/v1/events/none/audit", 404, "EVENT_NOT_FOUND"),
    ]

    @Test func whatMakesNoSenseIsRefused() async throws {
        try await SaleServer.run { server in
            try server.putOnSale("gala", places: 5)
            try await Self.onThread(server) { client in
                for (target, status, code) in Self.nonsense {
                    let reply = try client.get(target)
                    #expect(reply.status == status && reply.body.contains(code), "\(target): \(reply.body)")
                }
                let foreign = try Self.ask(client, "GET", "/api/v1/events/gala/audit", fields: ["X-Tenant-Id: other"])
                #expect(foreign.status == 404, "another tenant's event is none")
            }
        }
    }
}
