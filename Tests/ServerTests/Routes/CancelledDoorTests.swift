import Foundation
import Testing

@testable import Engine
@testable import Server

/// Scans of tickets whose date or event was cancelled, over a socket: alone, in lists and in batches, sent again, and with a
/// restart in between.
@Suite struct CancelledDoorTests {
    private static let date = "/api/v1/events/gala/schedules/friday"

    private func json(_ reply: LoopbackClient.Reply) throws -> [String: Any] {
        try #require(try JSONSerialization.jsonObject(with: Data(reply.body.utf8)) as? [String: Any], "\(reply.body)")
    }

    private func code(_ reply: LoopbackClient.Reply) throws -> String {
        "\(reply.status) \(try json(reply)["code"] as? String ?? "-")"
    }

    private func put(_ client: LoopbackClient, _ path: String, _ body: String) throws {
        let fields = "Host: test\r\nContent-Type: application/json\r\nContent-Length: \(body.utf8.count)"
        try client.send("PUT \(path) HTTP/1.1\r\n\(fields)\r\n\r\n\(body)")
        let reply = try client.next()
        #expect(reply.status == 200, "\(reply.body)")
    }

    /// An order of six tickets for the event's one date, at noon; gives what scanners read.
    private func buy(_ client: LoopbackClient) throws -> [String] {
        let date = #"{"id":"friday","starts_at":"2026-11-21T20:00:00Z","ends_at":"2026-11-21T23:00:00Z"}"#
        #expect(try client.post("/api/v1/events/gala/schedules", date).status == 201)
        try put(client, "/api/v1/capacity/gala", #"{"schedule_id":"friday"}"#)
        let held = try json(try client.post("/api/v1/capacity/gala/reserve", #"{"quantity":6}"#))
        let reservation = try #require((held["reservation"] as? [String: Any])?["id"] as? String, "\(held)")
        let path = "/api/v1/reservations/\(reservation)/confirm"
        let sold = try json(try client.post(path, #"{"payment_reference":"p"}"#))
        let tickets = try #require(sold["tickets"] as? [[String: Any]], "\(sold)")
        return tickets.map { "\($0["id"] as! String).\($0["code"] as! String)" }
    }

    private func scan(_ code: String, _ minute: String? = nil) -> String {
        #"{"code":"\#(code)""# + (minute.map { #","scanned_at":"2026-11-21T12:\#($0):00Z""# } ?? "") + "}"
    }

    private func results(_ client: LoopbackClient, _ scans: [String], key: String? = nil) throws -> [String] {
        let list = "{\"scans\":[\(scans.joined(separator: ","))]}"
        let reply = try client.post("/api/v1/tickets/validate", list, key: key)
        let results = try #require(try json(reply)["results"] as? [[String: Any]], "\(reply.body)")
        return results.map { $0["code"] as? String ?? "-" }
    }

    @Test func aCancelledDateIsToldAsSuch() async throws {
        let folder = SaleServer.makeFolder()
        defer { try? FileManager.default.removeItem(atPath: folder) }
        let time = SettableTime()
        let codes = try await SaleServer.run(folder: folder, clock: time.clock()) { server in
            try server.putOnSale("gala")
            let client = try server.connect()
            let codes = try buy(client)
            time.now += 600_000
            #expect(try client.post("/api/v1/tickets/validate", scan(codes[0])).status == 200)
            try put(client, Self.date, #"{"status":"CANCELLED"}"#)
            time.now += 600_000
            let refused = try client.post("/api/v1/tickets/validate", scan(codes[1]), key: "late")
            #expect(try code(refused) == "409 SCHEDULE_CANCELLED")
            #expect(try json(refused)["cancelled_at"] as? String == "2026-11-21T12:10:00.000Z")
            // Made offline at minutes 5 and 10: one before the cancellation, one not.
            let offline = [scan(codes[2], "05"), scan(codes[3], "10"), scan(codes[0])]
            let expected = ["CHECKED_IN", "SCHEDULE_CANCELLED", "ALREADY_CHECKED_IN"]
            #expect(try results(client, offline, key: "list") == expected)
            #expect(try results(client, offline, key: "list") == expected)
            let lines = try client.batch([#"{"op":"validate",\#(scan(codes[1]).dropFirst())"#])
            #expect(lines.map(\.status) == [409] && lines[0].code == "SCHEDULE_CANCELLED")
            return codes
        }
        try await SaleServer.run(folder: folder, clock: time.clock()) { server in
            let client = try server.connect()
            let refused = try client.post("/api/v1/tickets/validate", scan(codes[1]), key: "late")
            #expect(try code(refused) == "409 SCHEDULE_CANCELLED")
            #expect(try json(refused)["cancelled_at"] as? String == "2026-11-21T12:10:00.000Z")
            #expect(
                try results(client, [scan(codes[4], "09"), scan(codes[5])]) == ["CHECKED_IN", "SCHEDULE_CANCELLED"]
            )
            try put(client, Self.date, #"{"status":"SCHEDULED"}"#)
            #expect(try client.post("/api/v1/tickets/validate", scan(codes[5])).status == 200)
            // The key's answer was that one, whatever has happened since.
            #expect(try client.post("/api/v1/tickets/validate", scan(codes[1]), key: "late").body == refused.body)
            #expect(try client.post("/api/v1/tickets/validate", scan(codes[1])).status == 200)
        }
    }

    @Test func aCancelledEventKeepsWhoWasLetInBefore() async throws {
        let folder = SaleServer.makeFolder()
        defer { try? FileManager.default.removeItem(atPath: folder) }
        let time = SettableTime()
        let codes = try await SaleServer.run(folder: folder, clock: time.clock()) { server in
            try server.putOnSale("gala")
            let client = try server.connect()
            let codes = try buy(client)
            time.now += 600_000
            #expect(try client.post("/api/v1/events/gala/cancel", "{}").status == 200)
            #expect(
                try results(client, [scan(codes[0], "09"), scan(codes[1], "10")]) == ["CHECKED_IN", "EVENT_CANCELLED"]
            )
            return codes
        }
        try await SaleServer.run(folder: folder, clock: time.clock()) { server in
            let client = try server.connect()
            let expected = ["CHECKED_IN", "EVENT_CANCELLED", "CHECKED_IN"]
            let scans = [scan(codes[0], "09"), scan(codes[1], "10"), scan(codes[2], "09")]
            #expect(try results(client, scans) == expected)
        }
    }
}
