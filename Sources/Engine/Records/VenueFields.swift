import WAL

// Venues, schedules, and what sections and price tiers have beside their first fields. FORMAT.md describes the same.

extension RecordBuffer {
    /// A section with everything.
    mutating func write(full details: SectionDetails) {
        write(details)
        write(details.leavesNoSingleSeat)
        write(optional: details.schedule)
        write(details.attributes)
    }

    /// A price tier with everything.
    mutating func write(full details: PriceTierDetails) {
        write(details)
        write(details.attributes)
    }

    mutating func write(_ details: ScheduleDetails) {
        write(details.id)
        write(details.startsAt)
        write(details.endsAt)
        write(optional: details.doorsOpenAt)
        write(details.isCancelled)
        write(details.attributes)
    }

    mutating func write(_ view: ScheduleView) {
        write(view.version)
        write(view.details)
    }

    mutating func write(_ details: VenueDetails) {
        write(details.id)
        write(details.name)
        write(details.maximumCapacity)
        for part in details.address.parts { write(part) }
        write(details.attributes)
    }

    mutating func write(_ view: VenueView) {
        write(view.version)
        write(view.createdAt)
        write(view.details)
    }
}

extension RecordDecoder {
    /// The id of an event's venue. An event without one is written under another kind.
    mutating func readVenueID() throws(Malformed) -> ShortText {
        let id = try readShortText()
        guard !id.isEmpty else { throw malformed("a venue without an id") }
        return id
    }

    /// A section that isn't written under a simpler kind.
    mutating func readFullSection() throws(Malformed) -> SectionDetails {
        var details = try readSectionDetails()
        try readRest(of: &details)
        return details
    }

    /// What a section has behind its first fields.
    mutating func readRest(of details: inout SectionDetails) throws(Malformed) {
        details.leavesNoSingleSeat = try readBool()
        details.schedule = try readOptional()
        details.attributes = try readString()
        guard details.isFull else { throw malformed("a section under another kind than its own") }
    }

    /// - Parameter isNumbered: its kind is right for every tier then.
    mutating func readFullTier(isNumbered: Bool = false) throws(Malformed) -> PriceTierDetails {
        var details = try readTierDetails()
        details.attributes = try readString()
        guard details.isFull || isNumbered else { throw malformed("a price tier under another kind than its own") }
        return details
    }

    mutating func readScheduleDetails() throws(Malformed) -> ScheduleDetails {
        let id = try readShortText()
        var details = ScheduleDetails(id: id, startsAt: try read(), endsAt: try read())
        details.doorsOpenAt = try readOptional()
        details.isCancelled = try readBool()
        details.attributes = try readString()
        return details
    }

    mutating func readScheduleView() throws(Malformed) -> ScheduleView {
        let version = try read(UInt32.self)
        return ScheduleView(details: try readScheduleDetails(), version: version)
    }

    mutating func readVenueDetails() throws(Malformed) -> VenueDetails {
        let id = try readShortText()
        let name = try readString()
        var details = VenueDetails(id: id, name: name, maximumCapacity: try read())
        details.address.street = try readString()
        details.address.city = try readString()
        details.address.state = try readString()
        details.address.postalCode = try readString()
        details.address.country = try readString()
        details.attributes = try readString()
        return details
    }

    mutating func readVenueView() throws(Malformed) -> VenueView {
        let version = try read(UInt32.self)
        let createdAt = try read(Milliseconds.self)
        return VenueView(details: try readVenueDetails(), version: version, createdAt: createdAt)
    }
}

extension SectionDetails {
    /// Whether it has what only the later kinds have room for.
    var isFull: Bool { schedule != nil || !attributes.isEmpty }
}

extension PriceTierDetails {
    /// Whether it has what only the later kinds have room for.
    var isFull: Bool { !attributes.isEmpty }
}
