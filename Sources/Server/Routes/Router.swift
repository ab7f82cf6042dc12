import Engine

/// Turns requests into work for the engine: the table of routes, and everything that can be refused without knowing
/// what is there. Pure: no clock, no chance, no I/O.
struct Router: Sendable {
    /// Whether a POST, PUT or DELETE that changes something is refused (428) without an Idempotency-Key.
    var requiresIdempotencyKey = false

    /// - Parameters:
    ///   - bytes: what the request's ranges point into.
    ///   - now: the time of the request.
    ///   - random: bits nobody can guess, new for every request.
    ///   - caller: whom the request's token names.
    ///   - sections: asked for sections that the request names without their event.
    func route(
        _ request: HTTPRequest,
        _ bytes: UnsafeRawBufferPointer,
        now: Milliseconds,
        random: (UInt64, UInt64),
        caller: Authorization = .anybody,
        sections: inout some SectionLookup
    ) -> RoutedRequest {
        var number = RouteNumber.none
        return route(
            request,
            bytes,
            now: now,
            random: random,
            caller: caller,
            match: nil,
            gate: nil,
            sections: &sections,
            number: &number
        )
    }

    /// The same; `number` becomes what the request asks for, also where it is refused.
    /// - Parameters:
    ///   - match: the path's route, if somebody has looked for it before.
    ///   - gate: where the caller pays; nil without limits.
    func route(
        _ request: HTTPRequest,
        _ bytes: UnsafeRawBufferPointer,
        now: Milliseconds,
        random: (UInt64, UInt64),
        caller: Authorization,
        match: Endpoint.Match?,
        gate: RateGate?,
        sections: inout some SectionLookup,
        number: inout RouteNumber
    ) -> RoutedRequest {
        var call = Call(request, bytes, now: now, random: random)
        do throws(Problem) {
            return try route(&call, caller, match, gate, &sections, &number)
        } catch {
            return .problem(error, call.reply)
        }
    }

    private func route(
        _ call: inout Call,
        _ caller: Authorization,
        _ match: Endpoint.Match?,
        _ gate: RateGate?,
        _ sections: inout some SectionLookup,
        _ number: inout RouteNumber
    ) throws(Problem) -> RoutedRequest {
        let found: Endpoint.Match = if let match { match } else { try Self.match(call) }
        let (endpoint, name) = found
        number = RouteNumber(endpoint, call.request.method)
        guard endpoint.methods.allows(call.request.method) else { throw .methodNotAllowed(endpoint.methods) }
        try caller.check(endpoint, call.request.method)
        if let operation = endpoint.operation { return .operation(operation, call.reply) }
        call.reply.subject = endpoint.subject
        try call.readHeaders(caller, isChange: endpoint.isChange(call.request.method), requiresIdempotencyKey, endpoint)
        if let gate { try gate.admit(endpoint, call.context) }
        switch endpoint {
        case .health, .ready, .metrics, .openAPI, .docs, .events, .event, .eventPublish, .eventRestore, .eventCapacity,
            .eventCapacityTotal, .eventPricing, .eventPricingActive, .capacity, .capacityCheck, .pricing,
            .pricingCalculate:
            return try catalogue(endpoint, name, &call, &sections)
        case .venues, .venue: return try venues(endpoint, name, &call)
        case .eventSchedules, .eventSchedule, .eventSchedulesUpcoming, .eventSchedulesNext:
            return try schedules(endpoint, name, &call)
        case .capacitySeats, .capacitySeatsBlock, .capacitySeatsUnblock, .eventSeats:
            return try seats(endpoint, name, &call, &sections)
        case .eventAvailability, .eventAvailabilityStream: return try availability(endpoint, name, &call)
        case .capacityReserve: return try reserveSection(name, &call, &sections)
        case .reservations: return try reserve(&call, &sections)
        case .reservation, .reservationPriceLock, .reservationExtend, .reservationConfirm, .reservationRelease:
            return try reservation(endpoint, name, &call)
        case .order, .orderRefund: return try order(endpoint, name, &call)
        case .eventCancel, .eventOrders, .eventGates, .ticket, .ticketQR, .ticketTransfer, .ticketTransferAccept,
            .ticketsValidate:
            return try afterSale(endpoint, name, &call, &sections)
        case .batch: return .batch(try call.batch())
        case .reportSales, .reportVenues, .reportVenue, .reportDashboard, .reportAnalytics, .reportCustomers,
            .reportCustomer:
            return try report(endpoint, name, call)
        case .feed, .eventAudit: return try feed(endpoint, name, call)
        }
    }

    /// - Returns: nil for a path of no route.
    static func match(_ path: UnsafeRawBufferPointer) -> Endpoint.Match? {
        guard let segments = try? PathSegments(path) else { return nil }
        return Endpoint.match(segments)
    }

    private static func match(_ call: Call) throws(Problem) -> Endpoint.Match {
        let segments: PathSegments
        do throws(PathSegments.Failure) {
            segments = try PathSegments(call.bytes[call.request.path])
        } catch {
            throw error == .notFound ? .routeNotFound : .malformedTarget
        }
        guard let match = Endpoint.match(segments) else { throw .routeNotFound }
        return match
    }
}

extension Endpoint {
    var operation: Operation? {
        switch self {
        case .health: .health
        case .ready: .ready
        case .metrics: .metrics
        case .openAPI: .openAPI
        case .docs: .docs
        default: nil
        }
    }

    /// What the path names, or where it names nothing, the event that a new thing belongs to.
    var subject: ReplyContext.Subject {
        switch self {
        case .capacity, .capacityReserve, .capacityCheck, .capacitySeats, .capacitySeatsBlock, .capacitySeatsUnblock:
            .capacity
        case .pricing, .pricingCalculate: .pricing
        case .reservation, .reservationPriceLock, .reservationExtend, .reservationConfirm, .reservationRelease:
            .reservation
        case .order, .orderRefund: .order
        case .venues, .venue: .venue
        case .ticket, .ticketQR, .ticketTransfer, .ticketTransferAccept, .ticketsValidate: .ticket
        default: .event
        }
    }

    /// Whether the request changes something: then it may carry an Idempotency-Key.
    func isChange(_ method: HTTPMethod) -> Bool {
        switch method {
        case .get, .head: false
        default: self != .capacityCheck && self != .pricingCalculate && self != .batch
        }
    }

    /// Whether the path's changes are commands of the sale, which come in batches as well.
    var isSale: Bool {
        switch self {
        case .capacityReserve, .reservations, .reservation, .reservationPriceLock, .reservationExtend,
            .reservationConfirm, .reservationRelease, .orderRefund, .batch:
            true
        default: false
        }
    }
}
