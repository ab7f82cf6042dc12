import Foundation
import Testing

@testable import Engine
@testable import Server

/// Tickets over a socket: read, scanned, given away, refunded, and the event called off; with restarts in between.
@Suite struct TicketRouteTests {
    private func json(_ reply: LoopbackClient.Reply) throws -> [String: Any] {
        try #require(try JSONSerialization.jsonObject(with: Data(reply.body.utf8)) as? [String: Any], "\(reply.body)")
    }

    private func code(_ reply: LoopbackClient.Reply) throws -> String {
        "\(reply.status) \(try json(reply)["code"] as? String ?? "-")"
    }

    private func member(_ reply: LoopbackClient.Reply, _ name: String) throws -> [String: Any] {
        try #require(try json(reply)[name] as? [String: Any], "\(reply.body)")
    }

    /// An order of two tickets on the floor at 50.00, bought by ada under the key "buy".
    private struct Order {
        let id: String
        let tickets: [String]
        let scanCodes: [String]
        /// What the confirmation answered.
        let answer: String
        let reservation: String
    }

    private func buy(_ client: LoopbackClient, in event: String = "gala", by customer: String = "ada") throws -> Order {
        let held = try client.post("/api/v1/capacity/\(event)/reserve", #"{"quantity":2,"customer_id":"\#(customer)"}"#)
        let reservation = try #require(try member(held, "reservation")["id"] as? String)
        let confirmed = try confirm(client, reservation)
        let tickets = try #require(try json(confirmed)["tickets"] as? [[String: Any]])
        let ids = tickets.map { $0["id"] as! String }
        return Order(
            id: try #require(try member(confirmed, "order")["id"] as? String),
            tickets: ids,
            scanCodes: zip(ids, tickets).map { "\($0).\($1["code"] as! String)" },
            answer: confirmed.body,
            reservation: reservation
        )
    }

    private func confirm(_ client: LoopbackClient, _ reservation: String) throws -> LoopbackClient.Reply {
        try client.post(
            "/api/v1/reservations/\(reservation)/confirm",
            #"{"payment_reference":"p"}"#,
            key: "buy-\(reservation)"
        )
    }

    private func ticket(_ client: LoopbackClient, _ id: String, by customer: String? = nil) throws
        -> LoopbackClient.Reply
    {
        try client.ask("GET", "/api/v1/tickets/\(id)", by: customer)
    }

    private func validate(_ client: LoopbackClient, _ body: String, key: String? = nil) throws -> LoopbackClient.Reply {
        try client.post("/api/v1/tickets/validate", body, key: key)
    }

    // MARK: - Reading and scanning

    @Test func aTicketIsReadAndScannedOnce() async throws {
        let folder = SaleServer.makeFolder()
        defer { try? FileManager.default.removeItem(atPath: folder) }
        try await SaleServer.run(folder: folder, clock: SettableTime().clock()) { server in
            try server.putOnSale("gala")
            let client = try server.connect()
            let order = try buy(client)
            let issued = try member(try ticket(client, order.tickets[0]), "ticket")
            #expect(issued["status"] as? String == "issued" && issued["scan_code"] as? String == order.scanCodes[0])
            #expect(issued["order_id"] as? String == order.id && issued["capacity_id"] as? String == "gala")
            #expect(try code(try ticket(client, order.tickets[0], by: "ben")) == "404 TICKET_NOT_FOUND")
            #expect(try ticket(client, order.tickets[0], by: "ada").status == 200)
            let scan = #"{"code":"\#(order.scanCodes[0])","scanned_at":"2026-11-21T12:00:00Z"}"#
            let first = try validate(client, scan, key: "scan")
            #expect(first.status == 200)
            #expect(try member(first, "scan")["code"] as? String == "CHECKED_IN")
            #expect(try validate(client, scan).body == first.body)
            let second = try validate(client, #"{"code":"\#(order.scanCodes[0])"}"#)
            #expect(try code(second) == "409 ALREADY_CHECKED_IN")
            #expect(try json(second)["checked_in_at"] as? String == "2026-11-21T12:00:00.000Z")
            #expect(try validate(client, scan, key: "scan").body == first.body)
            let read = try ticket(client, order.tickets[0])
            #expect(try member(read, "ticket")["status"] as? String == "checked_in")
            #expect(try member(read, "ticket")["checked_in_at"] as? String == "2026-11-21T12:00:00.000Z")
            let page = try json(try client.get("/api/v1/orders/\(order.id)"))["tickets"] as? [[String: Any]]
            #expect(page?.map { $0["status"] as? String } == ["checked_in", "issued"])
            #expect(try confirm(client, order.reservation).body == order.answer)
        }
    }

    @Test func everyRefusalOfAScanHasItsOwnCode() async throws {
        try await SaleServer.run { server in
            try server.putOnSale("gala")
            try server.putOnSale("ball")
            let client = try server.connect()
            let order = try buy(client)
            let other = try buy(client, in: "ball")
            let gates = "/api/v1/events/gala/gates"
            _ = try client.post(
                "/api/v1/events/gala/capacity",
                #"{"id":"box","section_name":"Box","total_capacity":9}"#
            )
            #expect(try client.post(gates, #"{"id":"box","capacity_ids":["box"]}"#).status == 200)
            #expect(try client.post(gates, #"{"id":"early","closes_at":"2026-01-01T00:00:00Z"}"#).status == 200)
            _ = try client.post("/api/v1/orders/\(order.id)/refund", #"{"tickets":["\#(order.tickets[1])"]}"#)
            let forged = String(order.scanCodes[0].dropLast()) + (order.scanCodes[0].hasSuffix("0") ? "1" : "0")
            let cases: [(String, String)] = [
                (#"{"code":"\#(order.scanCodes[0])","gate":"cellar"}"#, "404 GATE_NOT_FOUND"),
                (#"{"code":"\#(order.scanCodes[0])","gate":"box"}"#, "409 WRONG_GATE"),
                (#"{"code":"\#(order.scanCodes[0])","gate":"early"}"#, "409 GATE_CLOSED"),
                (#"{"code":"\#(order.scanCodes[1])"}"#, "409 TICKET_REFUNDED"),
                (#"{"code":"\#(forged)"}"#, "404 TICKET_NOT_FOUND"), (#"{"code":"nothing"}"#, "404 TICKET_NOT_FOUND"),
                (#"{"code":"\#(order.tickets[0])"}"#, "404 TICKET_NOT_FOUND"),
                (#"{"code":"\#(other.scanCodes[0])","event_id":"gala"}"#, "404 TICKET_NOT_FOUND"),
                (#"{}"#, "422 VALIDATION_FAILED"), (#"{"scans":[]}"#, "422 VALIDATION_FAILED"),
                (#"{"code":"x","scans":[{"code":"x"}]}"#, "422 VALIDATION_FAILED"),
                (
                    #"{"scans":[{"code":"\#(other.scanCodes[0])"},{"code":"\#(order.scanCodes[0])"}]}"#,
                    "422 VALIDATION_FAILED"
                ),
                (#"{"code":"\#(order.scanCodes[0])","scanned_at":"9999-01-01T00:00:00Z"}"#, "422 VALIDATION_FAILED"),
            ]
            for (body, expected) in cases { #expect(try code(try validate(client, body)) == expected, "\(body)") }
            let many = Array(repeating: #"{"code":"\#(order.scanCodes[0])"}"#, count: 501).joined(separator: ",")
            #expect(try code(try validate(client, "{\"scans\":[\(many)]}")) == "422 VALIDATION_FAILED")
            #expect(try member(try ticket(client, order.tickets[0]), "ticket")["status"] as? String == "issued")
        }
    }

    @Test func aListScannedOfflineMaySafelyBeSentAgain() async throws {
        let folder = SaleServer.makeFolder()
        defer { try? FileManager.default.removeItem(atPath: folder) }
        var list = ""
        var results: [[String: Any]] = []
        try await SaleServer.run(folder: folder, clock: SettableTime().clock()) { server in
            try server.putOnSale("gala")
            let client = try server.connect()
            let order = try buy(client)
            _ = try client.post("/api/v1/events/gala/gates", #"{"id":"north","name":"North"}"#)
            let scan = #"{"code":"\#(order.scanCodes[0])","gate":"north","scanned_at":"2026-11-21T12:00:00Z"}"#
            let later = #"{"code":"\#(order.scanCodes[0])","gate":"north","scanned_at":"2026-11-21T11:59:00Z"}"#
            let whole = [scan, later, scan, #"{"code":"?"}"#] + Array(repeating: #"{"code":"no ticket"}"#, count: 496)
            list = "{\"event_id\":\"gala\",\"scans\":[\(whole.joined(separator: ","))]}"
            results = try #require(try json(try validate(client, list))["results"] as? [[String: Any]])
            #expect(results.count == 500)
            let codes = results.prefix(4).map { $0["code"] as? String }
            #expect(codes == ["CHECKED_IN", "ALREADY_CHECKED_IN", "CHECKED_IN", "TICKET_NOT_FOUND"])
            #expect(results[1]["scanned_at"] as? String == "2026-11-21T11:59:00.000Z")
            #expect(results[1]["checked_in_at"] as? String == "2026-11-21T12:00:00.000Z")
            #expect(results[1]["gate"] as? String == "north")
        }
        try await SaleServer.run(folder: folder, clock: SettableTime().clock()) { server in
            let again = try json(try validate(try server.connect(), list))["results"] as? [[String: Any]]
            #expect(
                again.map { $0.prefix(3).map { $0 as NSDictionary } } == results.prefix(3).map { $0 as NSDictionary }
            )
        }
    }

    // MARK: - Giving away

    @Test func aTicketIsGivenAway() async throws {
        let folder = SaleServer.makeFolder()
        defer { try? FileManager.default.removeItem(atPath: folder) }
        var order: Order?
        var taken = ""
        try await SaleServer.run(folder: folder) { server in
            try server.putOnSale("gala")
            let client = try server.connect()
            let bought = try buy(client)
            order = bought
            let path = "/api/v1/tickets/\(bought.tickets[0])/transfer"
            #expect(try code(try client.ask("POST", path, "{}", by: "ben")) == "404 TICKET_NOT_FOUND")
            #expect(try code(try client.ask("DELETE", path, by: "ada")) == "404 TRANSFER_NOT_FOUND")
            let past = #"{"expires_at":"2020-01-01T00:00:00Z"}"#
            #expect(try code(try client.ask("POST", path, past, by: "ada")) == "422 VALIDATION_FAILED")
            let offered = try client.ask("POST", path, "{}", by: "ada", key: "offer")
            #expect(try client.ask("POST", path, "{}", by: "ada", key: "offer").body == offered.body)
            #expect(try code(try client.ask("POST", path, "{}", by: "ada")) == "409 TRANSFER_PENDING")
            #expect(try client.ask("DELETE", path, by: "ada", key: "withdraw").status == 204)
            let again = try client.ask("POST", path, #"{"recipient":"ben"}"#, by: "ada")
            func offerCode(_ reply: LoopbackClient.Reply) throws -> String {
                try #require((try member(reply, "ticket")["transfer"] as? [String: Any])?["code"] as? String)
            }
            #expect(try offerCode(offered) != offerCode(again))
            let shown = try member(try ticket(client, bought.tickets[0], by: "ada"), "ticket")
            #expect(shown["status"] as? String == "transfer_offered")
            #expect((shown["transfer"] as? [String: Any])?["code"] == nil)
            let accept = #"{"code":"\#(try offerCode(again))"}"#
            let stale = #"{"code":"\#(try offerCode(offered))"}"#
            for (body, customer) in [(stale, "ben"), (accept, "cleo"), (#"{"code":"?"}"#, "ben")] {
                #expect(
                    try code(try client.ask("POST", path + "/accept", body, by: customer)) == "404 TRANSFER_NOT_FOUND"
                )
            }
            #expect(try code(try client.ask("POST", path + "/accept", accept)) == "422 VALIDATION_FAILED")
            let answer = try client.ask("POST", path + "/accept", accept, by: "ben", key: "accept")
            #expect(answer.status == 200)
            taken = answer.body
            #expect(try code(try ticket(client, bought.tickets[0], by: "ada")) == "404 TICKET_NOT_FOUND")
        }
        let bought = try #require(order)
        try await SaleServer.run(folder: folder) { server in
            let client = try server.connect()
            let path = "/api/v1/tickets/\(bought.tickets[0])/transfer"
            let code = #"{"code":"00000000000000000000000000"}"#
            #expect(
                try self.code(try client.ask("POST", path + "/accept", code, by: "ben", key: "accept"))
                    == "422 IDEMPOTENCY_KEY_REUSED"
            )
            let mine = try ticket(client, bought.tickets[0], by: "ben")
            #expect(mine.body == taken)
            #expect(try member(mine, "ticket")["order_id"] is NSNull)
            let page = try #require(
                try json(try client.ask("GET", "/api/v1/orders/\(bought.id)", by: "ada"))["tickets"] as? [[String: Any]]
            )
            #expect(page[0]["status"] as? String == "transferred" && page[0]["code"] == nil)
            #expect(page[1]["status"] as? String == "issued" && page[1]["code"] != nil)
            #expect(try confirm(client, bought.reservation).body == bought.answer)
            let void = try validate(client, #"{"code":"\#(bought.scanCodes[0])"}"#)
            #expect(try self.code(void) == "409 TICKET_VOID")
            #expect(try json(void)["voided_at"] is String)
            let scan = try #require(try member(mine, "ticket")["scan_code"] as? String)
            #expect(try validate(client, #"{"code":"\#(scan)"}"#).status == 200)
            #expect(try self.code(try client.ask("POST", path, "{}", by: "ben")) == "409 TICKET_CHECKED_IN")
        }
    }

    // MARK: - Refunds and the end of an event

    @Test func aRefundSaysWhatIsToBePaidBack() async throws {
        try await SaleServer.run { server in
            try server.putOnSale("gala")
            let client = try server.connect()
            let order = try buy(client)
            let path = "/api/v1/orders/\(order.id)/refund"
            let one = try client.post(path, #"{"tickets":["\#(order.tickets[0])"]}"#, key: "one")
            #expect(one.body.hasPrefix(#"{"refunded_amount":50.00,"order":"#))
            let rest = try client.post(path, "{}")
            #expect(rest.body.hasPrefix(#"{"refunded_amount":50.00,"order":"#))
            #expect(try member(rest, "order")["status"] as? String == "refunded")
            #expect(try client.post(path, #"{"tickets":["\#(order.tickets[0])"]}"#, key: "one").body == one.body)
            #expect(try confirm(client, order.reservation).body == order.answer)
        }
    }

    @Test func aCancelledEventOwesItsOrders() async throws {
        let folder = SaleServer.makeFolder()
        defer { try? FileManager.default.removeItem(atPath: folder) }
        var cancelled = ""
        var held = ""
        var orders: [Order] = []
        try await SaleServer.run(folder: folder) { server in
            try server.putOnSale("gala")
            let client = try server.connect()
            for number in 0..<5 { orders.append(try buy(client, by: "c\(number)")) }
            for _ in 0..<3 {
                let hold = try client.post("/api/v1/capacity/gala/reserve", #"{"quantity":1}"#)
                held = try #require(try member(hold, "reservation")["id"] as? String)
            }
            let answer = try client.post("/api/v1/events/gala/cancel", "", key: "cancel")
            #expect(try member(answer, "event")["status"] as? String == "CANCELLED")
            cancelled = answer.body
            #expect(try code(try client.post("/api/v1/events/gala/cancel", "")) == "409 WRONG_EVENT_STATUS")
        }
        try await SaleServer.run(folder: folder) { server in
            let client = try server.connect()
            #expect(try client.post("/api/v1/events/gala/cancel", "", key: "cancel").body == cancelled)
            #expect(
                try code(try client.post("/api/v1/capacity/gala/reserve", #"{"quantity":1}"#))
                    == "409 EVENT_NOT_ON_SALE"
            )
            let hold = try client.get("/api/v1/reservations/\(held)")
            #expect(try member(hold, "reservation")["status"] as? String == "released")
            #expect(try member(try client.get("/api/v1/capacity/gala"), "capacity")["reserved_capacity"] as? Int == 0)
            #expect(try code(try client.post("/api/v1/events/gala/restore", "")) == "409 EVENT_HAS_SALES")
            let order = try client.get("/api/v1/orders/\(orders[0].id)")
            #expect(try member(order, "order")["status"] as? String == "refund_due")
            #expect(try code(try validate(client, #"{"code":"\#(orders[0].scanCodes[0])"}"#)) == "409 EVENT_CANCELLED")
            let transfer = try client.post("/api/v1/tickets/\(orders[0].tickets[0])/transfer", "{}")
            #expect(try code(transfer) == "409 EVENT_CANCELLED")
            #expect(try client.post("/api/v1/orders/\(orders[2].id)/refund", "{}").status == 200)
            try listOrders(client, orders)
        }
    }

    private func listOrders(_ client: LoopbackClient, _ orders: [Order]) throws {
        var path: String? = "/api/v1/events/gala/orders?status=refund_due&limit=2"
        var found: [String] = []
        while let next = path {
            let reply = try client.get(next)
            let page = try #require(try json(reply)["orders"] as? [[String: Any]])
            #expect(page.count <= 2)
            found += page.map { $0["id"] as! String }
            for entry in page {
                #expect(entry["status"] as? String == "refund_due" && entry["refund_due"] as? Double == 100)
            }
            path = (try json(reply)["next_cursor"] as? String).map {
                "/api/v1/events/gala/orders?status=refund_due&limit=2&cursor=\($0)"
            }
            #expect((path == nil) == (reply.headers["link"] == nil))
        }
        #expect(found == [0, 1, 3, 4].map { orders[$0].id })
        let all = try #require(try json(try client.get("/api/v1/events/gala/orders"))["orders"] as? [[String: Any]])
        #expect(all.count == 5 && all[2]["refunded_count"] as? Int == 2 && all[2]["refunded_amount"] as? Double == 100)
        let own = try json(try client.ask("GET", "/api/v1/events/gala/orders", by: "c1"))["orders"] as? [[String: Any]]
        #expect(own?.map { $0["id"] as? String } == [orders[1].id])
        #expect(try code(try client.get("/api/v1/events/gala/orders?status=paid")) == "422 VALIDATION_FAILED")
        #expect(try code(try client.get("/api/v1/events/none/orders")) == "404 EVENT_NOT_FOUND")
    }

    @Test func gatesAreSetAndListed() async throws {
        try await SaleServer.run { server in
            try server.putOnSale("gala")
            try server.putOnSale("ball")
            let client = try server.connect()
            let path = "/api/v1/events/gala/gates"
            let body = #"{"id":"north","capacity_ids":["gala"],"opens_at":"2026-06-01T18:00:00Z"}"#
            let set = try client.post(path, body, key: "gate")
            #expect(try member(set, "gate")["capacity_ids"] as? [String] == ["gala"])
            #expect(try client.post(path, #"{"id":"north","name":"North"}"#).status == 200)
            #expect(try client.post(path, body, key: "gate").body == set.body)
            let gates = try #require(try json(try client.get(path))["gates"] as? [[String: Any]])
            #expect(gates.count == 1 && gates[0]["name"] as? String == "North" && gates[0]["opens_at"] is NSNull)
            for (body, expected) in [
                (#"{}"#, "422 VALIDATION_FAILED"), (#"{"id":"a b"}"#, "422 VALIDATION_FAILED"),
                (#"{"id":"a","capacity_ids":[]}"#, "422 VALIDATION_FAILED"),
                (#"{"id":"a","capacity_ids":["ball"]}"#, "404 CAPACITY_NOT_FOUND"),
                (
                    #"{"id":"a","opens_at":"2026-06-01T18:00:00Z","closes_at":"2026-06-01T18:00:00Z"}"#,
                    "422 VALIDATION_FAILED"
                ),
            ] { #expect(try code(try client.post(path, body)) == expected, "\(body)") }
            for number in 1..<100 { #expect(try client.post(path, #"{"id":"g\#(number)"}"#).status == 200) }
            #expect(try code(try client.post(path, #"{"id":"g100"}"#)) == "409 TOO_MANY_GATES")
            #expect(try code(try client.post("/api/v1/events/none/gates", #"{"id":"a"}"#)) == "404 EVENT_NOT_FOUND")
        }
    }
}

extension LoopbackClient {
    fileprivate func ask(
        _ method: String,
        _ path: String,
        _ body: String = "",
        by customer: String? = nil,
        key: String? = nil
    ) throws -> Reply {
        let fields =
            (customer.map { "X-Customer-Id: \($0)\r\n" } ?? "") + (key.map { "Idempotency-Key: \($0)\r\n" } ?? "")
            + (body.isEmpty ? "" : "Content-Type: application/json\r\n")
        let length = method == "GET" ? "" : "Content-Length: \(body.utf8.count)\r\n"
        try send("\(method) \(path) HTTP/1.1\r\nHost: test\r\n\(fields)\(length)\r\n\(body)")
        return try next()
    }
}
