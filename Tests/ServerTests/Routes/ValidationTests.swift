import Engine
import Testing

@testable import Server

/// Well-formed bodies with values that the fields can't take: every one is named.
@Suite struct ValidationTests {
    @Test(arguments: [
        "0", "-1", "1001", "1.0", "1e0", "1.5", "99999999999999999999999", "-9223372036854775808", "\"2\"", "true",
        "null", "{}", "[1]",
    ])
    func quantities(_ quantity: String) throws {
        for path in ["/api/v1/capacity/floor/reserve", "/api/v1/capacity/floor/check"] {
            let problem = try TestRequest("POST", path, "{\"quantity\":\(quantity)}").problem()
            #expect(problem.summary == "422 VALIDATION_FAILED")
            #expect(problem.fieldNames == ["quantity"])
        }
    }

    @Test func reservingNamesEveryBadField() throws {
        let body = #"{"quantity":0,"reservation_minutes":1441,"pricing_id":7,"customer_id":""}"#
        let problem = try TestRequest("POST", "/api/v1/capacity/floor/reserve", body).problem()
        #expect(problem.fieldNames == ["quantity", "reservation_minutes", "pricing_id", "customer_id"])
    }

    @Test func missingFieldsAreNamed() throws {
        let cases: [(String, String?, [String])] = [
            ("/api/v1/capacity/floor/reserve", nil, ["quantity"]),
            ("/api/v1/reservations", "{}", ["event_id", "items"]),
            ("/api/v1/reservations", #"{"event_id":"show","items":[]}"#, ["items"]),
            ("/api/v1/reservations", #"{"event_id":"show","items":{}}"#, ["items"]),
            ("/api/v1/events", "{}", ["name", "currency"]),
            ("/api/v1/events/show/capacity", "{}", ["section_name", "total_capacity"]),
            ("/api/v1/events/show/pricing", "{}", ["base_price"]),
            ("/api/v1/reservations/\(KnownIDs.reservation)/confirm", "{}", ["payment_reference"]),
            ("/api/v1/reservations/\(KnownIDs.reservation)/extend", "{}", ["seconds"]),
            ("/api/v1/pricing/\(KnownIDs.pricing)/calculate", "{}", ["quantity"]),
        ]
        for (path, body, names) in cases {
            let problem = try TestRequest("POST", path, body).problem()
            #expect(problem.summary == "422 VALIDATION_FAILED")
            #expect(problem.fieldNames == names, "\(path)")
        }
    }

    @Test func itemsAreNamedByTheirPlace() throws {
        let body = """
            {"event_id": "show", "items": [{"capacity_id": "floor", "quantity": 1}, 5, {"quantity": "x"},
             {"capacity_id": "floor", "seats": "A-1"}]}
            """
        let problem = try TestRequest("POST", "/api/v1/reservations", body).problem()
        #expect(
            problem.fieldNames == [
                "items[1]", "items[2].quantity", "items[2].capacity_id", "items[3].seats", "items[3].quantity",
            ]
        )
    }

    @Test func itemsAreBounded() throws {
        let item = #"{"capacity_id":"floor","quantity":1}"#
        func body(_ count: Int, _ item: String) -> String {
            let items = [String](repeating: item, count: count).joined(separator: ",")
            return "{\"event_id\":\"show\",\"items\":[\(items)]}"
        }
        _ = try TestRequest("POST", "/api/v1/reservations", body(16, item)).submission()
        #expect(try TestRequest("POST", "/api/v1/reservations", body(17, item)).problem().fieldNames == ["items"])
        let worst = try TestRequest("POST", "/api/v1/reservations", body(2_000, "{}")).problem()
        #expect(worst.errors.count <= BodyReader.errorsMax)
    }

    @Test func eventsNameEveryBadField() throws {
        let body = """
            {"id": "a/b", "name": "", "currency": "eur", "starts_at": "tomorrow", "sales_start_at": 5,
             "sales_end_at": "2026-02-30T00:00:00Z", "hold_time_seconds": 0, "hold_time_max_seconds": 86401,
             "max_open_reservations_per_customer": -1}
            """
        let problem = try TestRequest("POST", "/api/v1/events", body).problem()
        #expect(
            problem.fieldNames == [
                "id", "name", "currency", "starts_at", "sales_start_at", "sales_end_at", "hold_time_seconds",
                "hold_time_max_seconds", "max_open_reservations_per_customer",
            ]
        )
    }

    @Test(arguments: [".", "..", "a b", "a/b", "é", "", String(repeating: "x", count: 65)])
    func idsStandInPathsAsTheyAre(_ id: String) throws {
        let event = "{\"id\":\"\(id)\",\"name\":\"A\",\"currency\":\"EUR\"}"
        #expect(try TestRequest("POST", "/api/v1/events", event).problem().fieldNames == ["id"])
        let section = "{\"id\":\"\(id)\",\"section_name\":\"A\",\"total_capacity\":1}"
        #expect(try TestRequest("POST", "/api/v1/events/show/capacity", section).problem().fieldNames == ["id"])
    }

    @Test func sectionsNameEveryBadField() throws {
        let body = """
            {"section_name": 1, "section_code": null, "total_capacity": 10000001, "buffer_capacity": -1,
             "minimum_purchase": 0, "maximum_purchase": 1001, "is_active": "yes", "is_visible": 1}
            """
        for (method, path) in [("POST", "/api/v1/events/show/capacity"), ("PUT", "/api/v1/capacity/floor")] {
            let problem = try TestRequest(method, path, body).problem()
            #expect(problem.errors.count == 8, "\(problem.fieldNames)")
        }
    }

    @Test func tiersNameEveryBadField() throws {
        let body = """
            {"base_price": "50", "service_fee": null, "facility_fee": 1e2, "tax_rate": 1.5, "is_dynamic": 0,
             "min_price": 0.00001, "tax_rate_": 1, "group_discount_percentage": 100.01, "group_size_min": 2.5,
             "early_bird_ends_at": "2026-11-21", "max_per_order": -1, "capacity_id": 9, "currency": "EURO"}
            """
        let problem = try TestRequest("POST", "/api/v1/events/show/pricing", body).problem()
        #expect(
            problem.fieldNames == [
                "base_price", "service_fee", "facility_fee", "tax_rate", "is_dynamic", "min_price",
                "group_discount_percentage", "group_size_min", "early_bird_ends_at", "max_per_order", "capacity_id",
                "currency",
            ]
        )
    }

    @Test(arguments: ["limit=0", "limit=201", "limit=x", "limit=-1", "limit=", "cursor=x", "cursor=", "cursor=AA%3D"])
    func pagesAreBounded(_ query: String) throws {
        for path in ["/api/v1/events", "/api/v1/events/show/capacity", "/api/v1/events/show/pricing/active"] {
            let problem = try TestRequest("GET", "\(path)?\(query)").problem()
            #expect(problem.summary == "422 VALIDATION_FAILED")
            #expect(problem.fieldNames == [String(query.prefix { $0 != "=" })])
        }
    }

    @Test func pagesGoOnWhereTheOneBeforeEnded() throws {
        let query = "limit=50&cursor=\(Cursor.text(start: 100))"
        let submission = try TestRequest("GET", "/api/v1/events/show/capacity?\(query)").submission()
        guard case .query(.sectionPage(let filter)) = submission.work else { throw TestFailure("no page") }
        #expect(filter.start == 100)
        #expect(filter.limit == 50)
        for id in ["a", "ab", "abc", "abcd", String(repeating: "z", count: 64)] {
            let cursor = Cursor.text(after: ShortText(id)!)
            guard case .listEvents(let listing) = try TestRequest("GET", "/api/v1/events?cursor=\(cursor)").route()
            else { throw TestFailure("no list") }
            #expect(listing.filter.after.description == id)
            #expect(listing.filter.limit == 200)
        }
    }
}
