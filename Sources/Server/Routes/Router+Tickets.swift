import Engine

// After the sale: tickets, gates, orders of an event, and its cancellation.

extension Router {
    func afterSale(
        _ endpoint: Endpoint,
        _ name: PercentText?,
        _ call: inout Call,
        _ sections: inout some SectionLookup
    ) throws(Problem) -> RoutedRequest {
        switch endpoint {
        case .eventCancel:
            try call.readEmptyBody()
            return call.submission(try eventKey(name, call), .cancelEvent)
        case .eventOrders: return try orders(try eventKey(name, call), &call)
        case .eventGates: return try gates(try eventKey(name, call), &call, &sections)
        case .ticketsValidate: return try validate(&call)
        default: return try ticket(endpoint, name, &call)
        }
    }

    private func orders(_ event: EventKey, _ call: inout Call) throws(Problem) -> RoutedRequest {
        let page = try call.page()
        var listing = OrderListing(start: page.start, limit: page.limit)
        if let text = try call.parameter("status") {
            guard let status = OrderStatus.allCases.first(where: { text.equals($0.text) }) else {
                let names = OrderStatus.allCases.map(\.text.description).joined(separator: ", ")
                throw .validationFailed([.init(field: "status", message: "must be one of \(names)")])
            }
            listing.status = status
        }
        call.reply.shape = .orders(listing)
        return call.submission(event, .orders(listing))
    }

    private func gates(
        _ event: EventKey,
        _ call: inout Call,
        _ sections: inout some SectionLookup
    ) throws(Problem) -> RoutedRequest {
        guard call.request.method == .post else { return call.submission(event, .gates) }
        let (fields, body) = try call.readBody { body throws(JSONError) in try GateFields(&body) }
        try body.check()
        var gate = GateDetails(id: fields.id!, name: fields.name, opensAt: fields.opensAt, closesAt: fields.closesAt)
        for id in fields.sections {
            guard let (owner, number) = sections.find(tenant: call.context.tenant, section: id), owner == event else {
                throw .capacityNotFound
            }
            gate.sections.append(number)
        }
        return call.submission(event, .setGate(gate))
    }

    // MARK: - One ticket

    private func ticket(_ endpoint: Endpoint, _ name: PercentText?, _ call: inout Call) throws(Problem) -> RoutedRequest
    {
        guard let name, let id = PublicIdentifiers.ticket(name.content) else { throw .ticketNotFound }
        switch endpoint {
        case .ticketTransferAccept: return try accept(id, call)
        case .ticketTransfer where call.request.method == .delete:
            try call.readEmptyBody()
            call.reply.shape = .noContent
            return call.customersOwn(id.event, .withdrawTransfer(id))
        case .ticketTransfer:
            let (fields, body) = try call.readBody { body throws(JSONError) in try TransferFields(&body) }
            try body.check()
            return call.sale(id.event, fields.command(for: id))
        default:
            if endpoint == .ticketQR { call.reply.shape = .image }
            return call.submission(id.event, .ticket(id))
        }
    }

    private func accept(_ id: TicketID, _ call: Call) throws(Problem) -> RoutedRequest {
        let (fields, body) = try call.readBody { body throws(JSONError) in
            try AcceptanceFields(&body, by: call.context.principal)
        }
        try body.check()
        return call.sale(id.event, try fields.command(for: id))
    }

    // MARK: - Scans

    /// Every code carries its event, so a list says itself whose it is.
    private func validate(_ call: inout Call) throws(Problem) -> RoutedRequest {
        let (fields, body) = try call.readBody { body throws(JSONError) in try ScanFields(&body) }
        try body.check()
        if let shape = fields.shape { call.reply.shape = shape }
        let (event, command) = try fields.command(call.context)
        return call.sale(event, command)
    }
}

// MARK: - Commands

extension TransferFields {
    func command(for ticket: TicketID) -> Command {
        .offerTransfer(ticket, recipient: recipient, expiresAt: expiresAt)
    }
}

extension AcceptanceFields {
    func command(for ticket: TicketID) throws(Problem) -> Command {
        guard let code else { throw Problem(.transferNotFound, of: NoEvent()) }
        return .acceptTransfer(ticket, code, customer: customer)
    }
}

extension ScanFields {
    /// What the answer to a list that names no event looks like, should there be none; nil for any other.
    var shape: ReplyContext.Shape? { isList && event == nil ? .scans(count: scans.count) : nil }

    func command(_ context: CommandContext) throws(Problem) -> (EventKey, Command) {
        let named = self.event.map { EventKey(tenant: context.tenant, event: $0) }
        // A list without a code that can be read is nobody's: what is the tenant's own knows no tickets.
        let nobody = isList ? EventKey(tenant: context.tenant, event: .empty) : nil
        guard let event = named ?? scans.lazy.compactMap({ $0.ticket?.event }).first ?? nobody else {
            throw .ticketNotFound
        }
        return (event, .scan(scans, isList: isList))
    }
}

extension Problem {
    static var ticketNotFound: Problem { Problem(.noSuchTicket, of: NoEvent()) }
}
