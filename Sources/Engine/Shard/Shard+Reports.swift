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
        guard let slot = tables.pointee.slot(of: event), tables.pointee.slots[slot].tenant == tenant,
            !tables.pointee.slots[slot].isOfTenant
        else { return (nil, position) }
        return (body(tables.pointee.slots[slot]), position)
    }

    /// Adds up some of the tenant's events, those whose ids come behind `after`.
    /// - Returns: `last` is the id to go on behind, nil when there are no more; the position must be durable before the sum
    ///   may be told.
    func sum<T: TenantSum>(
        _ empty: T,
        of tenant: ShortText,
        after: ShortText
    ) -> (sum: T, last: ShortText?, position: LogPosition) {
        let position = endTurn()
        guard let order = tables.pointee.orders[tenant] else { return (empty, nil, position) }
        let tables = tables
        var (sum, work) = (empty, 0)
        var (visited, hasMore) = (after, false)
        let id = { (slot: UInt32) in tables.pointee.slots[Int(slot)].details.id }
        order.visit(after: after, id: id) { slot in
            hasMore = work >= Self.reportWorkPerTurn
            if hasMore { return false }
            work += 1 + sum.add(tables.pointee.slots[Int(slot)])
            visited = id(slot)
            return true
        }
        return (sum, hasMore ? visited : nil, position)
    }

    /// Waits until everything up to the position is durable.
    func settle(_ position: LogPosition) async throws(EngineError) {
        guard waiters.count < Limits.waitersMax else { throw .unavailable(.logSaturated) }
        guard await durable(position) else { throw .outcomeUnknown }
    }
}
