/// A path of the table of routes. `match` finds it, and the one segment of the path that names a thing.
enum Endpoint: UInt8, CaseIterable, Sendable {
    case health, ready, metrics, openAPI, docs
    case events, event, eventPublish, eventRestore
    case venues, venue
    case eventSchedules, eventSchedule, eventSchedulesUpcoming, eventSchedulesNext
    case eventCapacity, eventCapacityTotal, eventPricing, eventPricingActive
    case capacity, capacityReserve, capacityCheck
    case capacitySeats, capacitySeatsBlock, capacitySeatsUnblock, eventSeats
    case pricing, pricingCalculate
    case reservations, reservation, reservationPriceLock, reservationExtend, reservationConfirm, reservationRelease
    case order, orderRefund
    case eventCancel, eventOrders, eventGates
    case ticket, ticketQR, ticketTransfer, ticketTransferAccept, ticketsValidate
    case batch
    case reportSales, reportVenues, reportVenue, reportDashboard, reportAnalytics, reportCustomers, reportCustomer
    case feed, eventAudit
    case eventAvailability, eventAvailabilityStream

    /// What may be asked of the path.
    var methods: AllowedMethods {
        switch self {
        case .health, .ready, .metrics, .openAPI, .docs: .get
        case .events, .eventCapacity, .eventPricing, .venues, .eventSchedules: [.get, .post]
        case .venue, .eventSchedule: [.get, .put]
        case .eventSchedulesUpcoming, .eventSchedulesNext: .get
        case .event: [.get, .put, .delete]
        case .eventPublish, .eventRestore: .post
        case .eventCapacityTotal, .eventPricingActive: .get
        case .capacity: [.get, .put]
        case .capacityReserve, .capacityCheck: .post
        case .capacitySeats: [.get, .post]
        case .capacitySeatsBlock, .capacitySeatsUnblock: .post
        case .eventSeats: .get
        case .pricing: .put
        case .pricingCalculate: .post
        case .reservations: .post
        case .reservation: [.get, .delete]
        case .reservationPriceLock, .reservationExtend, .reservationConfirm, .reservationRelease: .post
        case .order: .get
        case .orderRefund: .post
        case .eventCancel, .ticketTransferAccept, .ticketsValidate: .post
        case .eventOrders, .ticket, .ticketQR: .get
        case .eventGates: [.get, .post]
        case .ticketTransfer: [.post, .delete]
        case .batch: .post
        case .reportSales, .reportVenues, .reportVenue, .reportDashboard, .reportAnalytics, .reportCustomers,
            .reportCustomer:
            .get
        case .feed, .eventAudit: .get
        case .eventAvailability, .eventAvailabilityStream: .get
        }
    }

    /// `name` is the segment that names a thing, where the route has one; valid as long as the path's bytes.
    typealias Match = (endpoint: Endpoint, name: PercentText?)

    /// Finds the route of a path by comparing segments in place: nothing is allocated unless a segment is encoded.
    /// - Returns: nil for a path of no route.
    static func match(_ segments: PathSegments) -> Match? {
        switch segments.count {
        case 1: return operation(segments[0]).map { ($0, nil) }
        case 3...6 where segments[0].equals("api") && segments[1].equals("v1"): break
        default: return nil
        }
        let collection = segments[2]
        if segments.count == 3 { return whole(collection).map { ($0, nil) } }
        let action = segments.count > 4 ? segments[4] : nil
        if collection.equals("reports") { return segments.count > 5 ? nil : report(segments[3], action) }
        let detail = segments.count > 5 ? segments[5] : nil
        if collection.equals("tickets") { return partOfTickets(segments[3], action, detail) }
        return part(of: collection, action, detail).map { ($0, segments[3]) }
    }

    /// Before "pricing" the routes had this name; clients of that time still use it.
    private static let olderPricing: StaticString = "ticket-types"

    private static func operation(_ name: PercentText) -> Endpoint? {
        if name.equals("health") { return .health }
        if name.equals("ready") { return .ready }
        if name.equals("metrics") { return .metrics }
        if name.equals("openapi.json") { return .openAPI }
        if name.equals("docs") { return .docs }
        return nil
    }

    private static func whole(_ collection: PercentText) -> Endpoint? {
        if collection.equals("reservations") { return .reservations }
        if collection.equals("events") { return .events }
        if collection.equals("venues") { return .venues }
        if collection.equals("batch") { return .batch }
        if collection.equals("feed") { return .feed }
        return nil
    }

    private static func part(
        of collection: PercentText,
        _ action: PercentText?,
        _ detail: PercentText?
    ) -> Endpoint? {
        if collection.equals("events") { return partOfEvent(action, detail) }
        if let detail {
            return collection.equals("capacity") ? partOfSeats(action, detail) : nil
        }
        if collection.equals("capacity") { return partOfCapacity(action) }
        if collection.equals("reservations") { return partOfReservation(action) }
        if collection.equals("pricing") || collection.equals(olderPricing) {
            guard let action else { return .pricing }
            return action.equals("calculate") ? .pricingCalculate : nil
        }
        if collection.equals("venues") { return action == nil ? .venue : nil }
        if collection.equals("orders") {
            guard let action else { return .order }
            return action.equals("refund") ? .orderRefund : nil
        }
        return nil
    }

    private static func partOfEvent(_ action: PercentText?, _ detail: PercentText?) -> Endpoint? {
        guard let action else { return .event }
        if let detail {
            if action.equals("capacity"), detail.equals("total") { return .eventCapacityTotal }
            if action.equals("pricing") || action.equals(olderPricing), detail.equals("active") {
                return .eventPricingActive
            }
            if action.equals("schedules") { return partOfSchedules(detail) }
            if action.equals("availability"), detail.equals("stream") { return .eventAvailabilityStream }
            return nil
        }
        if action.equals("capacity") { return .eventCapacity }
        if action.equals("schedules") { return .eventSchedules }
        if action.equals("seats") { return .eventSeats }
        if action.equals("pricing") || action.equals(olderPricing) { return .eventPricing }
        if action.equals("availability") { return .eventAvailability }
        if action.equals("publish") { return .eventPublish }
        if action.equals("restore") { return .eventRestore }
        if action.equals("audit") { return .eventAudit }
        if action.equals("cancel") { return .eventCancel }
        if action.equals("orders") { return .eventOrders }
        if action.equals("gates") { return .eventGates }
        return nil
    }

    private static func partOfSchedules(_ detail: PercentText) -> Endpoint {
        if detail.equals("upcoming") { return .eventSchedulesUpcoming }
        return detail.equals("next") ? .eventSchedulesNext : .eventSchedule
    }

    private static func partOfTickets(
        _ name: PercentText,
        _ action: PercentText?,
        _ detail: PercentText?
    ) -> (Endpoint, PercentText?)? {
        guard let action else { return name.equals("validate") ? (.ticketsValidate, nil) : (.ticket, name) }
        if detail == nil, action.equals("qr") { return (.ticketQR, name) }
        guard action.equals("transfer") else { return nil }
        guard let detail else { return (.ticketTransfer, name) }
        return detail.equals("accept") ? (.ticketTransferAccept, name) : nil
    }

    private static func partOfCapacity(_ action: PercentText?) -> Endpoint? {
        guard let action else { return .capacity }
        if action.equals("reserve") { return .capacityReserve }
        if action.equals("check") { return .capacityCheck }
        if action.equals("seats") { return .capacitySeats }
        return nil
    }

    private static func partOfSeats(_ action: PercentText?, _ detail: PercentText) -> Endpoint? {
        guard let action, action.equals("seats") else { return nil }
        if detail.equals("block") { return .capacitySeatsBlock }
        return detail.equals("unblock") ? .capacitySeatsUnblock : nil
    }

    private static func partOfReservation(_ action: PercentText?) -> Endpoint? {
        guard let action else { return .reservation }
        if action.equals("confirm") { return .reservationConfirm }
        if action.equals("price-lock") { return .reservationPriceLock }
        if action.equals("extend") { return .reservationExtend }
        if action.equals("release") { return .reservationRelease }
        return nil
    }
}

/// The methods of a route, in the order in which an `Allow` field names them.
struct AllowedMethods: OptionSet, Sendable {
    let rawValue: UInt8

    static let get = AllowedMethods(rawValue: 1)
    static let post = AllowedMethods(rawValue: 2)
    static let put = AllowedMethods(rawValue: 4)
    static let delete = AllowedMethods(rawValue: 8)

    func allows(_ method: HTTPMethod) -> Bool {
        switch method {
        case .get, .head: contains(.get)
        case .post: contains(.post)
        case .put: contains(.put)
        case .delete: contains(.delete)
        case .patch, .options, .other: false
        }
    }

    /// The value of an `Allow` field.
    var fieldValue: String {
        var names: [String] = []
        if contains(.get) { names += ["GET", "HEAD"] }
        if contains(.post) { names.append("POST") }
        if contains(.put) { names.append("PUT") }
        if contains(.delete) { names.append("DELETE") }
        return names.joined(separator: ", ")
    }
}
