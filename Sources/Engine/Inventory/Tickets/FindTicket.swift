// Which ticket somebody means, and what they may see of it.

extension EventInventory {
    /// An order's ticket, where it is kept and what it is now.
    struct FoundTicket {
        let slot: UInt32
        let id: TicketID
        let order: OrderState
        let history: TicketHistory?

        var index: UInt32 { id.index }
        var code: TicketCode { order.code(of: index, history) }
        /// Since when the code is the ticket's.
        var codeSince: Milliseconds { history?.transfers.last?.at ?? order.confirmedAt }
    }

    /// The ticket, whoever asks; nil for an id that is none of this event's.
    func ticket(_ id: TicketID) -> FoundTicket? {
        guard id.event == key, let hold = holds.find(id.reference), let order = holds.order(id.reference.slot),
            id.index < ticketCount(of: id.reference.slot),
            id.check == TicketID(id.index, of: HoldID(event: key, reference: id.reference, secret: hold.secret)).check
        else { return nil }
        return FoundTicket(slot: id.reference.slot, id: id, order: order, history: order.history(of: id.index))
    }

    /// The ticket of a caller who has it, or acts for the whole tenant.
    func ticket(_ id: TicketID, _ context: CommandContext) throws(Rejection) -> FoundTicket {
        guard let ticket = ticket(id), context.principal.isEmpty || context.principal == holder(of: ticket) else {
            throw .noSuchTicket
        }
        return ticket
    }

    /// Empty for a ticket sold to nobody in particular.
    func holder(of ticket: FoundTicket) -> ShortText {
        ticket.history?.transfers.last?.holder ?? customers.id(holds[ticket.slot].customer)
    }

    /// Tickets of the order in the slot.
    func ticketCount(of slot: UInt32) -> UInt32 {
        (0..<holds[slot].lineCount).reduce(0) { $0 + holds.place(slot, $1).quantity }
    }

    func place(of ticket: FoundTicket) -> TicketPlace {
        var first: UInt32 = 0
        for line in 0..<holds[ticket.slot].lineCount {
            let (section, quantity) = holds.place(ticket.slot, line)
            guard ticket.index >= first + quantity else {
                let seat = holds.seat(ticket.slot, line: line, place: ticket.index - first)
                return TicketPlace(id: ticket.id, section: section, seat: seat)
            }
            first += quantity
        }
        preconditionFailure("a ticket beyond the order's last one")
    }

    func view(_ checkIn: CheckIn) -> CheckInView {
        CheckInView(
            scannedAt: checkIn.scannedAt,
            receivedAt: checkIn.receivedAt,
            gate: checkIn.gate.map { gates[Int($0)].id } ?? .empty
        )
    }

    func view(_ ticket: FoundTicket, at now: Milliseconds) -> TicketView {
        let status = ticket.order.status(of: ticket.index, ticket.history, at: now)
        let customer = customers.id(holds[ticket.slot].customer)
        let holder = holder(of: ticket)
        return TicketView(
            place: place(of: ticket),
            orderSecret: holder == customer ? holds[ticket.slot].secret : nil,
            holder: holder,
            status: status,
            code: ticket.code,
            checkIn: ticket.history?.checkIn.map(view),
            offer: status == .transferOffered ? ticket.history?.offer : nil
        )
    }

    /// The ticket for whoever asks: somebody who acts for the tenant is told its order whoever has it by now.
    func view(_ ticket: FoundTicket, _ context: CommandContext) -> TicketView {
        var view = view(ticket, at: context.now)
        if context.principal.isEmpty { view.orderSecret = holds[ticket.slot].secret }
        return view
    }
}
