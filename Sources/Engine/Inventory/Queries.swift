extension EventInventory {
    /// Answers a question about the state as it is at `context.now`.
    /// - Throws: `…NotFound` where there is no such thing for this caller.
    public func find(_ query: Query, _ context: CommandContext) throws(Rejection) -> Finding {
        if isOfTenant, !query.isOfTenant { throw .eventNotFound }
        switch query {
        case .event: return .event(eventView)
        case .eventAndSale:
            var lookedAt = 0
            return .event(eventView(at: context.now, &lookedAt))
        case .sectionPage(let filter): return .sectionPage(sectionPage(filter))
        case .schedule(let id):
            guard let number = scheduleNumber(id: id) else { throw .scheduleNotFound }
            return .schedule(scheduleView(number))
        case .schedules(let filter): return .schedules(schedulePage(filter, at: context.now))
        case .nextSchedule:
            var filter = ScheduleFilter(limit: 1)
            filter.isUpcomingOnly = true
            guard let next = schedulePage(filter, at: context.now).views.first else { throw .scheduleNotFound }
            return .schedule(next)
        case .venue(let id):
            guard let venue = venues.find(id) else { throw .venueNotFound }
            return .venue(venue)
        case .venues(let after, let limit): return .venues(venues.page(after: after, limit: Int(limit)))
        case .sections: return .sections((0..<SectionNumber(sections.count)).map { sectionView($0) })
        case .availability(let start, let limit):
            let first = min(Int(start), sections.count)
            return .availability(availability(first..<min(first + Int(limit), sections.count)), count: sections.count)
        case .section(let number):
            guard hasSection(number) else { throw .sectionNotFound }
            return .section(sectionView(number))
        case .seats(let number):
            guard hasSection(number) else { throw .sectionNotFound }
            guard let view = seatMapView(number) else { throw .sectionWithoutSeats(number) }
            return .seats(view)
        case .allSeats(let place, let limit): return .allSeats(seatRows(from: place, limit: limit))
        case .check(let number, let quantity):
            guard hasSection(number) else { throw .sectionNotFound }
            return check(number, quantity, at: context.now)
        case .tiers(let activeOnly):
            let views = (0..<TierNumber(tiers.count)).map { tierView($0) }
            return .tiers(activeOnly ? views.filter { isActive($0.details, at: context.now) } : views)
        case .calculate(let number, let quantity):
            guard number < UInt32(tiers.count) else { throw .tierNotFound }
            guard (1...InventoryLimits.quantityPerLineMax).contains(quantity) else { throw .invalid(.quantity) }
            let tier = tierView(number)
            let lock = tier.details.lock(version: tier.version, at: context.now, quantity: quantity)
            return .price(tier, Quote(lock: lock, quantity: quantity))
        case .reservation(let id):
            return .reservation(shownHold(try slot(of: id, context)), at: context.now)
        case .order(let id):
            guard let slot = try? slot(of: id, context), holds[slot].status == .confirmed else { throw .orderNotFound }
            let order = holdState(slot)
            let status = order.order!.state.status(of: order.quantity, isEventCancelled: cancelledAt != nil)
            return status == .refundDue ? .orderDue(order, at: context.now) : .order(order, at: context.now)
        case .orders(let listing): return .orders(orders(listing, context))
        case .ticket(let id): return .ticket(view(try ticket(id, context), context))
        case .gates: return .gates(Array(gates))
        }
    }

    private func check(_ number: SectionNumber, _ quantity: UInt32, at now: Milliseconds) -> Finding {
        let view = sectionView(number)
        let section = view.details
        let isSold = status == .published && section.isActive && section.isVisible
        let isInRange = section.minimumPurchase <= quantity && quantity <= section.maximumPurchase
        let isInTime = (try? checkDate(section.schedule, of: number, at: now)) != nil
        let isAvailable = isSold && isInRange && isInTime && quantity <= view.counts.available
        return .check(view, quantity: quantity, isAvailable: isAvailable)
    }

    private func isActive(_ tier: PriceTierDetails, at now: Milliseconds) -> Bool {
        guard tier.isActive, tier.isVisible else { return false }
        if let start = tier.salesStartAt, now < start { return false }
        if let end = tier.salesEndAt, now >= end { return false }
        return true
    }
}
