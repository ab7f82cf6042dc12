import Foundation
import Testing

@testable import Engine
@testable import Server

/// Prices as a shop meets them: over HTTP, in decimals of the event's currency, at the time of the request, kept by a lock
/// across a restart.
@Suite struct PricingTests {
    private func json(_ reply: LoopbackClient.Reply) throws -> [String: Any] {
        let object = try JSONSerialization.jsonObject(with: Data(reply.body.utf8)) as? [String: Any]
        return try #require(object, "\(reply.body)")
    }

    private func member(_ reply: LoopbackClient.Reply, _ name: String) throws -> [String: Any] {
        try #require(try json(reply)[name] as? [String: Any], "\(reply.body)")
    }

    /// A published event with the sections `<id>-a` and `<id>-b`.
    private func open(_ client: LoopbackClient, _ id: String = "gala", currency: String = "EUR") throws {
        let event = #"{"id":"\#(id)","name":"Gala","currency":"\#(currency)","hold_time_seconds":3600}"#
        #expect(try client.post("/api/v1/events", event).status == 201)
        for section in ["a", "b"] {
            let body = #"{"id":"\#(id)-\#(section)","section_name":"S","total_capacity":100000}"#
            #expect(try client.post("/api/v1/events/\(id)/capacity", body).status == 201)
        }
        #expect(try client.post("/api/v1/events/\(id)/publish", "{}").status == 200)
    }

    private func tier(_ client: LoopbackClient, _ body: String, of event: String = "gala") throws -> String {
        let reply = try client.post("/api/v1/events/\(event)/pricing", body)
        return try #require(try member(reply, "pricing")["id"] as? String)
    }

    private func put(_ client: LoopbackClient, _ path: String, _ body: String) throws -> LoopbackClient.Reply {
        try client.send(
            "PUT \(path) HTTP/1.1\r\nHost: test\r\nContent-Type: application/json\r\n"
                + "Content-Length: \(body.utf8.count)\r\n\r\n\(body)"
        )
        return try client.next()
    }

    @Test func theExampleOfTheContract() async throws {
        try await SaleServer.run { server in
            let client = try server.connect()
            try open(client)
            let pricing = try tier(
                client,
                #"{"base_price":50.00,"service_fee":5.00,"facility_fee":2.50,"tax_rate":0.08,"currency":"EUR"}"#
            )
            let reply = try client.post("/api/v1/pricing/\(pricing)/calculate", #"{"quantity":2}"#)
            #expect(
                reply.body
                    == #"{"base_price":100.00,"service_fee":10.00,"facility_fee":5.00,"subtotal":115.00,"tax":9.20,"total":124.20,"per_ticket":62.10}"#
            )
        }
    }

    /// A rule that would never apply is told when it is set, and not at the sale: of a new tier, and of what a change leads to.
    @Test func aPriceIsForSomeTime() async throws {
        try await SaleServer.run { server in
            let client = try server.connect()
            try open(client)
            let rules = [
                (#""early_bird_price":1"#, #""early_bird_ends_at":"2026-11-21T12:00:00Z""#, "early_bird_ends_at"),
                (
                    #""last_minute_price":1"#, #""last_minute_starts_at":"2026-11-21T12:00:00Z""#,
                    "last_minute_starts_at"
                ),
                (#""group_discount_percentage":5"#, #""group_size_min":10"#, "group_size_min"),
            ]
            func refusedField(_ reply: LoopbackClient.Reply) throws -> String? {
                #expect(reply.status == 422, "\(reply.body)")
                return (try json(reply)["errors"] as? [[String: Any]])?.first?["field"] as? String
            }
            for (rule, time, field) in rules {
                let path = "/api/v1/events/gala/pricing"
                let alone = try client.post(path, #"{"base_price":9,"currency":"EUR",\#(rule)}"#)
                #expect(try refusedField(alone) == field)
                let pricing = try tier(client, #"{"base_price":9,"currency":"EUR"}"#)
                #expect(try refusedField(try put(client, "/api/v1/pricing/\(pricing)", "{\(rule)}")) == field)
                #expect(try put(client, "/api/v1/pricing/\(pricing)", "{\(rule),\(time)}").status == 200)
                #expect(try put(client, "/api/v1/pricing/\(pricing)", #"{"name":"Late"}"#).status == 200)
                let without = "{\(time.prefix { $0 != ":" }):null}"
                #expect(try refusedField(try put(client, "/api/v1/pricing/\(pricing)", without)) == field)
            }
        }
    }

    @Test func boundsInTheWrongOrderAreNamed() async throws {
        try await SaleServer.run { server in
            let client = try server.connect()
            try open(client)
            func refused(_ reply: LoopbackClient.Reply) throws -> [String] {
                #expect(reply.status == 422, "\(reply.body)")
                let errors = try json(reply)["errors"] as? [[String: Any]] ?? []
                return errors.map { "\($0["field"] ?? "-") \($0["message"] ?? "-")" }
            }
            let expected = ["min_price must be at most max_price"]
            let body = #"{"base_price":9,"currency":"EUR","min_price":8.01,"max_price":8}"#
            #expect(try refused(client.post("/api/v1/events/gala/pricing", body)) == expected)
            let pricing = try tier(client, #"{"base_price":9,"currency":"EUR","min_price":8,"max_price":8}"#)
            #expect(try refused(put(client, "/api/v1/pricing/\(pricing)", #"{"max_price":7.99}"#)) == expected)
            #expect(
                try put(client, "/api/v1/pricing/\(pricing)", #"{"max_price":7.99,"min_price":null}"#).status == 200
            )
        }
    }

    // MARK: - Against decimals

    /// As a shop would reckon with a pocket calculator; every amount as it is written in JSON.
    private struct Prices {
        var random: SeededNumbers
        let digits: Int

        mutating func amount() -> Decimal {
            let minor = random.next() % [1, 3, 100, 10_000, 10_000_000][Int(random.next() % 5)]
            return Decimal(sign: .plus, exponent: -digits, significand: Decimal(minor))
        }

        mutating func share(_ digits: Int) -> Decimal {
            Decimal(sign: .plus, exponent: -digits, significand: Decimal(random.next() % 10_001))
        }

        mutating func flag() -> Bool { random.next() % 2 == 0 }
    }

    struct SeededNumbers {
        var state: UInt64

        mutating func next() -> UInt64 {
            state &+= 0x9E37_79B9_7F4A_7C15
            var mixed = (state ^ state >> 30) &* 0xBF58_476D_1CE4_E5B9
            mixed = (mixed ^ mixed >> 27) &* 0x94D0_49BB_1331_11EB
            return mixed ^ mixed >> 31
        }
    }

    /// A tier as a shop keeps it in its head, and the body that makes it.
    private struct Tier {
        let body: String
        let fees: Decimal
        let taxRate: Decimal
        let unit: (_ now: Milliseconds, _ quantity: Int) -> Decimal

        init(_ prices: inout Prices) {
            let digits = prices.digits
            let (base, current, early, late) = (prices.amount(), prices.amount(), prices.amount(), prices.amount())
            let (service, facility, rate) = (prices.amount(), prices.amount(), prices.share(4))
            let bounds = [prices.amount(), prices.amount()].sorted()
            let (isDynamic, isEarly, isLate, isGroup) = (prices.flag(), prices.flag(), prices.flag(), prices.flag())
            let percentage = prices.share(2)
            var members = [
                #""base_price":\#(base)"#, #""current_price":\#(current)"#, #""is_dynamic":\#(isDynamic)"#,
                #""min_price":\#(bounds[0])"#, #""max_price":\#(bounds[1])"#, #""service_fee":\#(service)"#,
                #""facility_fee":\#(facility)"#, #""tax_rate":\#(rate)"#,
            ]
            if isEarly { members += [#""early_bird_price":\#(early),"early_bird_ends_at":"2026-11-21T12:00:02Z""#] }
            if isLate { members += [#""last_minute_price":\#(late),"last_minute_starts_at":"2026-11-21T12:00:03Z""#] }
            if isGroup { members += [#""group_size_min":10,"group_discount_percentage":\#(percentage)"#] }
            body = "{" + members.joined(separator: ",") + "}"
            fees = service + facility
            taxRate = rate
            unit = { now, quantity in
                var unit = isDynamic ? current : base
                if isEarly, now < SettableTime.noon + 2_000 { unit = early }
                if isLate, now >= SettableTime.noon + 3_000 { unit = late }
                if isGroup, quantity >= 10 { unit = rounded(unit * (1 - percentage / 100), digits) }
                return isDynamic ? min(max(unit, bounds[0]), bounds[1]) : unit
            }
        }

        func amounts(_ quantity: Int, at now: Milliseconds, _ digits: Int) -> [(name: String, amount: Decimal)] {
            let base = unit(now, quantity) * Decimal(quantity)
            let subtotal = base + fees * Decimal(quantity)
            let tax = rounded(subtotal * taxRate, digits)
            let perTicket = rounded((subtotal + tax) / Decimal(quantity), digits)
            return [
                ("base_price", base), ("subtotal", subtotal), ("tax", tax), ("total", subtotal + tax),
                ("per_ticket", perTicket),
            ]
        }
    }

    /// At moments around those at which rules begin and end.
    @Test(arguments: [("EUR", 2), ("JPY", 0), ("KWD", 3)])
    func everyAmountIsExact(currency: String, digits: Int) async throws {
        let folder = SaleServer.makeFolder()
        defer { try? FileManager.default.removeItem(atPath: folder) }
        let time = SettableTime()
        try await SaleServer.run(folder: folder, shards: 2, clock: time.clock()) { server in
            let client = try server.connect()
            try open(client, currency: currency)
            var prices = Prices(random: SeededNumbers(state: UInt64(digits)), digits: digits)
            let tiers = try (0..<40).map { _ in
                let tier = Tier(&prices)
                return (id: try self.tier(client, tier.body), tier: tier)
            }
            for offset in [0, 1_999, 2_000, 2_999, 3_000] as [Milliseconds] {
                time.now = SettableTime.noon + offset
                for (id, tier) in tiers {
                    let quantity = [1, 3, 9, 10, 999][Int(prices.random.next() % 5)]
                    let reply = try client.post("/api/v1/pricing/\(id)/calculate", #"{"quantity":\#(quantity)}"#)
                    for (name, amount) in tier.amounts(quantity, at: time.now, digits) {
                        let text = try shown(name, in: reply)
                        #expect(Decimal(string: text) == amount, "\(name) of \(quantity): \(reply.body) \(tier.body)")
                        #expect((text.split(separator: ".").dropFirst().first?.count ?? 0) == digits)
                    }
                }
            }
        }
    }

    /// An amount as it is written in the answer.
    private func shown(_ name: String, in reply: LoopbackClient.Reply) throws -> String {
        let start = try #require(reply.body.range(of: "\"\(name)\":"), "\(reply.body)")
        return String(reply.body[start.upperBound...].prefix { $0.isNumber || $0 == "." })
    }

    // MARK: - What is on sale

    @Test func theActivePricesAreThoseOfTheMoment() async throws {
        let folder = SaleServer.makeFolder()
        defer { try? FileManager.default.removeItem(atPath: folder) }
        let time = SettableTime()
        try await SaleServer.run(folder: folder, clock: time.clock()) { server in
            let client = try server.connect()
            try open(client)
            let second = "2026-11-21T12:00:01Z"
            let always = try tier(client, #"{"base_price":0}"#)
            let later = try tier(client, #"{"base_price":1,"sales_start_at":"\#(second)"}"#)
            let before = try tier(client, #"{"base_price":2,"sales_end_at":"\#(second)"}"#)
            for hidden in [#""is_active":false"#, #""is_visible":false"#] {
                _ = try tier(client, #"{"base_price":3,\#(hidden)}"#)
            }
            func active() throws -> [String] {
                let list = try json(try client.get("/api/v1/events/gala/pricing/active"))["pricing"]
                return try #require(list as? [[String: Any]]).compactMap { $0["id"] as? String }
            }
            #expect(try active() == [always, before])
            time.now += 999
            #expect(try active() == [always, before])
            time.now += 1
            #expect(try active() == [always, later])
            #expect(try put(client, "/api/v1/pricing/\(always)", #"{"is_visible":false}"#).status == 200)
            #expect(try active() == [later])
            let all = try json(try client.get("/api/v1/events/gala/pricing"))["pricing"] as? [Any]
            #expect(all?.count == 5)
        }
    }

    // MARK: - Locks

    /// Three lines get their prices at three moments; then the tiers change in every way, and the server is started anew.
    @Test func aLockedPriceOutlivesTheTierAndTheServer() async throws {
        let folder = SaleServer.makeFolder()
        defer { try? FileManager.default.removeItem(atPath: folder) }
        var reservation = ""
        var items = ""
        try await SaleServer.run(folder: folder) { server in
            let client = try server.connect()
            try open(client)
            let first = try tier(
                client,
                #"{"base_price":19.99,"service_fee":1.5,"facility_fee":0.25,"tax_rate":0.075,"capacity_id":"gala-a"}"#
            )
            let second = try tier(client, #"{"base_price":0,"service_fee":0.99,"tax_rate":0.2,"capacity_id":"gala-b"}"#)
            let lines =
                #"[{"capacity_id":"gala-a","quantity":3,"pricing_id":"\#(first)"},{"capacity_id":"gala-b","quantity":2}]"#
            let made = try client.post("/api/v1/reservations", #"{"event_id":"gala","items":\#(lines)}"#)
            reservation = try #require(try member(made, "reservation")["id"] as? String)
            // The first line has its price; this one changes for the second only.
            let risen = #"{"base_price":99,"service_fee":9,"facility_fee":9,"tax_rate":0.5}"#
            #expect(try put(client, "/api/v1/pricing/\(first)", risen).status == 200)
            let locked = try client.post("/api/v1/reservations/\(reservation)/price-lock", "{}")
            #expect(locked.status == 200, "\(locked.body)")
            // 3 × (19.99 + 1.50 + 0.25) = 65.22, tax 4.8915; 2 × 0.99 = 1.98, tax 0.396.
            #expect(locked.body.contains(#""total":72.49,"#), "\(locked.body)")
            let gone = #"{"base_price":77,"tax_rate":0,"is_active":false,"capacity_id":"gala-a"}"#
            for pricing in [first, second] {
                #expect(try put(client, "/api/v1/pricing/\(pricing)", gone).status == 200)
            }
            items = try shownItems(client, reservation)
            #expect(items.contains(#""locked_price":19.99,"service_fee":1.50,"facility_fee":0.25,"tax_rate":0.075"#))
            #expect(items.contains(#""locked_price":0.00,"service_fee":0.99,"facility_fee":0.00,"tax_rate":0.2"#))
        }
        // From the log alone, then from the snapshot that the stop wrote.
        try SaleServer.removeSnapshots(folder)
        for _ in 0..<2 {
            try await SaleServer.run(folder: folder) { server in
                let client = try server.connect()
                #expect(try shownItems(client, reservation) == items)
                let again = try client.post("/api/v1/reservations/\(reservation)/price-lock", "{}")
                #expect(again.status == 200)
                #expect(try shownItems(client, reservation) == items)
            }
        }
        try await SaleServer.run(folder: folder) { server in
            let client = try server.connect()
            let path = "/api/v1/reservations/\(reservation)/confirm"
            let wrong = try client.post(path, #"{"payment_reference":"p","amount":72.50}"#)
            #expect(try json(wrong)["code"] as? String == "AMOUNT_MISMATCH")
            let sold = try client.post(path, #"{"payment_reference":"p","amount":72.49}"#)
            #expect(sold.status == 200, "\(sold.body)")
            #expect(sold.body.contains(#""total":72.49,"#))
        }
    }

    private func shownItems(_ client: LoopbackClient, _ reservation: String) throws -> String {
        let reply = try client.get("/api/v1/reservations/\(reservation)")
        let start = try #require(reply.body.range(of: #""items":"#), "\(reply.body)")
        return String(reply.body[start.lowerBound...])
    }
}

/// Half away from zero.
private func rounded(_ amount: Decimal, _ digits: Int) -> Decimal {
    var (exact, rounded) = (amount, Decimal())
    NSDecimalRound(&rounded, &exact, digits, .plain)
    return rounded
}

extension SaleServer {
    /// Leaves a stopped server's folder with its log alone.
    static func removeSnapshots(_ folder: String) throws {
        let files = FileManager.default
        for file in try files.contentsOfDirectory(atPath: folder) where file.hasPrefix("snap-") {
            try files.removeItem(atPath: folder + "/" + file)
        }
    }
}
