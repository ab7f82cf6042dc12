import Auth
import Foundation
import Testing

@testable import Engine
@testable import Server

/// What `/metrics` says of a whole server, over real connections.
@Suite struct MetricsTests {
    private func scrape(_ client: LoopbackClient) throws -> Exposition {
        let reply = try client.get("/metrics")
        #expect(reply.status == 200)
        #expect(reply.headers["content-type"] == "text/plain; version=0.0.4; charset=utf-8")
        return Exposition(reply.body)
    }

    private func reserve(_ client: LoopbackClient, _ quantity: Int, status: Int = 200) throws -> String {
        let body = #"{"quantity":\#(quantity),"customer_id":"ada"}"#
        let reply = try client.post("/api/v1/capacity/gala/reserve", body)
        #expect(reply.status == status, "\(reply.body)")
        guard let range = reply.body.range(of: #"rsv_[A-Za-z0-9_-]+"#, options: .regularExpression) else { return "" }
        return String(reply.body[range])
    }

    /// Six places of ten: an order of three, one given up, two held.
    private func sell(_ client: LoopbackClient) throws {
        let order = try reserve(client, 3)
        let confirm = "/api/v1/reservations/\(order)/confirm"
        for _ in 0..<2 { #expect(try client.post(confirm, #"{"payment_reference":"p"}"#, key: "once").status == 200) }
        let given = try reserve(client, 1)
        #expect(try client.post("/api/v1/reservations/\(given)/release", "{}").status < 300)
        _ = try reserve(client, 2)
        _ = try reserve(client, 9, status: 409)
    }

    private func expectSale(_ metrics: Exposition) {
        for (series, value) in [
            ("holdfast_places{state=\"available\"}", 5.0), ("holdfast_places{state=\"reserved\"}", 2),
            ("holdfast_places{state=\"sold\"}", 3), ("holdfast_places{state=\"buffer\"}", 0),
            ("holdfast_event_places{tenant=\"default\",event=\"gala\",state=\"available\"}", 5),
            ("holdfast_events_shown", 1), ("holdfast_events", 1), ("holdfast_reservations_open", 1),
        ] {
            #expect(metrics[series] == value, "\(series)")
        }
    }

    @Test(arguments: [1, 2])
    func aSaleIsCountedOnEveryLoop(shards: Int) async throws {
        let folder = SaleServer.makeFolder()
        defer { try? FileManager.default.removeItem(atPath: folder) }
        try await SaleServer.run(folder: folder, shards: shards) { server in
            try server.putOnSale("gala", places: 10)
            try sell(try server.connect())
            let metrics = try scrape(try server.connect())
            expectSale(metrics)
            for (name, value) in [
                ("reservations_created", 3.0), ("reservations_confirmed", 1), ("reservations_released", 1),
                ("reservations_expired", 0), ("tickets_sold", 3), ("tickets_refunded", 0), ("tickets_scanned", 0),
                ("idempotent_replays", 1), ("rejections", 1),
            ] {
                #expect(metrics["holdfast_\(name)_total"] == value, "\(name)")
            }
            let name = "holdfast_http_requests_total"
            #expect(metrics.sum(name, "route=\"capacityReserve\"", "method=\"POST\"", "status=\"200\"") == 3)
            #expect(metrics.sum(name, "route=\"capacityReserve\"", "status=\"409\"") == 1)
            #expect(metrics.sum(name, "route=\"reservationConfirm\"") == 2)
            #expect(metrics["holdfast_http_request_duration_seconds_count{group=\"reserve\"}"] == 4)
            #expect(metrics["holdfast_http_request_duration_seconds_count{group=\"confirm\"}"] == 2)
            // What was confirmed has been to the disk.
            #expect(metrics["holdfast_http_request_duration_seconds_sum{group=\"confirm\"}"]! > 0.000_1)
            #expect(metrics["holdfast_problems_total{code=\"SOLD_OUT\"}"] == 1)
            #expect(metrics["holdfast_loops"] == Double(shards))
            #expect(metrics["holdfast_log_records_total"] == metrics["holdfast_log_durable_position"])
            #expect(metrics["holdfast_log_batch_records_sum"] == metrics["holdfast_log_records_total"])
            #expect(metrics["holdfast_log_commit_duration_seconds_sum"]! > 0)
            #expect(metrics["process_resident_memory_bytes"]! > 1_000_000)
        }
        // What is, comes back with a start; what was done, is counted anew.
        try await SaleServer.run(folder: folder, shards: shards) { server in
            let metrics = try scrape(try server.connect())
            expectSale(metrics)
            #expect(metrics["holdfast_tickets_sold_total"] == 0)
            #expect(metrics["holdfast_snapshot_timestamp_seconds"]! > 1_700_000_000)
            #expect(metrics["holdfast_snapshot_pending_records"] == 0)
        }
    }

    @Test func refundsAndScansAreCounted() async throws {
        try await SaleServer.run { server in
            try server.putOnSale("gala", places: 10)
            let client = try server.connect()
            let confirm = "/api/v1/reservations/\(try reserve(client, 4))/confirm"
            let answer = try CatalogueClient.json(try client.post(confirm, #"{"payment_reference":"p"}"#))
            let tickets = try #require(answer["tickets"] as? [[String: Any]])
            let order = try #require((answer["order"] as? [String: Any])?["id"] as? String)
            let ids = tickets.map { $0["id"] as! String }
            let refund = #"{"tickets":["\#(ids[0])"]}"#
            let refunded = try client.post("/api/v1/orders/\(order)/refund", refund)
            #expect(refunded.status == 200, "\(refunded.body)")
            for _ in 0..<2 {
                let scan = #"{"code":"\#(ids[1]).\#(tickets[1]["code"] as! String)"}"#
                _ = try client.post("/api/v1/tickets/validate", scan)
            }
            let metrics = try scrape(client)
            #expect(metrics["holdfast_tickets_sold_total"] == 4)
            #expect(metrics["holdfast_tickets_refunded_total"] == 1)
            #expect(metrics["holdfast_tickets_scanned_total"] == 1)
        }
    }

    /// In a line of a batch, before a route, and where the request can't be read.
    @Test(arguments: [1, 2])
    func everyRefusalIsCountedByItsCode(shards: Int) async throws {
        try await SaleServer.run(shards: shards) { server in
            for event in ["gala", "ball", "play", "race"] { try server.putOnSale(event, places: 1) }
            let client = try server.connect()
            var lines: [String] = []
            for event in ["gala", "ball", "play", "race"] {
                lines += [#"{"op":"reserve","capacity_id":"\#(event)","quantity":2,"customer_id":"a"}"#]
            }
            let answers = try client.batch(lines + ["{}"])
            #expect(answers.prefix(4).allSatisfy { $0.code == "SOLD_OUT" }, "\(answers)")
            _ = try client.get("/nowhere")
            _ = try client.post("/api/v1/events/none/publish", "{}")
            let broken = try server.connect()
            try broken.send("GET / HTTP/1.1\r\nHost: a\r\nHost: b\r\n\r\n")
            #expect(try broken.next().status == 400)
            let metrics = try scrape(client)
            let codes = metrics.values.filter { $0.key.hasPrefix("holdfast_problems_total") }
            #expect(codes["holdfast_problems_total{code=\"SOLD_OUT\"}"] == 4, "\(codes)")
            #expect(codes["holdfast_problems_total{code=\"ROUTE_NOT_FOUND\"}"] == 1, "\(codes)")
            #expect(codes["holdfast_problems_total{code=\"EVENT_NOT_FOUND\"}"] == 1, "\(codes)")
            #expect(codes["holdfast_problems_total{code=\"MALFORMED_REQUEST\"}"] == 1, "\(codes)")
            #expect(codes.values.reduce(0, +) == 8, "\(codes)")
            #expect(codes["holdfast_problems_total{code=\"OVERLOADED\"}"] == 0, "\(codes)")
            let requests = "holdfast_http_requests_total"
            #expect(metrics[requests + #"{route="none",method="none",status="404"}"#] == 1)
            #expect(metrics[requests + #"{route="none",method="none",status="400"}"#] == 1)
            #expect(metrics[requests + #"{route="eventPublish",method="POST",status="404"}"#] == 1)
            #expect(metrics[requests + #"{route="batch",method="POST",status="200"}"#] == 1)
        }
    }

    @Test func requestsBehindEachOtherAreCountedEach() async throws {
        try await SaleServer.run(shards: 2) { server in
            try server.putOnSale("gala")
            let client = try server.connect()
            for _ in 0..<3 {
                for number in 0..<50 {
                    let path = number % 2 == 0 ? "/health" : "/api/v1/events/gala"
                    try client.send("GET \(path) HTTP/1.1\r\nHost: test\r\n\r\n")
                }
                for _ in 0..<50 { #expect(try client.next().status == 200) }
            }
            let metrics = try scrape(client)
            let requests = "holdfast_http_requests_total"
            #expect(metrics[requests + #"{route="health",method="GET",status="200"}"#] == 75)
            #expect(metrics[requests + #"{route="event",method="GET",status="200"}"#] == 75)
            #expect(metrics["holdfast_http_request_duration_seconds_count{group=\"read\"}"] == 75)
        }
    }

    @Test func connectionsAndStreamsHaveGauges() async throws {
        try await SaleServer.run { server in
            try server.putOnSale("gala")
            let stream = try EventStream(server, "/api/v1/events/gala/availability/stream")
            _ = try stream.some()
            let metrics = try scrape(try server.connect())
            #expect(metrics["holdfast_streams"] == 1 && metrics["holdfast_feed_streams"] == 0)
            #expect(metrics["holdfast_connections"]! >= 2)
            #expect(metrics["holdfast_connections_limit"] == Double(ConnectionLimits().connectionsMax))
            #expect(metrics["holdfast_connections_accepted_total"]! >= 3)
            let opened = #"{route="eventAvailabilityStream",method="GET",status="200"}"#
            #expect(metrics["holdfast_http_requests_total" + opened] == 1)
        }
    }

    /// More events than are shown, and the sums are there all the same.
    @Test func manyEventsAreNotShownOneByOne() async throws {
        try await SaleServer.run(shards: 2) { server in
            let count = Operations.metricsEventsMaxDefault
            for number in 0..<count { try server.putOnSale("e\(number)", places: 10) }
            let client = try server.connect()
            let all = try scrape(client)
            #expect(all["holdfast_events_shown"] == Double(count))
            #expect(all.values.keys.count { $0.hasPrefix("holdfast_event_places{") } == 4 * count)
            try server.putOnSale("last", places: 10)
            let none = try scrape(client)
            #expect(none["holdfast_events_shown"] == 0 && none["holdfast_events"] == Double(count + 1))
            #expect(!none.names.contains("holdfast_event_places"))
            #expect(none.sum("holdfast_places") == Double(10 * (count + 1)))
        }
    }
}
