import WAL

extension Shard {
    /// Work of a slice: about so many events or reservations are looked at in one turn. One event may go beyond, by as many
    /// reservations as a customer can have.
    static let reportWorkPerTurn = 512

    /// Looks at one event of the tenant.
    /// - Returns: nil when there is no such event; with the position that must be durable before it may be told.
    func look<T>(
        at event: EventKey,
        of tenant: ShortText,
        _ body: @Sendable (borrowing EventInventory) -> T
    ) -> (found: T?, position: LogPosition) {
        // A turn may be open on this loop: what it has decided is looked at, so it has to be in the log's order.
        let position = endTurn()
        guard let slot = tables.pointee.slot(of: event), isEvent(slot, of: tenant) else { return (nil, position) }
        return (body(tables.pointee.slots[slot]), position)
    }

    /// Adds up some of the tenant's events.
    /// - Parameter start: how many of them were added up before.
    /// - Returns: `next` is nil when those were the last; the position must be durable before the sum may be told.
    func sum<T: TenantSum>(
        _ empty: T,
        of tenant: ShortText,
        from start: Int
    ) -> (sum: T, next: Int?, position: LogPosition) {
        let position = endTurn()
        let slots = tables.pointee.slots(of: tenant)
        var sum = empty
        var work = 0
        var place = start
        while place < slots.count, work < Self.reportWorkPerTurn {
            let slot = Int(slots[place])
            if isEvent(slot, of: tenant) { work += sum.add(tables.pointee.slots[slot]) }
            work += 1
            place += 1
        }
        return (sum, place < slots.count ? place : nil, position)
    }

    /// Whether the slot has an event of the tenant, and not what belongs to no event.
    private func isEvent(_ slot: Int, of tenant: ShortText) -> Bool {
        tables.pointee.slots[slot].tenant == tenant && !tables.pointee.slots[slot].details.id.isEmpty
    }

    /// Waits until everything up to the position is durable.
    func settle(_ position: LogPosition) async throws(EngineError) {
        guard waiters.count < Limits.waitersMax else { throw .unavailable(.logSaturated) }
        guard await durable(position) else { throw .outcomeUnknown }
    }
}
