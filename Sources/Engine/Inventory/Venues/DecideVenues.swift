// The rules of venues. A tenant's venues belong to no event: they are kept in an inventory of their own, which has the
// tenant's key with an empty event id, no name, no sections, and goes through log and snapshot like an event.

extension EventInventory {
    /// Whether this is a tenant's own inventory and no event.
    public var isOfTenant: Bool { details.id.isEmpty }

    /// Decides the first venue of a tenant, with which the tenant's inventory begins.
    static func decideFirstVenue(_ details: VenueDetails, _ context: CommandContext) throws(Rejection) -> Decision {
        try validate(details)
        let view = VenueView(details: details, version: 1, createdAt: context.now)
        return Decision(
            .tenantBegun(tenant: context.tenant, at: context.now),
            rest: [.venueAdded(details, at: context.now)],
            answer: .venue(view)
        )
    }

    /// A tenant's inventory knows venues and nothing else, an event everything but venues.
    func decideVenue(_ details: VenueDetails, _ context: CommandContext) throws(Rejection) -> Decision {
        guard isOfTenant else { throw .venueNotFound }
        guard venues.find(details.id) == nil else { throw .venueExists }
        guard venues.count < InventoryLimits.venuesPerTenantMax else { throw .limitReached(.venues) }
        try Self.validate(details)
        let view = VenueView(details: details, version: 1, createdAt: context.now)
        return Decision(.venueAdded(details, at: context.now), answer: .venue(view))
    }

    func decideVenueUpdate(_ details: VenueDetails, _ expected: UInt32?) throws(Rejection) -> Decision {
        guard var view = venues.find(details.id) else { throw .venueNotFound }
        if let expected, expected != view.version {
            throw .venueChanged(expectedVersion: expected, version: view.version)
        }
        try Self.validate(details)
        view.details = details
        view.version += 1
        return Decision(.venueUpdated(details), answer: .venue(view))
    }

    private static func validate(_ details: VenueDetails) throws(Rejection) {
        guard !details.id.isEmpty else { throw .invalid(.identifier) }
        guard !details.name.isEmpty, details.name.utf8.count <= InventoryLimits.nameBytesMax else {
            throw .invalid(.name)
        }
        guard (1...InventoryLimits.venueCapacityMax).contains(details.maximumCapacity) else {
            throw .invalid(.venueCapacity)
        }
        guard details.address.parts.allSatisfy({ $0.utf8.count <= InventoryLimits.nameBytesMax }) else {
            throw .invalid(.address)
        }
        try validate(attributes: details.attributes, bytesMax: InventoryLimits.partAttributesBytesMax)
    }
}

// MARK: - What a venue takes

extension EventInventory {
    /// Whether an event may take place at the venue that it names: `context` knows the venue's maximum.
    ///
    /// A venue that the event has already is not asked again: its maximum binds changes of sections from then on.
    func checkVenue(of details: EventDetails, _ context: CommandContext) throws(Rejection) {
        guard !details.venue.isEmpty, details.venue != self.details.venue else { return }
        guard let maximum = context.venueMaximum else { throw .venueNotFound }
        let most = places(ofDate: nil)
        if most > UInt64(maximum) {
            throw .overVenueMaximum(asked: most, others: 0, maximum: maximum)
        }
    }

    static func checkVenue(ofNew details: EventDetails, _ context: CommandContext) throws(Rejection) {
        guard details.venue.isEmpty || context.venueMaximum != nil else { throw .venueNotFound }
    }

    /// The decision about a section, unless it makes the sections of a date more than the venue takes.
    ///
    /// One that adds no places to a date is never refused: a maximum that was lowered binds later growth only.
    func withinVenue(_ decision: Decision, _ context: CommandContext) throws(Rejection) -> Decision {
        guard let maximum = context.venueMaximum, case .section(let view) = decision.answer else { return decision }
        let (number, new) = (Int(view.number), view.details)
        if number < sections.count {
            let old = sections[number].details
            // Without a date its places were there on every one.
            if old.schedule == nil || old.schedule == new.schedule, new.total <= old.total { return decision }
        }
        let others = places(ofDate: new.schedule, except: number)
        guard others + UInt64(new.total) <= UInt64(maximum) else {
            throw .overVenueMaximum(asked: UInt64(new.total), others: others, maximum: maximum)
        }
        return decision
    }

    /// Places that there are on a date, or for nil on the one that has most. Sections without a date are there on each.
    private func places(ofDate schedule: ScheduleNumber?, except: Int? = nil) -> UInt64 {
        var onEach: UInt64 = 0
        var onDate = [UInt64](repeating: 0, count: schedules.count)
        for index in sections.indices where index != except {
            let places = UInt64(sections[index].details.total)
            if let date = sections[index].details.schedule { onDate[Int(date)] += places } else { onEach += places }
        }
        return onEach + (schedule.map { onDate[Int($0)] } ?? onDate.max() ?? 0)
    }
}

extension Command {
    /// Whether it is for a tenant's own inventory.
    var isOfTenant: Bool {
        switch self {
        case .createVenue, .updateVenue: true
        default: false
        }
    }

    /// Whether it may name a venue, or be about an event that has one.
    var dependsOnVenue: Bool {
        switch self {
        case .createEvent, .updateEvent, .addSection, .updateSection, .addSeats: true
        default: false
        }
    }

    /// The venue whose maximum the command has to know: of the event that it creates or changes, or of the one that it is
    /// about. Empty for a command that depends on none.
    ///
    /// - Parameter current: the event's venue now; empty where it has none, and for an event that is being created.
    func venue(current: ShortText) -> ShortText {
        switch self {
        case .createEvent(let details), .updateEvent(let details, _): details.venue
        case .addSection, .updateSection, .addSeats: current
        default: .empty
        }
    }
}
