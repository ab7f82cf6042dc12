import Auth
import Engine
import Foundation
import Testing

@testable import Server

/// Every route with every method and the ids of a real sale, over real connections, as those who have no business there. A
/// route that is new is in here as soon as it builds.
@Suite(.timeLimit(.minutes(2))) struct ForeignCallerTests {
    /// What a stranger with a good token of another tenant hears.
    private enum Expected {
        /// 404, like what isn't there.
        case missing
        /// Of the stranger's own tenant, in which nothing is: success, and no trace of the sale.
        case own
        /// Each line 404.
        case missingLines
        /// Told to everybody, or to no role of a tenant.
        case noTenants
    }

    private static func expected(_ endpoint: Endpoint) -> Expected {
        switch endpoint {
        case .health, .ready, .openAPI, .docs, .metrics: .noTenants
        case .events, .venues, .reportSales, .reportVenues, .reportDashboard, .reportCustomer, .feed: .own
        case .batch: .missingLines
        // Of a code that nobody gave out it says so, for each scan.
        case .ticketsValidate: .own
        default: .missing
        }
    }

    private static let calls: [(endpoint: Endpoint, method: String)] = Endpoint.allCases.flatMap { endpoint in
        ["GET", "HEAD", "POST", "PUT", "DELETE"].compactMap { method in
            endpoint.methods.allows(HTTPMethod(method)) ? (endpoint, method) : nil
        }
    }

    @Test func aStrangerFindsNothing() async throws {
        try await TokenDesk.run { server, mint, _ in
            let desk = TokenDesk(client: try server.connect(), mint: mint)
            let sale = try PrivateSale(desk)
            let before = try sale.look(desk, Self.calls)
            #expect(before.count > 15)
            for (endpoint, method) in Self.calls {
                // A stream that is refused is the last answer of its connection.
                let stranger = TokenDesk(client: try server.connect(), mint: mint, tenant: "elsewhere")
                try ask(endpoint, method, sale, stranger)
            }
            #expect(try sale.look(desk, Self.calls) == before)
        }
    }

    private func ask(_ endpoint: Endpoint, _ method: String, _ sale: PrivateSale, _ stranger: TokenDesk) throws {
        let (path, body) = (sale.path(endpoint), sale.body(endpoint, method))
        let type = endpoint == .batch ? "application/x-ndjson" : "application/json"
        let reply = try stranger.call(method, path, body, as: .admin, "eve", type: type)
        let place: Comment = "\(method) \(path): \(reply.status) \(reply.body.prefix(400))"
        switch Self.expected(endpoint) {
        case .missing: #expect(reply.status == 404, place)
        case .own: #expect((200...201).contains(reply.status) || reply.status == 404, place)
        case .missingLines:
            let statuses = try AnswerLine.lines(of: reply).map(\.status)
            // A scan is answered; it lets nobody in.
            #expect(statuses.count == BatchOperation.allCases.count && statuses.filter { $0 != 404 }.count <= 1, place)
        case .noTenants: return
        }
        // Asked for a customer by name, it says that there is nothing of that name.
        let told = reply.body.replacing(#""customer_id":"ann","events":0,"currencies":[]"#, with: "")
        for secret in sale.secrets { #expect(!told.contains(secret), "\(secret): \(place)") }
    }

    /// Nobody's reservation, order or ticket is another customer's.
    @Test func anotherCustomerFindsNothing() async throws {
        try await TokenDesk.run { server, mint, _ in
            let desk = TokenDesk(client: try server.connect(), mint: mint)
            let sale = try PrivateSale(desk)
            let before = try sale.look(desk, Self.calls)
            var asked = 0
            for (endpoint, method) in Self.calls where endpoint.access(HTTPMethod(method)).contains(Role.customer) {
                let isOfOne = [.reservation, .order, .ticket].contains(endpoint.subject) && endpoint != .reservations
                // An offer is for whoever has its code; without the right one there is none.
                guard isOfOne || endpoint == .reportCustomer, endpoint != .ticketTransferAccept else { continue }
                let (path, body) = (sale.path(endpoint), sale.body(endpoint, method))
                let reply = try desk.call(method, path, body, as: .customer, "eve")
                #expect(reply.status == 404, "\(method) \(path): \(reply.status) \(reply.body)")
                asked += 1
            }
            #expect(asked >= 14)
            #expect(try sale.look(desk, Self.calls) == before)
        }
    }

    @Test func whoeverHasNoGoodTokenIsToldSoEverywhere() async throws {
        try await TokenDesk.run { server, mint, _ in
            let desk = TokenDesk(client: try server.connect(), mint: mint)
            let sale = try PrivateSale(desk)
            let before = try sale.look(desk, Self.calls)
            let now = Engine.systemClock() / 1_000
            for role in [Role.admin, .monitor] {
                let expired = try mint.token(
                    tenant: "default",
                    subject: "ann",
                    role: role,
                    now: now - 700,
                    seconds: 600
                )
                for (endpoint, method) in Self.calls where endpoint.access(HTTPMethod(method)) != .everybody {
                    let (path, body) = (sale.path(endpoint), sale.body(endpoint, method))
                    for (token, code) in [(expired, "TOKEN_EXPIRED"), (expired + "A", "TOKEN_INVALID")] {
                        let reply = try desk.call(method, path, body, token: token)
                        let isTold = method == "HEAD" || reply.body.contains(code)
                        #expect(reply.status == 401 && isTold, "\(method) \(path): \(reply.status) \(reply.body)")
                    }
                    #expect(try desk.call(method, path, body, token: nil).status == 401, "\(method) \(path)")
                }
            }
            #expect(try sale.look(desk, Self.calls) == before)
        }
    }
}

/// A sale of a tenant with one of everything, with marks in what is private.
private struct PrivateSale {
    private static let mark = "acme-secret"

    private let pricing: String
    private let reservation: String
    private let order: String
    private let ticket: String
    private let ticketCode: String
    private let offerCode: String

    init(_ desk: TokenDesk) throws {
        func post(_ path: String, _ body: String, as role: Role = .admin) throws -> String {
            let reply = try desk.call("POST", "/api/v1/\(path)", body, as: role)
            guard reply.status < 300 else { throw TestFailure("\(path): \(reply.body)") }
            return reply.body
        }
        func found(_ pattern: Regex<(Substring, Substring)>, in answer: String) throws -> String {
            String(try #require(answer.firstMatch(of: pattern), "\(answer)").1)
        }
        let mark = Self.mark
        _ = try post("venues", #"{"id":"hall","name":"\#(mark)","max_capacity":1000}"#)
        _ = try post("events", #"{"id":"show","name":"\#(mark)","currency":"EUR","venue_id":"hall"}"#)
        _ = try post(
            "events/show/schedules",
            #"{"id":"first","starts_at":"2037-05-07T18:00:00Z","ends_at":"2037-05-07T22:00:00Z"}"#
        )
        _ = try post("events/show/capacity", #"{"id":"floor","section_name":"\#(mark)","total_capacity":50}"#)
        _ = try post("events/show/capacity", #"{"id":"stalls","section_name":"\#(mark)","total_capacity":0}"#)
        _ = try post("capacity/stalls/seats", #"{"rows":[{"label":"A","from":1,"to":4}]}"#)
        pricing = try found(
            /"id":"([^"]+)"/,
            in: try post("events/show/pricing", #"{"name":"\#(mark)","base_price":50}"#)
        )
        _ = try post("events/show/gates", #"{"id":"north","name":"\#(mark)","capacity_ids":["floor"]}"#)
        _ = try post("events/show/publish", "{}")
        func hold() throws -> String {
            try found(/"id":"(rsv_[^"]+)"/, in: try post("capacity/floor/reserve", #"{"quantity":2}"#, as: .customer))
        }
        reservation = try hold()
        let payment = #"{"payment_reference":"pay-\#(mark)"}"#
        let sold = try post("reservations/\(try hold())/confirm", payment, as: .customer)
        order = try found(/"id":"(ord_[^"]+)"/, in: sold)
        ticket = try found(/"id":"(tkt_[^"]+)"/, in: sold)
        ticketCode = try found(/"code":"([^"]+)"/, in: sold)
        let offer = try post("tickets/\(ticket)/transfer", #"{"recipient":"ben"}"#, as: .customer)
        offerCode = try found(/"code":"([^"]+)"/, in: offer)
    }

    /// What no stranger may be told.
    var secrets: [String] { [Self.mark, ticketCode, offerCode, "\"ann\""] }

    /// The route's path, with the ids of this sale.
    func path(_ endpoint: Endpoint) -> String {
        let isOfEvent = endpoint == .reportAnalytics || endpoint == .reportCustomers
        return [
            (KnownIDs.pricing, pricing), (KnownIDs.reservation, reservation), (KnownIDs.order, order),
            (KnownIDs.ticket(0), ticket), ("capacity/floor/seats", "capacity/stalls/seats"),
        ].reduce(endpoint.samplePath + (isOfEvent ? "?event_id=show" : "")) {
            $0.replacingOccurrences(of: $1.0, with: $1.1)
        }
    }

    /// A body that is right where the ids are one's own.
    func body(_ endpoint: Endpoint, _ method: String) -> String {
        guard method == "POST" || method == "PUT" else { return "" }
        switch endpoint {
        case .events: return #"{"id":"other","name":"Other","currency":"EUR"}"#
        case .event, .venue: return #"{"name":"Mine"}"#
        case .venues: return #"{"id":"other","name":"Other","max_capacity":10}"#
        case .eventSchedules, .eventSchedule:
            return #"{"starts_at":"2038-05-07T18:00:00Z","ends_at":"2038-05-07T22:00:00Z"}"#
        case .eventCapacity: return #"{"section_name":"S","total_capacity":1}"#
        case .capacity: return #"{"total_capacity":10}"#
        case .eventPricing, .pricing: return #"{"name":"P","base_price":1}"#
        case .pricingCalculate, .capacityCheck, .capacityReserve: return #"{"quantity":1}"#
        case .capacitySeats: return #"{"rows":[{"label":"B","from":1,"to":4}]}"#
        case .capacitySeatsBlock, .capacitySeatsUnblock: return #"{"seats":["A-1"]}"#
        case .reservations: return #"{"event_id":"show","items":[{"capacity_id":"floor","quantity":1}]}"#
        case .reservationExtend: return #"{"seconds":60}"#
        case .reservationConfirm: return #"{"payment_reference":"p"}"#
        case .ticketTransfer: return #"{"recipient":"eve"}"#
        case .ticketTransferAccept: return #"{"code":"\#(offerCode)","customer_id":"eve"}"#
        case .ticketsValidate: return #"{"code":"\#(ticket).\#(ticketCode)","gate":"north"}"#
        case .eventGates: return #"{"id":"south","capacity_ids":["floor"]}"#
        case .batch: return BatchOperation.allCases.map(line).joined(separator: "\n")
        default: return "{}"
        }
    }

    private func line(_ operation: BatchOperation) -> String {
        switch operation {
        case .reserve: #"{"op":"reserve","capacity_id":"floor","quantity":1}"#
        case .reservations: #"{"op":"reservations","event_id":"show","items":[{"capacity_id":"floor","quantity":1}]}"#
        case .priceLock: #"{"op":"price-lock","reservation_id":"\#(reservation)"}"#
        case .extend: #"{"op":"extend","reservation_id":"\#(reservation)","seconds":60}"#
        case .confirm: #"{"op":"confirm","reservation_id":"\#(reservation)","payment_reference":"p"}"#
        case .release: #"{"op":"release","reservation_id":"\#(reservation)"}"#
        case .refund: #"{"op":"refund","order_id":"\#(order)"}"#
        case .transfer: #"{"op":"transfer","ticket_id":"\#(ticket)","recipient":"eve"}"#
        case .accept: #"{"op":"accept","ticket_id":"\#(ticket)","code":"\#(offerCode)","customer_id":"eve"}"#
        case .validate: #"{"op":"validate","code":"\#(ticket).\#(ticketCode)"}"#
        }
    }

    /// What the tenant's own admin reads at each route that shows something: it is there, and must stay as it is.
    func look(_ desk: TokenDesk, _ calls: [(endpoint: Endpoint, method: String)]) throws -> [String: String] {
        var found: [String: String] = [:]
        for (endpoint, method) in calls where method == "GET" && endpoint != .eventAvailabilityStream {
            // The feed says where the log of all tenants ends.
            guard endpoint.access(.get).contains(Role.admin), endpoint.access(.get) != .everybody, endpoint != .feed
            else { continue }
            let path = path(endpoint)
            let reply = try desk.call("GET", path, "", as: .admin, "boss")
            #expect(reply.status == 200, "\(path): \(reply.status) \(reply.body)")
            // But for the time of the question.
            found[path] = reply.body.replacing(/"expires_in_ms":\d+|"generated_at":"[^"]*"/, with: "")
        }
        return found
    }
}
