// The rules of a reservation: who may hold how much of what, when, and for how long.

extension EventInventory {
    func decideReservation(_ request: ReserveRequest, _ context: CommandContext) throws(Rejection) -> Decision {
        let hold = try reservation(request, context)
        return Decision(.holdPlaced(hold), answer: reservedAnswer(hold, request, at: context.now))
    }

    /// The hold that a request leads to.
    func reservation(_ request: ReserveRequest, _ context: CommandContext) throws(Rejection) -> HoldState {
        try checkOnSale(at: context.now)
        let customer = try customer(of: request, context)
        let holdSeconds = try holdSeconds(request.holdSeconds)
        guard request.rest.count < InventoryLimits.linesPerHoldMax else { throw .invalid(.lines) }
        try checkLine(request.first, index: 0, of: request, customer, at: context.now)
        if !request.rest.isEmpty {
            for (index, line) in request.rest.enumerated() {
                try checkLine(line, index: index + 1, of: request, customer, at: context.now)
            }
        }
        try checkOpenHolds(of: customer)
        let seats = try chooseSeats(request)
        guard let vacancy = holds.vacancy(at: context.now) else { throw .limitReached(.holds) }
        return HoldState(
            reference: vacancy,
            secret: context.random.0,
            customer: customer,
            status: .held,
            createdAt: context.now,
            expiresAt: context.now + Milliseconds(holdSeconds) * 1_000,
            endedAt: 0,
            first: heldLine(request.first, at: context.now),
            rest: request.rest.isEmpty ? [] : request.rest.map { heldLine($0, at: context.now) },
            seats: seats,
            order: nil
        )
    }

    private func checkOnSale(at now: Milliseconds) throws(Rejection) {
        guard status == .published else { throw .eventNotOnSale(status: status) }
        try Self.checkWindow(details.salesStartAt, details.salesEndAt, at: now)
    }

    private static func checkWindow(
        _ start: Milliseconds?,
        _ end: Milliseconds?,
        at now: Milliseconds
    ) throws(Rejection) {
        if let start, now < start { throw .salesNotStarted(startsAt: start) }
        if let end, now >= end { throw .salesEnded(endedAt: end) }
    }

    private func customer(of request: ReserveRequest, _ context: CommandContext) throws(Rejection) -> ShortText {
        if context.principal.isEmpty { return request.customer }
        guard request.customer.isEmpty || request.customer == context.principal else { throw .customerMismatch }
        return context.principal
    }

    private func holdSeconds(_ asked: UInt32?) throws(Rejection) -> UInt32 {
        guard let asked else { return details.holdTimeSeconds }
        guard asked >= 1, asked <= details.holdTimeMaxSeconds else {
            throw .holdTimeOutOfRange(askedSeconds: asked, maximumSeconds: details.holdTimeMaxSeconds)
        }
        return asked
    }

    private func checkOpenHolds(of customer: ShortText) throws(Rejection) {
        guard let number = customers.find(customer) else { return }
        // Who asks what a customer has walks their holds, so their number has a limit too.
        let most = InventoryLimits.holdsPerCustomerMax
        guard UInt32(customers[number].holds) < most else {
            throw .customerReservationLimit(held: UInt32(customers[number].holds), limit: most)
        }
        let limit = details.openHoldsPerCustomerMax
        guard limit > 0 else { return }
        let held = UInt32(customers[number].openHolds)
        guard held < limit else { throw .tooManyOpenHolds(held: held, limit: limit) }
    }

    private func heldLine(_ line: ReserveRequest.Line, at now: Milliseconds) -> HoldLine {
        guard let tier = line.tier else { return HoldLine(section: line.section, quantity: line.quantity) }
        let lock = tiers[Int(tier)].details.lock(version: tiers[Int(tier)].version, at: now, quantity: line.quantity)
        return HoldLine(section: line.section, quantity: line.quantity, tier: tier, lock: lock)
    }

    /// What the request is answered with, before the hold is applied.
    func reservedAnswer(_ hold: HoldState, _ request: ReserveRequest, at now: Milliseconds) -> Answer {
        if request.rest.isEmpty {
            var counts = sections[Int(request.first.section)].counts
            counts.reserved += request.first.quantity
            return .reservedOne(hold, counts: counts, at: now, isSingleSection: request.isSingleSection)
        }
        let counts = (0..<hold.lineCount).map { index in
            let section = hold[line: index].section
            var counts = sections[Int(section)].counts
            counts.reserved += Self.quantity(of: section, in: request)
            return counts
        }
        return .reserved(hold, counts: counts, at: now, isSingleSection: request.isSingleSection)
    }
}

// MARK: - One line

extension EventInventory {
    private func checkLine(
        _ line: ReserveRequest.Line,
        index: Int,
        of request: ReserveRequest,
        _ customer: ShortText,
        at now: Milliseconds
    ) throws(Rejection) {
        guard (1...InventoryLimits.quantityPerLineMax).contains(line.quantity) else { throw .invalid(.quantity) }
        guard hasSection(line.section) else { throw .sectionNotFound }
        for other in 0..<index {
            let other = other == 0 ? request.first : request.rest[other - 1]
            if other.section == line.section, other.tier == line.tier { throw .sectionTwice(line.section) }
        }
        let asked = Self.quantity(of: line.section, in: request)
        try Self.checkSection(sections[Int(line.section)].details, line.section, asked: asked)
        try checkDate(sections[Int(line.section)].details.schedule, of: line.section, at: now)
        if let tier = line.tier {
            try checkTier(tier, prices: line.section, at: now)
            try checkTierLimits(tier, asked: Self.quantity(ofTier: tier, in: request), customer)
        }
        let counts = sections[Int(line.section)].counts
        guard asked <= counts.available else {
            throw .soldOut(line.section, asked: asked, available: counts.available, buffer: counts.buffer)
        }
    }

    private static func checkSection(
        _ section: borrowing SectionDetails,
        _ number: SectionNumber,
        asked: UInt32
    ) throws(Rejection) {
        guard section.isActive, section.isVisible else { throw .sectionInactive(number) }
        guard asked >= section.minimumPurchase else {
            throw .belowMinimumPurchase(number, asked: asked, minimum: section.minimumPurchase)
        }
        guard asked <= section.maximumPurchase else {
            throw .aboveMaximumPurchase(number, asked: asked, maximum: section.maximumPurchase)
        }
    }

    /// Whether the tier may price a line of the section now.
    func checkTier(_ number: TierNumber, prices section: SectionNumber, at now: Milliseconds) throws(Rejection) {
        guard number < UInt32(tiers.count) else { throw .tierNotFound }
        let tier = tiers[Int(number)].details
        if let only = tier.section, only != section { throw .tierNotForSection(number, section) }
        guard tier.isActive, tier.isVisible else { throw .tierInactive(number) }
        try Self.checkWindow(tier.salesStartAt, tier.salesEndAt, at: now)
    }

    /// Whether `asked` more tickets of the tier stay within its limits for an order and for the customer.
    ///
    /// - Parameter except: a hold whose lines don't count, because it is the one that asks.
    func checkTierLimits(
        _ number: TierNumber,
        asked: UInt32,
        _ customer: ShortText,
        except: UInt32 = HoldSlab.none
    ) throws(Rejection) {
        let tier = tiers[Int(number)].details
        if tier.maxPerOrder > 0, asked > tier.maxPerOrder {
            throw .overOrderLimit(number, asked: asked, limit: tier.maxPerOrder)
        }
        guard tier.maxPerCustomer > 0 else { return }
        let held = customers.find(customer).map { ticketsOf($0, tier: number, except: except) } ?? 0
        guard asked + held <= tier.maxPerCustomer || customer.isEmpty else {
            throw .overCustomerLimit(number, asked: asked, held: held, limit: tier.maxPerCustomer)
        }
    }

    private static func quantity(of section: SectionNumber, in request: ReserveRequest) -> UInt32 {
        let first = request.first.section == section ? request.first.quantity : 0
        return request.rest.reduce(first) { $1.section == section ? $0 &+ min($1.quantity, 100_000) : $0 }
    }

    private static func quantity(ofTier tier: TierNumber, in request: ReserveRequest) -> UInt32 {
        let first = request.first.tier == tier ? request.first.quantity : 0
        return request.rest.reduce(first) { $1.tier == tier ? $0 &+ min($1.quantity, 100_000) : $0 }
    }
}
