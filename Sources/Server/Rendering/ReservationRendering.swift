import Engine

// Reservations: `{"reservation": {…}}`, and what reserving one section answers beside it.

extension ResponseWriter {
    /// The answer to reserving: 200 with the section's stock for one section, 201 for several.
    /// - Parameter counts: of the one section; nil for several.
    mutating func writeReserved(
        _ hold: HoldState,
        _ counts: SectionCounts?,
        at now: Milliseconds,
        _ reply: borrowing ReplyContext,
        of event: some EventConstants
    ) -> Range<Int> {
        begin(counts == nil ? .created : .ok, .json)
        echo(reply)
        if counts == nil { locationOfReservation(hold.id(in: event.key)) }
        beginBody()
        bytes.beginObject()
        if counts != nil { bytes.field("message", "Capacity reserved") }
        bytes.key("reservation")
        bytes.reservation(hold, at: now, of: event)
        if let counts {
            writeCapacity(hold, counts, of: event)
            if let tier = hold.first.tier, let lock = hold.first.lock {
                bytes.key("locked_price")
                bytes.lockedPrice(lock, tier: tier, of: event)
            }
        }
        bytes.endObject()
        return end(omitBody: reply.isHead)
    }

    private mutating func writeCapacity(_ hold: HoldState, _ counts: SectionCounts, of event: some EventConstants) {
        bytes.key("capacity")
        bytes.beginObject()
        bytes.field("id", event.sectionID(hold.first.section))
        bytes.field("total_capacity", Int64(counts.total))
        bytes.field("available_capacity", Int64(counts.available))
        bytes.field("reserved_capacity", Int64(counts.reserved))
        bytes.field("sold_count", Int64(counts.sold))
        bytes.field("reserved_expires_at", epochMilliseconds: hold.expiresAt)
        bytes.endObject()
    }

    private mutating func locationOfReservation(_ id: HoldID) {
        let collection: StaticString = "/api/v1/reservations/"
        withUnsafeTemporaryAllocation(byteCount: 21 + PublicIdentifiers.holdCharacters, alignment: 1) { path in
            path.copyMemory(from: UnsafeRawBufferPointer(start: collection.utf8Start, count: 21))
            PublicIdentifiers.write(id, as: .reservation, into: UnsafeMutableRawBufferPointer(rebasing: path[21...]))
            header("Location", UnsafeRawBufferPointer(path))
        }
    }

    /// The answer to reading or changing one.
    mutating func write(
        _ hold: HoldState,
        at now: Milliseconds,
        _ reply: borrowing ReplyContext,
        of event: some EventConstants
    ) -> Range<Int> {
        if let known = beginThing(reply, entityTag: hold.entityTag(at: now), isWeak: true) { return known }
        beginBody()
        bytes.beginObject()
        bytes.key("reservation")
        bytes.reservation(hold, at: now, of: event)
        bytes.endObject()
        return end(omitBody: reply.isHead)
    }
}

extension ByteWriter {
    fileprivate mutating func reservation(_ hold: HoldState, at now: Milliseconds, of event: some EventConstants) {
        let status = hold.shownStatus(at: now)
        beginObject()
        field("id", hold.id(in: event.key), as: .reservation)
        field("event_id", event.id)
        field("customer_id", orNull: hold.customer)
        field("status", status.text)
        field("created_at", epochMilliseconds: hold.createdAt)
        field("expires_at", epochMilliseconds: hold.expiresAt)
        field("expires_in_ms", status == .held ? hold.expiresAt - now : 0)
        items(of: hold, of: event)
        if let total = hold.lockedTotal {
            field("total", minorUnits: total, fractionDigits: Currency.minorDigits(of: event.currency))
        }
        field("currency", event.currency)
        endObject()
    }

    /// - Parameter namesSeats: false leaves out which seats they are.
    mutating func items(of hold: HoldState, of event: some EventConstants, namesSeats: Bool = true) {
        let namesSeats = namesSeats && hold.hasSeats
        key("items")
        beginArray()
        item(hold.first, 0, hold, of: event, namesSeats)
        for (index, line) in hold.rest.enumerated() { item(line, index + 1, hold, of: event, namesSeats) }
        endArray()
    }

    private mutating func item(
        _ line: HoldLine,
        _ index: Int,
        _ hold: HoldState,
        of event: some EventConstants,
        _ namesSeats: Bool
    ) {
        beginObject()
        field("capacity_id", event.sectionID(line.section))
        field("quantity", Int64(line.quantity))
        if namesSeats { seats(ofLine: index, line.section, hold, of: event) }
        if let tier = line.tier {
            field("pricing_id", tier: tier, of: event.key)
            if let lock = line.lock {
                key("locked_price")
                lockedPrice(lock, tier: tier, of: event)
            }
        }
        endObject()
    }

    private mutating func seats(
        ofLine index: Int,
        _ section: SectionNumber,
        _ hold: HoldState,
        of event: some EventConstants
    ) {
        let runs = hold.seats.filter { Int($0.line) == index }
        guard !runs.isEmpty else { return }
        key("seats")
        beginArray()
        for run in runs {
            for seat in run.positions { event.seatName(section, seat).withBytes { string($0) } }
        }
        endArray()
    }

    mutating func lockedPrice(_ lock: PriceLock, tier: TierNumber, of event: some EventConstants) {
        let digits = Currency.minorDigits(of: event.currency)
        beginObject()
        field("pricing_id", tier: tier, of: event.key)
        field("locked_price", minorUnits: lock.unitPrice, fractionDigits: digits)
        field("service_fee", minorUnits: lock.serviceFee, fractionDigits: digits)
        field("facility_fee", minorUnits: lock.facilityFee, fractionDigits: digits)
        field("tax_rate", basisPoints: Int64(lock.taxBasisPoints))
        field("locked_at", epochMilliseconds: lock.lockedAt)
        endObject()
    }
}

extension HoldState {
    func id(in event: EventKey) -> HoldID { HoldID(event: event, reference: reference, secret: secret) }

    /// What all lines come to; nil unless each one has its price locked.
    var lockedTotal: Int64? {
        guard let lock = first.lock else { return nil }
        var total = Quote(lock: lock, quantity: first.quantity).total
        for line in rest {
            guard let lock = line.lock else { return nil }
            total += Quote(lock: lock, quantity: line.quantity).total
        }
        return total
    }
}
