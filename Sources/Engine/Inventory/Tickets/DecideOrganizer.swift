// What the organizer does after the sale began: gates, and calling the event off.

extension EventInventory {
    /// Adds a gate, or changes the one of that id whole.
    func decideGate(_ gate: GateDetails) throws(Rejection) -> Decision {
        guard !gate.id.isEmpty else { throw .invalid(.identifier) }
        guard gate.name.utf8.count <= InventoryLimits.nameBytesMax else { throw .invalid(.name) }
        if let opens = gate.opensAt, let closes = gate.closesAt, opens >= closes { throw .gateWindowInvalid }
        for time in [gate.opensAt, gate.closesAt] where time.map({ !Self.isClockTime($0) }) ?? false {
            throw .gateWindowInvalid
        }
        guard gate.sections.count <= InventoryLimits.sectionsPerGateMax else {
            throw .tooManyGateSections(asked: UInt32(clamping: gate.sections.count))
        }
        for section in gate.sections where !hasSection(section) { throw .sectionNotFound }
        guard self.gate(gate.id) != nil || gates.count < InventoryLimits.gatesPerEventMax else {
            throw .tooManyGates(limit: UInt32(InventoryLimits.gatesPerEventMax))
        }
        return Decision(.gateSet(gate), answer: .gate(gate))
    }

    /// From here on nothing is sold. Live reservations count as released at once and are released one by one
    /// (`decideExpiry`); orders are due for refund without a word written about each.
    func decideCancellation(_ context: CommandContext) throws(Rejection) -> Decision {
        guard status != .cancelled else { throw .wrongEventStatus(status: status) }
        let view = EventView(details: details, status: .cancelled, version: version + 1, createdAt: createdAt)
        return Decision(.eventCancelled(at: context.now), answer: .event(view))
    }

    /// A deleted event comes back as it was. One that was called off does only when nobody has bought anything.
    func decideRestoration() throws(Rejection) -> Decision {
        if cancelledAt != nil {
            let counts = places
            guard counts.sold == 0 else { throw .cancelledWithSales(sold: counts.sold) }
            guard counts.reserved == 0 else { throw .cancellationUnfinished(reserved: counts.reserved) }
        }
        return try decideStatus(.draft, from: .cancelled)
    }

    /// Places of all sections together.
    private var places: (sold: UInt32, reserved: UInt32) {
        let sums = sections.reduce((sold: UInt64(0), reserved: UInt64(0))) { sum, section in
            (sum.sold + UInt64(section.sold), sum.reserved + UInt64(section.reserved))
        }
        return (UInt32(clamping: sums.sold), UInt32(clamping: sums.reserved))
    }

    /// Whether the hold in the slot, still held, ended with its event: the fact that says so follows.
    func isEndedByCancellation(_ hold: PackedHold) -> Bool {
        guard let cancelledAt else { return false }
        return hold.isHeld && hold.expiresAt > cancelledAt
    }

    /// The hold as everybody sees it.
    func shownHold(_ slot: UInt32) -> HoldState {
        var state = holdState(slot)
        if isEndedByCancellation(holds[slot]) {
            state.status = .released
            state.endedAt = cancelledAt!
        }
        return state
    }

    /// Live holds of an event that was called off, from the slot `start` on: at most `limit`, from `slotsMax` slots, no more
    /// once they have `seatRunsMax` stretches of seats.
    /// - Returns: them, and the slot to go on with; nil when there are no more.
    func cancelledHolds(
        from start: UInt32,
        slotsMax: UInt32,
        limit: Int,
        seatRunsMax: Int
    ) -> (holds: [HoldReference], next: UInt32?) {
        var found: [HoldReference] = []
        guard cancelledAt != nil else { return (found, nil) }
        let end = UInt32(min(Int(start) + Int(slotsMax), holds.count))
        var slot = start
        var seatRuns = 0
        while slot < end, found.count < limit, seatRuns < seatRunsMax {
            if holds[slot].isHeld {
                found.append(reference(inSlot: slot))
                seatRuns += seatRunCount(inSlot: slot)
            }
            slot += 1
        }
        return (found, slot < UInt32(holds.count) ? slot : nil)
    }
}
