// What facts and answers of after the sale must be; see FactCheck.swift.

extension EventInventory {
    private static let noTicket: StaticString = "a fact about a ticket that there is not"
    private static let noGateSection: StaticString = "a gate for a section that there is not"
    private static let noGate: StaticString = "a gate that there is not"

    /// - Precondition: a fact of this folder.
    func contradictionAfterSale(_ fact: Fact) -> StaticString? {
        switch fact {
        case .ticketCheckedIn(let reference, let ticket, let checkIn):
            guard let order = order(reference, ticket) else { return Self.noTicket }
            guard order.history(of: ticket)?.checkIn == nil, !order.isRefunded(ticket) else {
                return "a ticket was checked in that could not be"
            }
            return contradiction(of: checkIn)
        case .transferOffered(let reference, let ticket, let offer):
            guard let order = order(reference, ticket) else { return Self.noTicket }
            return Self.contradiction(of: offer, transfers: order.history(of: ticket)?.transfers.count ?? 0)
        case .transferWithdrawn(let reference, let ticket):
            return order(reference, ticket)?.history(of: ticket)?.offer == nil ? Self.noTicket : nil
        case .transferAccepted(let reference, let ticket, let transfer):
            guard order(reference, ticket)?.history(of: ticket)?.offer != nil else { return Self.noTicket }
            return Self.contradiction(of: transfer)
        case .gateSet(let details): return contradiction(of: details)
        case .ticketsRestored(let reference, let histories): return contradiction(restoring: histories, reference)
        case .cancellationRestored(let at):
            guard status == .cancelled, cancelledAt == nil else { return "an event was called off twice" }
            return Self.isClockTime(at) ? nil : Self.noClockTime
        default: preconditionFailure("not a fact of after the sale")
        }
    }

    /// The order, where it has such a ticket.
    private func order(_ reference: HoldReference, _ ticket: UInt32) -> OrderState? {
        guard let hold = holds.find(reference), hold.status == .confirmed, ticket < ticketCount(of: reference.slot)
        else {
            return nil
        }
        return holds.order(reference.slot)
    }

    private func contradiction(of checkIn: CheckIn) -> StaticString? {
        guard Self.isClockTime(checkIn.scannedAt), Self.isClockTime(checkIn.receivedAt) else { return Self.noClockTime }
        return checkIn.gate.map { Int($0) < gates.count } ?? true ? nil : Self.noGate
    }

    private static func contradiction(of offer: TransferOffer, transfers: Int) -> StaticString? {
        guard transfers < InventoryLimits.transfersPerTicketMax else { return "a ticket changed hands too often" }
        return isClockTime(offer.offeredAt) && isClockTime(offer.expiresAt ?? 0) ? nil : noClockTime
    }

    private static func contradiction(of transfer: TicketTransfer) -> StaticString? {
        guard !transfer.holder.isEmpty else { return "a ticket came to nobody" }
        return isClockTime(transfer.at) ? nil : noClockTime
    }

    private func contradiction(of gate: GateDetails) -> StaticString? {
        guard self.gate(gate.id) != nil || gates.count < InventoryLimits.gatesPerEventMax, !gate.id.isEmpty,
            gate.sections.count <= InventoryLimits.sectionsPerGateMax,
            gate.name.utf8.count <= InventoryLimits.nameBytesMax
        else { return "a gate beyond every limit" }
        guard gate.sections.allSatisfy({ hasSection($0) }) else { return Self.noGateSection }
        return Self.isClockTime(gate.opensAt ?? 0) && Self.isClockTime(gate.closesAt ?? 0) ? nil : Self.noClockTime
    }

    private func contradiction(restoring histories: [TicketHistory], _ reference: HoldReference) -> StaticString? {
        guard let last = histories.last, let order = order(reference, last.index) else { return Self.noTicket }
        var previous = order.tickets.last?.index
        for history in histories {
            guard previous.map({ $0 < history.index }) ?? true, !history.isEmpty else { return Self.noTicket }
            previous = history.index
            if let checkIn = history.checkIn, let reason = contradiction(of: checkIn) { return reason }
            let transfers = history.transfers
            guard transfers.count <= InventoryLimits.transfersPerTicketMax else {
                return "a ticket changed hands too often"
            }
            for transfer in transfers { if let reason = Self.contradiction(of: transfer) { return reason } }
            if let offer = history.offer, let reason = Self.contradiction(of: offer, transfers: transfers.count) {
                return reason
            }
        }
        return nil
    }
}

// MARK: - Answers

extension EventInventory {
    private static let noPlace: StaticString = "an answer about a place that there is not"

    /// - Precondition: an answer of this folder.
    func contradictionAfterSale(_ answer: Answer) -> StaticString? {
        switch answer {
        case .refunded(let hold, let tickets, let marks, _):
            guard hold.status == .confirmed, let order = hold.order?.state else {
                return "an answer about an order that is none"
            }
            let quantity = hold.quantity
            guard tickets.allSatisfy({ order.isRefunded($0) }),
                zip(tickets, tickets.dropFirst()).allSatisfy({ $0 < $1 }),
                zip(marks, marks.dropFirst()).allSatisfy({ $0.index < $1.index }), marks.last?.index ?? 0 < quantity
            else { return "refunded tickets that there are not" }
            return contradictionOfLines(hold)
        case .ticket(let view):
            let times = [
                view.checkIn?.scannedAt, view.checkIn?.receivedAt, view.offer?.offeredAt, view.offer?.expiresAt,
            ]
            guard times.allSatisfy({ Self.isClockTime($0 ?? 0) }) else { return Self.noClockTime }
            return isPlace(view.place) ? nil : Self.noPlace
        case .scanned(let outcomes, let isList):
            guard (isList ? 1...InventoryLimits.scansPerListMax : 1...1).contains(outcomes.count) else {
                return "an answer of no scans, or of too many"
            }
            for outcome in outcomes { if let reason = contradiction(of: outcome) { return reason } }
            return nil
        case .gate(let gate):
            let times = [gate.opensAt ?? 0, gate.closesAt ?? 0]
            guard times.allSatisfy({ Self.isClockTime($0) }) else { return Self.noClockTime }
            return gate.sections.allSatisfy { hasSection($0) } ? nil : Self.noGateSection
        default: preconditionFailure("not an answer of after the sale")
        }
    }

    private func contradiction(of outcome: ScanOutcome) -> StaticString? {
        let times = [
            outcome.scannedAt, outcome.checkIn?.scannedAt, outcome.checkIn?.receivedAt, outcome.since, outcome.until,
        ]
        guard times.allSatisfy({ Self.isClockTime($0 ?? 0) }) else { return Self.noClockTime }
        guard outcome.ticket.map(isPlace) ?? true else { return Self.noPlace }
        let isWhole =
            switch outcome.result {
            case .checkedIn, .alreadyCheckedIn: outcome.ticket != nil && outcome.checkIn != nil
            case .void, .eventCancelled, .clockAhead, .clockBehind: outcome.ticket != nil && outcome.since != nil
            case .refunded, .gateClosed, .wrongGate, .scheduleCancelled: outcome.ticket != nil
            case .unknown, .gateNotFound: true
            }
        return isWhole ? nil : "a scan's answer without what it is about"
    }

    /// Whether there is such a place, so that it can be named.
    private func isPlace(_ place: TicketPlace) -> Bool {
        let ticketsMax = UInt32(InventoryLimits.linesPerHoldMax) * InventoryLimits.quantityPerLineMax
        guard hasSection(place.section), place.id.index < ticketsMax else { return false }
        return place.seat.map { $0 < seatMap(of: place.section)?.seatCount ?? 0 } ?? true
    }
}
