import Engine

// What happened, for the audit trail and the feed: one object a fact, with the API's own names and ids.
//
//     {"position":7,"at":"…","event_id":"gala","actor":"ada","action":"reservation.released", …}
//
// A new kind of fact gets its action and its fields in `fields(of:)`, which doesn't build without.

/// What the entries of a record show beside the record: names for what facts refer to by number.
protocol FactNames: EventConstants {
    /// Nil when the hold has ended and its slot has gone to another.
    func hold(_ reference: HoldReference) -> HoldState?
    /// - Precondition: the event has such a gate.
    func gateID(_ number: GateNumber) -> ShortText
}

extension BorrowedEvent: FactNames {}

extension ByteWriter {
    /// Tickets that an entry names, and seats of an order; of more it says how many.
    static let ticketsNamedMax = 200

    /// The entries of a record, one behind the other.
    /// - Parameter isLines: each ends with a line feed, instead of a comma between them.
    mutating func entries(of record: FeedRecord, _ event: some FactNames, isLines: Bool) {
        for fact in record.record.facts {
            beginObject()
            field("position", Int64(record.position.rawValue))
            field("at", epochMilliseconds: record.record.at)
            field("event_id", orNull: record.eventID)
            field("actor", orNull: record.record.whoAsked)
            fields(of: fact, record.record, event)
            endObject()
            if isLines { append(UInt8(ascii: "\n")) }
        }
    }

    private mutating func fields(of fact: Fact, _ record: EventRecord, _ event: some FactNames) {
        switch fact {
        case .eventCreated(_, let details, _): self.event(details, "event.created")
        case .eventUpdated(let details): self.event(details, "event.updated")
        case .eventStatusChanged(let status): field("action", status.action)
        case .sectionAdded(let details): section(details, "capacity.created", event)
        case .sectionUpdated(_, let details): section(details, "capacity.updated", event)
        case .tierAdded(let details, let number):
            tier(details, number ?? record.answeredTier, "pricing.created", event)
        case .tierUpdated(let number, let details): tier(details, number, "pricing.updated", event)
        case .holdPlaced(let hold): placed(hold, event)
        case .lineLocked(let reference, let line, let number, let lock):
            locked(reference, line, number, lock, event)
        case .holdExtended(let reference, let expiresAt):
            reservation(reference, "reservation.extended", event)
            field("expires_at", epochMilliseconds: expiresAt)
        case .holdReleased(let reference, _): reservation(reference, "reservation.released", event)
        case .holdExpired(let reference, _): reservation(reference, "reservation.expired", event)
        case .holdConfirmed(let reference, let order): confirmed(reference, order.state, event)
        case .ticketsRefunded(let reference, let tickets, let restock):
            refunded(reference, tickets, restock, event)
        case .ticketCheckedIn, .transferOffered, .transferWithdrawn, .transferAccepted, .ticketsRestored, .gateSet,
            .eventCancelled, .cancellationRestored:
            fieldsAfterSale(of: fact, event)
        case .seatsAdded(let number, let rows): seatsAdded(number, rows, event)
        case .seatsBlocked(let number, let runs): seats(number, runs, "seats.blocked", event)
        case .seatsUnblocked(let number, let runs): seats(number, runs, "seats.unblocked", event)
        case .scheduleAdded(let details): schedule(details, "schedule.created")
        case .scheduleUpdated(_, let details): schedule(details, "schedule.updated")
        case .tenantBegun: field("action", "tenant.begun" as StaticString)
        case .venueAdded(let details, _): venue(details, "venue.created")
        case .venueUpdated(let details): venue(details, "venue.updated")
        case .eventRestored, .tierRestored, .holdRestored, .seatRevisionRestored, .endedSlotsRestored, .answerRestored,
            .scheduleRestored, .scheduleCancellationRestored, .tenantRestored, .venueRestored, .salesRestored,
            .salesSumsRestored, .salesDaysRestored:
            // Of snapshots: no command leads to them.
            field("action", "snapshot.restored" as StaticString)
        }
    }

    // MARK: - The catalogue

    private mutating func event(_ details: EventDetails, _ action: StaticString) {
        field("action", action)
        key("event")
        beginObject()
        field("id", details.id)
        field("name", details.name)
        field("currency", details.currency)
        if !details.venue.isEmpty { field("venue_id", details.venue) }
        eventRules(details)
        attributes(details.attributes)
        endObject()
    }

    private mutating func section(_ details: SectionDetails, _ action: StaticString, _ event: some FactNames) {
        field("action", action)
        field("capacity_id", details.id)
        key("capacity")
        beginObject()
        field("id", details.id)
        field("section_name", details.name)
        field("section_code", details.code)
        field("total_capacity", Int64(details.total))
        field("buffer_capacity", Int64(details.buffer))
        sectionRules(details, of: event)
        endObject()
    }

    private mutating func tier(
        _ details: PriceTierDetails,
        _ number: TierNumber?,
        _ action: StaticString,
        _ event: some FactNames
    ) {
        field("action", action)
        if let number { field("pricing_id", tier: number, of: event.key) } else { orNull("pricing_id") }
        key("pricing")
        beginObject()
        field("capacity_id", orNull: details.section.map { event.sectionID($0) } ?? .empty)
        field("name", details.name)
        field("currency", event.currency)
        tierRules(details, fractionDigits: Currency.minorDigits(of: event.currency))
        endObject()
    }

    private mutating func schedule(_ details: ScheduleDetails, _ action: StaticString) {
        field("action", action)
        field("schedule_id", details.id)
        key("schedule")
        beginObject()
        field("id", details.id)
        scheduleFields(details)
        attributes(details.attributes)
        endObject()
    }

    private mutating func venue(_ details: VenueDetails, _ action: StaticString) {
        field("action", action)
        field("venue_id", details.id)
        key("venue")
        beginObject()
        field("id", details.id)
        venueFields(details)
        attributes(details.attributes)
        endObject()
    }

    // MARK: - Reservations and orders

    /// The id of a reservation that ended long ago isn't known any more; its number within the event always is.
    private mutating func reservation(
        _ reference: HoldReference,
        _ action: StaticString,
        _ event: some FactNames
    ) {
        field("action", action)
        reservation(reference, event.hold(reference)?.secret, event)
    }

    private mutating func reservation(_ reference: HoldReference, _ secret: UInt64?, _ event: some FactNames) {
        if let secret {
            field("reservation_id", HoldID(event: event.key, reference: reference, secret: secret), as: .reservation)
        } else {
            orNull("reservation_id")
        }
        field("reservation_number", "\(reference.slot).\(reference.generation)")
    }

    private mutating func placed(_ hold: HoldState, _ event: some FactNames) {
        field("action", "reservation.created" as StaticString)
        reservation(hold.reference, hold.secret, event)
        field("customer_id", orNull: hold.customer)
        field("expires_at", epochMilliseconds: hold.expiresAt)
        items(of: hold, of: event)
    }

    private mutating func locked(
        _ reference: HoldReference,
        _ line: UInt8,
        _ number: TierNumber,
        _ lock: PriceLock,
        _ event: some FactNames
    ) {
        reservation(reference, "reservation.price_locked", event)
        let section = event.hold(reference).map { $0[line: Int(line)].section }
        field("capacity_id", orNull: section.map { event.sectionID($0) } ?? .empty)
        key("locked_price")
        lockedPrice(lock, tier: number, of: event)
    }

    private mutating func confirmed(_ reference: HoldReference, _ order: OrderState, _ event: some FactNames) {
        let hold = event.hold(reference)
        self.order(reference, hold, "order.created", event)
        field("customer_id", orNull: hold?.customer ?? .empty)
        field("total", minorUnits: order.total, fractionDigits: Currency.minorDigits(of: event.currency))
        field("currency", event.currency)
        field("payment_reference", order.paymentReference)
        guard let hold else { return }
        // The seats of a large order are those of its reservation's entry.
        items(of: hold, of: event, namesSeats: hold.quantity <= UInt32(Self.ticketsNamedMax))
        tickets(0..<hold.quantity, hold, event)
    }

    private mutating func refunded(
        _ reference: HoldReference,
        _ tickets: [UInt32],
        _ restock: Bool,
        _ event: some FactNames
    ) {
        let hold = event.hold(reference)
        order(reference, hold, "order.refunded", event)
        field("restock", restock)
        guard let hold else { return }
        let digits = Currency.minorDigits(of: event.currency)
        field("refunded_amount", minorUnits: hold.refundedAmount(tickets), fractionDigits: digits)
        field("currency", event.currency)
        self.tickets(tickets, hold, event)
    }

    mutating func order(
        _ reference: HoldReference,
        _ hold: HoldState?,
        _ action: StaticString,
        _ event: some FactNames
    ) {
        field("action", action)
        if let hold { field("order_id", hold.id(in: event.key), as: .order) } else { orNull("order_id") }
        reservation(reference, hold?.secret, event)
    }

    private mutating func tickets(
        _ indices: some Collection<UInt32>,
        _ hold: HoldState,
        _ event: some FactNames
    ) {
        field("ticket_count", Int64(indices.count))
        guard indices.count <= Self.ticketsNamedMax else { return }
        key("ticket_ids")
        beginArray()
        for index in indices { ticketID(index, of: hold.id(in: event.key)) }
        endArray()
    }

    private mutating func ticketID(_ index: UInt32, of order: HoldID) {
        withUnsafeTemporaryAllocation(byteCount: PublicIdentifiers.ticketCharacters, alignment: 1) { text in
            PublicIdentifiers.writeTicket(index, of: order, into: text)
            string(UnsafeRawBufferPointer(text))
        }
    }

    // MARK: - Seats

    private mutating func seatsAdded(_ number: SectionNumber, _ rows: [SeatRow], _ event: some FactNames) {
        field("action", "seats.added" as StaticString)
        field("capacity_id", event.sectionID(number))
        key("rows")
        beginArray()
        for row in rows {
            beginObject()
            names(of: row)
            endObject()
        }
        endArray()
    }

    private mutating func seats(
        _ number: SectionNumber,
        _ runs: [SeatRun],
        _ action: StaticString,
        _ event: some FactNames
    ) {
        field("action", action)
        field("capacity_id", event.sectionID(number))
        key("seats")
        beginArray()
        for run in runs {
            for seat in run.positions { event.seatName(number, seat).withBytes { string($0) } }
        }
        endArray()
    }

    private mutating func orNull(_ name: StaticString) {
        key(name)
        null()
    }
}

extension EventStatus {
    fileprivate var action: StaticString {
        switch self {
        case .draft: "event.restored"
        case .published: "event.published"
        case .cancelled: "event.deleted"
        }
    }
}
