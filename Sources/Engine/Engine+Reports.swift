import WAL

// Reports: what was sold, from running sums that the events keep. None of them walks an event's reservations, and none
// holds up a shard: a question to all events of a tenant is asked a slice at a time, with other work in between.
//
// A report of one event is that event at one moment. One of several events has each at a moment between question and
// answer. Both show only what is durable.

extension Engine {
    /// What an event has sold.
    /// - Parameters:
    ///   - days: only what was sold and refunded on these; then not by section and tier, for which days aren't kept apart.
    ///   - start: the first section and tier of the page; limit: how many of each.
    public func sales(
        of event: EventKey,
        tenant: ShortText,
        days: DayRange? = nil,
        start: Int = 0,
        limit: Int = 200
    ) async throws(EngineError) -> EventSales {
        try await look(at: event, of: tenant) { $0.salesReport(days: days, start: start, limit: limit) }
    }

    /// What all of a tenant's events have sold.
    public func sales(of tenant: ShortText, days: DayRange? = nil) async throws(EngineError) -> TenantSales {
        try await sum(TenantSales(range: days), of: tenant)
    }

    /// What the events at a venue have sold.
    /// - Throws: `venueNotFound` when the tenant has no such venue, and no event names it.
    public func sales(
        atVenue venue: ShortText,
        tenant: ShortText,
        days: DayRange? = nil
    ) async throws(EngineError) -> VenueSales {
        let found = try await sum(VenuesSales(choice: .one(venue), range: days), of: tenant)
        if let sales = found.venues[venue] { return sales }
        guard directory.venues.maximum(tenant, venue) != nil else { throw .rejected(.venueNotFound) }
        return VenueSales()
    }

    /// What the events at the tenant's venues have sold, those whose ids come behind `after`.
    public func salesByVenue(
        of tenant: ShortText,
        after: ShortText = .empty,
        days: DayRange? = nil
    ) async throws(EngineError) -> VenuesSales {
        try await sum(VenuesSales(choice: .behind(after), range: days), of: tenant)
    }

    /// The tenant's business at a glance; today is the UTC day of the engine's clock.
    public func dashboard(of tenant: ShortText) async throws(EngineError) -> Dashboard {
        try await sum(Dashboard(today: DaySales.number(of: clock.now())), of: tenant)
    }

    /// What a customer has of the tenant's events, or of one of them.
    public func insight(
        into customer: ShortText,
        tenant: ShortText,
        event: EventKey? = nil
    ) async throws(EngineError) -> CustomerInsight {
        let empty = CustomerInsight(customer: customer)
        guard let event else { return try await sum(empty, of: tenant) }
        return try await look(at: event, of: tenant) { event in
            var insight = empty
            _ = insight.add(event)
            return insight
        }
    }

    /// The customers who have bought most of an event, by what they paid, refunds not taken off; at most 100.
    public func topCustomers(
        of event: EventKey,
        tenant: ShortText,
        limit: Int = 100
    ) async throws(EngineError) -> (event: EventView, customers: [TopCustomer]) {
        try await look(at: event, of: tenant) { ($0.eventView, $0.topCustomers(limit: limit)) }
    }

    private func look<T: Sendable>(
        at event: EventKey,
        of tenant: ShortText,
        _ body: @Sendable (borrowing EventInventory) -> T
    ) async throws(EngineError) -> T {
        let shard = shard(of: event)
        let (found, position) = await shard.look(at: event, of: tenant, body)
        try await shard.settle(position)
        guard let found else { throw .rejected(.eventNotFound) }
        return found
    }

    private func sum<T: TenantSum>(_ empty: T, of tenant: ShortText) async throws(EngineError) -> T {
        var whole = empty
        for shard in shards {
            var last: ShortText? = .empty
            var position = LogPosition.zero
            while let after = last {
                let slice = await shard.sum(empty, of: tenant, after: after)
                whole.merge(slice.sum)
                last = slice.last
                position = slice.position
            }
            try await shard.settle(position)
        }
        return whole
    }
}
