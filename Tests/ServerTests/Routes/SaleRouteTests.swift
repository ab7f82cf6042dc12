import Engine
import Testing

@testable import Server

@Suite struct SaleRouteTests {
    private func reserve(_ request: TestRequest) throws -> ReserveRequest {
        guard case .reserve(let reserve) = try request.command() else { throw TestFailure("not a reservation") }
        return reserve
    }

    @Test func reservingOneSection() throws {
        let body = """
            {"quantity": 2, "reservation_minutes": 5, "pricing_id": "\(KnownIDs.pricing)", "customer_id": "cus-1"}
            """
        let request = TestRequest("POST", "/api/v1/capacity/balcony/reserve", body, key: "k")
        #expect(try request.submission().event == KnownSections.event)
        let reserve = try reserve(request)
        #expect(reserve.first == ReserveRequest.Line(section: 1, quantity: 2, tier: 2))
        #expect(reserve.rest.isEmpty)
        #expect(reserve.isSingleSection)
        #expect(reserve.holdSeconds == 300)
        #expect(reserve.customer == "cus-1")
    }

    @Test func whatIsOptionalMayBeNullOrLeftOut() throws {
        let body = #"{"quantity":1,"reservation_minutes":null,"pricing_id":null,"customer_id":null,"note":[{}]}"#
        for body in [#"{"quantity":1}"#, body] {
            let reserve = try reserve(TestRequest("POST", "/api/v1/capacity/floor/reserve", body))
            #expect(reserve.first == ReserveRequest.Line(section: 0, quantity: 1))
            #expect(reserve.holdSeconds == nil)
            #expect(reserve.customer == .empty)
        }
    }

    @Test func reservingSeveralSections() throws {
        let body = """
            {"items": [{"capacity_id": "floor", "quantity": 2},
                       {"quantity": 3, "pricing_id": "\(KnownIDs.pricing)", "capacity_id": "balcony"}],
             "hold_seconds": 90, "event_id": "show"}
            """
        let reserve = try reserve(TestRequest("POST", "/api/v1/reservations", body, customer: "ann"))
        #expect(reserve.first == ReserveRequest.Line(section: 0, quantity: 2))
        #expect(reserve.rest == [ReserveRequest.Line(section: 1, quantity: 3, tier: 2)])
        #expect(!reserve.isSingleSection)
        #expect(reserve.holdSeconds == 90)
        #expect(reserve.customer == "ann")
    }

    @Test(arguments: [
        (#"{"event_id":"show","items":[{"capacity_id":"nowhere","quantity":1}]}"#, "404 CAPACITY_NOT_FOUND"),
        (#"{"event_id":"show","items":[{"capacity_id":"elsewhere","quantity":1}]}"#, "404 CAPACITY_NOT_FOUND"),
        (#"{"event_id":"other","items":[{"capacity_id":"floor","quantity":1}]}"#, "404 CAPACITY_NOT_FOUND"),
        (
            #"{"event_id":"show","items":[{"capacity_id":"floor","quantity":1,"pricing_id":"prc_x"}]}"#,
            "404 PRICING_NOT_FOUND"
        ),
        (
            """
            {"event_id":"show","items":[{"capacity_id":"floor","quantity":1,"pricing_id":"\(KnownIDs.otherPricing)"}]}
            """,
            "404 PRICING_NOT_FOUND"
        ),
    ])
    func linesOutsideTheEventAreNotFound(_ body: String, _ summary: String) throws {
        #expect(try TestRequest("POST", "/api/v1/reservations", body).problem().summary == summary)
    }

    @Test func anotherTenantsSectionIsNotFound() throws {
        let request = TestRequest("POST", "/api/v1/capacity/balcony/reserve", #"{"quantity":1}"#, tenant: "shop")
        #expect(try request.problem().summary == "404 CAPACITY_NOT_FOUND")
        let own = TestRequest("POST", "/api/v1/capacity/floor/reserve", #"{"quantity":1}"#, tenant: "shop")
        #expect(try own.submission().event == EventKey(tenant: "shop", event: "show"))
    }

    @Test func aCustomerActsInTheCustomersOwnName() throws {
        let path = "/api/v1/capacity/floor/reserve"
        let other = TestRequest("POST", path, #"{"quantity":1,"customer_id":"bob"}"#, customer: "ann")
        #expect(try other.problem().summary == "403 CUSTOMER_MISMATCH")
        let same = TestRequest("POST", path, #"{"quantity":1,"customer_id":"ann"}"#, customer: "ann")
        #expect(try reserve(same).customer == "ann")
        let silent = TestRequest("POST", path, #"{"quantity":1}"#, customer: "ann")
        #expect(try reserve(silent).customer == "ann")
        #expect(try silent.submission().context.principal == "ann")
    }

    @Test func commandsOnAReservation() throws {
        let path = "/api/v1/reservations/\(KnownIDs.reservation)"
        guard case .reservation(KnownIDs.hold) = try TestRequest("GET", path).query(),
            case .lockPrice(KnownIDs.hold, tier: nil) = try TestRequest("POST", "\(path)/price-lock").command(),
            case .lockPrice(KnownIDs.hold, tier: 2) = try TestRequest(
                "POST",
                "\(path)/price-lock",
                #"{"pricing_id":"\#(KnownIDs.pricing)"}"#
            ).command(),
            case .extend(KnownIDs.hold, seconds: 60) = try TestRequest(
                "POST",
                "\(path)/extend",
                #"{"seconds":60}"#
            ).command(),
            case .confirm(KnownIDs.hold, paymentReference: "pi_1", amount: nil) = try TestRequest(
                "POST",
                "\(path)/confirm",
                #"{"payment_reference":"pi_1","amount":null}"#
            ).command(),
            case .release(KnownIDs.hold) = try TestRequest("POST", "\(path)/release").command(),
            case .release(KnownIDs.hold) = try TestRequest("DELETE", path).command()
        else { throw TestFailure("another command") }
        #expect(try TestRequest("DELETE", path).submission().reply.shape == .noContent)
        #expect(try TestRequest("POST", "\(path)/release").submission().reply.shape == .ok)
    }

    @Test(arguments: ["rsv_", "rsv_x", "nonsense", "ord_AAAA", "%F0%9F%8E%9F"])
    func otherReservationIdsAreNotFound(_ id: String) throws {
        #expect(try TestRequest("GET", "/api/v1/reservations/\(id)").problem().summary == "404 RESERVATION_NOT_FOUND")
        #expect(try TestRequest("GET", "/api/v1/orders/\(id)").problem().summary == "404 ORDER_NOT_FOUND")
    }

    @Test func anOrdersIdIsNoReservationsId() throws {
        let path = "/api/v1/reservations/\(KnownIDs.order)"
        #expect(try TestRequest("GET", path).problem().summary == "404 RESERVATION_NOT_FOUND")
    }

    @Test func refunding() throws {
        let path = "/api/v1/orders/\(KnownIDs.order)/refund"
        guard case .refund(KnownIDs.hold, tickets: [], restock: true) = try TestRequest("POST", path).command(),
            case .refund(KnownIDs.hold, tickets: [3, 0], restock: false) = try TestRequest(
                "POST",
                path,
                #"{"tickets":["\#(KnownIDs.ticket(3))","\#(KnownIDs.ticket(0))"],"restock":false}"#
            ).command()
        else { throw TestFailure("another command") }
    }

    @Test func refundingNamesEveryTicketThatIsNone() throws {
        let stranger = HoldID(event: KnownIDs.hold.event, reference: KnownIDs.hold.reference, secret: 1)
        let tickets = [KnownIDs.ticket(1), "tkt_x", KnownIDs.ticket(0, of: stranger)].map { "\"\($0)\"" }
        let body = "{\"tickets\":[\(tickets.joined(separator: ",")),5]}"
        let problem = try TestRequest("POST", "/api/v1/orders/\(KnownIDs.order)/refund", body).problem()
        #expect(problem.fieldNames == ["tickets[1]", "tickets[2]", "tickets[3]"])
        let empty = try TestRequest("POST", "/api/v1/orders/\(KnownIDs.order)/refund", #"{"tickets":[]}"#).problem()
        #expect(empty.fieldNames == ["tickets"])
    }

    @Test func confirmingAnAmountAsksForTheCurrencyFirst() throws {
        let path = "/api/v1/reservations/\(KnownIDs.reservation)/confirm"
        let change = try TestRequest("POST", path, #"{"payment_reference":"p","amount":124.2}"#, key: "k").change()
        guard case .query(.event) = change.read.work else { throw TestFailure("not the event's query") }
        #expect(change.read.context.idempotency == nil)
        let found = Outcome.finding(.event(KnownEvent.view))
        guard case .submit(let second) = change.next(after: found, of: KnownEvent()),
            case .command(.confirm(KnownIDs.hold, paymentReference: "p", amount: 12_420)) = second.work
        else { throw TestFailure("no confirmation of 124.20") }
        #expect(second.context.idempotency != nil)
        guard case .submit(let yen) = change.next(after: found, of: KnownEvent(currency: "KWD")),
            case .command(.confirm(_, _, amount: 124_200)) = yen.work
        else { throw TestFailure("no confirmation of 124.200") }
        guard case .problem(let problem) = change.next(after: found, of: KnownEvent(currency: "JPY")) else {
            throw TestFailure("a tenth of a yen")
        }
        #expect(problem.fieldNames == ["amount"])
        let missing = change.next(after: .refused(.eventNotFound), of: KnownEvent?.none)
        guard case .answer(.refused(.eventNotFound)) = missing else { throw TestFailure("not the refusal itself") }
    }
}
