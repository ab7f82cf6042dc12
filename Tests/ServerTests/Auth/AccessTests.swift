import Auth
import Engine
import Testing

@testable import Server

/// Every route with every method as everybody; a route that is new is in here as soon as it builds.
@Suite struct AccessTests {
    private static let calls: [(endpoint: Endpoint, method: String)] = Endpoint.allCases.flatMap { endpoint in
        ["GET", "HEAD", "POST", "PUT", "DELETE"].compactMap { method in
            endpoint.methods.allows(HTTPMethod(method)) ? (endpoint, method) : nil
        }
    }

    private static func caller(_ role: Role, tenant: String = "default") -> Authorization {
        .known(KnownCaller(Principal(tenant: tenant, subject: "ann", role: role, acceptedUntil: .max)))
    }

    /// The problem that the router has with the call, where it is one of who calls.
    private static func refusal(_ endpoint: Endpoint, _ method: String, _ caller: Authorization) throws -> Problem? {
        let request = TestRequest(method, endpoint.samplePath, method == "GET" || method == "HEAD" ? nil : "{}")
        guard case .problem(let problem, _) = try request.route(caller: caller) else { return nil }
        return problem.status == .unauthorized || problem.status == .forbidden ? problem : nil
    }

    @Test func aSampleIsThePathOfItsRoute() throws {
        for endpoint in Endpoint.allCases {
            let found = try Array(endpoint.samplePath.utf8).withUnsafeBytes { Endpoint.match(try PathSegments($0)) }
            #expect(found?.endpoint == endpoint)
        }
    }

    @Test func withoutATokenOnlyWhatIsForEverybody() throws {
        for (endpoint, method) in Self.calls {
            let isPublic = endpoint.access(HTTPMethod(method)) == .everybody
            for (caller, code) in [
                (Authorization.nobody, "TOKEN_MISSING"), (.refused(.expired), "TOKEN_EXPIRED"),
                (.refused(.signature), "TOKEN_INVALID"),
            ] {
                let problem = try Self.refusal(endpoint, method, caller)
                #expect(problem?.summary == (isPublic ? nil : "401 \(code)"), "\(method) \(endpoint.samplePath)")
                #expect(problem.map { "\($0.challenge)".hasPrefix("Bearer") } ?? true)
            }
        }
    }

    @Test(arguments: Role.allCases)
    func eachRoleHasItsRoutes(_ role: Role) throws {
        for (endpoint, method) in Self.calls {
            let isFor = endpoint.access(HTTPMethod(method)).contains(role)
            let problem = try Self.refusal(endpoint, method, Self.caller(role))
            #expect(
                problem?.summary == (isFor ? nil : "403 ROLE_FORBIDDEN"),
                "\(role) \(method) \(endpoint.samplePath)"
            )
        }
    }

    /// Said a second time, in words of the contract: what must never be.
    @Test func theTableKeepsTheDoorsShut() {
        for (endpoint, method) in Self.calls where method != "GET" && method != "HEAD" {
            let access = endpoint.access(HTTPMethod(method))
            #expect(access != .everybody, "\(endpoint) changes something without a token")
            #expect(access.contains(Role.admin), "\(endpoint) is not for an admin")
        }
        for endpoint in [Endpoint.events, .event, .eventPublish, .eventCapacity, .eventPricing, .capacity, .pricing] {
            for role in [Role.agent, .customer, .scanner] {
                #expect(!endpoint.access(.post).contains(role) && !endpoint.access(.put).contains(role))
            }
        }
        #expect(!Endpoint.orderRefund.access(.post).contains(Role.customer), "customers give themselves money back")
        #expect(!Endpoint.reservationConfirm.access(.post).contains(Role.scanner))
        // It shows all tenants' events.
        #expect(Role.allCases.filter { Endpoint.metrics.access(.get).contains($0) } == [.monitor])
        for (endpoint, method) in Self.calls where endpoint != .metrics {
            let access = endpoint.access(HTTPMethod(method))
            #expect(access == .everybody || !access.contains(Role.monitor), "\(method) \(endpoint)")
        }
    }

    @Test func linesOfABatchHaveTheAccessOfTheirRoutes() throws {
        for role in Role.allCases {
            for operation in BatchOperation.allCases {
                var context = CommandContext(tenant: "default", now: 0, random: (1, 2))
                var reply = ReplyContext(requestID: RequestID(random: (1, 2)))
                var sections = KnownSections()
                let line = Array("{\"op\":\"\(operation.name)\"}".utf8)
                let problem: Problem? = line.withUnsafeBytes { line in
                    do throws(Problem) {
                        _ = try Router().line(line, role: role, &context, &reply, &sections)
                        return nil
                    } catch {
                        return error
                    }
                }
                let isRefused = problem?.status == .forbidden
                #expect(isRefused != operation.access.contains(role), "\(role) \(operation)")
            }
        }
    }

    @Test func aTokenSaysWhoseDataItIsWhateverHeaderFieldsSay() throws {
        let fields = [("X-Tenant-Id", "other"), ("X-Customer-Id", "bob")]
        func context(_ role: Role) throws -> CommandContext {
            let request = TestRequest("GET", "/api/v1/events/show", fields: fields)
            guard case .submission(let submission) = try request.route(caller: Self.caller(role, tenant: "shop")) else {
                throw TestFailure("refused")
            }
            #expect(submission.event == EventKey(tenant: "shop", event: "show"))
            return submission.context
        }
        let customer = try context(.customer)
        #expect(customer.tenant == "shop" && customer.principal == "ann" && customer.actor == "ann")
        let agent = try context(.agent)
        #expect(agent.tenant == "shop" && agent.principal == "bob" && agent.actor == "ann")
    }

    @Test func aKeyForRetriesIsTheCallersOwn() throws {
        func key(_ caller: Authorization) throws -> IdempotencyKey? {
            let request = TestRequest("POST", "/api/v1/capacity/floor/reserve", #"{"quantity":1}"#, key: "k")
            guard case .submission(let submission) = try request.route(caller: caller) else {
                throw TestFailure("refused")
            }
            return submission.context.idempotency
        }
        let ann = try key(Self.caller(.agent))
        let bob = KnownCaller(Principal(tenant: "default", subject: "bob", role: .agent, acceptedUntil: .max))
        #expect(try key(.known(bob)) != ann)
        #expect(try key(Self.caller(.agent)) == ann)
    }
}

extension HTTPMethod {
    init(_ name: String) {
        self =
            switch name {
            case "GET": .get
            case "HEAD": .head
            case "POST": .post
            case "PUT": .put
            default: .delete
            }
    }
}

extension BatchOperation {
    fileprivate var name: String { self == .priceLock ? "price-lock" : "\(self)" }
}

extension Endpoint {
    /// A path that leads to the route.
    var samplePath: String {
        let api = "/api/v1"
        let reservation = "\(api)/reservations/\(KnownIDs.reservation)"
        return switch self {
        case .health: "/health"
        case .ready: "/ready"
        case .metrics: "/metrics"
        case .openAPI: "/openapi.json"
        case .docs: "/docs"
        case .events: "\(api)/events"
        case .event: "\(api)/events/show"
        case .eventPublish: "\(api)/events/show/publish"
        case .eventRestore: "\(api)/events/show/restore"
        case .eventCapacity: "\(api)/events/show/capacity"
        case .eventCapacityTotal: "\(api)/events/show/capacity/total"
        case .eventPricing: "\(api)/events/show/pricing"
        case .eventPricingActive: "\(api)/events/show/pricing/active"
        case .eventSeats: "\(api)/events/show/seats"
        case .capacity: "\(api)/capacity/floor"
        case .capacityReserve: "\(api)/capacity/floor/reserve"
        case .capacityCheck: "\(api)/capacity/floor/check"
        case .capacitySeats: "\(api)/capacity/floor/seats"
        case .capacitySeatsBlock: "\(api)/capacity/floor/seats/block"
        case .capacitySeatsUnblock: "\(api)/capacity/floor/seats/unblock"
        case .pricing: "\(api)/pricing/\(KnownIDs.pricing)"
        case .pricingCalculate: "\(api)/pricing/\(KnownIDs.pricing)/calculate"
        case .reservations: "\(api)/reservations"
        case .reservation: reservation
        case .reservationPriceLock: "\(reservation)/price-lock"
        case .reservationExtend: "\(reservation)/extend"
        case .reservationConfirm: "\(reservation)/confirm"
        case .reservationRelease: "\(reservation)/release"
        case .order: "\(api)/orders/\(KnownIDs.order)"
        case .orderRefund: "\(api)/orders/\(KnownIDs.order)/refund"
        case .eventCancel: "\(api)/events/show/cancel"
        case .eventOrders: "\(api)/events/show/orders"
        case .eventGates: "\(api)/events/show/gates"
        case .ticket: "\(api)/tickets/\(KnownIDs.ticket(0))"
        case .ticketQR: "\(api)/tickets/\(KnownIDs.ticket(0))/qr"
        case .ticketTransfer: "\(api)/tickets/\(KnownIDs.ticket(0))/transfer"
        case .ticketTransferAccept: "\(api)/tickets/\(KnownIDs.ticket(0))/transfer/accept"
        case .ticketsValidate: "\(api)/tickets/validate"
        case .batch: "\(api)/batch"
        case .venues: "\(api)/venues"
        case .venue: "\(api)/venues/hall"
        case .eventSchedules: "\(api)/events/show/schedules"
        case .eventSchedule: "\(api)/events/show/schedules/first"
        case .eventSchedulesUpcoming: "\(api)/events/show/schedules/upcoming"
        case .eventSchedulesNext: "\(api)/events/show/schedules/next"
        case .reportSales: "\(api)/reports/sales"
        case .reportVenues: "\(api)/reports/venues"
        case .reportVenue: "\(api)/reports/venues/hall"
        case .reportDashboard: "\(api)/reports/dashboard"
        case .reportAnalytics: "\(api)/reports/analytics"
        case .reportCustomers: "\(api)/reports/customers"
        case .reportCustomer: "\(api)/reports/customers/ann"
        case .feed: "\(api)/feed"
        case .eventAvailability: "\(api)/events/show/availability"
        case .eventAvailabilityStream: "\(api)/events/show/availability/stream"
        case .eventAudit: "\(api)/events/show/audit"
        }
    }
}
