// What facts about tickets, gates and a cancellation do. Like `Apply.swift`, it can't refuse.

extension EventInventory {
    /// - Precondition: a fact of this folder.
    mutating func applyAfterSale(_ fact: Fact) {
        switch fact {
        case .ticketCheckedIn(let reference, let ticket, let checkIn):
            changeTicket(reference, ticket) { $0.checkIn = checkIn }
        case .transferOffered(let reference, let ticket, let offer):
            changeTicket(reference, ticket) { $0.offer = offer }
        case .transferWithdrawn(let reference, let ticket): changeTicket(reference, ticket) { $0.offer = nil }
        case .transferAccepted(let reference, let ticket, let transfer):
            changeTicket(reference, ticket) {
                $0.offer = nil
                $0.transfers.append(transfer)
            }
        case .ticketsRestored(let reference, let histories):
            changeOrder(reference) { $0.tickets.append(contentsOf: histories) }
        case .gateSet(let details):
            if let number = gate(details.id) { gates[Int(number)] = details } else { gates.append(details) }
        case .eventCancelled(let at):
            status = .cancelled
            cancelledAt = at
            version += 1
        case .cancellationRestored(let at): cancelledAt = at
        default: preconditionFailure("not a fact of after the sale")
        }
    }

    /// Applies the check-ins of a list, an order's all at once: one by one each would move what an order of thousands of
    /// tickets has behind it.
    /// - Precondition: all facts of the decision are check-ins, each of another ticket.
    mutating func applyCheckIns(_ decision: Decision) {
        var orders: [HoldReference: [(ticket: UInt32, checkIn: CheckIn)]] = [:]
        for fact in decision.facts {
            guard case .ticketCheckedIn(let reference, let ticket, let checkIn) = fact else {
                preconditionFailure("a list of scans leads to check-ins only")
            }
            orders[reference, default: []].append((ticket, checkIn))
        }
        // One order's say nothing of another's: their order changes nothing.
        for (reference, made) in orders { changeOrder(reference) { $0.checkIn(made) } }
    }

    private mutating func changeTicket(
        _ reference: HoldReference,
        _ ticket: UInt32,
        _ body: (inout TicketHistory) -> Void
    ) {
        changeOrder(reference) { $0.change(ticket, body) }
    }

    private mutating func changeOrder(_ reference: HoldReference, _ body: (inout OrderState) -> Void) {
        precondition(holds.find(reference)?.status == .confirmed, "a fact about tickets of what is not an order")
        holds.changeOrder(of: reference.slot, body)
    }
}
