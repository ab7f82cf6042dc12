// What a fact must be for `apply` to take it. The live path doesn't ask: `decide` made the fact on this very state. A
// start asks for every record, because bytes that passed their checksum may still come from a faulty version, a bad
// memory module or somebody's hand: such a log is refused with a reason, instead of stopping the program in `apply`, or
// hours later in the answer to a retry.
//
// These are not the rules of the sale, which may change between the writing and the reading of a log, but the bounds
// that the state's memory and arithmetic rely on.

extension EventInventory {
    /// Why an event can't begin like this; nil when it can.
    func contradictionOfBeginning() -> StaticString? {
        guard Self.isClockTime(createdAt), Self.isClockTime(lastCommandAt) else { return Self.noClockTime }
        guard version <= Self.versionMax else { return "a version beyond all counting" }
        guard isOfTenant == details.currency.isEmpty else { return "an event without an id or a currency" }
        guard AttributeText.isWellFormed(details.attributes) else { return Self.noMembers }
        return Self.contradiction(of: details)
    }

    /// Why the fact can't have happened to this state; nil when it can be applied.
    func contradiction(of fact: Fact) -> StaticString? {
        if let contradiction = contradictionOfOwner(fact) { return contradiction }
        if let attributes = fact.attributes, !AttributeText.isWellFormed(attributes) { return Self.noMembers }
        switch fact {
        case .eventCreated, .eventRestored: return "an event was created twice"
        case .tenantBegun, .tenantRestored: return "a tenant's inventory began twice"
        case .eventUpdated(let details):
            guard details.id == self.details.id, details.currency == self.details.currency else {
                return "an event's id or currency changed"
            }
            return version < Self.versionMax ? Self.contradiction(of: details) : "a version beyond all counting"
        case .eventStatusChanged: return version < Self.versionMax ? nil : "a version beyond all counting"
        case .scheduleAdded(let details): return contradiction(adding: details, version: 1)
        case .scheduleRestored(let details, let version): return contradiction(adding: details, version: version)
        case .scheduleCancellationRestored(let number, let at): return contradiction(cancelling: number, at: at)
        case .scheduleUpdated(let number, let details): return contradiction(updating: number, details)
        case .venueAdded(let details, let at): return contradiction(adding: details, version: 1, at: at)
        case .venueRestored(let view):
            return contradiction(adding: view.details, version: view.version, at: view.createdAt)
        case .venueUpdated(let details): return contradiction(updating: details)
        case .sectionAdded(let details):
            if let contradiction = contradictionOfSchedule(details) { return contradiction }
            guard sections.count < InventoryLimits.sectionsPerEventMax else { return "more sections than an event has" }
            return Self.contradiction(of: details, committed: 0)
        case .sectionUpdated(let number, let details):
            guard hasSection(number) else { return Self.noSection }
            let section = sections[Int(number)]
            guard section.details.id == details.id else { return "a section's id changed" }
            if let contradiction = contradictionOfSchedule(details) { return contradiction }
            guard isSizeKept(details, of: section) else { return "a section of another size than its seats" }
            return Self.contradiction(of: details, committed: UInt64(section.reserved) + UInt64(section.sold))
        case .tierAdded(let details, let number):
            guard number ?? TierNumber(tiers.count) == TierNumber(tiers.count) else {
                return "a tier with another's number"
            }
            return tierContradiction(details, version: 1)
        case .tierRestored(let details, let version): return tierContradiction(details, version: version)
        case .tierUpdated(let number, let details):
            guard hasTier(number) else { return Self.noTier }
            guard tiers[Int(number)].version < Self.versionMax else { return "a version beyond all counting" }
            return contradiction(of: details)
        case .holdPlaced(let hold): return contradiction(placing: hold)
        case .holdRestored(let hold): return contradiction(restoring: hold)
        case .lineLocked(let reference, let line, let tier, let lock):
            guard let hold = holds.find(reference), hold.isHeld else { return Self.notLive }
            guard Int(line) < hold.lineCount, hasTier(tier) else { return Self.noTier }
            return Self.contradiction(of: lock, since: hold.createdAt)
        case .holdExtended(let reference, let expiresAt):
            guard let hold = holds.find(reference), hold.isHeld else { return Self.notLive }
            return hold.reaches(expiresAt) ? nil : Self.deadlineTooFar
        case .holdConfirmed(let reference, let order):
            guard let hold = holds.find(reference), hold.isHeld else { return Self.notLive }
            guard order.state.refunded.isEmpty, order.state.restocked.isEmpty else { return "an order began refunded" }
            return Self.contradiction(of: order.state, tickets: 0)
        case .holdReleased(let reference, let at), .holdExpired(let reference, let at):
            guard let hold = holds.find(reference), hold.isHeld else { return Self.notLive }
            return PackedHold.isEnd(at, of: hold.createdAt) ? nil : "a hold ended at no time after its beginning"
        case .ticketsRefunded(let reference, let tickets, _): return contradiction(refunding: tickets, reference)
        case .eventCancelled(let at):
            guard version < Self.versionMax else { return "a version beyond all counting" }
            guard status != .cancelled else { return "an event was called off twice" }
            return Self.isClockTime(at) ? nil : Self.noClockTime
        case .ticketCheckedIn, .transferOffered, .transferWithdrawn, .transferAccepted, .ticketsRestored, .gateSet,
            .cancellationRestored:
            return contradictionAfterSale(fact)
        case .seatsAdded(let number, let rows): return contradiction(adding: rows, to: number)
        case .seatsBlocked(let number, let runs): return contradiction(moving: runs, of: number, from: .free)
        case .seatsUnblocked(let number, let runs): return contradiction(moving: runs, of: number, from: .blocked)
        case .seatRevisionRestored(let number, let revision):
            // Far below the largest number, so that what follows can count on.
            guard revision >> 62 == 0 else { return "a revision beyond all counting" }
            return contradiction(moving: [], of: number, from: .free)
        case .endedSlotsRestored(let slots): return contradiction(joining: slots)
        case .answerRestored(let key, let at, let bytes):
            return bytes.withUnsafeBytes { contradiction(restoring: $0, for: key, at: at) }
        case .salesRestored(let totals): return contradiction(restoring: totals)
        case .salesSumsRestored(let group, let sums): return contradiction(restoring: sums, of: group)
        case .salesDaysRestored(let days): return contradiction(restoring: days)
        }
    }

    /// The same for `Fact.holdPlaced`, the one that there is most of.
    func contradiction(placing hold: HoldState) -> StaticString? {
        guard hold.status == .held, hold.order == nil else { return "a hold began as something else" }
        let slot = hold.reference.slot
        if slot < UInt32(holds.count) {
            guard holds.isNextToBeUsed(slot), hold.reference.generation == holds[slot].generation &+ 1 else {
                return "a slot was taken that is not the next to be used again"
            }
        } else {
            guard slot == UInt32(holds.count), holds.count < InventoryLimits.holdsPerEventMax else {
                return "a hold was placed beyond the slab's end"
            }
            guard hold.reference.generation == 0 else { return "a new slot was said to have been used before" }
        }
        return contradiction(of: hold)
    }

    // MARK: - Constants

    /// Far below the largest number, so that what follows can count on.
    static let versionMax = UInt32.max / 2

    static let noClockTime: StaticString = "a time that no clock shows"
    private static let noSection: StaticString = "a section that there is not"
    private static let noMembers: StaticString = "attributes that are no members of a JSON object"
    private static let noTier: StaticString = "a price tier, or a line, that there is not"
    private static let notLive: StaticString = "a fact about a hold that is not live"
    private static let deadlineTooFar: StaticString = "a deadline further away than any rule allows"

    /// Whether the time can be kept as the beginning of a hold: 1970 to 2248.
    static func isClockTime(_ time: Milliseconds) -> Bool { time >> 43 == 0 }

    private func hasTier(_ number: TierNumber) -> Bool { number < UInt32(tiers.count) }
}

// MARK: - Catalogue

extension EventInventory {
    private static func contradiction(of details: EventDetails) -> StaticString? {
        details.holdTimeSeconds <= details.holdTimeMaxSeconds
            && details.holdTimeMaxSeconds <= InventoryLimits.holdTimeMaxSeconds
            ? nil : "a hold time beyond every limit"
    }

    private static func contradiction(of details: SectionDetails, committed: UInt64) -> StaticString? {
        guard details.total <= InventoryLimits.placesPerSectionMax,
            details.maximumPurchase <= InventoryLimits.quantityPerLineMax
        else { return "a section beyond every limit" }
        return UInt64(details.buffer) + committed <= UInt64(details.total) ? nil : "a section was oversold"
    }

    private func tierContradiction(_ details: PriceTierDetails, version: UInt32) -> StaticString? {
        guard tiers.count < InventoryLimits.tiersPerEventMax else { return "more price tiers than an event has" }
        return version <= Self.versionMax ? contradiction(of: details) : "a version beyond all counting"
    }

    private func contradiction(of details: PriceTierDetails) -> StaticString? {
        if let section = details.section, !hasSection(section) { return Self.noSection }
        let prices = [
            details.minPrice, details.maxPrice, details.currentPrice, details.earlyBirdPrice, details.lastMinutePrice,
        ]
        let isInRange =
            Self.isPrice(details.basePrice) && Self.isPrice(details.serviceFee) && Self.isPrice(details.facilityFee)
            && prices.allSatisfy { Self.isPrice($0 ?? 0) } && details.taxBasisPoints <= InventoryLimits.basisPointsMax
            && details.groupDiscountBasisPoints <= InventoryLimits.basisPointsMax
        return isInRange ? nil : "a price beyond every limit"
    }

    private static func isPrice(_ amount: Int64) -> Bool { 0 <= amount && amount <= InventoryLimits.priceMax }
}

// MARK: - Holds and orders

extension EventInventory {
    private func contradiction(restoring hold: HoldState) -> StaticString? {
        guard hold.reference.slot == UInt32(holds.count), holds.count < InventoryLimits.holdsPerEventMax else {
            return "a hold was restored out of order"
        }
        return contradiction(of: hold)
    }

    /// What must be true of a hold in any status, put into a slot that is free.
    private func contradiction(of hold: HoldState) -> StaticString? {
        if let contradiction = contradictionOfLines(hold) { return contradiction }
        guard isCountable(hold.customer) else { return "more holds of one customer than any rule allows" }
        if let contradiction = contradictionOfHolding(hold) { return contradiction }
        if hold.rest.isEmpty {
            // The common hold, without a table of sections.
            return isRoom(for: hold.first.quantity - hold.soldAgain(hold.first, from: 0), hold) ? nil : Self.oversold
        }
        return hasRoomForLines(of: hold) ? nil : Self.oversold
    }

    /// Times, lines and prices: everything that doesn't depend on the stock.
    func contradictionOfLines(_ hold: HoldState) -> StaticString? {
        guard Self.isClockTime(hold.createdAt) else { return Self.noClockTime }
        guard PackedHold.isSpan(hold.expiresAt, of: hold.createdAt) else { return Self.deadlineTooFar }
        guard (hold.order != nil) == (hold.status == .confirmed) else { return "an order that is not a confirmed hold" }
        if let contradiction = contradiction(of: hold.first, since: hold.createdAt) { return contradiction }
        if !hold.rest.isEmpty {
            for line in hold.rest {
                if let contradiction = contradiction(of: line, since: hold.createdAt) { return contradiction }
            }
        }
        if let contradiction = contradictionOfSeats(hold) { return contradiction }
        switch hold.status {
        case .held: return nil
        case .confirmed: return hold.order.flatMap { Self.contradiction(of: $0.state, tickets: hold.quantity) }
        case .released, .expired:
            return PackedHold.isEnd(hold.endedAt, of: hold.createdAt) ? nil : "a hold ended before it began"
        }
    }

    private func contradiction(of line: HoldLine, since createdAt: Milliseconds) -> StaticString? {
        guard hasSection(line.section) else { return Self.noSection }
        guard line.quantity >= 1, line.quantity <= InventoryLimits.quantityPerLineMax else {
            return "a line of no places, or of too many"
        }
        guard let tier = line.tier else { return line.lock == nil ? nil : "a price without its tier" }
        guard hasTier(tier) else { return Self.noTier }
        return line.lock.flatMap { Self.contradiction(of: $0, since: createdAt) }
    }

    private static func contradiction(of lock: PriceLock, since createdAt: Milliseconds) -> StaticString? {
        guard isPrice(lock.unitPrice), isPrice(lock.serviceFee), isPrice(lock.facilityFee),
            lock.taxBasisPoints <= InventoryLimits.basisPointsMax
        else { return "a price beyond every limit" }
        return PackedHold.isSpan(lock.lockedAt, of: createdAt) ? nil : "a price locked at no time of its hold"
    }

    private static func contradiction(of order: OrderState, tickets: UInt32) -> StaticString? {
        guard isClockTime(order.confirmedAt) else { return noClockTime }
        guard order.total >= 0 else { return "an order below zero" }
        let isAscending =
            zip(order.refunded, order.refunded.dropFirst()).allSatisfy { $0 < $1 }
            && zip(order.restocked, order.restocked.dropFirst()).allSatisfy { $0 < $1 }
        let refunded = Set(order.refunded)
        guard isAscending, order.refunded.last ?? 0 < max(1, tickets), order.restocked.allSatisfy(refunded.contains)
        else { return "refunded tickets that there are not" }
        return nil
    }

    private func contradiction(refunding tickets: [UInt32], _ reference: HoldReference) -> StaticString? {
        guard let hold = holds.find(reference), hold.status == .confirmed, let order = holds.order(reference.slot)
        else {
            return "a refund of what is not an order"
        }
        var places: UInt32 = 0
        for index in 0..<hold.lineCount { places += holds.place(reference.slot, index).quantity }
        var refunded = Set(order.refunded)
        for ticket in tickets {
            guard ticket < places, refunded.insert(ticket).inserted else {
                return "refunded tickets that there are not"
            }
        }
        return nil
    }

    private func contradiction(joining slots: [UInt32]) -> StaticString? {
        var seen = Set<UInt32>(minimumCapacity: slots.count)
        for entry in slots {
            let slot = entry & ~Self.answeredMark
            guard slot < UInt32(holds.count), seen.insert(slot).inserted,
                holds[slot].hasEnded && !holds.isEndedSlot(slot) || holds[slot].isHeld && slot != entry
            else { return "a slot to be used again that is in use" }
        }
        return nil
    }
}

// MARK: - Stock and customers

extension EventInventory {
    private static let oversold: StaticString = "a section was oversold"

    private func isRoom(for places: UInt32, _ hold: HoldState) -> Bool {
        switch hold.status {
        case .held, .confirmed: places <= sections[Int(hold.first.section)].counts.available
        case .released, .expired: true
        }
    }

    private func hasRoomForLines(of hold: HoldState) -> Bool {
        guard hold.status == .held || hold.status == .confirmed else { return true }
        var wanted: [SectionNumber: UInt32] = [:]
        var firstTicket: UInt32 = 0
        for index in 0..<hold.lineCount {
            let line = hold[line: index]
            wanted[line.section, default: 0] += line.quantity - hold.soldAgain(line, from: firstTicket)
            firstTicket += line.quantity
        }
        return wanted.allSatisfy { $1 <= sections[Int($0)].counts.available }
    }

    /// Whether the customer's running numbers, 16 bits each, can take one more. Asked only where there are enough holds.
    private func isCountable(_ customer: ShortText) -> Bool {
        guard holds.count >= Int(UInt16.max), let number = customers.find(customer) else { return true }
        return customers[number].holds < UInt16.max
    }
}

extension HoldState {
    /// Tickets of the line, numbered from `first` on, whose places went back on sale.
    fileprivate func soldAgain(_ line: HoldLine, from first: UInt32) -> UInt32 {
        guard let order, !order.state.restocked.isEmpty else { return 0 }
        return UInt32(order.state.restocked.count { (first..<first + line.quantity).contains($0) })
    }
}

extension PackedHold {
    /// Whether the time can be kept as a deadline, or as that of a price, of a hold that began at `createdAt`.
    static func isSpan(_ time: Milliseconds, of createdAt: Milliseconds) -> Bool {
        EventInventory.isClockTime(time) && (time - createdAt) >> 27 == 0
    }

    /// The same for its end.
    static func isEnd(_ time: Milliseconds, of createdAt: Milliseconds) -> Bool {
        EventInventory.isClockTime(time) && (time - createdAt) >> 40 == 0
    }

    fileprivate func reaches(_ deadline: Milliseconds) -> Bool { Self.isSpan(deadline, of: createdAt) }
}
