// A ticket changes hands: offered by whoever has it, taken by whoever is told the offer's code.

extension EventInventory {
    func decideOffer(
        _ id: TicketID,
        _ recipient: ShortText,
        _ expiresAt: Milliseconds?,
        _ context: CommandContext
    ) throws(Rejection) -> Decision {
        let ticket = try ticket(id, context)
        try checkTransferable(ticket)
        if let open = ticket.history?.offer, open.isOpen(at: context.now) { throw .transferPending }
        guard (ticket.history?.transfers.count ?? 0) < InventoryLimits.transfersPerTicketMax else {
            throw .tooManyTransfers(limit: UInt32(InventoryLimits.transfersPerTicketMax))
        }
        if let expiresAt {
            guard expiresAt > context.now, Self.isClockTime(expiresAt) else { throw .transferDeadlinePassed(expiresAt) }
        }
        let offer = TransferOffer(
            code: TicketCode(high: context.random.0, low: context.random.1),
            recipient: recipient,
            offeredAt: context.now,
            expiresAt: expiresAt
        )
        var view = view(ticket, context)
        view.status = .transferOffered
        view.offer = offer
        view.showsOfferCode = true
        return Decision(.transferOffered(id.reference, ticket: id.index, offer), answer: .ticket(view))
    }

    func decideWithdrawal(_ id: TicketID, _ context: CommandContext) throws(Rejection) -> Decision {
        let ticket = try ticket(id, context)
        guard ticket.history?.offer?.isOpen(at: context.now) == true else { throw .transferNotFound }
        var view = view(ticket, context)
        if view.status == .transferOffered { view.status = .issued }
        view.offer = nil
        return Decision(.transferWithdrawn(id.reference, ticket: id.index), answer: .ticket(view))
    }

    /// - Parameter customer: who takes the ticket, where the caller acts for the whole tenant.
    func decideAcceptance(
        _ id: TicketID,
        _ code: TicketCode,
        _ customer: ShortText,
        _ context: CommandContext
    ) throws(Rejection) -> Decision {
        let receiver = context.principal.isEmpty ? customer : context.principal
        guard customer.isEmpty || customer == receiver else { throw .customerMismatch }
        // Who doesn't have the code learns nothing of the ticket, not even whether it is offered.
        guard let ticket = ticket(id), let offer = ticket.history?.offer, offer.code == code,
            offer.recipient.isEmpty || offer.recipient == receiver, !receiver.isEmpty
        else { throw .transferNotFound }
        try checkTransferable(ticket)
        guard offer.isOpen(at: context.now) else { throw .transferExpired(expiredAt: offer.expiresAt!) }
        let transfer = TicketTransfer(holder: receiver, at: context.now)
        var order = ticket.order
        order.change(id.index) {
            $0.offer = nil
            $0.transfers.append(transfer)
        }
        let taken = FoundTicket(slot: ticket.slot, id: id, order: order, history: order.history(of: id.index))
        return Decision(
            .transferAccepted(id.reference, ticket: id.index, transfer),
            answer: .ticket(view(taken, at: context.now))
        )
    }

    private func checkTransferable(_ ticket: FoundTicket) throws(Rejection) {
        if let cancelledAt { throw .eventCancelled(at: cancelledAt) }
        let section = place(of: ticket).section
        if isOfCancelledDate(section) { throw .scheduleCancelled(section) }
        if ticket.order.isRefunded(ticket.index) { throw .ticketRefunded(index: ticket.index) }
        if let checkIn = ticket.history?.checkIn { throw .ticketCheckedIn(at: checkIn.scannedAt) }
    }
}
