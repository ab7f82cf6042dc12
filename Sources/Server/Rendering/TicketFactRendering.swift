import Engine

// What happened after the sale, for the audit trail and the feed. Codes are told nobody here.

extension ByteWriter {
    /// - Precondition: a fact of after the sale.
    mutating func fieldsAfterSale(of fact: Fact, _ event: some FactNames) {
        switch fact {
        case .ticketCheckedIn(let reference, let ticket, let checkIn):
            self.ticket(ticket, reference, "ticket.checked_in", event)
            field("checked_in_at", epochMilliseconds: checkIn.scannedAt)
            field("gate", orNull: checkIn.gate.map { event.gateID($0) } ?? .empty)
        case .transferOffered(let reference, let ticket, let offer):
            self.ticket(ticket, reference, "ticket.offered", event)
            field("recipient", orNull: offer.recipient)
            field("expires_at", orNull: offer.expiresAt)
        case .transferWithdrawn(let reference, let ticket):
            self.ticket(ticket, reference, "ticket.withdrawn", event)
        case .transferAccepted(let reference, let ticket, let transfer):
            self.ticket(ticket, reference, "ticket.transferred", event)
            field("customer_id", transfer.holder)
        case .gateSet(let details):
            field("action", "gate.set" as StaticString)
            key("gate")
            gate(details, of: event)
        // As of an event that is deleted: whoever reads the feed takes it off sale either way.
        case .eventCancelled: field("action", "event.cancelled" as StaticString)
        case .ticketsRestored, .cancellationRestored: field("action", "snapshot.restored" as StaticString)
        default: preconditionFailure("not a fact of after the sale")
        }
    }

    private mutating func ticket(
        _ index: UInt32,
        _ reference: HoldReference,
        _ action: StaticString,
        _ event: some FactNames
    ) {
        let hold = event.hold(reference)
        order(reference, hold, action, event)
        if let hold { field("ticket_id", TicketID(index, of: hold.id(in: event.key))) }
    }
}
