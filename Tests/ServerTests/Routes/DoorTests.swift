import Foundation
import Testing

@testable import Engine
@testable import Server

/// What somebody at the doors, or at the counter behind them, may try, over a socket.
@Suite struct DoorTests {
    private func json(_ reply: LoopbackClient.Reply) throws -> [String: Any] {
        try #require(try JSONSerialization.jsonObject(with: Data(reply.body.utf8)) as? [String: Any], "\(reply.body)")
    }

    private func code(_ reply: LoopbackClient.Reply) throws -> String {
        "\(reply.status) \(try json(reply)["code"] as? String ?? "-")"
    }

    private func validate(_ client: LoopbackClient, _ body: String, key: String? = nil) throws -> LoopbackClient.Reply {
        try client.post("/api/v1/tickets/validate", body, key: key)
    }

    /// An order of three tickets at 50.00; gives its id and its answer to whoever reads it.
    private func buy(_ client: LoopbackClient) throws -> (id: String, confirmed: LoopbackClient.Reply) {
        let held = try client.post("/api/v1/capacity/gala/reserve", #"{"quantity":3,"customer_id":"ada"}"#)
        let reservation = try #require((try json(held)["reservation"] as? [String: Any])?["id"] as? String)
        let path = "/api/v1/reservations/\(reservation)/confirm"
        let confirmed = try client.post(path, #"{"payment_reference":"p"}"#, key: "buy")
        let order = try #require(try json(confirmed)["order"] as? [String: Any], "\(confirmed.body)")
        return (order["id"] as! String, confirmed)
    }

    private func order(_ client: LoopbackClient, _ id: String) throws -> (
        order: [String: Any], tickets: [[String: Any]], etag: String?
    ) {
        let reply = try client.get("/api/v1/orders/\(id)")
        let body = try json(reply)
        return (
            try #require(body["order"] as? [String: Any]), try #require(body["tickets"] as? [[String: Any]]),
            reply.headers["etag"]
        )
    }

    private func atNoon(_ body: (LoopbackClient, SettableTime) throws -> Void) async throws {
        let folder = SaleServer.makeFolder()
        defer { try? FileManager.default.removeItem(atPath: folder) }
        let time = SettableTime()
        try await SaleServer.run(folder: folder, clock: time.clock()) { server in
            try server.putOnSale("gala")
            try body(try server.connect(), time)
        }
    }

    @Test func aScanChoosesNoTimeAtWhichItsGateIsOpen() async throws {
        try await atNoon { client, time in
            let order = try buy(client)
            let scanCodes = try self.order(client, order.id).tickets.map { try #require($0["scan_code"] as? String) }
            let gate = #"{"id":"north","opens_at":"2039-01-01T00:00:00Z"}"#
            #expect(try client.post("/api/v1/events/gala/gates", gate).status == 200)
            func scan(_ at: String? = nil, _ gate: String? = "north") -> String {
                #"{"code":"\#(scanCodes[0])""# + (gate.map { #","gate":"\#($0)""# } ?? "")
                    + (at.map { #","scanned_at":"\#($0)""# } ?? "") + "}"
            }
            #expect(try code(try validate(client, scan())) == "409 GATE_CLOSED")
            let ahead = try validate(client, scan("2040-01-01T00:00:00Z"), key: "ahead")
            #expect(try code(ahead) == "409 CLOCK_AHEAD")
            #expect(try json(ahead)["scanned_at"] as? String == "2040-01-01T00:00:00.000Z")
            #expect(try json(ahead)["received_at"] as? String == "2026-11-21T12:00:00.000Z")
            time.now += 1_000
            #expect(try validate(client, scan("2040-01-01T00:00:00Z"), key: "ahead").body == ahead.body)
            #expect(try code(try validate(client, scan("2026-11-21T12:01:01.001Z", nil))) == "409 CLOCK_AHEAD")
            let behind = try validate(client, scan("1970-01-02T00:00:00Z", nil))
            #expect(try code(behind) == "409 CLOCK_BEHIND")
            #expect(try json(behind)["issued_at"] as? String == "2026-11-21T12:00:00.000Z")
            let list = "{\"scans\":[\(scan("2040-01-01T00:00:00Z")),\(scan("2026-11-21T12:01:00Z", nil))]}"
            let results = try #require(try json(try validate(client, list))["results"] as? [[String: Any]])
            #expect(results.map { $0["code"] as? String } == ["CLOCK_AHEAD", "CHECKED_IN"])
            let ticket = try json(try client.get("/api/v1/tickets/\(scanCodes[0].prefix { $0 != "." })"))
            #expect((ticket["ticket"] as? [String: Any])?["checked_in_at"] as? String == "2026-11-21T12:01:00.000Z")
        }
    }

    /// A list is answered scan by scan, also where no code of it says which event it is of, or one that there is.
    @Test func aListOfNoTicketsIsAnsweredWhole() async throws {
        try await atNoon { client, _ in
            let forged = PublicIdentifiers.scanText(
                TicketID(
                    event: EventKey(rawValue: 7),
                    reference: HoldReference(slot: 1, generation: 0),
                    index: 0,
                    check: 9
                )
            )
            for codes in [["?"], ["?", "tkt_", "a.b"], [forged, "?"]] {
                let scans = codes.map { #"{"code":"\#($0)","scanned_at":"2026-11-21T12:00:00Z"}"# }
                let list = "{\"scans\":[\(scans.joined(separator: ","))]}"
                let reply = try validate(client, list, key: "list-\(codes)".replacing(" ", with: ""))
                #expect(reply.status == 200, "\(reply.body)")
                let results = try #require(try json(reply)["results"] as? [[String: Any]])
                #expect(results.map { $0["code"] as? String } == codes.map { _ in "TICKET_NOT_FOUND" })
                #expect(results.allSatisfy { $0["scanned_at"] is NSNull && $0["scanned_gate"] is NSNull })
                let again = try validate(client, list, key: "list-\(codes)".replacing(" ", with: ""))
                #expect(again.body == reply.body)
                // A line of a batch answers what the request of its own would.
                let line = try client.batch([#"{"op":"validate","scans":[\#(scans.joined(separator: ","))]}"#])[0]
                #expect(line.status == 200 && line.body == reply.body)
            }
            // One scan is still refused by itself, and an event that is named has to be there.
            #expect(try code(try validate(client, #"{"code":"?"}"#)) == "404 TICKET_NOT_FOUND")
            let named = #"{"scans":[{"code":"?"}],"event_id":"none"}"#
            #expect(try validate(client, named).status == 404)
            let gala = try json(try validate(client, #"{"scans":[{"code":"?"}],"event_id":"gala"}"#))
            #expect((gala["results"] as? [[String: Any]])?.count == 1)
        }
    }

    @Test func anOrderThatIsReadShowsWhatScannersReadAndWhatWasRefunded() async throws {
        try await atNoon { client, _ in
            let (id, confirmed) = try buy(client)
            #expect(!confirmed.body.contains("scan_code") && !confirmed.body.contains("refunded_amount"))
            let read = try order(client, id)
            #expect(read.etag != confirmed.headers["etag"])
            #expect(read.order["refunded_amount"] as? Double == 0)
            for ticket in read.tickets {
                let expected = "\(ticket["id"] as! String).\(ticket["code"] as! String)"
                #expect(ticket["scan_code"] as? String == expected)
            }
            let scan = #"{"code":"\#(read.tickets[0]["scan_code"] as! String)"}"#
            #expect(try validate(client, scan).status == 200)
            let path = "/api/v1/orders/\(id)/refund"
            let body = #"{"tickets":["\#(read.tickets[1]["id"] as! String)"]}"#
            #expect(try client.post(path, body, key: "refund").status == 200)
            #expect(try order(client, id).order["refunded_amount"] as? Double == 50)
            let retried = try client.post(
                "/api/v1/reservations/\(read.order["reservation_id"] as! String)/confirm",
                #"{"payment_reference":"p"}"#,
                key: "buy"
            )
            #expect(retried.body == confirmed.body)
        }
    }

    @Test func aRefundSellsNobodysPlaceWhoIsInside() async throws {
        try await atNoon { client, _ in
            let (id, _) = try buy(client)
            let tickets = try order(client, id).tickets
            let scan = #"{"code":"\#(tickets[1]["scan_code"] as! String)"}"#
            #expect(try validate(client, scan).status == 200)
            let path = "/api/v1/orders/\(id)/refund"
            let refused = try client.post(path, "{}", key: "all")
            #expect(try code(refused) == "409 TICKET_CHECKED_IN")
            #expect(try json(refused)["index"] as? Int == 1 && json(refused)["checked_in"] as? Int == 1)
            #expect(try client.post(path, "{}", key: "all").body == refused.body)
            func sold() throws -> Int? {
                let capacity = try json(try client.get("/api/v1/capacity/gala"))["capacity"] as? [String: Any]
                return capacity?["sold_count"] as? Int
            }
            #expect(try sold() == 3)
            let whole = try client.post(path, #"{"restock":false}"#)
            #expect(whole.status == 200 && whole.body.hasPrefix(#"{"refunded_amount":150.00"#))
            #expect(try sold() == 3)
        }
    }
}

extension PublicIdentifiers {
    fileprivate static func scanText(_ id: TicketID) -> String {
        withUnsafeTemporaryAllocation(byteCount: scanCharacters, alignment: 1) { text in
            writeScan(id, TicketCode(high: 1, low: 2), into: text)
            return String(decoding: text, as: UTF8.self)
        }
    }
}
