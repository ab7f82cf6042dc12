// What may happen to a reservation after it is made: held → confirmed | released | expired, confirmed → refunded.

extension EventInventory {
    /// The slot of a hold that the caller may act on, whatever its status.
    func slot(of id: HoldID, _ context: CommandContext) throws(Rejection) -> UInt32 {
        guard id.event == key, let hold = holds.find(id.reference), hold.secret == id.secret else {
            throw .reservationNotFound
        }
        if !context.principal.isEmpty, !customers.isID(context.principal, of: hold.customer) {
            throw .reservationNotFound
        }
        return id.reference.slot
    }

    /// The slot of a hold that is live at the time of the command.
    private func liveSlot(of id: HoldID, _ context: CommandContext) throws(Rejection) -> UInt32 {
        let slot = try slot(of: id, context)
        let hold = holds[slot]
        if isEndedByCancellation(hold) { throw .reservationNotHeld(status: .released) }
        if hold.status == .expired || (hold.status == .held && context.now >= hold.expiresAt) {
            throw .reservationExpired(expiredAt: hold.expiresAt)
        }
        guard hold.status == .held else { throw .reservationNotHeld(status: hold.status) }
        return slot
    }

    func decidePriceLock(
        _ id: HoldID,
        _ tier: TierNumber?,
        _ context: CommandContext
    ) throws(Rejection) -> Decision {
        let slot = try liveSlot(of: id, context)
        try checkStillOpen()
        try checkDates(of: slot)
        var state = holdState(slot)
        let facts = try lockFacts(&state, slot, tier, at: context.now)
        return Decision(facts.first, rest: Array(facts.dropFirst()), answer: .reservation(state, at: context.now))
    }

    func decideExtension(_ id: HoldID, _ seconds: UInt32, _ context: CommandContext) throws(Rejection) -> Decision {
        let slot = try liveSlot(of: id, context)
        try checkStillOpen()
        try checkDates(of: slot)
        var state = holdState(slot)
        let longest = Milliseconds(details.holdTimeMaxSeconds) * 1_000
        let expiresAt = state.expiresAt + Milliseconds(seconds) * 1_000
        guard seconds >= 1, expiresAt - state.createdAt <= longest else {
            let left = max(0, longest - (state.expiresAt - state.createdAt)) / 1_000
            throw .holdTimeOutOfRange(askedSeconds: seconds, maximumSeconds: UInt32(left))
        }
        state.expiresAt = expiresAt
        return Decision(
            .holdExtended(state.reference, expiresAt: expiresAt),
            answer: .reservation(state, at: context.now)
        )
    }

    func decideConfirmation(
        _ id: HoldID,
        _ paymentReference: String,
        _ amount: Int64?,
        _ context: CommandContext
    ) throws(Rejection) -> Decision {
        let slot = try liveSlot(of: id, context)
        try checkStillOpen()
        try checkDates(of: slot)
        guard (1...InventoryLimits.paymentReferenceBytesMax).contains(paymentReference.utf8.count) else {
            throw .invalid(.paymentReference)
        }
        var state = holdState(slot)
        let locks = try lockFacts(&state, slot, nil, at: context.now)
        let total = (0..<state.lineCount).reduce(Int64(0)) { sum, index in
            let line = state[line: index]
            return sum + line.lock.map { Quote(lock: $0, quantity: line.quantity).total }!
        }
        if let amount, amount != total { throw .amountMismatch(given: amount, total: total) }
        let order = OrderState(
            confirmedAt: context.now,
            total: total,
            paymentReference: paymentReference,
            ticketSecret: context.random,
            refunded: [],
            restocked: []
        )
        state.status = .confirmed
        state.endedAt = context.now
        let box = OrderBox(order)
        state.order = box
        let confirmed = Fact.holdConfirmed(state.reference, box)
        let answer = Answer.order(state, at: context.now)
        guard let firstLock = locks.first else { return Decision(confirmed, answer: answer) }
        return Decision(firstLock, rest: locks.dropFirst() + [confirmed], answer: answer)
    }

    func decideRelease(_ id: HoldID, _ context: CommandContext) throws(Rejection) -> Decision {
        let slot = try liveSlot(of: id, context)
        var state = holdState(slot)
        state.status = .released
        state.endedAt = context.now
        return Decision(
            .holdReleased(state.reference, at: context.now),
            answer: .reservation(state, at: context.now)
        )
    }

    func decideRefund(
        _ id: HoldID,
        _ asked: [UInt32],
        _ restock: Bool,
        _ context: CommandContext
    ) throws(Rejection) -> Decision {
        guard let slot = try? slot(of: id, context), holds[slot].status == .confirmed else { throw .orderNotFound }
        var state = holdState(slot)
        let order = state.order!.state
        let refundedBefore = Set(order.refunded)
        var tickets = Array(Set(asked)).sorted()
        if tickets.isEmpty { tickets = (0..<state.quantity).filter { !refundedBefore.contains($0) } }
        guard !tickets.isEmpty else { throw .ticketRefunded(index: 0) }
        for ticket in tickets {
            guard ticket < state.quantity else { throw .ticketNotFound(index: ticket) }
            guard !refundedBefore.contains(ticket) else { throw .ticketRefunded(index: ticket) }
        }
        if restock { try checkNobodyIsInside(tickets, order) }
        var refunded = order
        refunded.refunded = refundedBefore.union(tickets).sorted()
        if restock { refunded.restocked = (order.restocked + tickets).sorted() }
        let marks = refunded.marks(at: context.now)
        refunded.tickets = []
        state.order = OrderBox(refunded)
        return Decision(
            .ticketsRefunded(state.reference, tickets: tickets, restock: restock),
            answer: .refunded(state, tickets: tickets, marks: marks, at: context.now)
        )
    }

    /// The place of somebody who is inside isn't sold to somebody else. An event that was called off sells nothing any more.
    private func checkNobodyIsInside(_ tickets: [UInt32], _ order: OrderState) throws(Rejection) {
        guard !order.tickets.isEmpty, cancelledAt == nil else { return }
        let inside = tickets.filter { order.history(of: $0)?.checkIn != nil }
        if let first = inside.first { throw .restockOfCheckedIn(index: first, count: UInt32(inside.count)) }
    }

    /// The clock's command: nothing happens when the hold has ended, was extended, or is of a later generation.
    func decideExpiry(_ reference: HoldReference, _ context: CommandContext) -> Decision {
        if let hold = holds.find(reference), isEndedByCancellation(hold) {
            let state = shownHold(reference.slot)
            return Decision(.holdReleased(reference, at: state.endedAt), answer: .reservation(state, at: context.now))
        }
        guard let deadline = deadline(reference), deadline <= context.now else {
            return Decision(nil, answer: .rejected(.reservationNotFound))
        }
        var state = holdState(reference.slot)
        state.status = .expired
        // Only a clock that was set on by decades comes to the limit.
        state.endedAt = min(context.now, state.createdAt + PackedHold.endedAfterMax)
        return Decision(.holdExpired(reference, at: state.endedAt), answer: .reservation(state, at: context.now))
    }

    /// A cancelled event sells nothing, not even what is held.
    private func checkStillOpen() throws(Rejection) {
        guard status == .published else { throw .eventNotOnSale(status: status) }
    }
}

// MARK: - Price locks

extension EventInventory {
    /// The facts that lock every line that isn't locked yet, and the same done to `state`.
    ///
    /// A lock never moves: a line that is locked keeps its price, and asking for another tier is refused.
    private func lockFacts(
        _ state: inout HoldState,
        _ slot: UInt32,
        _ tier: TierNumber?,
        at now: Milliseconds
    ) throws(Rejection) -> [Fact] {
        var facts: [Fact] = []
        var priced: [TierNumber] = []
        for index in 0..<state.lineCount {
            let line = state[line: index]
            if line.lock != nil {
                if let tier, tier != line.tier { throw .priceLockedOtherwise(line.tier!) }
                continue
            }
            let chosen: TierNumber
            if let named = tier ?? line.tier {
                chosen = named
            } else {
                chosen = try defaultTier(of: line.section, at: now)
            }
            try checkTier(chosen, prices: line.section, at: now)
            let lock = tiers[Int(chosen)].details.lock(
                version: tiers[Int(chosen)].version,
                at: now,
                quantity: line.quantity
            )
            state[line: index].tier = chosen
            state[line: index].lock = lock
            facts.append(.lineLocked(state.reference, line: UInt8(index), tier: chosen, lock))
            priced.append(chosen)
        }
        try checkLimits(of: priced, in: state, slot)
        return facts
    }

    /// Limits bind when a line gets its price; a line that has one keeps it whatever the limits become.
    private func checkLimits(of tiers: [TierNumber], in state: HoldState, _ slot: UInt32) throws(Rejection) {
        for tier in tiers {
            let asked = (0..<state.lineCount).reduce(UInt32(0)) {
                state[line: $1].tier == tier ? $0 + state[line: $1].quantity : $0
            }
            try checkTierLimits(tier, asked: asked, state.customer, except: slot)
        }
    }

    /// The first tier that prices the section now.
    private func defaultTier(of section: SectionNumber, at now: Milliseconds) throws(Rejection) -> TierNumber {
        for number in 0..<TierNumber(tiers.count) {
            if (try? checkTier(number, prices: section, at: now)) != nil { return number }
        }
        throw .noPrice(section)
    }
}
