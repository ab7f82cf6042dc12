// What reports show of all of a tenant's events: sums over them, gathered a slice at a time and put together.

/// A sum over events.
protocol TenantSum: Sendable {
    /// Adds an event.
    /// - Returns: how much was looked at, about as many things as a reservation has.
    mutating func add(_ event: borrowing EventInventory) -> Int
    mutating func merge(_ other: Self)
}

/// What events have sold in one currency.
public struct CurrencySales: Equatable, Sendable {
    public var events: UInt64 = 0
    public var total = OrderSums()
    /// By number, those that saw a sale or a refund.
    public var days: [Int64: DaySales] = [:]

    mutating func add(_ event: borrowing EventInventory, days range: DayRange?) {
        events += 1
        for day in event.sales.days where range?.contains(day.day) ?? true {
            total += day
            if day.day > DaySales.earlier { days[day.day, default: DaySales(day: day.day)] += day }
        }
    }

    mutating func merge(_ other: CurrencySales) {
        events += other.events
        total += other.total
        days.merge(other.days) {
            var both = $0
            both += $1
            return both
        }
    }
}

/// What a tenant has sold.
public struct TenantSales: TenantSum {
    let range: DayRange?
    /// By ISO 4217 code.
    public private(set) var currencies: [ShortText: CurrencySales] = [:]

    mutating func add(_ event: borrowing EventInventory) -> Int {
        currencies[event.details.currency, default: CurrencySales()].add(event, days: range)
        return event.sales.days.count / 8
    }

    mutating func merge(_ other: TenantSales) {
        for (currency, sales) in other.currencies { currencies[currency, default: CurrencySales()].merge(sales) }
    }
}

/// What the events at a venue have sold, by the day where it was asked for alone.
public struct VenueSales: Equatable, Sendable {
    public var events: UInt64 = 0
    public var currencies: [ShortText: CurrencySales] = [:]

    mutating func merge(_ other: VenueSales) {
        events += other.events
        for (currency, sales) in other.currencies { currencies[currency, default: CurrencySales()].merge(sales) }
    }
}

/// The tenant's venues behind an id, or one of them. Events that name none are at the venue without a name.
public struct VenuesSales: TenantSum {
    enum Choice: Equatable {
        case one(ShortText)
        case behind(ShortText)
    }

    let choice: Choice
    let range: DayRange?
    public private(set) var venues: [ShortText: VenueSales] = [:]

    private func isAsked(_ venue: ShortText) -> Bool {
        switch choice {
        case .one(let one): venue == one
        case .behind(let last): last.precedes(venue)
        }
    }

    mutating func add(_ event: borrowing EventInventory) -> Int {
        let venue = event.details.venue
        guard isAsked(venue), !venue.isEmpty else { return 0 }
        var sums = CurrencySales()
        sums.add(event, days: range)
        if case .behind = choice { sums.days = [:] }
        venues[venue, default: VenueSales()].events += 1
        venues[venue]!.currencies[event.details.currency, default: CurrencySales()].merge(sums)
        return event.sales.days.count / 8
    }

    mutating func merge(_ other: VenuesSales) {
        for (venue, sales) in other.venues { venues[venue, default: VenueSales()].merge(sales) }
    }

    /// The first venues by the bytes of their ids.
    public func page(_ limit: Int) -> (venues: [(id: ShortText, sales: VenueSales)], hasMore: Bool) {
        let sorted = venues.sorted { $0.key.precedes($1.key) }
        return (sorted.prefix(limit).map { ($0.key, $0.value) }, sorted.count > limit)
    }
}

/// A tenant's business at a glance.
public struct Dashboard: TenantSum {
    /// An event among those that have sold most tickets.
    public struct TopEvent: Equatable, Sendable {
        public let id: ShortText
        public let name: String
        public let currency: ShortText
        public let total: OrderSums

        func isBefore(_ other: TopEvent) -> Bool {
            let (left, right) = (total.sums.tickets, other.total.sums.tickets)
            return left == right ? id.precedes(other.id) : left > right
        }
    }

    /// What was sold in one currency.
    public struct Revenue: Equatable, Sendable {
        public var all = OrderSums()
        public var today = OrderSums()
    }

    static let topEventsMax = 10

    /// The number of the UTC day that counts as today.
    public let today: Int64
    public private(set) var events: [EventStatus: UInt64] = [:]
    public private(set) var openHolds: UInt64 = 0
    public private(set) var revenue: [ShortText: Revenue] = [:]
    public private(set) var topEvents: [TopEvent] = []

    init(today: Int64) { self.today = today }

    /// Tickets of all currencies.
    public var tickets: (sold: UInt64, refunded: UInt64, soldToday: UInt64) {
        revenue.values.reduce((0, 0, 0)) {
            ($0.0 + $1.all.sums.tickets, $0.1 + $1.all.sums.refundedTickets, $0.2 + $1.today.sums.tickets)
        }
    }

    mutating func add(_ event: borrowing EventInventory) -> Int {
        let (total, details) = (event.sales.total, event.details)
        events[event.status, default: 0] += 1
        openHolds += event.openHoldCount
        revenue[details.currency, default: Revenue()].all += total
        if let day = event.sales.days.last, day.day == today { revenue[details.currency]!.today += day }
        if total.sums.tickets > 0 {
            rank(TopEvent(id: details.id, name: details.name, currency: details.currency, total: total))
        }
        return event.sales.days.count / 8
    }

    mutating func merge(_ other: Dashboard) {
        events.merge(other.events, uniquingKeysWith: +)
        openHolds += other.openHolds
        for (currency, sums) in other.revenue {
            revenue[currency, default: Revenue()].all += sums.all
            revenue[currency]!.today += sums.today
        }
        for event in other.topEvents { rank(event) }
    }

    private mutating func rank(_ event: TopEvent) {
        let place = topEvents.firstIndex { event.isBefore($0) } ?? topEvents.count
        guard place < Self.topEventsMax else { return }
        topEvents.insert(event, at: place)
        if topEvents.count > Self.topEventsMax { topEvents.removeLast() }
    }
}

/// What a customer has of a tenant's events.
public struct CustomerInsight: TenantSum {
    let customer: ShortText
    /// Events that know the customer.
    public private(set) var events: UInt64 = 0
    public private(set) var currencies: [ShortText: CustomerSales] = [:]

    init(customer: ShortText) { self.customer = customer }

    mutating func add(_ event: borrowing EventInventory) -> Int {
        guard let (sales, holds) = event.customerSales(customer) else { return 0 }
        guard sales != CustomerSales() else { return holds }
        events += 1
        currencies[event.details.currency, default: CustomerSales()] += sales
        return holds
    }

    mutating func merge(_ other: CustomerInsight) {
        events += other.events
        for (currency, sales) in other.currencies { currencies[currency, default: CustomerSales()] += sales }
    }
}
