import Foundation
import Testing

@testable import Engine
@testable import Server

/// Reports over a socket: every route with exact sums, every refusal, and the same again after a restart from the snapshot
/// and from the log alone.
@Suite struct ReportTests {
    private typealias JSON = [String: Any]
    /// Noon of 2027-01-15.
    private static let noon: Int64 = 1_800_014_400_000
    private static let clock = EngineClock(system: { noon * 1_000 }, monotonic: { 0 })

    /// Runs what waits for a socket on a thread of its own: the threads of Swift's tasks are few, and a report needs one.
    private func onThread(_ server: SaleServer, _ body: @escaping @Sendable (LoopbackClient) throws -> Void)
        async throws
    {
        let port = server.port
        try await withCheckedThrowingContinuation { (continuation: CheckedContinuation<Void, any Error>) in
            Thread.detachNewThread { continuation.resume(with: Result { try body(LoopbackClient(port: port)) }) }
        }
    }

    // MARK: - A small season

    /// A gala in euros and a play in yen, both in the hall; another shop's gala.
    private func open(_ client: LoopbackClient) throws {
        for (path, body) in [
            ("/api/v1/venues", #"{"id":"hall","name":"Hall","max_capacity":1000}"#),
            ("/api/v1/venues", #"{"id":"empty","name":"Empty","max_capacity":1000}"#),
            ("/api/v1/events", #"{"id":"gala","name":"Gala","currency":"EUR","venue_id":"hall"}"#),
            ("/api/v1/events/gala/pricing", #"{"base_price":33.33,"service_fee":1.50,"tax_rate":0.08}"#),
            ("/api/v1/events/gala/capacity", #"{"id":"floor","section_name":"Floor","total_capacity":100}"#),
            ("/api/v1/events/gala/capacity", #"{"id":"box","section_name":"Box","total_capacity":10}"#),
            ("/api/v1/events/gala/publish", "{}"),
            ("/api/v1/events", #"{"id":"play","name":"Play","currency":"JPY","venue_id":"hall"}"#),
            ("/api/v1/events/play/pricing", #"{"base_price":1500}"#),
            ("/api/v1/events/play/capacity", #"{"id":"stalls","section_name":"Stalls","total_capacity":10}"#),
            ("/api/v1/events/play/publish", "{}"),
            ("/api/v1/events", #"{"id":"draft","name":"Draft","currency":"EUR"}"#),
        ] {
            let reply = try client.post(path, body)
            try #require(reply.status < 300, "\(path): \(reply.body)")
        }
    }

    private func json(_ reply: LoopbackClient.Reply) throws -> JSON {
        try #require(try JSONSerialization.jsonObject(with: Data(reply.body.utf8)) as? JSON, "\(reply.body)")
    }

    private func reserve(_ client: LoopbackClient, _ section: String, _ quantity: Int, _ customer: String) throws
        -> String
    {
        let body = #"{"quantity":\#(quantity),"customer_id":"\#(customer)"}"#
        let reply = try client.post("/api/v1/capacity/\(section)/reserve", body)
        return try #require((try json(reply)["reservation"] as? JSON)?["id"] as? String, "\(reply.body)")
    }

    /// - Returns: the order's answer.
    private func buy(_ client: LoopbackClient, _ section: String, _ quantity: Int, _ customer: String) throws -> JSON {
        let id = try reserve(client, section, quantity, customer)
        let reply = try client.post("/api/v1/reservations/\(id)/confirm", #"{"payment_reference":"p"}"#)
        try #require(reply.status == 200, "\(reply.body)")
        return try json(reply)
    }

    /// Ada buys three and one, Ben two of which he gives the first back; one is given back before, one stays open; Ada has
    /// seats for the play.
    private func sell(_ client: LoopbackClient) throws {
        _ = try buy(client, "floor", 3, "ada")
        _ = try buy(client, "box", 1, "ada")
        let ben = try buy(client, "floor", 2, "ben")
        let order = try #require((ben["order"] as? JSON)?["id"] as? String)
        let ticket = try #require((ben["tickets"] as? [JSON])?.first?["id"] as? String)
        let refund = try client.post("/api/v1/orders/\(order)/refund", #"{"tickets":["\#(ticket)"]}"#)
        try #require(refund.status == 200, "\(refund.body)")
        let given = try reserve(client, "floor", 1, "ben")
        _ = try client.post("/api/v1/reservations/\(given)/release", "{}")
        _ = try reserve(client, "box", 2, "ben")
        _ = try buy(client, "stalls", 2, "ada")
    }

    private func report(_ client: LoopbackClient, _ path: String, type: String) throws -> JSON {
        let reply = try client.get("/api/v1/reports/\(path)")
        try #require(reply.status == 200, "\(path): \(reply.body)")
        let schemas = try SchemaCheck()
        let route = path.prefix { $0 != "?" }
        let name = route.contains("/") ? route.prefix { $0 != "/" } + "/{id}" : route
        let differences = schemas.differences(try json(reply), schemas.success(of: "/api/v1/reports/\(name)"))
        #expect(differences == [], "\(path)")
        let report = try #require(try json(reply)["report"] as? JSON)
        #expect(Set(report.keys) == ["type", "data", "generated_at"])
        #expect(report["type"] as? String == type)
        #expect(report["generated_at"] as? String == "2027-01-15T12:00:00.000Z")
        return try #require(report["data"] as? JSON)
    }

    /// The member's text as it stands in the answer: money is compared digit for digit.
    private func has(_ client: LoopbackClient, _ path: String, _ texts: [String]) throws {
        let body = try client.get("/api/v1/reports/\(path)").body
        for text in texts { #expect(body.contains(text), "\(path) lacks \(text): \(body)") }
    }

    // MARK: - Every report

    @Test func everyReportIsExactAlsoAfterRestarts() async throws {
        let folder = SaleServer.makeFolder()
        defer { try? FileManager.default.removeItem(atPath: folder) }
        try await SaleServer.run(folder: folder, shards: 2, clock: Self.clock) { server in
            try await onThread(server) { client in
                try open(client)
                try sell(client)
                try check(client)
            }
        }
        try await SaleServer.run(folder: folder, shards: 1, clock: Self.clock) { try await onThread($0, check) }
        for file in try FileManager.default.contentsOfDirectory(atPath: folder) where file.hasPrefix("snap-") {
            try FileManager.default.removeItem(atPath: folder + "/" + file)
        }
        try await SaleServer.run(folder: folder, shards: 2, clock: Self.clock) { try await onThread($0, check) }
    }

    @Sendable private func check(_ client: LoopbackClient) throws {
        try checkSales(client)
        try checkTenant(client)
        try checkAnalytics(client)
        try checkCustomers(client)
    }

    /// Lines of 3, 1 and 2 at 33.33 + 1.50 and 8 %: tax 8.36, 2.79, 5.57. Ben's first ticket bears 2.79 of its line's.
    private func checkSales(_ client: LoopbackClient) throws {
        let whole = """
            "orders":3,"tickets_sold":6,"gross":199.98,"service_fee":9.00,"facility_fee":0.00,"tax":16.72,"total":225.70,\
            "refunds":{"tickets":1,"gross":33.33,"service_fee":1.50,"facility_fee":0.00,"tax":2.79,"total":37.62},\
            "net":188.08
            """
        let tier = whole.replacing("\"orders\":3,", with: "")
        try has(
            client,
            "sales?event_id=gala",
            [
                whole, #""by_day":[{"date":"2027-01-15",\#(whole)}]"#, #""name":"",\#(tier)}]"#,
                #""undated_refunds":null,"earlier":null"#,
                #"{"capacity_id":"box","section_name":"Box","tickets_sold":1,"gross":33.33,"service_fee":1.50,"#,
            ]
        )
        let data = try report(client, "sales?event_id=gala&from=2027-01-15&to=2027-01-15", type: "sales")
        #expect(data["tickets_sold"] as? Int == 6 && data["by_section"] is NSNull && data["by_price_tier"] is NSNull)
        #expect(data["from"] as? String == "2027-01-15" && data["to"] as? String == "2027-01-15")
        let before = try report(client, "sales?event_id=gala&to=2027-01-14", type: "sales")
        #expect(before["tickets_sold"] as? Int == 0 && (before["by_day"] as? [Any])?.isEmpty == true)
        let page = try report(client, "sales?event_id=gala&limit=1", type: "sales")
        let cursor = try #require(page["next_cursor"] as? String)
        let next = try report(client, "sales?event_id=gala&limit=1&cursor=\(cursor)", type: "sales")
        let names = [page, next].flatMap { ($0["by_section"] as? [JSON] ?? []).map { $0["capacity_id"] as? String } }
        #expect(names == ["floor", "box"] && next["next_cursor"] is NSNull)
    }

    private func checkTenant(_ client: LoopbackClient) throws {
        let yen = """
            {"currency":"JPY","events":1,"orders":1,"tickets_sold":2,"gross":3000,"service_fee":0,"facility_fee":0,"tax":0,\
            "total":3000
            """
        try has(client, "sales", [yen, #"{"currency":"EUR","events":2,"orders":3,"tickets_sold":6"#])
        for path in ["venues", "venues/hall", "venues/hall?from=2027-01-15"] {
            _ = try report(client, path, type: "venues")
        }
        _ = try report(client, "sales", type: "sales")
        try has(client, "venues", [#""venues":[{"venue_id":"hall","events":2,"currencies":[{"currency":"EUR""#, yen])
        try has(client, "venues/hall", [#""venue_id":"hall","events":2"#, yen, #""by_day":[{"date":"2027-01-15""#])
        try has(client, "venues/empty", [#""venue_id":"empty","events":0,"currencies":[]"#])
        let dashboard = try report(client, "dashboard", type: "dashboard")
        #expect(dashboard["events"] as? [String: Int] == ["total": 3, "draft": 1, "published": 2, "cancelled": 0])
        #expect(dashboard["tickets_sold"] as? Int == 8 && dashboard["tickets_sold_today"] as? Int == 8)
        #expect(dashboard["open_reservations"] as? Int == 1 && dashboard["refunded_tickets"] as? Int == 1)
        let top = try #require(dashboard["top_events"] as? [JSON]).map { $0["event_id"] as? String }
        #expect(top == ["gala", "play"])
        try has(client, "dashboard", [#""date":"2027-01-15""#, #""today":{"orders":1,"tickets_sold":2,"gross":3000"#])
    }

    private func checkAnalytics(_ client: LoopbackClient) throws {
        try has(
            client,
            "analytics?event_id=gala",
            [
                #""average_order":75.23"#,
                #""reservations":{"made":5,"open":1,"confirmed":3,"released":1,"expired":0,"ended_before":0,"conversion_rate":0.6}"#,
                #""by_hour":[{"hour":"2027-01-15T12:00:00.000Z","orders":3,"tickets_sold":6,"total":225.70}]"#,
                #""reserved_capacity":2,"sold_count":1,"sell_through":0.1}"#,
                #""reserved_capacity":0,"sold_count":4,"sell_through":0.04}"#,
                #""tickets_sold":6,"refunded_tickets":1,"share_of_tickets":1}"#,
            ]
        )
        _ = try report(client, "analytics?event_id=gala", type: "analytics")
        _ = try report(client, "customers/ada", type: "customers")
        try has(client, "analytics?event_id=draft", [#""average_order":null"#, #""conversion_rate":null"#])
    }

    private func checkCustomers(_ client: LoopbackClient) throws {
        let top = try report(client, "customers?event_id=gala", type: "customers")
        let ranked = try #require(top["customers"] as? [JSON]).map { $0["customer_id"] as? String }
        #expect(ranked == ["ada", "ben"])
        try has(
            client,
            "customers?event_id=gala&limit=1",
            [#"[{"customer_id":"ada","orders":2,"tickets":4,"spent":150.47}]"#]
        )
        try has(
            client,
            "customers/ada",
            [
                #""customer_id":"ada","events":2,"currencies":[{"currency":"EUR","orders":2,"tickets":4,"spent":150.47,"#,
                #"{"currency":"JPY","orders":1,"tickets":2,"spent":3000,"#,
            ]
        )
        try has(
            client,
            "customers/ben?event_id=gala",
            [
                #""orders":1,"tickets":2,"spent":75.23,"refunds":{"tickets":1,"gross":33.33,"#,
                #""net":37.61,"open_reservations":1,"open_places":2}"#,
            ]
        )
        let nobody = try report(client, "customers/nobody", type: "customers")
        #expect(nobody["events"] as? Int == 0 && (nobody["currencies"] as? [Any])?.isEmpty == true)
    }

    // MARK: - Refusals

    @Test func whatCannotBeAskedIsRefused() async throws {
        try await SaleServer.run { try await onThread($0, checkRefusals) }
    }

    @Sendable private func checkRefusals(_ client: LoopbackClient) throws {
        try open(client)
        for (path, expected) in [
            ("sales?event_id=gone", "404 EVENT_NOT_FOUND"), ("analytics?event_id=gone", "404 EVENT_NOT_FOUND"),
            ("customers?event_id=gone", "404 EVENT_NOT_FOUND"),
            ("customers/ada?event_id=gone", "404 EVENT_NOT_FOUND"),
            ("venues/nowhere", "404 VENUE_NOT_FOUND"), ("analytics", "422 VALIDATION_FAILED"),
            ("customers", "422 VALIDATION_FAILED"), ("sales?from=2026-02-30", "422 VALIDATION_FAILED"),
            ("sales?from=yesterday", "422 VALIDATION_FAILED"), ("sales?to=1969-12-31", "422 VALIDATION_FAILED"),
            ("sales?from=2026-11-22&to=2026-11-21", "422 VALIDATION_FAILED"),
            ("venues?from=2026-11-22&to=2026-11-21", "422 VALIDATION_FAILED"),
            ("venues/hall?from=2026-11-2", "422 VALIDATION_FAILED"), ("venues?cursor=!", "422 VALIDATION_FAILED"),
            ("sales?event_id=gala&cursor=!", "422 VALIDATION_FAILED"),
            ("venues?limit=201", "422 VALIDATION_FAILED"),
            ("customers?event_id=gala&limit=101", "422 VALIDATION_FAILED"),
            ("sales?from=1970-01-01&from=1970-01-02", "400 MALFORMED_TARGET"), ("profit", "404 ROUTE_NOT_FOUND"),
            ("sales/gala", "404 ROUTE_NOT_FOUND"), ("customers/ada/orders", "404 ROUTE_NOT_FOUND"),
        ] {
            let reply = try client.get("/api/v1/reports/\(path)")
            #expect("\(reply.status) \(try json(reply)["code"] as? String ?? "-")" == expected, "\(path)")
        }
        let posted = try client.post("/api/v1/reports/sales", "{}")
        #expect(posted.status == 405 && posted.headers["allow"] == "GET, HEAD")
    }

    private func get(_ client: LoopbackClient, _ path: String, _ field: String) throws -> LoopbackClient.Reply {
        try client.send("GET /api/v1/reports/\(path) HTTP/1.1\r\nHost: test\r\n\(field)\r\n\r\n")
        return try client.next()
    }

    @Test func nobodySeesAnothersBooks() async throws {
        try await SaleServer.run(shards: 2) { try await onThread($0, checkOthers) }
    }

    @Sendable private func checkOthers(_ client: LoopbackClient) throws {
        try open(client)
        try sell(client)
        #expect(try get(client, "sales?event_id=gala", "X-Tenant-Id: rival").status == 404)
        #expect(try get(client, "analytics?event_id=gala", "X-Tenant-Id: rival").status == 404)
        #expect(try get(client, "venues/hall", "X-Tenant-Id: rival").status == 404)
        for (path, empty) in [
            ("sales", #""currencies":[]"#), ("venues", #""venues":[]"#), ("dashboard", #""top_events":[]"#),
            ("customers/ada", #""events":0,"currencies":[]"#),
        ] {
            let reply = try get(client, path, "X-Tenant-Id: rival")
            #expect(reply.status == 200 && reply.body.contains(empty), "\(path): \(reply.body)")
        }
        #expect(try get(client, "customers/ada", "X-Customer-Id: ada").status == 200)
        for path in [
            "customers/ben", "dashboard", "sales", "sales?event_id=gala", "venues", "customers?event_id=gala",
        ] {
            let reply = try get(client, path, "X-Customer-Id: ada")
            #expect(reply.status == 404 && reply.body.contains("REPORT_NOT_FOUND"), "\(path): \(reply.body)")
        }
    }

    /// Reports over all events are made a few at a time; the others hear so, and nobody waits for ever.
    @Test func manyAtOnceAreAnsweredOrRefused() async throws {
        try await SaleServer.run { try await onThread($0, checkMany) }
    }

    @Sendable private func checkMany(_ client: LoopbackClient) throws {
        try open(client)
        let count = 64
        try client.send(
            String(repeating: "GET /api/v1/reports/dashboard HTTP/1.1\r\nHost: test\r\n\r\n", count: count)
        )
        var answered = 0
        for _ in 0..<count {
            let reply = try client.next()
            if reply.status == 200 { answered += 1 }
            let isRefused = reply.status == 503 && reply.body.contains("TOO_MANY_REPORTS")
            #expect(reply.status == 200 || (isRefused && reply.headers["retry-after"] == "1"), "\(reply.body)")
        }
        #expect(answered >= LoopFront.tenantReportsMax)
        #expect(try client.get("/api/v1/reports/dashboard").status == 200)
    }
}
