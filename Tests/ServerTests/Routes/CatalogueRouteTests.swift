import Testing

@testable import Engine
@testable import Server

@Suite struct CatalogueRouteTests {
    private func created(_ request: TestRequest) throws -> EventDetails {
        guard case .createEvent(let details) = try request.command() else { throw TestFailure("no creation") }
        return details
    }

    @Test func creatingAnEvent() throws {
        let body = """
            {"id":"show","name":"T\\u00f6ne","currency":"EUR","starts_at":"2026-12-01T20:00:00+01:00",
             "hold_time_seconds":60,"max_open_reservations_per_customer":3,
             "artist" : {"name":"X", "tags":[1, 2]},"sold_out_text":null,"status":"published"}
            """
        let request = TestRequest("POST", "/api/v1/events", body)
        let details = try created(request)
        #expect(details.id == "show")
        #expect(details.name == "Töne")
        #expect(details.currency == "EUR")
        #expect(details.startsAt == 1_796_151_600_000)
        #expect(details.holdTimeSeconds == 60)
        #expect(details.openHoldsPerCustomerMax == 3)
        #expect(details.attributes == #""artist":{"name":"X", "tags":[1, 2]},"sold_out_text":null"#)
        #expect(try request.submission().event == KnownSections.event)
        #expect(try request.submission().reply.shape == .created)
    }

    @Test func aRetryWithTheSameKeyFindsTheSameEvent() throws {
        let body = #"{"name":"A","currency":"EUR"}"#
        var request = TestRequest("POST", "/api/v1/events", body, key: "k")
        let first = try created(request).id
        request.random = (7, 8)
        #expect(try created(request).id == first)
        #expect(first.count == 30 && first.description.hasPrefix("evt_"))
        request.fields = []
        let second = try created(request).id
        request.random = (9, 10)
        #expect(try created(request).id != second)
    }

    @Test func attributesGivenTwiceAreMalformed() throws {
        let body = #"{"name":"A","currency":"EUR","x":1,"\u0078":2}"#
        #expect(try TestRequest("POST", "/api/v1/events", body).problem().summary == "400 MALFORMED_BODY")
    }

    @Test func changingAnEventKeepsWhatIsNotGiven() throws {
        var current = EventDetails(id: "show", name: "Old", currency: "EUR")
        current.salesStartAt = 5
        current.salesEndAt = 6
        current.attributes = #""a":1,"b":{"c":[2]},"d":"x""#
        let view = EventView(details: current, status: .draft, version: 4, createdAt: 0)
        let body = #"{"name":"New","sales_start_at":null,"b":null,"e":true,"d":"y"}"#
        let change = try TestRequest("PUT", "/api/v1/events/show", body).change()
        guard case .submit(let second) = change.next(after: .finding(.event(view)), of: KnownEvent()),
            case .command(.updateEvent(let details, expectedVersion: 4)) = second.work
        else { throw TestFailure("no update of version 4") }
        var expected = current
        expected.name = "New"
        expected.salesStartAt = nil
        expected.attributes = #""a":1,"d":"y","e":true"#
        #expect(details == expected)
        #expect(change.retriesOnEventChanged)
    }

    @Test(arguments: [
        (#"{"venue_id":"arena"}"#, "arena", #""a":1"#), (#"{"venue_id":null}"#, "", #""a":1"#),
        ("{}", "hall", #""a":1,"venue_id":"old""#),
    ])
    func anEventHasAVenue(_ body: String, _ venue: String, _ attributes: String) throws {
        var current = EventDetails(id: "show", name: "Show", currency: "EUR")
        current.venue = "hall"
        // As an earlier version kept it, which knew no venues.
        current.attributes = #""a":1,"venue_id":"old""#
        let view = EventView(details: current, status: .draft, version: 4, createdAt: 0)
        let change = try TestRequest("PUT", "/api/v1/events/show", body).change()
        guard case .submit(let second) = change.next(after: .finding(.event(view)), of: KnownEvent()),
            case .command(.updateEvent(let details, expectedVersion: 4)) = second.work
        else { throw TestFailure("no update of version 4") }
        #expect(details.venue == ShortText(venue))
        #expect(details.attributes == attributes)
    }

    @Test func ifMatchNamesTheVersion() throws {
        let request = TestRequest("PUT", "/api/v1/events/show", "{}", fields: [("If-Match", "\"3\"")])
        let change = try request.change()
        guard case .submit(let second) = change.next(after: .finding(.event(KnownEvent.view)), of: KnownEvent()),
            case .command(.updateEvent(_, expectedVersion: 3)) = second.work
        else { throw TestFailure("no update of version 3") }
        #expect(!change.retriesOnEventChanged)
        for tag in ["W/\"3\"", "\"x\"", "\"1\", \"2\"", "\"4294967296\""] {
            let request = TestRequest("PUT", "/api/v1/events/show", "{}", fields: [("If-Match", tag)])
            #expect(try request.problem().summary == "412 PRECONDITION_FAILED")
        }
        let any = TestRequest("PUT", "/api/v1/events/show", "{}", fields: [("If-Match", "*")])
        #expect(try any.change().retriesOnEventChanged)
    }

    @Test func changingASection() throws {
        let view = KnownEvent.section
        let body = #"{"total_capacity":120,"is_active":false}"#
        let change = try TestRequest("PUT", "/api/v1/capacity/floor", body).change()
        guard case .query(.section(0)) = change.read.work,
            case .submit(let second) = change.next(after: .finding(.section(view)), of: KnownEvent()),
            case .command(.updateSection(0, let details)) = second.work
        else { throw TestFailure("no update") }
        var expected = view.details
        expected.total = 120
        expected.isActive = false
        #expect(details == expected)
    }

    @Test func ifMatchGuardsSectionsAndTiers() throws {
        let view = KnownEvent.section
        func next(_ tag: String) throws -> ReadThenWrite.Next {
            let request = TestRequest("PUT", "/api/v1/capacity/floor", "{}", fields: [("If-Match", tag)])
            return try request.change().next(after: .finding(.section(view)), of: KnownEvent())
        }
        guard case .submit = try next("\"\(view.entityTag)\""), case .submit = try next("*") else {
            throw TestFailure("refused the version that is there")
        }
        guard case .problem(let problem) = try next("\"1\"") else { throw TestFailure("another version") }
        #expect(problem.summary == "412 PRECONDITION_FAILED")
    }

    @Test func aTiersMoneyWaitsForTheCurrency() throws {
        let body = """
            {"base_price":50.00,"service_fee":5,"facility_fee":2.5,"tax_rate":0.0825,"early_bird_price":40.10,
             "group_discount_percentage":12.5,"group_size_min":10,"capacity_id":"balcony","currency":"EUR"}
            """
        let change = try TestRequest("POST", "/api/v1/events/show/pricing", body).change()
        #expect(change.read.event == KnownSections.event)
        let found = Outcome.finding(.event(KnownEvent.view))
        guard case .submit(let second) = change.next(after: found, of: KnownEvent()),
            case .command(.addTier(let details)) = second.work
        else { throw TestFailure("no tier") }
        var expected = PriceTierDetails(name: "", basePrice: 5_000)
        expected.serviceFee = 500
        expected.facilityFee = 250
        expected.taxBasisPoints = 825
        expected.earlyBirdPrice = 4_010
        expected.groupDiscountBasisPoints = 1_250
        expected.groupSizeMin = 10
        expected.section = 1
        #expect(details == expected)
        #expect(change.reply.shape == .created)
        guard case .problem(let problem) = change.next(after: found, of: KnownEvent(currency: "JPY")) else {
            throw TestFailure("euros as yen")
        }
        #expect(problem.fieldNames == ["currency", "base_price", "facility_fee", "early_bird_price"])
    }

    @Test(arguments: ["50.000", "1.234", "-1", "1000000000.01", "99999999999999999"])
    func amountsOutsideTheCurrencyAreRefused(_ price: String) throws {
        let change = try TestRequest("POST", "/api/v1/events/show/pricing", "{\"base_price\":\(price)}").change()
        let next = change.next(after: .finding(.event(KnownEvent.view)), of: KnownEvent())
        guard case .problem(let problem) = next else { throw TestFailure("accepted \(price)") }
        #expect(problem.summary == "422 VALIDATION_FAILED")
        #expect(problem.fieldNames == ["base_price"])
    }

    @Test func changingATierKeepsWhatIsNotGiven() throws {
        let view = KnownEvent.tier
        let body = #"{"current_price":60,"max_price":null,"max_per_customer":null,"is_visible":false}"#
        let path = "/api/v1/pricing/\(KnownIDs.pricing)"
        let change = try TestRequest("PUT", path, body).change()
        let others = TierView(number: 0, version: 1, details: PriceTierDetails(name: "Other", basePrice: 1))
        let found = Outcome.finding(.tiers([others, view]))
        guard case .query(.tiers(activeOnly: false)) = change.read.work,
            case .submit(let second) = change.next(after: found, of: KnownEvent()),
            case .command(.updateTier(2, let details)) = second.work
        else { throw TestFailure("no update") }
        var expected = view.details
        expected.currentPrice = 6_000
        expected.maxPrice = nil
        expected.maxPerCustomer = 0
        expected.isVisible = false
        #expect(details == expected)
        guard case .problem(let missing) = change.next(after: .finding(.tiers([others])), of: KnownEvent()) else {
            throw TestFailure("changed a tier that isn't there")
        }
        #expect(missing.summary == "404 PRICING_NOT_FOUND")
    }

    @Test func tiersOfAnotherEventsSectionAreNotFound() throws {
        let body = #"{"base_price":1,"capacity_id":"elsewhere"}"#
        #expect(
            try TestRequest("POST", "/api/v1/events/show/pricing", body).problem().summary == "404 CAPACITY_NOT_FOUND"
        )
    }

    @Test func queries() throws {
        guard case .sectionPage = try TestRequest("GET", "/api/v1/events/show/capacity").query(),
            case .sections = try TestRequest("GET", "/api/v1/events/show/capacity/total").query(),
            case .tiers(activeOnly: false) = try TestRequest("GET", "/api/v1/events/show/pricing").query(),
            case .tiers(activeOnly: true) = try TestRequest("GET", "/api/v1/events/show/pricing/active").query(),
            case .section(1) = try TestRequest("GET", "/api/v1/capacity/balcony").query(),
            case .check(1, quantity: 4) = try TestRequest(
                "POST",
                "/api/v1/capacity/balcony/check",
                #"{"quantity":4}"#
            ).query(),
            case .calculate(2, quantity: 3) = try TestRequest(
                "POST",
                "/api/v1/pricing/\(KnownIDs.pricing)/calculate",
                #"{"quantity":3}"#
            ).query()
        else { throw TestFailure("another query") }
        #expect(try TestRequest("GET", "/api/v1/events/show/capacity/total").submission().reply.shape == .total)
    }
}
