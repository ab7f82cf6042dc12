import Foundation
import Testing

@testable import Engine
@testable import Server

/// Limits in the course of a sale: what counts for them, what gives room again, and the moments at which they begin and end.
@Suite struct LimitCourseTests {
    /// Holds and tickets count together; what is refunded, released or expired doesn't. Also after a restart.
    @Test func ticketsAndReservationsOfACustomerCountTogether() async throws {
        let folder = SaleServer.makeFolder()
        defer { try? FileManager.default.removeItem(atPath: folder) }
        var (pricing, held) = ("", "")
        func one(_: Int) -> (String, String) {
            ("/api/v1/capacity/gala/reserve", #"{"quantity":1,"pricing_id":"\#(pricing)","customer_id":"ann"}"#)
        }
        try await SaleServer.run(folder: folder, shards: 2) { server in
            let shop = try LimitShop(server, connections: 30)
            pricing = try shop.open("gala", section: #""total_capacity":100"#, tier: #","max_per_customer":6"#)
            let two = #"{"quantity":2,"pricing_id":"\#(pricing)","customer_id":"ann"}"#
            let sold = try shop.confirm(try shop.reserve("gala", two))
            let tickets = try #require(try LimitShop.json(sold)["tickets"] as? [[String: Any]])
            let order = try #require((try LimitShop.json(sold)["order"] as? [String: Any])?["id"] as? String)
            let refund = #"{"tickets":["\#(tickets[0]["id"]!)"],"restock":false}"#
            #expect(try shop.post("/api/v1/orders/\(order)/refund", refund).status == 200)
            held = try shop.reserve("gala", two)
            // One ticket and two places: three more.
            let replies = try shop.atOnce(one)
            #expect(replies.count { $0.status == 200 } == 3)
            #expect(try shop.reserved("gala") == 5)
        }
        try SaleServer.removeSnapshots(folder)
        for granted in [0, 2] {
            try await SaleServer.run(folder: folder, shards: 2) { server in
                let shop = try LimitShop(server, connections: 30)
                if granted > 0 { #expect(try shop.post("/api/v1/reservations/\(held)/release").status == 200) }
                let replies = try shop.atOnce(one)
                #expect(replies.count { $0.status == 200 } == granted)
                let refused = try LimitShop.json(try #require(replies.first { $0.status != 200 }))
                #expect(refused["code"] as? String == "OVER_CUSTOMER_LIMIT")
                #expect(refused["held"] as? Int == 6)
                #expect(try shop.reserved("gala") == 5)
                // Whoever sells for another customer is not bound by this one's.
                let other = #"{"quantity":6,"pricing_id":"\#(pricing)","customer_id":"bob\#(granted)"}"#
                let bob = try shop.reserve("gala", other)
                #expect(try shop.post("/api/v1/reservations/\(bob)/release").status == 200)
            }
        }
    }

    /// Reservations without a price are bound by its limits when they get one: by a lock, or when they are sold.
    @Test func limitsOfATierBindWhenALineGetsItsPrice() async throws {
        try await SaleServer.run(shards: 2) { server in
            let shop = try LimitShop(server, connections: 30)
            _ = try shop.open(
                "gala",
                section: #""total_capacity":1000"#,
                tier: #","max_per_customer":7,"max_per_order":2"#
            )
            let reserve = "/api/v1/capacity/gala/reserve"
            let replies = try shop.atOnce { _ in (reserve, #"{"quantity":1,"customer_id":"ann"}"#) }
            let reservations = try replies.map { reply in
                let reservation = try LimitShop.json(reply)["reservation"] as? [String: Any]
                return try #require(reservation?["id"] as? String, "\(reply.body)")
            }
            let locks = try shop.atOnce { number in
                number % 2 == 0
                    ? ("/api/v1/reservations/\(reservations[number])/price-lock", "{}")
                    : ("/api/v1/reservations/\(reservations[number])/confirm", #"{"payment_reference":"p"}"#)
            }
            #expect(locks.count { $0.status == 200 } == 7)
            for lock in locks where lock.status != 200 {
                #expect(try shop.answer(lock) == "409 OVER_CUSTOMER_LIMIT")
                #expect(try LimitShop.json(lock)["held"] as? Int == 7)
            }
            // Those that have the price are sold, and no others.
            let sold = try shop.atOnce { number in
                ("/api/v1/reservations/\(reservations[number])/confirm", #"{"payment_reference":"p"}"#)
            }
            #expect(sold.count { $0.status == 200 } == locks.indices.count { $0 % 2 == 0 && locks[$0].status == 200 })
            #expect(try shop.capacity("gala")["sold_count"] as? Int == 7)
            let three = try shop.reserve("gala", #"{"quantity":3,"customer_id":"bob"}"#)
            let locked = try shop.post("/api/v1/reservations/\(three)/price-lock")
            #expect(try shop.answer(locked) == "422 OVER_ORDER_LIMIT")
            #expect(try LimitShop.json(locked)["asked"] as? Int == 3)
            #expect(try shop.answer(try shop.confirm(three)) == "422 OVER_ORDER_LIMIT")
        }
    }

    /// A reservation of 60 seconds in an event of at most 300: whoever extends it, and however often, 300 is the end.
    @Test func extensionsEndAtTheLongestHold() async throws {
        let folder = SaleServer.makeFolder()
        defer { try? FileManager.default.removeItem(atPath: folder) }
        var reservation = ""
        func tenSeconds(_: Int) -> (String, String) {
            ("/api/v1/reservations/\(reservation)/extend", #"{"seconds":10}"#)
        }
        try await SaleServer.run(folder: folder, shards: 2) { server in
            let shop = try LimitShop(server, connections: 40)
            let times = #","hold_time_seconds":60,"hold_time_max_seconds":300"#
            _ = try shop.open("gala", event: times, section: #""total_capacity":10"#)
            reservation = try shop.reserve("gala", #"{"quantity":1}"#)
            let long = try shop.post("/api/v1/reservations/\(reservation)/extend", #"{"seconds":241}"#)
            #expect(try shop.answer(long) == "422 HOLD_TIME_OUT_OF_RANGE")
            #expect(try LimitShop.json(long)["maximum_seconds"] as? Int == 240)
            #expect(try shop.atOnce(tenSeconds).count { $0.status == 200 } == 24)
        }
        try SaleServer.removeSnapshots(folder)
        for _ in 0..<2 {
            try await SaleServer.run(folder: folder, shards: 2) { server in
                let shop = try LimitShop(server, connections: 5)
                for refused in try shop.atOnce(tenSeconds) {
                    #expect(try shop.answer(refused) == "422 HOLD_TIME_OUT_OF_RANGE")
                    #expect(try LimitShop.json(refused)["asked_seconds"] as? Int == 10)
                    #expect(try LimitShop.json(refused)["maximum_seconds"] as? Int == 0)
                }
            }
        }
    }

    /// A released, a sold and an expired one each make room for one more.
    @Test func anOpenReservationThatEndsMakesRoom() async throws {
        let folder = SaleServer.makeFolder()
        defer { try? FileManager.default.removeItem(atPath: folder) }
        let time = SettableTime()
        try await SaleServer.run(folder: folder, shards: 2, clock: time.clock()) { server in
            let shop = try LimitShop(server, connections: 20)
            let event = #","max_open_reservations_per_customer":3,"hold_time_seconds":60"#
            _ = try shop.open("gala", event: event, section: #""total_capacity":100"#)
            func granted() throws -> [LoopbackClient.Reply] {
                try shop.atOnce { _ in ("/api/v1/capacity/gala/reserve", #"{"quantity":1,"customer_id":"ann"}"#) }
                    .filter { $0.status == 200 }
            }
            let first = try granted().map { reply in
                try #require((try LimitShop.json(reply)["reservation"] as? [String: Any])?["id"] as? String)
            }
            #expect(first.count == 3)
            #expect(try granted().isEmpty)
            #expect(try shop.post("/api/v1/reservations/\(first[0])/release").status == 200)
            #expect(try shop.confirm(first[1]).status == 200)
            #expect(try granted().count == 2)
            time.now += 59_999
            #expect(try granted().isEmpty)
            time.now += 1
            #expect(try granted().count == 3)
        }
    }

    /// To the millisecond: the first at which it is sold, and the first at which it isn't any more.
    @Test func salesBeginAndEndToTheMillisecond() async throws {
        let folder = SaleServer.makeFolder()
        defer { try? FileManager.default.removeItem(atPath: folder) }
        let time = SettableTime()
        let (start, end) = ("2026-11-21T12:00:01.000Z", "2026-11-21T12:00:04.000Z")
        let window = #","sales_start_at":"\#(start)","sales_end_at":"\#(end)""#
        let inner = #","sales_start_at":"2026-11-21T12:00:02.000Z","sales_end_at":"2026-11-21T12:00:03.000Z""#
        var pricings: [String] = []
        // Of the event's window, and of the narrower one of a price. A restart in the middle changes nothing.
        let moments: [[(Milliseconds, String, String)]] = [
            [
                (999, "409 SALES_NOT_STARTED", "409 SALES_NOT_STARTED"), (1_000, "200", "409 SALES_NOT_STARTED"),
                (1_999, "200", "409 SALES_NOT_STARTED"),
            ],
            [
                (2_000, "200", "200"), (2_999, "200", "200"), (3_000, "200", "409 SALES_ENDED"),
                (3_999, "200", "409 SALES_ENDED"), (4_000, "409 SALES_ENDED", "409 SALES_ENDED"),
            ],
        ]
        for part in moments {
            try await SaleServer.run(folder: folder, shards: 2, clock: time.clock()) { server in
                let shop = try LimitShop(server, connections: 20)
                if pricings.isEmpty {
                    pricings = [
                        try shop.open("gala", event: window, section: #""total_capacity":1000"#),
                        try shop.open("late", section: #""total_capacity":1000"#, tier: inner),
                    ]
                }
                for (offset, ofEvent, ofTier) in part {
                    time.now = SettableTime.noon + offset
                    let replies = try shop.atOnce { number in
                        let section = number % 2 == 0 ? "gala" : "late"
                        let body = #"{"quantity":1,"pricing_id":"\#(pricings[number % 2])"}"#
                        return ("/api/v1/capacity/\(section)/reserve", body)
                    }
                    for (number, reply) in replies.enumerated() {
                        #expect(try shop.answer(reply) == (number % 2 == 0 ? ofEvent : ofTier), "at \(offset)")
                    }
                }
            }
        }
    }

    /// Taken from sale while others buy: no lock either, and the next price takes its place where there is one.
    @Test func whatIsTakenFromSaleIsNotPricedAnyMore() async throws {
        try await SaleServer.run { server in
            let shop = try LimitShop(server, connections: 1)
            let pricing = try shop.open("gala", section: #""total_capacity":10,"buffer_capacity":2"#)
            let held = try shop.reserve("gala", #"{"quantity":1}"#)
            let lock = "/api/v1/reservations/\(held)/price-lock"
            for hidden in [#"{"is_active":false}"#, #"{"is_active":true,"is_visible":false}"#] {
                #expect(try shop.put("/api/v1/pricing/\(pricing)", hidden).status == 200)
                let named = try shop.post(lock, #"{"pricing_id":"\#(pricing)"}"#)
                #expect(try shop.answer(named) == "409 PRICING_INACTIVE")
                #expect(try shop.answer(try shop.post(lock)) == "409 NO_PRICE")
                #expect(try shop.answer(try shop.confirm(held)) == "409 NO_PRICE")
            }
            #expect(try shop.put("/api/v1/pricing/\(pricing)", #"{"is_visible":true}"#).status == 200)
            #expect(try shop.post(lock).status == 200)
            // The buffer is never larger than what is left, and gives back what it is made smaller by.
            let seven = try shop.reserve("gala", #"{"quantity":7}"#)
            let larger = try shop.put("/api/v1/capacity/gala", #"{"buffer_capacity":3}"#)
            #expect(try shop.answer(larger) == "409 TOTAL_BELOW_COMMITTED")
            #expect(try LimitShop.json(larger)["asked"] as? Int == 10)
            #expect(try LimitShop.json(larger)["committed"] as? Int == 11)
            let more = try shop.post("/api/v1/capacity/gala/reserve", #"{"quantity":1}"#)
            #expect(try shop.answer(more) == "409 SOLD_OUT")
            #expect(try shop.put("/api/v1/capacity/gala", #"{"buffer_capacity":1}"#).status == 200)
            _ = try shop.reserve("gala", #"{"quantity":1}"#)
            #expect(try shop.put("/api/v1/capacity/gala", #"{"is_active":false}"#).status == 200)
            // What is held is still sold.
            #expect(try shop.confirm(held).status == 200)
            #expect(try shop.confirm(seven).status == 200)
        }
    }
}
