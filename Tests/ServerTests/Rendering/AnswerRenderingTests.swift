import Foundation
import Testing

@testable import Engine
@testable import Server

/// Golden renderings: what a client has seen once stays as it is.
@Suite struct AnswerRenderingTests {
    static let locked = """
        {"pricing_id":"\(KnownIDs.pricing)","locked_price":50.00,"service_fee":5.00,"facility_fee":2.50,\
        "tax_rate":0.08,"locked_at":"2025-11-21T08:00:00.000Z"}
        """
    static let reservation = """
        {"id":"\(KnownIDs.reservation)","event_id":"show","customer_id":"ann","status":"held",\
        "created_at":"2025-11-21T08:00:00.000Z","expires_at":"2025-11-21T08:15:00.000Z","expires_in_ms":900000,\
        "items":[{"capacity_id":"floor","quantity":2,"pricing_id":"\(KnownIDs.pricing)",\
        "locked_price":\(locked)}],"total":124.20,"currency":"EUR"}
        """
    static let counts = SectionCounts(total: 100, buffer: 10, reserved: 5, sold: 20)

    @Test func reservingOneSection() throws {
        let answer = Answer.reservedOne(
            KnownEvent.hold(),
            counts: Self.counts,
            at: KnownEvent.now,
            isSingleSection: true
        )
        let response = try response(.answer(answer))
        #expect(response.status == 200)
        #expect(
            response.body == """
                {"message":"Capacity reserved","reservation":\(Self.reservation),"capacity":{"id":"floor",\
                "total_capacity":100,"available_capacity":65,"reserved_capacity":5,"sold_count":20,\
                "reserved_expires_at":"2025-11-21T08:15:00.000Z"},"locked_price":\(Self.locked)}
                """
        )
        #expect(response.fields["Content-Type"] == "application/json")
        #expect(response.fields["Content-Length"] == "\(response.body.utf8.count)")
    }

    @Test func reservingWithoutAPrice() throws {
        let hold = KnownEvent.hold(locked: false)
        let answer = Answer.reservedOne(hold, counts: Self.counts, at: KnownEvent.now, isSingleSection: true)
        let json = try response(.answer(answer)).json()
        #expect(Set(json.keys) == ["message", "reservation", "capacity"])
        let reservation = json["reservation"] as! [String: Any]
        #expect(reservation["total"] == nil)
        #expect((reservation["items"] as! [[String: Any]])[0].keys.sorted() == ["capacity_id", "quantity"])
    }

    @Test func reservingSeveralSections() throws {
        let rest = [HoldLine(section: 1, quantity: 1)]
        let answer = Answer.reserved(
            KnownEvent.hold(rest: rest),
            counts: [Self.counts, Self.counts],
            at: KnownEvent.now,
            isSingleSection: false
        )
        let response = try response(.answer(answer))
        #expect(response.status == 201)
        #expect(response.fields["Location"] == "/api/v1/reservations/\(KnownIDs.reservation)")
        let json = try response.json()
        #expect(Set(json.keys) == ["reservation"])
        let reservation = json["reservation"] as! [String: Any]
        #expect((reservation["items"] as! [Any]).count == 2)
        #expect(reservation["total"] == nil)
    }

    @Test func reservation() throws {
        let response = try response(.finding(.reservation(KnownEvent.hold(), at: KnownEvent.now)))
        #expect(response.status == 200)
        #expect(response.body == "{\"reservation\":\(Self.reservation)}")
        #expect(response.fields["ETag"]?.hasPrefix("W/\"") == true)
    }

    @Test(arguments: [(899_999, "held", 1), (900_000, "expired", 0), (900_001, "expired", 0)])
    func aHoldPastItsDeadlineIsToldAsExpired(_ later: Int64, _ status: String, _ left: Int) throws {
        let finding = Finding.reservation(KnownEvent.hold(), at: KnownEvent.now + later)
        let reservation = try response(.finding(finding)).json()["reservation"] as! [String: Any]
        #expect(reservation["status"] as? String == status)
        #expect(reservation["expires_in_ms"] as? Int == left)
    }

    @Test func aSaleToNobodyInParticular() throws {
        var hold = KnownEvent.hold()
        hold.customer = .empty
        let json = try response(.answer(.reservation(hold, at: KnownEvent.now))).json()
        #expect((json["reservation"] as! [String: Any])["customer_id"] is NSNull)
    }

    @Test func order() throws {
        let hold = KnownEvent.hold(status: .confirmed, order: KnownEvent.order())
        let response = try response(.answer(.order(hold, at: KnownEvent.now)))
        #expect(response.status == 200)
        #expect(
            response.body == """
                {"order":{"id":"\(KnownIDs.order)","reservation_id":"\(KnownIDs.reservation)","event_id":"show",\
                "customer_id":"ann","status":"confirmed","total":124.20,"currency":"EUR","payment_reference":"pi_1",\
                "created_at":"2025-11-21T08:00:01.000Z"},"tickets":[\
                {"id":"\(KnownIDs.ticket(0))","capacity_id":"floor","code":"\(Self.code(0))","status":"issued"},\
                {"id":"\(KnownIDs.ticket(1))","capacity_id":"floor","code":"\(Self.code(1))","status":"issued"}]}
                """
        )
    }

    static func code(_ index: UInt32) -> String {
        let code = TicketCode(secret: KnownEvent.order().ticketSecret, index: index)
        return String(unsafeUninitializedCapacity: 26) {
            CrockfordBase32.encode(high: code.high, low: code.low, into: UnsafeMutableRawBufferPointer($0))
            return 26
        }
    }

    @Test(arguments: [([], "confirmed"), ([1], "partially_refunded"), ([0, 2], "partially_refunded")])
    func refundedTicketsAreTold(_ refunded: [UInt32], _ status: String) throws {
        try checkRefund(refunded, status)
    }

    @Test func anOrderRefundedWhole() throws { try checkRefund([0, 1, 2], "refunded") }

    private func checkRefund(_ refunded: [UInt32], _ status: String) throws {
        let order = KnownEvent.order(refunded: refunded)
        let rest = [HoldLine(section: 1, quantity: 1, tier: 2, lock: KnownEvent.lock)]
        let hold = KnownEvent.hold(status: .confirmed, rest: rest, order: order)
        let json = try response(.finding(.order(hold, at: KnownEvent.now))).json()
        #expect((json["order"] as! [String: Any])["status"] as? String == status)
        let tickets = json["tickets"] as! [[String: Any]]
        #expect(tickets.map { $0["capacity_id"] as! String } == ["floor", "floor", "balcony"])
        let shown = tickets.indices.filter { tickets[$0]["status"] as! String == "refunded" }
        #expect(shown == refunded.map(Int.init))
    }

    @Test func releasedByDeleteIsWithoutContent() throws {
        let hold = KnownEvent.hold(status: .released)
        let deleted = try response(.answer(.reservation(hold, at: KnownEvent.now)), reply(.noContent))
        #expect(deleted.status == 204)
        #expect(deleted.body.isEmpty)
        #expect(deleted.fields["Content-Length"] == nil)
        let posted = try response(.answer(.reservation(hold, at: KnownEvent.now)))
        #expect(posted.status == 200)
    }

    @Test func theSameAnswerGivesTheSameBytes() {
        let order = Answer.order(
            KnownEvent.hold(status: .confirmed, order: KnownEvent.order()),
            at: KnownEvent.now
        )
        let answers: [Answer] = [
            order, .reservation(KnownEvent.hold(), at: KnownEvent.now), .event(KnownEvent.view),
            .reservedOne(KnownEvent.hold(), counts: Self.counts, at: KnownEvent.now, isSingleSection: true),
            .section(KnownEvent.section), .tier(KnownEvent.tier),
            .rejected(.soldOut(0, asked: 3, available: 1, buffer: 2)),
        ]
        for answer in answers { #expect(bytes(.answer(answer)) == bytes(.answer(answer))) }
    }

    @Test func theClientsRequestIdComesBack() throws {
        var context = reply()
        context.clientRequestID = "abc-1"
        let outcomes: [Outcome] = [
            .answer(.event(KnownEvent.view)), .answer(.reservation(KnownEvent.hold(), at: 0)),
            .finding(.tiers([])), .refused(.eventNotFound), .unavailable(.closed),
        ]
        for outcome in outcomes { #expect(try response(outcome, context).fields["X-Request-Id"] == "abc-1") }
        context.shape = .noContent
        #expect(try response(.answer(.event(KnownEvent.view)), context).fields["X-Request-Id"] == "abc-1")
    }

    @Test func headTellsTheLengthOnly() throws {
        let whole = try response(.finding(.event(KnownEvent.view)))
        let head = try response(.finding(.event(KnownEvent.view)), reply(isHead: true))
        #expect(head.body.isEmpty)
        #expect(head.fields == whole.fields)
    }
}
