import Engine

// The sale: reservations and orders.

extension Router {
    // MARK: - Reserving

    func reserveSection(
        _ name: PercentText?,
        _ call: inout Call,
        _ sections: inout some SectionLookup
    ) throws(Problem) -> RoutedRequest {
        let (fields, body) = try call.readBody { body throws(JSONError) in try ReserveFields(single: &body) }
        try body.check()
        guard let section = name?.shortText,
            let (event, number) = sections.find(tenant: call.context.tenant, section: section)
        else { throw .capacityNotFound }
        let item = fields.first
        let line = ReserveRequest.Line(
            section: number,
            quantity: item.quantity!,
            tier: try item.pricing?.number(in: event)
        )
        let request = ReserveRequest(
            customer: try customer(fields.customer, call),
            holdSeconds: fields.holdSeconds,
            first: line
        )
        return call.submission(event, .reserve(request))
    }

    func reserve(_ call: inout Call, _ sections: inout some SectionLookup) throws(Problem) -> RoutedRequest {
        let (fields, body) = try call.readBody { body throws(JSONError) in try ReserveFields(several: &body) }
        try body.check()
        let customer = try customer(fields.customer, call)
        let event = EventKey(tenant: call.context.tenant, event: fields.event!)
        var rest: [ReserveRequest.Line] = []
        let first = try line(fields.first, event, call, &sections)
        for item in fields.rest { rest.append(try line(item, event, call, &sections)) }
        let request = ReserveRequest(
            customer: customer,
            holdSeconds: fields.holdSeconds,
            first: first,
            rest: rest,
            isSingleSection: false
        )
        return call.submission(event, .reserve(request))
    }

    private func line(
        _ item: ReserveFields.Item,
        _ event: EventKey,
        _ call: Call,
        _ sections: inout some SectionLookup
    ) throws(Problem) -> ReserveRequest.Line {
        guard let (owner, number) = sections.find(tenant: call.context.tenant, section: item.section!),
            owner == event
        else { throw .capacityNotFound }
        return ReserveRequest.Line(
            section: number,
            quantity: item.quantity!,
            tier: try item.pricing?.number(in: event)
        )
    }

    /// Who reserves: the principal, or whoever somebody acting for the tenant names.
    private func customer(_ named: ShortText?, _ call: Call) throws(Problem) -> ShortText {
        let principal = call.context.principal
        guard let named else { return principal }
        guard principal.isEmpty || named == principal else { throw .customerMismatch }
        return named
    }

    // MARK: - One reservation

    func reservation(_ endpoint: Endpoint, _ name: PercentText?, _ call: inout Call) throws(Problem) -> RoutedRequest {
        guard let name, let id = PublicIdentifiers.hold(name.content, as: .reservation) else {
            throw .reservationNotFound
        }
        switch endpoint {
        case .reservationPriceLock: return try lockPrice(id, call)
        case .reservationExtend: return try extend(id, call)
        case .reservationConfirm: return try confirm(id, call)
        case .reservationRelease:
            try call.readEmptyBody()
            return call.submission(id.event, .release(id))
        default:
            guard call.request.method == .delete else { return call.submission(id.event, .reservation(id)) }
            try call.readEmptyBody()
            call.reply.shape = .noContent
            return call.submission(id.event, .release(id))
        }
    }

    private func lockPrice(_ id: HoldID, _ call: Call) throws(Problem) -> RoutedRequest {
        let (pricing, body) = try call.readBody { body throws(JSONError) in
            var pricing: PricingReference?
            var seen: UInt64 = 0
            try body.begin()
            while let key = try body.nextKey() {
                guard "pricing_id" ~= key else {
                    try body.skip()
                    continue
                }
                try body.once(0, &seen)
                pricing = try body.pricing()
            }
            return pricing
        }
        try body.check()
        return call.submission(id.event, .lockPrice(id, tier: try pricing?.number(in: id.event)))
    }

    private func extend(_ id: HoldID, _ call: Call) throws(Problem) -> RoutedRequest {
        let (seconds, body) = try call.readBody { body throws(JSONError) in
            var seconds: UInt32?
            var seen: UInt64 = 0
            try body.begin()
            while let key = try body.nextKey() {
                guard "seconds" ~= key else {
                    try body.skip()
                    continue
                }
                try body.once(0, &seen)
                seconds = try body.integer(in: 1...Int64(InventoryLimits.holdTimeMaxSeconds))
            }
            body.require(seconds != nil, "seconds")
            return seconds
        }
        try body.check()
        return call.submission(id.event, .extend(id, seconds: seconds!))
    }

    private func confirm(_ id: HoldID, _ call: Call) throws(Problem) -> RoutedRequest {
        let (fields, body) = try call.readBody { body throws(JSONError) in try ConfirmFields(&body) }
        try body.check()
        let reference = fields.paymentReference!
        if let amount = fields.amount {
            return call.readThenWrite(id.event, .confirm(id, paymentReference: reference, amount: amount))
        }
        return call.submission(id.event, .confirm(id, paymentReference: reference, amount: nil))
    }

    // MARK: - Orders

    func order(_ endpoint: Endpoint, _ name: PercentText?, _ call: inout Call) throws(Problem) -> RoutedRequest {
        guard let name, let id = PublicIdentifiers.hold(name.content, as: .order) else {
            throw Problem(.orderNotFound, of: NoEvent())
        }
        guard endpoint == .orderRefund else { return call.submission(id.event, .order(id)) }
        let (fields, body) = try call.readBody { body throws(JSONError) in try RefundFields(&body, order: id) }
        try body.check()
        return call.submission(id.event, .refund(id, tickets: fields.tickets, restock: fields.restock))
    }
}

extension Problem {
    static var capacityNotFound: Problem { Problem(.sectionNotFound, of: NoEvent()) }
    static var pricingNotFound: Problem { Problem(.tierNotFound, of: NoEvent()) }
    static var reservationNotFound: Problem { Problem(.reservationNotFound, of: NoEvent()) }
    static var eventNotFound: Problem { Problem(.eventNotFound, of: NoEvent()) }
}
