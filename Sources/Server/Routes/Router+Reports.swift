import Engine

// Reports: what is asked, of which events and of which days.

/// A question about what was sold. No single shard answers most of them.
struct ReportRequest: Sendable {
    enum Question: Equatable, Sendable {
        /// Of one event, or of all the tenant's.
        case sales(event: EventKey?, Page)
        /// Those behind an id, at most so many.
        case venues(after: ShortText, limit: UInt32)
        case venue(ShortText)
        case dashboard
        case analytics(EventKey, Page)
        case topCustomers(EventKey, limit: UInt32)
        case customer(ShortText, event: EventKey?)

        /// The report's `type`.
        var name: StaticString {
            switch self {
            case .sales: "sales"
            case .venues, .venue: "venues"
            case .dashboard: "dashboard"
            case .analytics: "analytics"
            case .topCustomers, .customer: "customers"
            }
        }

        /// Whether all events of the tenant are asked.
        var isOfTenant: Bool {
            switch self {
            case .sales(let event, _), .customer(_, let event): event == nil
            case .venues, .venue, .dashboard: true
            case .analytics, .topCustomers: false
            }
        }
    }

    static let topCustomersMax: UInt32 = 100

    var question: Question
    /// As it was asked for; nil for all of time.
    var days: DayRange?
    var tenant: ShortText
    var reply: ReplyContext
}

extension Router {
    func report(_ endpoint: Endpoint, _ name: PercentText?, _ call: Call) throws(Problem) -> RoutedRequest {
        let question = try question(endpoint, name, call)
        // A shop's books are the shop's; a customer may see what is their own.
        let customer = call.context.principal
        if !customer.isEmpty {
            guard case .customer(customer, _) = question else { throw .reportNotFound }
        }
        let days = try endpoint.takesDays ? call.days() : nil
        return .report(ReportRequest(question: question, days: days, tenant: call.context.tenant, reply: call.reply))
    }

    private func question(
        _ endpoint: Endpoint,
        _ name: PercentText?,
        _ call: Call
    ) throws(Problem) -> ReportRequest.Question {
        switch endpoint {
        case .reportSales: return .sales(event: try call.event(), try call.page())
        case .reportVenues:
            let limit = try call.limit(max: EventListing.limitMax) ?? EventListing.limitMax
            guard let cursor = try call.parameter("cursor") else { return .venues(after: .empty, limit: limit) }
            guard let after = Cursor.after(cursor.content) else { throw Call.invalidCursor }
            return .venues(after: after, limit: limit)
        case .reportVenue:
            guard let venue = name?.shortText else { throw .venueNotFound }
            return .venue(venue)
        case .reportDashboard: return .dashboard
        case .reportAnalytics: return .analytics(try call.requiredEvent(), try call.page())
        case .reportCustomers:
            let most = ReportRequest.topCustomersMax
            return .topCustomers(try call.requiredEvent(), limit: try call.limit(max: most) ?? most)
        case .reportCustomer:
            guard let customer = name?.shortText else { throw .reportNotFound }
            return .customer(customer, event: try call.event())
        default: preconditionFailure("\(endpoint) is no report")
        }
    }
}

extension Endpoint {
    /// The report that the segments behind `/api/v1/reports` name, and the segment that names a thing.
    static func report(_ kind: PercentText, _ name: PercentText?) -> (endpoint: Endpoint, name: PercentText?)? {
        if let name {
            if kind.equals("venues") { return (.reportVenue, name) }
            return kind.equals("customers") ? (.reportCustomer, name) : nil
        }
        if kind.equals("sales") { return (.reportSales, nil) }
        if kind.equals("venues") { return (.reportVenues, nil) }
        if kind.equals("dashboard") { return (.reportDashboard, nil) }
        if kind.equals("analytics") { return (.reportAnalytics, nil) }
        return kind.equals("customers") ? (.reportCustomers, nil) : nil
    }

    fileprivate var takesDays: Bool { self == .reportSales || self == .reportVenues || self == .reportVenue }
}

// MARK: - Query

extension Call {
    /// The event that the query's `event_id` names; nil where it names none.
    fileprivate func event() throws(Problem) -> EventKey? {
        guard let text = try parameter("event_id"), !text.isEmpty else { return nil }
        guard let id = text.shortText else { throw .eventNotFound }
        return EventKey(tenant: context.tenant, event: id)
    }

    fileprivate func requiredEvent() throws(Problem) -> EventKey {
        guard let event = try event() else {
            throw .validationFailed([.init(field: "event_id", message: "must name an event")])
        }
        return event
    }

    /// The days from `from` to `to`, both included; nil where neither is given.
    fileprivate func days() throws(Problem) -> DayRange? {
        let (from, to) = (try day("from"), try day("to"))
        guard from != nil || to != nil else { return nil }
        let (first, last) = (from ?? 0, to ?? Self.lastDay)
        guard first <= last else {
            throw .validationFailed([.init(field: "to", message: "must not be before from")])
        }
        return first...last
    }

    /// 9999-12-31.
    private static let lastDay = Timestamp.epochMillisecondsMax / 86_400_000

    private func day(_ name: StaticString) throws(Problem) -> Int64? {
        guard let text = try parameter(name), !text.isEmpty else { return nil }
        guard let day = CivilDate(text.content)?.daysSinceEpoch, (0...Self.lastDay).contains(day) else {
            let message = "must be a day from 1970-01-01 on, as in 2026-11-21"
            throw .validationFailed([.init(field: "\(name)", message: message)])
        }
        return day
    }
}

extension CivilDate {
    /// Reads `2026-11-21`; nil for anything else.
    init?(_ text: UnsafeRawBufferPointer) {
        guard text.count == 10, text[4] == UInt8(ascii: "-"), text[7] == UInt8(ascii: "-") else { return nil }
        var numbers: (year: Int, month: Int, day: Int) = (0, 0, 0)
        for (index, byte) in text.enumerated() where index != 4 && index != 7 {
            guard byte.isDigit else { return nil }
            let digit = Int(byte & 0x0F)
            switch index {
            case 0..<4: numbers.year = numbers.year * 10 + digit
            case 5..<7: numbers.month = numbers.month * 10 + digit
            default: numbers.day = numbers.day * 10 + digit
            }
        }
        self.init(year: numbers.year, month: numbers.month, day: numbers.day)
    }
}

extension Problem {
    static var reportNotFound: Problem {
        Problem(.notFound, "REPORT_NOT_FOUND", "Report not found", "There is no such report for this customer.")
    }

    static var tooManyReports: Problem {
        var problem = Problem(
            .serviceUnavailable,
            "TOO_MANY_REPORTS",
            "Too many reports",
            "As many reports over all events are being made as may be at a time. Send the request again."
        )
        problem.retryAfterSeconds = 1
        return problem
    }
}
