import Engine

// An event's state as rows: all of it, or what its marks say.

extension BookWriter {
    mutating func write(_ event: EventInventory, _ marks: BookMarks) throws(PostgresError) {
        row(.tenants) { $0.value(event.tenant) }
        guard !event.isTenantsOwn else { return try writeVenues(event) }
        writeEvent(event)
        if marks.isWhole || marks.isCatalogueChanged { try writeCatalogue(event) }
        for section in marks.isWhole ? [] : marks.sections.sorted() where event.hasSection(section) {
            // With the catalogue all of them were written.
            if !marks.isCatalogueChanged { writeSection(event, section) }
        }
        try writeHolds(event, marks)
        try writeSeats(event, marks)
    }

    // MARK: - The catalogue

    private mutating func writeVenues(_ tenant: EventInventory) throws(PostgresError) {
        for venue in tenant.bookedVenues {
            let details = venue.details
            row(.venues) { row in
                row.value(tenant.tenant)
                row.value(details.id)
                row.value(details.name)
                row.value(details.maximumCapacity)
                row.value(details.address.street)
                row.value(details.address.city)
                row.value(details.address.state)
                row.value(details.address.postalCode)
                row.value(details.address.country)
                row.value(venue.version)
                row.value(at: venue.createdAt)
                row.value(attributes: details.attributes)
            }
            try sendIfFull()
        }
    }

    private mutating func writeEvent(_ event: EventInventory) {
        let details = event.details
        row(.events) { row in
            row.value(event.key)
            row.value(event.tenant)
            row.value(details.id)
            row.value(details.name)
            row.value(details.currency)
            row.value(event.status.word)
            row.value(at: event.cancelledAt)
            row.value(orNull: details.venue)
            row.value(at: details.startsAt)
            row.value(at: details.salesStartAt)
            row.value(at: details.salesEndAt)
            row.value(event.version)
            row.value(at: event.createdAt)
            row.value(at: event.lastCommandAt)
            row.value(attributes: details.attributes)
        }
    }

    private mutating func writeCatalogue(_ event: EventInventory) throws(PostgresError) {
        for number in 0..<ScheduleNumber(event.bookedScheduleCount) {
            let schedule = event.bookedSchedule(number)
            row(.schedules) { row in
                row.value(event.key)
                row.value(number)
                row.value(schedule.details.id)
                row.value(at: schedule.details.startsAt)
                row.value(at: schedule.details.endsAt)
                row.value(at: schedule.details.doorsOpenAt)
                row.value(schedule.details.isCancelled)
                row.value(schedule.version)
                row.value(attributes: schedule.details.attributes)
            }
        }
        for number in 0..<SectionNumber(event.sectionCount) {
            writeSection(event, number)
            try sendIfFull()
        }
        for number in 0..<TierNumber(event.bookedTierCount) { writeTier(event, event.bookedTier(number)) }
    }

    private mutating func writeSection(_ event: EventInventory, _ number: SectionNumber) {
        let (details, counts) = (event.bookedSection(number).details, event.counts(number))
        row(.sections) { row in
            row.value(event.key)
            row.value(number)
            row.value(details.id)
            row.value(details.name)
            row.value(details.code)
            row.value(details.schedule)
            row.value(counts.total)
            row.value(counts.buffer)
            row.value(counts.reserved)
            row.value(counts.sold)
            row.value(counts.available)
            row.value(details.isActive)
            row.value(details.isVisible)
            row.value(attributes: details.attributes)
        }
    }

    private mutating func writeTier(_ event: EventInventory, _ tier: TierView) {
        let details = tier.details
        row(.priceTiers) { row in
            row.value(event.key)
            row.value(tier.number)
            row.tier(tier.number, of: event.key)
            row.value(details.name)
            row.value(details.section)
            row.value(details.basePrice)
            row.value(details.serviceFee)
            row.value(details.facilityFee)
            row.value(details.taxBasisPoints)
            row.value(details.isDynamic)
            row.value(details.currentPrice)
            row.value(details.isActive)
            row.value(details.isVisible)
            row.value(tier.version)
            row.value(attributes: details.attributes)
        }
    }

    // MARK: - Seats that nobody has

    /// Those that are held or sold are written with the reservation that has them: `writeHolds`.
    private mutating func writeSeats(_ event: EventInventory, _ marks: BookMarks) throws(PostgresError) {
        let whole = marks.isWhole ? Set(0..<SectionNumber(event.sectionCount)) : marks.seatedSections
        for section in whole.sorted() {
            for position in 0..<event.bookedSeatCount(section) {
                writeSeat(event, section, position)
                try sendIfFull()
            }
        }
        for seat in marks.seats where !whole.contains(seat.section) {
            writeSeat(event, seat.section, seat.position)
            try sendIfFull()
        }
    }

    private mutating func writeSeat(_ event: EventInventory, _ section: SectionNumber, _ position: UInt32) {
        let state = event.bookedSeat(section, position)
        guard state == .free || state == .blocked else { return }
        row(.seats) { row in
            row.value(event.key)
            row.value(section)
            row.value(position)
            row.value(event.seatName(section, position))
            row.value(state == .free ? "free" : "blocked" as StaticString)
            row.null()
            row.null()
        }
    }
}

extension CopyText {
    /// What the engine keeps as the inside of a JSON object. Not of a JSON type: what an organiser has written may be more
    /// than Postgres takes, and must not be in the way of the books.
    fileprivate mutating func value(attributes: String) { value("{\(attributes)}") }
}

extension EventStatus {
    fileprivate var word: StaticString {
        switch self {
        case .draft: "draft"
        case .published: "published"
        case .cancelled: "cancelled"
        }
    }
}
