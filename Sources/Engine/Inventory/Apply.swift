// The only code that changes an inventory. It can't refuse: what could be wrong was checked by `decide`, or, for what
// comes from a log, by `contradiction`. A fact that doesn't fit stops the program, near its cause.

extension EventInventory {
    /// Applies a fact of this event.
    ///
    /// Facts without a time of their own happened at `lastCommandAt`: `advance` comes first.
    /// - Parameter isAnswered: whether an answer that is kept for retries refers to the hold that the fact is about.
    /// - Precondition: the fact was decided on this very state, or `contradiction(of:)` has nothing against it.
    public mutating func apply(_ fact: Fact, isAnswered: Bool = false) {
        switch fact {
        case .eventCreated, .eventRestored: preconditionFailure("an event was created twice")
        case .eventUpdated(let details):
            self.details = details
            version += 1
        case .eventStatusChanged(let status):
            self.status = status
            cancelledAt = nil
            version += 1
        case .sectionAdded(let details): add(details)
        case .sectionUpdated(let number, let details):
            changeSection(number) { $0.details = details }
            assertStock(of: number)
        case .tierAdded(let details, _): tiers.append(Tier(details: details))
        case .tierUpdated(let number, let details):
            tiers[Int(number)].details = details
            tiers[Int(number)].version += 1
        case .tierRestored(let details, let version): tiers.append(Tier(details: details, version: version))
        case .holdPlaced(let state): place(state, isAnswered)
        case .holdRestored(let state):
            place(state, isAnswered)
            countRestored(state)
        case .lineLocked(let reference, let line, let tier, let lock):
            let slot = live(reference, isAnswered)
            tallyLock(slot, Int(line), tier)
            holds.lock(slot, Int(line), tier, lock)
        case .holdExtended(let reference, let expiresAt): holds[live(reference, isAnswered)].expiresAt = expiresAt
        case .holdConfirmed(let reference, let order): confirm(live(reference, isAnswered), order.state)
        case .holdReleased(let reference, let at): end(live(reference, isAnswered), .released, at)
        case .holdExpired(let reference, let at): end(live(reference, isAnswered), .expired, at)
        case .ticketsRefunded(let reference, let tickets, let restock): refund(reference, tickets, restock)
        case .ticketCheckedIn, .transferOffered, .transferWithdrawn, .transferAccepted, .ticketsRestored, .gateSet,
            .eventCancelled, .cancellationRestored:
            applyAfterSale(fact)
        case .seatsAdded(let number, let rows): addSeats(number, rows)
        case .seatsBlocked(let number, let runs): block(number, runs)
        case .seatsUnblocked(let number, let runs): unblock(number, runs)
        case .seatRevisionRestored(let number, let revision): setSeatRevision(number, revision)
        case .tenantBegun, .tenantRestored: preconditionFailure("a tenant's inventory began twice")
        case .scheduleAdded(let details): schedules.append(Schedule(details, at: lastCommandAt))
        case .scheduleUpdated(let number, let details): schedules[Int(number)].update(details, at: lastCommandAt)
        case .scheduleRestored(let details, let version):
            schedules.append(Schedule(restored: details, version: version))
        case .scheduleCancellationRestored(let number, let at): schedules[Int(number)].cancelledAt = at
        case .venueAdded(let details, let at):
            venues.add(VenueView(details: details, version: 1, createdAt: at))
        case .venueUpdated(let details): venues.update(details)
        case .venueRestored(let view): venues.add(view)
        case .endedSlotsRestored(let slots): for slot in slots { restoreEnded(slot) }
        case .answerRestored(let key, let at, let bytes): bytes.withUnsafeBytes { restore($0, key, at) }
        case .salesRestored(let totals): sales = SalesLedger(totals)
        case .salesSumsRestored(let group, let sums): sales.append(sums, group)
        case .salesDaysRestored(let days): sales.append(days)
        }
    }

    /// Applies the facts of a decision, as one after the other.
    /// - Parameter skipsFirst: the inventory was made from the first.
    @inline(__always)
    mutating func apply(_ decision: Decision, isAnswered: Bool, skipsFirst: Bool) {
        if !decision.rest.isEmpty, case .ticketCheckedIn? = decision.first { return applyCheckIns(decision) }
        if let first = decision.first, !skipsFirst { apply(first, isAnswered: isAnswered) }
        for fact in decision.rest { apply(fact, isAnswered: isAnswered) }
    }

    /// Notes the time of a command that is being applied.
    public mutating func advance(to now: Milliseconds) { lastCommandAt = max(lastCommandAt, now) }

    /// Keeps an answer's bytes for retries with the same key.
    ///
    /// - Precondition: the facts that came with the answer were applied, with `isAnswered` where it refers to a hold.
    public mutating func remember(_ answer: UnsafeRawBufferPointer, for key: IdempotencyKey, at now: Milliseconds) {
        idempotency.keep(answer, for: key, at: now)
    }

    /// In a snapshot answers come before the order of the ended slots, which depends on them.
    private mutating func restore(_ answer: UnsafeRawBufferPointer, _ key: IdempotencyKey, _ at: Milliseconds) {
        idempotency.restore(answer, for: key, at: at)
        guard let reference = KeptAnswer.reference(answer), holds.find(reference) != nil else { return }
        holds[reference.slot].isAnswered = true
    }

    private mutating func restoreEnded(_ entry: UInt32) {
        let slot = entry & ~Self.answeredMark
        if slot != entry { holds[slot].isAnswered = true }
        if !holds[slot].isHeld { holds.joinEnded(slot) }
    }

    private mutating func live(_ reference: HoldReference, _ isAnswered: Bool) -> UInt32 {
        precondition(holds.find(reference)?.isHeld == true, "a fact about a hold that is not live")
        if isAnswered { holds[reference.slot].isAnswered = true }
        return reference.slot
    }

    /// Applies `Fact.holdPlaced`.
    mutating func place(_ state: HoldState, _ isAnswered: Bool) {
        let slot = state.reference.slot
        if slot < UInt32(holds.count) { customers.leave(holds.vacate(slot)) }
        let customer = customers.join(state.customer)
        holds.place(state, customer: customer)
        if isAnswered { holds[slot].isAnswered = true }
        switch state.status {
        case .held:
            joinCustomer(slot)
            forEachLine(slot) { $0.reserved += $1 }
            if state.hasSeats { moveSeats(state.seats, slot, from: .free, to: .held) }
            if customer != CustomerTable.none { customers[customer].openHolds += 1 }
        case .confirmed:
            joinCustomer(slot)
            restoreSold(slot, state)
            if state.hasSeats { restoreSoldSeats(slot, state) }
        case .released, .expired: break
        }
    }

    private mutating func confirm(_ slot: UInt32, _ order: OrderState) {
        forEachLine(slot) {
            $0.reserved -= $1
            $0.sold += $1
        }
        moveSeats(of: slot, from: .held, to: .sold)
        closeForCustomer(slot)
        holds[slot].status = .confirmed
        holds.setOrder(order, of: slot)
        countOrder(slot, at: order.confirmedAt)
        tallyOrder(slot)
        countBuyer(slot)
    }

    private mutating func end(_ slot: UInt32, _ status: HoldStatus, _ at: Milliseconds) {
        forEachLine(slot) { $0.reserved -= $1 }
        moveSeats(of: slot, from: .held, to: .free)
        closeForCustomer(slot)
        leaveCustomer(slot)
        holds[slot].status = status
        holds[slot].endedAt = at
        holds.joinEnded(slot)
        sales.end(status)
    }

    private mutating func refund(_ reference: HoldReference, _ tickets: [UInt32], _ restock: Bool) {
        guard holds.find(reference) != nil, var order = holds.order(reference.slot) else {
            preconditionFailure("a refund of what is not an order")
        }
        order.refunded = (order.refunded + tickets).sorted()
        if restock { order.restocked = (order.restocked + tickets).sorted() }
        holds.setOrder(order, of: reference.slot)
        countRefund(tickets, reference.slot, day: DaySales.number(of: lastCommandAt))
        tallyRefund(tickets.sorted(), reference.slot)
        if restock { putBack(tickets.sorted(), reference.slot) }
    }
}

// MARK: - Stock

extension EventInventory {
    private mutating func forEachLine(_ slot: UInt32, _ change: (inout Section, UInt32) -> Void) {
        for index in 0..<holds[slot].lineCount {
            let line = holds.place(slot, index)
            changeSection(line.section) { change(&$0, line.quantity) }
            assertStock(of: line.section)
        }
    }

    private mutating func restoreSold(_ slot: UInt32, _ state: HoldState) {
        // Without the restocked ones from the start: their places may have been sold again to somebody else.
        let restocked = state.order?.state.restocked ?? []
        var firstTicket: UInt32 = 0
        forEachLine(slot) { section, quantity in
            let tickets = firstTicket..<firstTicket + quantity
            section.sold += quantity - UInt32(restocked.count { tickets.contains($0) })
            firstTicket = tickets.upperBound
        }
    }

    /// Puts the places of an order's tickets back on sale: tickets are numbered through the lines in order.
    /// - Parameter tickets: ascending.
    private mutating func putBack(_ tickets: [UInt32], _ slot: UInt32) {
        var rest = tickets[...]
        var end: UInt32 = 0
        forEachLine(slot) { section, quantity in
            end += quantity
            let ofLine = rest.prefix { $0 < end }
            section.sold -= UInt32(ofLine.count)
            rest = rest.dropFirst(ofLine.count)
        }
        precondition(rest.isEmpty, "a ticket beyond the order's last one")
        freeSeats(ofTickets: tickets, slot)
    }

    func assertStock(of number: SectionNumber) {
        let section = sections[Int(number)]
        let committed = UInt64(section.details.buffer) + UInt64(section.reserved) + UInt64(section.sold)
        precondition(committed <= UInt64(section.details.total), "a section was oversold")
    }
}

// MARK: - Customers

extension EventInventory {
    private mutating func joinCustomer(_ slot: UInt32) {
        let customer = holds[slot].customer
        guard customer != CustomerTable.none else { return }
        let head = customers[customer].firstHold
        holds[slot].previous = HoldSlab.none
        holds[slot].next = head
        if head != HoldSlab.none { holds[head].previous = slot }
        customers[customer].firstHold = slot
        customers[customer].holds += 1
        tallyJoined(slot, customer)
    }

    private mutating func leaveCustomer(_ slot: UInt32) {
        let hold = holds[slot]
        guard hold.customer != CustomerTable.none else { return }
        customers[hold.customer].holds -= 1
        if hold.previous == HoldSlab.none {
            customers[hold.customer].firstHold = hold.next
        } else {
            holds[hold.previous].next = hold.next
        }
        if hold.next != HoldSlab.none { holds[hold.next].previous = hold.previous }
        tallyLeft(slot, hold.customer)
    }

    private mutating func closeForCustomer(_ slot: UInt32) {
        let customer = holds[slot].customer
        if customer != CustomerTable.none { customers[customer].openHolds -= 1 }
    }
}
