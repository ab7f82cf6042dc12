import Engine

// The catalogue: events, their capacity and their pricing.

extension Router {
    func catalogue(
        _ endpoint: Endpoint,
        _ name: PercentText?,
        _ call: inout Call,
        _ sections: inout some SectionLookup
    ) throws(Problem) -> RoutedRequest {
        switch endpoint {
        case .events:
            return call.request.method == .post ? try createEvent(&call) : try listEvents(call)
        case .event: return try event(try eventKey(name, call), &call)
        case .eventPublish: return try transition(.publishEvent, name, call)
        case .eventRestore: return try transition(.restoreEvent, name, call)
        case .eventCapacity: return try eventCapacity(try eventKey(name, call), &call)
        case .eventCapacityTotal:
            call.reply.shape = .total
            return call.submission(try eventKey(name, call), .sections)
        case .eventPricing: return try eventPricing(try eventKey(name, call), &call, &sections)
        case .eventPricingActive:
            call.reply.shape = .page(try call.page())
            return call.submission(try eventKey(name, call), .tiers(activeOnly: true))
        case .capacity: return try capacity(name, &call, &sections)
        case .capacityCheck: return try check(name, call, &sections)
        case .pricing: return try changeTier(try tier(name), call, &sections)
        case .pricingCalculate:
            let (event, number) = try tier(name)
            return call.submission(event, .calculate(number, quantity: try quantity(call)))
        default: preconditionFailure("\(endpoint) is not of the catalogue")
        }
    }

    // MARK: - Events

    func eventKey(_ name: PercentText?, _ call: Call) throws(Problem) -> EventKey {
        guard let id = name?.shortText else { throw .eventNotFound }
        return EventKey(tenant: call.context.tenant, event: id)
    }

    private func createEvent(_ call: inout Call) throws(Problem) -> RoutedRequest {
        let (patch, body) = try call.readBody { body throws(JSONError) in
            let patch = try EventPatch(&body)
            body.require(patch.name != nil, "name")
            body.require(patch.currency != nil, "currency")
            return patch
        }
        try body.check()
        let bits = call.generatedBits
        let id = patch.id ?? PublicIdentifiers.generated("evt_", high: bits.high, low: bits.low)
        call.reply.shape = .created
        return call.submission(
            EventKey(tenant: call.context.tenant, event: id),
            .createEvent(patch.created(id: id))
        )
    }

    private func listEvents(_ call: Call) throws(Problem) -> RoutedRequest {
        var filter = EventFilter(limit: Int(try call.limit(max: EventListing.limitMax) ?? EventListing.limitMax))
        filter.status = try eventStatus(call)
        filter.venue = try call.identifier("venue_id") ?? .empty
        filter.startsAfter = try call.time("starts_after")
        filter.startsBefore = try call.time("starts_before")
        filter.name = try call.identifier("q") ?? .empty
        if let cursor = try call.parameter("cursor") {
            guard let after = Cursor.after(cursor.content) else { throw Call.invalidCursor }
            filter.after = after
        }
        return .listEvents(EventListing(tenant: call.context.tenant, filter: filter, reply: call.reply))
    }

    private func eventStatus(_ call: Call) throws(Problem) -> EventStatus? {
        guard let text = try call.parameter("status") else { return nil }
        for status in [EventStatus.draft, .published, .cancelled] where text.equals(status.text) { return status }
        throw .validationFailed([.init(field: "status", message: "must be DRAFT, PUBLISHED or CANCELLED")])
    }

    private func event(_ key: EventKey, _ call: inout Call) throws(Problem) -> RoutedRequest {
        switch call.request.method {
        case .put: return try changeEvent(key, call)
        case .delete:
            try call.readEmptyBody()
            call.reply.shape = .noContent
            return call.submission(key, .deleteEvent)
        default: return call.submission(key, .eventAndSale)
        }
    }

    private func changeEvent(_ key: EventKey, _ call: Call) throws(Problem) -> RoutedRequest {
        let (patch, body) = try call.readBody { body throws(JSONError) in try EventPatch(&body) }
        try body.check()
        return call.readThenWrite(key, .event(patch, version: try expectedVersion(call)))
    }

    private func transition(_ command: Command, _ name: PercentText?, _ call: Call) throws(Problem) -> RoutedRequest {
        let key = try eventKey(name, call)
        try call.readEmptyBody()
        return call.submission(key, command)
    }

    func expectedTags(_ call: Call) -> EntityTags? {
        let field = call.request.ifMatch
        return field.isAbsent ? nil : EntityTags(call.bytes[field], weak: false)
    }

    // MARK: - Capacity

    private func eventCapacity(_ key: EventKey, _ call: inout Call) throws(Problem) -> RoutedRequest {
        guard call.request.method == .post else {
            return call.submission(key, .sectionPage(try sectionFilter(call)))
        }
        let (patch, body) = try call.readBody { body throws(JSONError) in
            let patch = try SectionPatch(&body)
            body.require(patch.name != nil, "section_name")
            body.require(patch.total != nil, "total_capacity")
            return patch
        }
        try body.check()
        let bits = call.generatedBits
        let id = patch.id ?? PublicIdentifiers.generated("sec_", high: bits.high, low: bits.low)
        call.reply.shape = .created
        // Which date it is of is known where the event is.
        if patch.scheduleID != .kept { return call.readThenWrite(key, .newSection(patch, id: id)) }
        return call.submission(key, .addSection(patch.created(id: id)))
    }

    private func sectionFilter(_ call: Call) throws(Problem) -> SectionFilter {
        let page = try call.page()
        var filter = SectionFilter(limit: page.limit)
        filter.start = page.start
        filter.schedule = try call.identifier("schedule_id") ?? .empty
        filter.isActive = try call.boolean("is_active")
        return filter
    }

    private func capacity(
        _ name: PercentText?,
        _ call: inout Call,
        _ sections: inout some SectionLookup
    ) throws(Problem) -> RoutedRequest {
        guard call.request.method == .put else {
            let (event, number) = try section(name, call, &sections)
            return call.submission(event, .section(number))
        }
        let (patch, body) = try call.readBody { body throws(JSONError) in try SectionPatch(&body) }
        try body.check()
        let (event, number) = try section(name, call, &sections)
        return call.readThenWrite(event, .section(number, patch), expected: expectedTags(call))
    }

    private func check(
        _ name: PercentText?,
        _ call: Call,
        _ sections: inout some SectionLookup
    ) throws(Problem) -> RoutedRequest {
        let quantity = try quantity(call)
        let (event, number) = try section(name, call, &sections)
        return call.submission(event, .check(number, quantity: quantity))
    }

    func section(
        _ name: PercentText?,
        _ call: Call,
        _ sections: inout some SectionLookup
    ) throws(Problem) -> (EventKey, SectionNumber) {
        guard let id = name?.shortText, let found = sections.find(tenant: call.context.tenant, section: id) else {
            throw .capacityNotFound
        }
        return found
    }

    // MARK: - Pricing

    private func tier(_ name: PercentText?) throws(Problem) -> (event: EventKey, number: TierNumber) {
        guard let name, let tier = PublicIdentifiers.tier(name.content) else { throw .pricingNotFound }
        return tier
    }

    private func eventPricing(
        _ key: EventKey,
        _ call: inout Call,
        _ sections: inout some SectionLookup
    ) throws(Problem) -> RoutedRequest {
        guard call.request.method == .post else {
            call.reply.shape = .page(try call.page())
            return call.submission(key, .tiers(activeOnly: false))
        }
        var (patch, body) = try call.readBody { body throws(JSONError) in
            let patch = try TierPatch(&body)
            body.require(patch.basePrice != nil, "base_price")
            return patch
        }
        try body.check()
        try resolveSection(of: &patch, in: key, call, &sections)
        call.reply.shape = .created
        return call.readThenWrite(key, .newTier(patch))
    }

    private func changeTier(
        _ tier: (event: EventKey, number: TierNumber),
        _ call: Call,
        _ sections: inout some SectionLookup
    ) throws(Problem) -> RoutedRequest {
        var (patch, body) = try call.readBody { body throws(JSONError) in try TierPatch(&body) }
        try body.check()
        try resolveSection(of: &patch, in: tier.event, call, &sections)
        return call.readThenWrite(tier.event, .tier(tier.number, patch), expected: expectedTags(call))
    }

    private func resolveSection(
        of patch: inout TierPatch,
        in event: EventKey,
        _ call: Call,
        _ sections: inout some SectionLookup
    ) throws(Problem) {
        switch patch.sectionID {
        case .kept: patch.section = .kept
        case .removed: patch.section = .removed
        case .set(let id):
            guard let (owner, number) = sections.find(tenant: call.context.tenant, section: id), owner == event else {
                throw .capacityNotFound
            }
            patch.section = .set(number)
        }
    }

    /// The body `{quantity}`.
    private func quantity(_ call: Call) throws(Problem) -> UInt32 {
        let (quantity, body) = try call.readBody { body throws(JSONError) in
            try body.onlyMember("quantity") { body throws(JSONError) in try body.quantity() }
        }
        try body.check()
        return quantity!
    }
}
