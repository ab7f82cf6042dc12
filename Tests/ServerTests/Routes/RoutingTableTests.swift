import Engine
import Testing

@testable import Server

@Suite struct RoutingTableTests {
    static let rows: [(method: String, path: String, body: String?)] = {
        let rsv = "/api/v1/reservations/\(KnownIDs.reservation)"
        let tkt = "/api/v1/tickets/\(KnownIDs.ticket(0))"
        return [
            ("GET", "/health", nil), ("GET", "/ready", nil), ("GET", "/metrics", nil), ("GET", "/openapi.json", nil),
            ("GET", "/docs", nil),
            ("POST", "/api/v1/events", #"{"name":"A","currency":"EUR"}"#), ("GET", "/api/v1/events", nil),
            ("GET", "/api/v1/events/show", nil), ("PUT", "/api/v1/events/show", "{}"),
            ("DELETE", "/api/v1/events/show", nil), ("POST", "/api/v1/events/show/publish", nil),
            ("POST", "/api/v1/events/show/restore", nil), ("GET", "/api/v1/events/show/capacity", nil),
            ("POST", "/api/v1/events/show/capacity", #"{"section_name":"Floor","total_capacity":1}"#),
            ("GET", "/api/v1/events/show/capacity/total", nil), ("GET", "/api/v1/events/show/pricing", nil),
            ("POST", "/api/v1/events/show/pricing", #"{"base_price":1}"#),
            ("GET", "/api/v1/events/show/availability", nil), ("GET", "/api/v1/events/show/availability/stream", nil),
            ("GET", "/api/v1/events/show/pricing/active", nil), ("GET", "/api/v1/capacity/floor", nil),
            ("PUT", "/api/v1/capacity/floor", "{}"), ("POST", "/api/v1/capacity/floor/check", #"{"quantity":1}"#),
            ("POST", "/api/v1/capacity/floor/reserve", #"{"quantity":1}"#),
            ("PUT", "/api/v1/pricing/\(KnownIDs.pricing)", "{}"),
            ("POST", "/api/v1/pricing/\(KnownIDs.pricing)/calculate", #"{"quantity":1}"#),
            (
                "POST", "/api/v1/reservations",
                #"{"event_id":"show","items":[{"capacity_id":"floor","quantity":1}]}"#
            ),
            ("GET", "/api/v1/venues", nil), ("POST", "/api/v1/venues", #"{"name":"A","max_capacity":1}"#),
            ("GET", "/api/v1/venues/arena", nil), ("PUT", "/api/v1/venues/arena", "{}"),
            ("GET", "/api/v1/events/show/schedules", nil),
            (
                "POST", "/api/v1/events/show/schedules",
                #"{"starts_at":"2030-01-01T18:00:00Z","ends_at":"2030-01-01T20:00:00Z"}"#
            ),
            ("GET", "/api/v1/events/show/schedules/friday", nil),
            ("PUT", "/api/v1/events/show/schedules/friday", "{}"),
            ("GET", "/api/v1/events/show/schedules/upcoming", nil),
            ("GET", "/api/v1/events/show/schedules/next", nil),
            ("GET", "/api/v1/events/show/ticket-types", nil),
            ("POST", "/api/v1/events/show/ticket-types", #"{"base_price":1}"#),
            ("GET", "/api/v1/events/show/ticket-types/active", nil),
            ("PUT", "/api/v1/ticket-types/\(KnownIDs.pricing)", "{}"),
            ("POST", "/api/v1/ticket-types/\(KnownIDs.pricing)/calculate", #"{"quantity":1}"#),
            ("GET", rsv, nil), ("DELETE", rsv, nil), ("POST", "\(rsv)/price-lock", nil),
            ("POST", "\(rsv)/extend", #"{"seconds":60}"#),
            ("POST", "\(rsv)/confirm", #"{"payment_reference":"p"}"#), ("POST", "\(rsv)/release", nil),
            ("GET", "/api/v1/orders/\(KnownIDs.order)", nil),
            ("POST", "/api/v1/orders/\(KnownIDs.order)/refund", nil),
            ("GET", "/api/v1/reports/sales", nil), ("GET", "/api/v1/reports/venues", nil),
            ("GET", "/api/v1/reports/venues/hall", nil), ("GET", "/api/v1/reports/dashboard", nil),
            ("GET", "/api/v1/reports/analytics?event_id=show", nil),
            ("GET", "/api/v1/reports/customers?event_id=show", nil), ("GET", "/api/v1/reports/customers/ada", nil),
            ("GET", "/api/v1/events/show/audit?from=1&to=9&limit=5", nil), ("GET", "/api/v1/feed?after=3", nil),
            ("POST", "/api/v1/events/show/cancel", nil), ("GET", "/api/v1/events/show/orders", nil),
            ("GET", "/api/v1/events/show/gates", nil), ("POST", "/api/v1/events/show/gates", #"{"id":"north"}"#),
            ("GET", tkt, nil), ("GET", "\(tkt)/qr", nil), ("POST", "\(tkt)/transfer", nil),
            ("DELETE", "\(tkt)/transfer", nil),
            (
                "POST", "\(tkt)/transfer/accept",
                #"{"code":"00000000000000000000000000","customer_id":"ben"}"#
            ),
            ("POST", "/api/v1/tickets/validate", #"{"code":"x","event_id":"show"}"#),
        ]
    }()

    @Test(arguments: rows.indices)
    func everyRouteOfTheTableIsTaken(_ index: Int) throws {
        let row = Self.rows[index]
        if case .problem(let problem, _) = try TestRequest(row.method, row.path, row.body).route() {
            Issue.record("\(row.method) \(row.path): \(problem.summary) \(problem.detail)")
        }
    }

    /// Each path of the table with each method that isn't in it.
    @Test(arguments: Set(rows.map(\.path)).sorted())
    func everyOtherMethodIsRefusedWithWhatIsAllowed(_ path: String) throws {
        let allowed = Set(Self.rows.filter { $0.path == path }.map(\.method))
        for method in ["GET", "POST", "PUT", "DELETE", "PATCH", "OPTIONS", "BREW"] where !allowed.contains(method) {
            let problem = try TestRequest(method, path).problem()
            #expect(problem.summary == "405 METHOD_NOT_ALLOWED", "\(method) \(path)")
            let named = Set(problem.allowed.fieldValue.split(separator: ", ").map(String.init))
            #expect(named.subtracting(["HEAD"]) == allowed, "\(method) \(path)")
            #expect(named.contains("HEAD") == allowed.contains("GET"))
        }
    }

    @Test(arguments: [
        "/", "/api", "/api/v1", "/api/v2/events", "/api/v1/event", "/api/v1/events/", "/api/v1/events/show/",
        "/api/v1//events", "/api/v1/events/show/capacity/sum", "/api/v1/events/show/capacity/total/x",
        "/api/v1/capacity", "/api/v1/capacity/floor/hold", "/api/v1/capacity/floor/check/x", "/api/v1/orders",
        "/api/v1/pricing", "/api/v1/pricing/x/y", "/health/x", "/Health", "/api/v1/reservations/x/y/z",
    ])
    func otherPathsLeadNowhere(_ path: String) throws {
        #expect(try TestRequest("GET", path).problem().summary == "404 ROUTE_NOT_FOUND")
    }

    @Test func headIsGetWithoutABody() throws {
        let submission = try TestRequest("HEAD", "/api/v1/events/show").submission()
        #expect(submission.reply.isHead)
        guard case .query(.eventAndSale) = submission.work else { throw TestFailure("not the event's query") }
    }

    @Test func brokenEscapesAndDotSegmentsAreMalformed() throws {
        #expect(try TestRequest("GET", "/api/v1/events/%zz").problem().summary == "400 MALFORMED_TARGET")
        #expect(try TestRequest("GET", "/api/v1/events/..").problem().summary == "400 MALFORMED_TARGET")
    }

    @Test func anEncodedNameIsTheNameItself() throws {
        let plain = try TestRequest("GET", "/api/v1/events/show").submission().event
        #expect(try TestRequest("GET", "/api/v1/events/s%68ow").submission().event == plain)
    }

    @Test func theEventsOwnerDependsOnTenantAndId() throws {
        let own = try TestRequest("GET", "/api/v1/events/show").submission()
        let other = try TestRequest("GET", "/api/v1/events/show", tenant: "shop").submission()
        #expect(own.event == EventKey(tenant: "default", event: "show"))
        #expect(other.event == EventKey(tenant: "shop", event: "show"))
        #expect(other.context.tenant == "shop")
        #expect(own.event != other.event)
    }
}
