import Foundation
import Testing

@testable import Engine
@testable import Server

@Suite struct RejectionRenderingTests {
    /// Every refusal: its status, its code, and words that its detail must have.
    static let table: [(Rejection, Int, String, [String])] = [
        (.eventNotFound, 404, "EVENT_NOT_FOUND", []),
        (.eventExists, 409, "EVENT_EXISTS", []),
        (.eventChanged(expectedVersion: 3, version: 5), 412, "EVENT_CHANGED", ["3", "5"]),
        (.eventNotOnSale(status: .draft), 409, "EVENT_NOT_ON_SALE", ["DRAFT"]),
        (.wrongEventStatus(status: .cancelled), 409, "WRONG_EVENT_STATUS", ["CANCELLED"]),
        (.currencyFixed, 422, "CURRENCY_FIXED", []),
        (.salesNotStarted(startsAt: KnownEvent.now), 409, "SALES_NOT_STARTED", ["2025-11-21T08:00:00Z"]),
        (.salesEnded(endedAt: KnownEvent.now + 61_000), 409, "SALES_ENDED", ["2025-11-21T08:01:01Z"]),
        (.eventHasSales(sold: 7, reserved: 8), 409, "EVENT_HAS_SALES", ["7", "8"]),
        (.venueNotFound, 404, "VENUE_NOT_FOUND", []),
        (.venueExists, 409, "VENUE_EXISTS", []),
        (.venueChanged(expectedVersion: 3, version: 5), 412, "VENUE_CHANGED", ["3", "5"]),
        (.overVenueMaximum(asked: 7, others: 8, maximum: 9), 409, "OVER_VENUE_CAPACITY", ["7", "8", "9"]),
        (.scheduleNotFound, 404, "SCHEDULE_NOT_FOUND", []),
        (.scheduleExists, 409, "SCHEDULE_EXISTS", []),
        (.scheduleChanged(expectedVersion: 3, version: 5), 412, "SCHEDULE_CHANGED", ["3", "5"]),
        (.scheduleCancelled(1), 409, "SCHEDULE_CANCELLED", ["balcony"]),
        (.scheduleEnded(0, endedAt: KnownEvent.now), 409, "SCHEDULE_ENDED", ["floor", "2025-11-21T08:00:00Z"]),
        (.eventOver(endedAt: KnownEvent.now), 409, "EVENT_OVER", ["2025-11-21T08:00:00Z"]),
        (.sectionNotFound, 404, "CAPACITY_NOT_FOUND", []),
        (.sectionExists, 409, "CAPACITY_EXISTS", []),
        (.sectionInactive(1), 409, "CAPACITY_INACTIVE", ["balcony", "inactive or not visible"]),
        (.totalBelowCommitted(asked: 7, committed: 8), 409, "TOTAL_BELOW_COMMITTED", ["7", "8"]),
        (.soldOut(0, asked: 3, available: 1, buffer: 2), 409, "SOLD_OUT", ["floor", "3", "1"]),
        (.belowMinimumPurchase(0, asked: 1, minimum: 2), 422, "BELOW_MINIMUM_PURCHASE", ["floor", "1", "2"]),
        (.aboveMaximumPurchase(1, asked: 9, maximum: 8), 422, "ABOVE_MAXIMUM_PURCHASE", ["balcony", "9", "8"]),
        (.sectionTwice(0), 422, "CAPACITY_TWICE", ["floor"]),
        (.tierNotFound, 404, "PRICING_NOT_FOUND", []),
        (.tierInactive(2), 409, "PRICING_INACTIVE", [KnownIDs.pricing, "inactive or not visible"]),
        (.tierNotForSection(2, 1), 422, "PRICING_NOT_FOR_CAPACITY", [KnownIDs.pricing, "balcony"]),
        (.overOrderLimit(2, asked: 9, limit: 4), 422, "OVER_ORDER_LIMIT", [KnownIDs.pricing, "9", "4"]),
        (
            .overCustomerLimit(2, asked: 5, held: 3, limit: 6), 409, "OVER_CUSTOMER_LIMIT",
            [KnownIDs.pricing, "5", "3", "6"]
        ),
        (.tooManyOpenHolds(held: 2, limit: 2), 409, "TOO_MANY_OPEN_RESERVATIONS", ["2"]),
        (.customerReservationLimit(held: 10_000, limit: 10_000), 409, "CUSTOMER_RESERVATION_LIMIT", ["10000"]),
        (.customerMismatch, 403, "CUSTOMER_MISMATCH", []),
        (.holdTimeOutOfRange(askedSeconds: 99, maximumSeconds: 60), 422, "HOLD_TIME_OUT_OF_RANGE", ["99", "60"]),
        (.reservationNotFound, 404, "RESERVATION_NOT_FOUND", []),
        (.reservationExpired(expiredAt: KnownEvent.now), 410, "RESERVATION_EXPIRED", ["2025-11-21T08:00:00Z"]),
        (.reservationNotHeld(status: .released), 409, "RESERVATION_NOT_HELD", ["released"]),
        (.priceLockedOtherwise(2), 409, "PRICE_LOCKED_OTHERWISE", [KnownIDs.pricing]),
        (.noPrice(1), 409, "NO_PRICE", ["balcony"]),
        (.amountMismatch(given: 12_419, total: 12_420), 409, "AMOUNT_MISMATCH", ["124.19 EUR", "124.20 EUR"]),
        (.orderNotFound, 404, "ORDER_NOT_FOUND", []),
        (.ticketNotFound(index: 7), 404, "TICKET_NOT_FOUND", ["7"]),
        (.ticketRefunded(index: 7), 409, "TICKET_REFUNDED", ["7"]),
        (.limitReached(.sections), 409, "LIMIT_REACHED", ["10000"]),
        (.limitReached(.tiers), 409, "LIMIT_REACHED", ["1000"]),
        (.limitReached(.holds), 503, "LIMIT_REACHED", ["reservations"]),
        (.limitReached(.idempotencyKeys), 503, "LIMIT_REACHED", ["idempotency"]),
        (.seatNotFound(0, index: 3), 404, "SEAT_NOT_FOUND", ["floor", "3"]),
        (.seatTaken(0, seat: 7), 409, "SEAT_TAKEN", ["floor", "A-7"]),
        (.seatTwice(1, seat: 8), 422, "SEAT_TWICE", ["balcony", "A-8"]),
        (.noSeatsTogether(0, asked: 4), 409, "NO_SEATS_TOGETHER", ["floor", "4"]),
        (.singleSeatLeft(0, seat: 9), 409, "SINGLE_SEAT_LEFT", ["floor", "A-9"]),
        (.rowExists(0, index: 2), 409, "ROW_EXISTS", ["floor", "2"]),
        (.sectionHasSales(0, reserved: 3, sold: 4), 409, "CAPACITY_HAS_SALES", ["floor", "3", "4"]),
        (.sectionInUse(0, reserved: 7, sold: 8), 409, "CAPACITY_IN_USE", ["floor", "7", "8"]),
        (.sectionHasSeats(0), 409, "CAPACITY_HAS_SEATS", ["floor"]),
        (.sectionWithoutSeats(0), 409, "CAPACITY_WITHOUT_SEATS", ["floor"]),
        (.tooManyRows(asked: 10_001, limit: 10_000), 409, "TOO_MANY_ROWS", ["10001", "10000"]),
        (.tooManySeats(asked: 1_000_001, limit: 1_000_000), 409, "TOO_MANY_SEATS", ["1000001", "1000000"]),
        (.idempotencyKeyReused, 422, "IDEMPOTENCY_KEY_REUSED", []),
        (.noSuchTicket, 404, "TICKET_NOT_FOUND", []),
        (.ticketCheckedIn(at: KnownEvent.now), 409, "TICKET_CHECKED_IN", ["2025-11-21T08:00:00Z"]),
        (.eventCancelled(at: KnownEvent.now), 409, "EVENT_CANCELLED", ["2025-11-21T08:00:00Z"]),
        (.transferNotFound, 404, "TRANSFER_NOT_FOUND", []),
        (.transferExpired(expiredAt: KnownEvent.now), 410, "TRANSFER_EXPIRED", ["2025-11-21T08:00:00Z"]),
        (.transferPending, 409, "TRANSFER_PENDING", []),
        (.tooManyTransfers(limit: 10), 409, "TOO_MANY_TRANSFERS", ["10"]),
        (.tooManyGates(limit: 100), 409, "TOO_MANY_GATES", ["100"]),
        (.cancelledWithSales(sold: 7), 409, "EVENT_HAS_SALES", ["7"]),
        (.cancellationUnfinished(reserved: 8), 409, "EVENT_BEING_CANCELLED", ["8"]),
        (.restockOfCheckedIn(index: 3, count: 2), 409, "TICKET_CHECKED_IN", ["2", "3"]),
        (.earlier(.soldOut(0, asked: 3, available: 1)), 409, "SOLD_OUT", ["floor", "3", "1"]),
        (.earlier(.sectionInactive(1)), 409, "CAPACITY_INACTIVE", ["balcony is not for sale"]),
    ]

    /// The members that limits have beside the usual ones.
    static let numbers = [
        "SALES_NOT_STARTED": ["sales_start_at"], "SALES_ENDED": ["sales_end_at"],
        "TOTAL_BELOW_COMMITTED": ["asked", "committed"], "BELOW_MINIMUM_PURCHASE": ["asked", "minimum"],
        "ABOVE_MAXIMUM_PURCHASE": ["asked", "maximum"], "OVER_ORDER_LIMIT": ["asked", "limit"],
        "OVER_CUSTOMER_LIMIT": ["asked", "held", "limit"], "TOO_MANY_OPEN_RESERVATIONS": ["held", "limit"],
        "HOLD_TIME_OUT_OF_RANGE": ["asked_seconds", "maximum_seconds"], "TOO_MANY_ROWS": ["asked", "limit"],
        "TOO_MANY_SEATS": ["asked", "limit"], "SOLD_OUT": ["asked", "available", "buffer"],
        "OVER_VENUE_CAPACITY": ["asked", "others", "maximum"], "AMOUNT_MISMATCH": ["amount", "total"],
        "SCHEDULE_ENDED": ["ended_at"], "CUSTOMER_RESERVATION_LIMIT": ["held", "limit"],
    ]

    private static func shownNumbers(of rejection: Rejection, _ code: String) -> [String] {
        switch rejection {
        case .eventHasSales: ["sold", "reserved"]
        case .cancelledWithSales: ["sold"]
        case .restockOfCheckedIn: ["index", "checked_in"]
        case .earlier: []
        default: numbers[code] ?? []
        }
    }

    @Test(arguments: table.indices)
    func everyRefusalIsAProblem(_ index: Int) throws {
        let (rejection, status, code, words) = Self.table[index]
        for outcome in [Outcome.refused(rejection), .answer(.rejected(rejection))] {
            let response = try response(outcome)
            let json = try response.json()
            #expect(response.status == status)
            #expect(response.fields["Content-Type"] == "application/problem+json")
            #expect(response.fields["Retry-After"] == (status == 503 ? "1" : nil))
            let numbers = Self.shownNumbers(of: rejection, code)
            #expect(Set(json.keys) == Set(["type", "title", "status", "detail", "code", "request_id"] + numbers))
            // A limit's numbers are those of its sentence, which buyers read: what is kept from sale isn't theirs. A time has
            // milliseconds beside, an amount its currency.
            for number in numbers where number != "buffer" {
                let shown = "\(json[number] ?? "")".replacing(".000Z", with: "Z")
                let isAmount = code == "AMOUNT_MISMATCH"
                #expect(words.contains { isAmount ? $0.hasPrefix(shown) : $0 == shown }, "\(number) in \(json)")
            }
            #expect(json["type"] as? String == "/docs#\(code)")
            #expect(json["status"] as? Int == status)
            #expect(json["code"] as? String == code)
            #expect((json["title"] as? String)?.isEmpty == false)
            #expect(json["request_id"] as? String == "req_000000000000000100000000000000ab")
            let detail = try #require(json["detail"] as? String)
            for word in words { #expect(detail.contains(word), "\(detail)") }
            #expect(detail.hasSuffix("."))
        }
    }

    /// The table above against the enum: a case that is added must be added there.
    @Test func theTableHasEveryCase() {
        let names = Set(Self.table.map { "\($0.0)".prefix { $0 != "(" } })
        // All but `invalid` and what else names fields, which have tests of their own.
        #expect(names.count == 71)
        for (rejection, _, _, _) in Self.table {
            switch rejection {
            case .eventNotFound, .eventExists, .eventChanged, .eventNotOnSale, .wrongEventStatus, .currencyFixed,
                .salesNotStarted, .salesEnded, .eventHasSales, .sectionNotFound, .sectionExists, .sectionInactive,
                .totalBelowCommitted, .soldOut, .belowMinimumPurchase, .aboveMaximumPurchase, .sectionTwice,
                .tierNotFound, .tierInactive, .tierNotForSection, .overOrderLimit, .overCustomerLimit,
                .tooManyOpenHolds, .customerMismatch, .holdTimeOutOfRange, .reservationNotFound, .reservationExpired,
                .reservationNotHeld, .priceLockedOtherwise, .noPrice, .amountMismatch, .orderNotFound,
                .ticketNotFound, .ticketRefunded, .invalid, .limitReached, .idempotencyKeyReused,
                .seatNotFound, .seatTaken, .seatTwice, .noSeatsTogether, .singleSeatLeft, .rowExists, .sectionInUse,
                .sectionHasSeats, .sectionWithoutSeats, .tooManyRows, .tooManySeats, .noSuchTicket, .ticketCheckedIn,
                .eventCancelled, .transferNotFound, .transferExpired, .transferPending, .tooManyTransfers,
                .transferDeadlinePassed, .tooManyGates, .tooManyGateSections, .gateWindowInvalid, .scansOutOfRange,
                .scanTimeOutOfRange, .cancelledWithSales, .cancellationUnfinished,
                .venueNotFound, .venueExists, .venueChanged, .overVenueMaximum, .scheduleNotFound, .scheduleExists,
                .scheduleChanged, .scheduleCancelled, .scheduleEnded, .eventOver, .sectionHasSales,
                .customerReservationLimit, .restockOfCheckedIn, .earlier:
                continue
            }
        }
    }

    @Test func whatNamesAFieldOfATicketNamesIt() throws {
        let refusals: [(Rejection, String)] = [
            (.transferDeadlinePassed(1), "expires_at"), (.tooManyGateSections(asked: 9), "capacity_ids"),
            (.gateWindowInvalid, "closes_at"), (.scansOutOfRange(asked: 501), "scans"),
            (.scanTimeOutOfRange, "scanned_at"),
        ]
        for (refusal, field) in refusals {
            let response = try response(.answer(.rejected(refusal)))
            let errors = try #require(try response.json()["errors"] as? [[String: String]])
            #expect(response.status == 422 && errors.map { $0["field"] } == [field])
        }
    }

    @Test(arguments: Rejection.Field.allCases)
    func anInvalidFieldIsNamed(_ field: Rejection.Field) throws {
        let response = try response(.answer(.rejected(.invalid(field))))
        #expect(response.status == 422)
        let errors = try #require(try response.json()["errors"] as? [[String: String]])
        #expect(errors.count == 1)
        #expect(errors[0]["field"]?.isEmpty == false)
        #expect(errors[0]["message"]?.isEmpty == false)
    }

    /// An id that was made up, or is another tenant's, carries an event that isn't there.
    @Test func whatIsMissingIsWhatThePathNames() throws {
        let paths = [
            ("/api/v1/events/show", "EVENT_NOT_FOUND"), ("/api/v1/capacity/floor", "CAPACITY_NOT_FOUND"),
            ("/api/v1/reservations/\(KnownIDs.reservation)", "RESERVATION_NOT_FOUND"),
            ("/api/v1/orders/\(KnownIDs.order)", "ORDER_NOT_FOUND"),
            ("/api/v1/tickets/\(KnownIDs.ticket(0))", "TICKET_NOT_FOUND"),
        ]
        for (path, code) in paths {
            let context = try TestRequest("GET", path).submission().reply
            let response = try response(.refused(.eventNotFound), context, of: nil)
            #expect(response.status == 404)
            #expect(try response.json()["code"] as? String == code)
        }
        let pricing = try TestRequest("PUT", "/api/v1/pricing/\(KnownIDs.pricing)", "{}").change().reply
        let response = try response(.answer(.rejected(.eventNotFound)), pricing, of: nil)
        #expect(try response.json()["code"] as? String == "PRICING_NOT_FOUND")
    }

    @Test func unavailableMeansTryAgain() throws {
        for (reason, code, seconds) in [
            (Unavailability.logSaturated, "LOG_SATURATED", "1"), (.storageFull, "STORAGE_FULL", "10"),
            (.closed, "SHUTTING_DOWN", "1"),
        ] {
            let response = try response(.unavailable(reason), of: nil)
            #expect(response.status == 503)
            #expect(response.fields["Retry-After"] == seconds)
            #expect(try response.json()["code"] as? String == code)
        }
    }

    @Test func requestProblemsAreRenderedWhole() throws {
        func render(_ problem: Problem) throws -> Response {
            var writer = ResponseWriter()
            let range = writer.write(problem, reply())
            return try Response(writer.bytes.withBytes(in: range) { Array($0) })
        }
        let method = try render(try TestRequest("PATCH", "/api/v1/events/show").problem())
        #expect(method.status == 405)
        #expect(method.fields["Allow"] == "GET, HEAD, PUT, DELETE")
        let body = #"{"quantity":"\"","customer_id":""}"#
        let invalid = try render(try TestRequest("POST", "/api/v1/capacity/floor/reserve", body).problem())
        let errors = try #require(try invalid.json()["errors"] as? [[String: String]])
        #expect(errors.map { $0["field"] } == ["quantity", "customer_id"])
        let malformed = try render(try TestRequest("POST", "/api/v1/events", "{\"a\\\"b\":}").problem())
        #expect(malformed.status == 400)
        #expect(try malformed.json()["errors"] == nil)
    }

    @Test func longSentencesAreCutAtAWholeCharacter() {
        let long = Sentence("x" + String(repeating: "ö", count: 400))
        #expect(long.count == Sentence.bytesMax - 1)
        #expect(!long.description.contains("\u{FFFD}"))
        let exact = Sentence(String(repeating: "ö", count: Sentence.bytesMax / 2))
        #expect(exact.count == Sentence.bytesMax)
    }
}
