/// A route and a method as one small number, to count by. HEAD counts as GET.
struct RouteNumber: Hashable, Sendable {
    private static let methods = ["GET", "POST", "PUT", "DELETE", "other"]

    /// Of requests that no route has seen: refused by the parser, for their path, or before anybody looked at it.
    static let none = RouteNumber(rawValue: 0)
    static let count = (Endpoint.allCases.count + 1) * methods.count
    static let all = (0..<count).map { RouteNumber(rawValue: UInt16($0)) }

    /// Less than `count`.
    let rawValue: UInt16

    init(rawValue: UInt16) { self.rawValue = rawValue }

    init(_ endpoint: Endpoint, _ method: HTTPMethod) {
        let place: UInt16 =
            switch method {
            case .get, .head: 0
            case .post: 1
            case .put: 2
            case .delete: 3
            case .patch, .options, .other: 4
            }
        rawValue = (UInt16(endpoint.rawValue) + 1) * UInt16(Self.methods.count) + place
    }

    /// Nil for `none`.
    var endpoint: Endpoint? {
        let place = Int(rawValue) / Self.methods.count
        return place == 0 ? nil : Endpoint(rawValue: UInt8(place - 1))
    }

    var isRead: Bool { rawValue % UInt16(Self.methods.count) == 0 }

    // The labels of a series.

    var routeName: String { endpoint.map { "\($0)" } ?? "none" }
    var methodName: String { self == .none ? "none" : Self.methods[Int(rawValue) % Self.methods.count] }
}

/// Routes whose times are told together: a histogram for each of them, status and method would be thousands of series.
enum LatencyGroup: String, CaseIterable, Sendable {
    /// A reservation, and what makes an order of it.
    case reserve, confirm
    /// What else changes reservations and orders.
    case sale
    case batch
    /// Tickets after the sale: shown, handed on, let in.
    case tickets
    /// Reading and changing what is for sale.
    case read, catalogue
    case reports
    /// The feed and streams, where a request may wait for something to happen.
    case feed
    /// What is asked of the server itself, and what no route has seen.
    case other

    var number: Int {
        switch self {
        case .reserve: 0
        case .confirm: 1
        case .sale: 2
        case .batch: 3
        case .tickets: 4
        case .read: 5
        case .catalogue: 6
        case .reports: 7
        case .feed: 8
        case .other: 9
        }
    }

    init(_ route: RouteNumber) {
        guard let endpoint = route.endpoint else {
            self = .other
            return
        }
        switch endpoint {
        case .health, .ready, .metrics, .openAPI, .docs: self = .other
        case .capacityReserve, .reservations: self = .reserve
        case .reservationConfirm: self = .confirm
        case .reservation, .order: self = route.isRead ? .read : .sale
        case .reservationPriceLock, .reservationExtend, .reservationRelease, .orderRefund: self = .sale
        case .batch: self = .batch
        case .ticket, .ticketQR, .ticketTransfer, .ticketTransferAccept, .ticketsValidate: self = .tickets
        case .eventAvailability, .capacityCheck, .pricingCalculate, .eventOrders: self = .read
        case .reportSales, .reportVenues, .reportVenue, .reportDashboard, .reportAnalytics, .reportCustomers,
            .reportCustomer:
            self = .reports
        case .feed, .eventAudit, .eventAvailabilityStream: self = .feed
        case .events, .event, .eventPublish, .eventRestore, .eventCancel, .eventGates, .venues, .venue, .eventSchedules,
            .eventSchedule, .eventSchedulesUpcoming, .eventSchedulesNext, .eventCapacity, .eventCapacityTotal,
            .eventPricing, .eventPricingActive, .capacity, .capacitySeats, .capacitySeatsBlock, .capacitySeatsUnblock,
            .eventSeats, .pricing:
            self = route.isRead ? .read : .catalogue
        }
    }
}
