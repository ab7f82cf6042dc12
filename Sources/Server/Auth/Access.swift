import Auth

/// The roles that a route is for.
struct Access: OptionSet, Sendable {
    let rawValue: UInt8

    static let organizer = Access(.organizer)
    static let agent = Access(.agent)
    static let customer = Access(.customer)
    static let scanner = Access(.scanner)
    static let admin = Access(.admin)
    /// Of all tenants together, and so of no tenant's own people.
    static let monitor = Access(.monitor)

    /// With and without a token.
    static let everybody: Access = [Access(rawValue: 1 << 7), .tenant, .monitor]
    /// With any token of the tenant.
    static let tenant: Access = [.organizer, .agent, .customer, .scanner, .admin]
    /// Who makes the catalogue and sees the books.
    static let office: Access = [.organizer, .admin]
    /// Who buys and sells.
    static let sale: Access = [.agent, .customer, .admin]
    /// Who gives money back.
    static let refund: Access = [.organizer, .agent, .admin]

    /// Who lets people in.
    static let gate: Access = [.scanner, .organizer, .admin]

    init(rawValue: UInt8) { self.rawValue = rawValue }

    init(_ role: Role) { rawValue = 1 << UInt8(Role.allCases.firstIndex(of: role)!) }

    func contains(_ role: Role) -> Bool { contains(Access(role)) }
}

// Who may do what: every route and method is in here, so that a new route doesn't build before somebody has decided.

extension Endpoint {
    /// Whether nobody gets everything of the route without a token.
    var needsToken: Bool { access(.get) != .everybody }

    /// Whom the route is for. A customer gets the customer's own things there, everybody else those of the tenant.
    func access(_ method: HTTPMethod) -> Access {
        let isRead = method == .get || method == .head
        switch self {
        case .health, .ready, .openAPI, .docs: return .everybody
        case .metrics: return .monitor
        case .events, .event, .eventCapacity, .eventPricing, .capacity, .capacitySeats, .pricing, .venues, .venue,
            .eventSchedules, .eventSchedule:
            return isRead ? .tenant : .office
        case .eventAvailability, .eventAvailabilityStream, .eventCapacityTotal, .eventPricingActive, .eventSeats,
            .capacityCheck, .pricingCalculate, .eventSchedulesUpcoming, .eventSchedulesNext:
            return .tenant
        case .eventPublish, .eventRestore, .capacitySeatsBlock, .capacitySeatsUnblock, .reportSales, .reportVenues,
            .reportVenue, .reportDashboard, .reportAnalytics, .reportCustomers, .feed, .eventAudit:
            return .office
        // What a customer has is the customer's own, and looked up at the counter.
        case .reportCustomer: return [.office, .sale]
        case .capacityReserve, .reservations, .reservationPriceLock, .reservationExtend, .reservationConfirm,
            .reservationRelease:
            return .sale
        // Each of its lines is looked at by itself.
        case .batch: return .tenant
        // What was bought or held is looked up at the counter, too.
        case .reservation, .order: return isRead ? [.sale, .organizer] : .sale
        case .orderRefund: return .refund
        case .eventCancel: return .office
        case .eventOrders: return [.sale, .organizer]
        case .eventGates: return isRead ? .tenant : .office
        case .ticket, .ticketQR: return [.sale, .organizer]
        case .ticketTransfer, .ticketTransferAccept: return .sale
        case .ticketsValidate: return .gate
        }
    }
}

extension BatchOperation {
    /// As of the route that does the same.
    var access: Access {
        switch self {
        case .reserve: Endpoint.capacityReserve.access(.post)
        case .reservations: Endpoint.reservations.access(.post)
        case .priceLock: Endpoint.reservationPriceLock.access(.post)
        case .extend: Endpoint.reservationExtend.access(.post)
        case .confirm: Endpoint.reservationConfirm.access(.post)
        case .release: Endpoint.reservationRelease.access(.post)
        case .refund: Endpoint.orderRefund.access(.post)
        case .transfer: Endpoint.ticketTransfer.access(.post)
        case .accept: Endpoint.ticketTransferAccept.access(.post)
        case .validate: Endpoint.ticketsValidate.access(.post)
        }
    }
}
