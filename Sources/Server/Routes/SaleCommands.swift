import Engine

// From the fields of a body, or of a line of a batch, to the command they ask for.

extension ReserveFields {
    /// - Parameter section: the id of the one section; nil for what can't be one.
    func command(
        for section: ShortText?,
        _ context: CommandContext,
        _ sections: inout some SectionLookup
    ) throws(Problem) -> (EventKey, Command) {
        guard let section, let (event, number) = sections.find(tenant: context.tenant, section: section) else {
            throw .capacityNotFound
        }
        let line = ReserveRequest.Line(
            section: number,
            quantity: first.quantity!,
            tier: try first.pricing?.number(in: event)
        )
        let customer = try customer(context.principal)
        return (
            event, .reserve(ReserveRequest(customer: customer, holdSeconds: holdSeconds, first: line, named: named))
        )
    }

    /// Several sections of one event.
    func command(
        _ context: CommandContext,
        _ sections: inout some SectionLookup
    ) throws(Problem) -> (EventKey, Command) {
        let customer = try customer(context.principal)
        let event = EventKey(tenant: context.tenant, event: event!)
        var lines: [ReserveRequest.Line] = []
        let first = try line(first, event, context.tenant, &sections)
        for item in rest { lines.append(try line(item, event, context.tenant, &sections)) }
        let request = ReserveRequest(
            customer: customer,
            holdSeconds: holdSeconds,
            first: first,
            rest: lines,
            named: named,
            isSingleSection: false
        )
        return (event, .reserve(request))
    }

    /// The seats that the lines name; nil where none does.
    private var named: NamedSeats? {
        if first.seats.isEmpty, !rest.contains(where: { !$0.seats.isEmpty }) { return nil }
        return NamedSeats(lines: [first.seats] + rest.map(\.seats))
    }

    private func line(
        _ item: Item,
        _ event: EventKey,
        _ tenant: ShortText,
        _ sections: inout some SectionLookup
    ) throws(Problem) -> ReserveRequest.Line {
        guard let (owner, number) = sections.find(tenant: tenant, section: item.section!), owner == event else {
            throw .capacityNotFound
        }
        return ReserveRequest.Line(
            section: number,
            quantity: item.quantity!,
            tier: try item.pricing?.number(in: event)
        )
    }

    /// Who reserves: the principal, or whoever somebody acting for the tenant names.
    private func customer(_ principal: ShortText) throws(Problem) -> ShortText {
        guard let named = customer else { return principal }
        guard principal.isEmpty || named == principal else { throw .customerMismatch }
        return named
    }
}

extension PriceLockFields {
    func command(for id: HoldID) throws(Problem) -> Command {
        .lockPrice(id, tier: try pricing?.number(in: id.event))
    }
}

extension ConfirmFields {
    /// Without an amount.
    func command(for id: HoldID) -> Command { .confirm(id, paymentReference: paymentReference!, amount: nil) }

    /// With an amount: it is a number of minor units only once the event's currency is known.
    func change(of id: HoldID, _ context: CommandContext, _ reply: ReplyContext) -> ReadThenWrite {
        var context = context
        context.identify(by: Command.fingerprint(ofConfirming: id, paymentReference!, amount: amount))
        let change = ReadThenWrite.Change.confirm(id, paymentReference: paymentReference!, amount: amount!)
        return ReadThenWrite(event: id.event, change: change, context: context, reply: reply)
    }
}

extension RefundFields {
    func command(for id: HoldID) -> Command { .refund(id, tickets: tickets, restock: restock) }
}
