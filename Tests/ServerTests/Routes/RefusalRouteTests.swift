import Foundation
import Testing

@testable import Server

/// Refusals over a socket: each is made to happen, is answered the same to the byte when it is asked for again under its
/// key, and once more by the next server on the folder.
@Suite(.timeLimit(.minutes(2))) struct RefusalRouteTests {
    /// Asks, and remembers what has to be answered again.
    private final class Walk {
        private let client: LoopbackClient
        private(set) var asked: [(path: String, body: String, key: String, answer: String)] = []

        init(_ client: LoopbackClient) { self.client = client }

        private func send(_ method: String, _ path: String, _ body: String, _ fields: [String]) throws
            -> LoopbackClient.Reply
        {
            let own = fields.map { $0 + "\r\n" }.joined()
            try client.send(
                "\(method) /api/v1\(path) HTTP/1.1\r\nHost: test\r\nContent-Type: application/json\r\n\(own)"
                    + "Content-Length: \(body.utf8.count)\r\n\r\n\(body)"
            )
            return try client.next()
        }

        /// - Returns: the answer to a request that has to succeed.
        @discardableResult
        func make(_ path: String, _ body: String, method: String = "POST") throws -> [String: Any] {
            let reply = try send(method, path, body, [])
            guard reply.status < 300 else { throw TestFailure("\(method) \(path): \(reply.status) \(reply.body)") }
            return try JSONSerialization.jsonObject(with: Data(reply.body.utf8)) as? [String: Any] ?? [:]
        }

        /// A POST under a key of its own that is to be refused.
        func refuse(_ refusal: String, _ path: String, _ body: String, at place: SourceLocation = #_sourceLocation)
            throws
        {
            let key = "key-\(asked.count)"
            let reply = try send("POST", path, body, ["Idempotency-Key: \(key)"])
            #expect(Self.refusal(reply) == refusal, "\(path): \(reply.body)", sourceLocation: place)
            asked.append((path, body, key, reply.body))
        }

        /// A change without a key.
        func refuse(
            _ refusal: String,
            _ method: String,
            _ path: String,
            _ body: String,
            ifMatch: String? = nil,
            at place: SourceLocation = #_sourceLocation
        ) throws {
            let reply = try send(method, path, body, ifMatch.map { ["If-Match: \($0)"] } ?? [])
            #expect(Self.refusal(reply) == refusal, "\(path): \(reply.body)", sourceLocation: place)
        }

        func askAgain(_ requests: [(path: String, body: String, key: String, answer: String)]) throws {
            for request in requests {
                let reply = try send("POST", request.path, request.body, ["Idempotency-Key: \(request.key)"])
                #expect(reply.body == request.answer, "\(request.path) \(request.body)")
            }
        }

        private static func refusal(_ reply: LoopbackClient.Reply) -> String {
            let problem = try? JSONSerialization.jsonObject(with: Data(reply.body.utf8)) as? [String: Any]
            return "\(reply.status) \(problem?["code"] as? String ?? "-")"
        }
    }

    private static func id(_ answer: [String: Any], _ name: String) throws -> String {
        try #require((answer[name] as? [String: Any])?["id"] as? String, "\(answer)")
    }

    @Test func everyRefusalIsAnsweredAgainAsItWas() async throws {
        let folder = SaleServer.makeFolder()
        defer { try? FileManager.default.removeItem(atPath: folder) }
        let time = SettableTime()
        let asked = try await SaleServer.run(folder: folder, clock: time.clock()) { server in
            let walk = Walk(try server.connect())
            try Self.catalogue(walk)
            try Self.seats(walk)
            try Self.sale(walk)
            try Self.afterTime(walk, time)
            try walk.askAgain(walk.asked)
            return walk.asked
        }
        #expect(asked.count > 30)
        try await SaleServer.run(folder: folder, clock: time.clock()) { server in
            try Walk(try server.connect()).askAgain(asked)
        }
    }

    private static func catalogue(_ walk: Walk) throws {
        try walk.make("/venues", #"{"id":"arena","name":"Arena","max_capacity":100}"#)
        try walk.refuse("409 VENUE_EXISTS", "/venues", #"{"id":"arena","name":"Arena","max_capacity":100}"#)
        let gala = #"{"id":"gala","name":"Gala","currency":"EUR","venue_id":"arena","hold_time_max_seconds":1200}"#
        try walk.make("/events", gala)
        try walk.refuse("409 EVENT_EXISTS", "/events", gala)
        try walk.refuse("404 VENUE_NOT_FOUND", "/events", #"{"name":"A","currency":"EUR","venue_id":"none"}"#)
        try walk.refuse("412 EVENT_CHANGED", "PUT", "/events/gala", #"{"name":"B"}"#, ifMatch: "\"7\"")
        try walk.refuse("422 CURRENCY_FIXED", "PUT", "/events/gala", #"{"currency":"USD"}"#)
        let floor = #"{"id":"floor","section_name":"Floor","total_capacity":50,"maximum_purchase":10}"#
        try walk.make("/events/gala/capacity", floor)
        try walk.refuse("409 CAPACITY_EXISTS", "/events/gala/capacity", floor)
        let big = #"{"section_name":"Big","total_capacity":60}"#
        try walk.refuse("409 OVER_VENUE_CAPACITY", "/events/gala/capacity", big)
        try walk.make("/events/gala/capacity", #"{"id":"box","section_name":"Box","total_capacity":0}"#)
        try walk.make("/events/gala/capacity", #"{"id":"stand","section_name":"Stand","total_capacity":5}"#)
    }

    private static func seats(_ walk: Walk) throws {
        try walk.make("/capacity/box/seats", #"{"rows":[{"label":"A","from":1,"to":4}]}"#)
        try walk.refuse("409 ROW_EXISTS", "/capacity/box/seats", #"{"rows":[{"label":"A","from":1,"to":4}]}"#)
        try walk.refuse("409 CAPACITY_WITHOUT_SEATS", "/capacity/floor/seats/block", #"{"seats":["A-1"]}"#)
        try walk.refuse("404 SEAT_NOT_FOUND", "/capacity/box/seats/block", #"{"seats":["Z-1"]}"#)
        try walk.refuse("409 CAPACITY_HAS_SEATS", "PUT", "/capacity/box", #"{"total_capacity":9}"#)
    }

    /// With the prices' limits, and what belongs to one reservation.
    private static func sale(_ walk: Walk) throws {
        try walk.refuse("409 EVENT_NOT_ON_SALE", "/capacity/floor/reserve", #"{"quantity":1}"#)
        try walk.make("/events/gala/publish", "{}")
        let free = try id(try walk.make("/capacity/floor/reserve", #"{"quantity":1}"#), "reservation")
        try walk.refuse("409 NO_PRICE", "/reservations/\(free)/price-lock", "{}")
        try walk.make("/reservations/\(free)/release", "{}")
        let plain = #"{"name":"Plain","base_price":50,"max_per_order":4,"max_per_customer":6,"capacity_id":"floor"}"#
        let tier = try id(try walk.make("/events/gala/pricing", plain), "pricing")
        let other = try id(try walk.make("/events/gala/pricing", #"{"name":"All","base_price":30}"#), "pricing")
        let boxed = #"{"name":"Box","base_price":9,"capacity_id":"box"}"#
        let ofBox = try id(try walk.make("/events/gala/pricing", boxed), "pricing")
        try walk.refuse("409 WRONG_EVENT_STATUS", "/events/gala/restore", "{}")
        try walk.refuse("422 ABOVE_MAXIMUM_PURCHASE", "/capacity/floor/reserve", #"{"quantity":11}"#)
        try walk.refuse("409 SOLD_OUT", "/capacity/stand/reserve", #"{"quantity":6}"#)
        try walk.refuse("404 PRICING_NOT_FOUND", "/capacity/floor/reserve", #"{"quantity":1,"pricing_id":"prc_0"}"#)
        let five = #"{"quantity":5,"pricing_id":"\#(tier)"}"#
        try walk.refuse("422 OVER_ORDER_LIMIT", "/capacity/floor/reserve", five)
        let wrong = #"{"quantity":1,"pricing_id":"\#(ofBox)"}"#
        try walk.refuse("422 PRICING_NOT_FOR_CAPACITY", "/capacity/floor/reserve", wrong)
        let four = #"{"quantity":4,"pricing_id":"\#(tier)","customer_id":"ada"}"#
        let held = try id(try walk.make("/capacity/floor/reserve", four), "reservation")
        try walk.refuse("409 OVER_CUSTOMER_LIMIT", "/capacity/floor/reserve", four)
        let lock = "/reservations/\(held)/price-lock"
        try walk.refuse("409 PRICE_LOCKED_OTHERWISE", lock, #"{"pricing_id":"\#(other)"}"#)
        try walk.refuse("422 HOLD_TIME_OUT_OF_RANGE", "/reservations/\(held)/extend", #"{"seconds":3000}"#)
        let confirm = "/reservations/\(held)/confirm"
        try walk.refuse("409 AMOUNT_MISMATCH", confirm, #"{"payment_reference":"p","amount":1}"#)
        try walk.refuse("409 TOTAL_BELOW_COMMITTED", "PUT", "/capacity/floor", #"{"total_capacity":3}"#)
        try walk.refuse("409 CAPACITY_IN_USE", "/capacity/floor/seats", #"{"rows":[{"label":"A","from":1,"to":4}]}"#)
        try walk.make(confirm, #"{"payment_reference":"p"}"#)
        try walk.refuse("409 RESERVATION_NOT_HELD", "/reservations/\(held)/release", "{}")
        let twice =
            #"{"event_id":"gala","items":[{"capacity_id":"floor","quantity":1},{"capacity_id":"floor","quantity":1}]}"#
        try walk.refuse("422 CAPACITY_TWICE", "/reservations", twice)
        try walk.refuse("404 RESERVATION_NOT_FOUND", "/reservations/rsv_0/release", "{}")
        try seatSale(walk)
    }

    private static func seatSale(_ walk: Walk) throws {
        let second = #"{"event_id":"gala","items":[{"capacity_id":"box","seats":["A-2"]}]}"#
        try walk.make("/reservations", second)
        try walk.refuse("409 SEAT_TAKEN", "/reservations", second)
        let same = #"{"event_id":"gala","items":[{"capacity_id":"box","seats":["A-1","A-1"]}]}"#
        try walk.refuse("422 SEAT_TWICE", "/reservations", same)
        try walk.refuse("409 NO_SEATS_TOGETHER", "/capacity/box/reserve", #"{"quantity":3}"#)
        try walk.refuse("409 EVENT_HAS_SALES", "DELETE", "/events/gala", "")
        try walk.make("/capacity/stand", #"{"is_active":false}"#, method: "PUT")
        try walk.refuse("409 CAPACITY_INACTIVE", "/capacity/stand/reserve", #"{"quantity":1}"#)
    }

    /// What is refused for its time.
    private static func afterTime(_ walk: Walk, _ time: SettableTime) throws {
        let one = #"{"quantity":1,"customer_id":"ben"}"#
        let held = try id(try walk.make("/capacity/floor/reserve", one), "reservation")
        let sold = try id(try walk.make("/capacity/floor/reserve", one), "reservation")
        let order = try walk.make("/reservations/\(sold)/confirm", #"{"payment_reference":"p"}"#)
        let ticket = try #require((order["tickets"] as? [[String: Any]])?.first?["id"] as? String)
        let soon = #"{"recipient":"cleo","expires_at":"2026-11-21T13:30:00Z"}"#
        let offer = try walk.make("/tickets/\(ticket)/transfer", soon)
        try walk.refuse("409 TRANSFER_PENDING", "/tickets/\(ticket)/transfer", #"{"recipient":"dan"}"#)
        let offered = (offer["ticket"] as? [String: Any])?["transfer"] as? [String: Any]
        let code = try #require(offered?["code"] as? String, "\(offer)")
        // Longer than the hold and the offer last, not so long that keys are forgotten.
        time.now += 2 * 3_600_000
        try walk.refuse("410 RESERVATION_EXPIRED", "/reservations/\(held)/confirm", #"{"payment_reference":"p"}"#)
        let accept = #"{"code":"\#(code)","customer_id":"cleo"}"#
        try walk.refuse("410 TRANSFER_EXPIRED", "/tickets/\(ticket)/transfer/accept", accept)
        let orderID = try id(order, "order")
        try walk.make("/orders/\(orderID)/refund", "{}")
        try walk.refuse("409 TICKET_REFUNDED", "/orders/\(orderID)/refund", #"{"tickets":["\#(ticket)"]}"#)
        try walk.make("/events/gala", #"{"sales_end_at":"2026-11-21T13:00:00Z"}"#, method: "PUT")
        try walk.refuse("409 SALES_ENDED", "/capacity/floor/reserve", #"{"quantity":1}"#)
        let later = #"{"sales_start_at":"2027-12-01T00:00:00Z","sales_end_at":"2027-12-02T00:00:00Z"}"#
        try walk.make("/events/gala", later, method: "PUT")
        try walk.refuse("409 SALES_NOT_STARTED", "/capacity/floor/reserve", #"{"quantity":1}"#)
        try walk.make("/events/gala/cancel", "{}")
        try walk.refuse("409 EVENT_CANCELLED", "/tickets/\(ticket)/transfer", #"{"recipient":"dan"}"#)
    }
}
