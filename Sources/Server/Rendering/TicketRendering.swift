import Engine

// Tickets: `{"ticket": {…}}`; lists of orders; gates.

extension ResponseWriter {
    mutating func write(
        _ view: TicketView,
        _ reply: borrowing ReplyContext,
        of event: some EventConstants
    ) -> Range<Int> {
        if reply.shape == .image { return writeImage(of: view, reply) }
        if let known = beginThing(reply, entityTag: view.entityTag) { return known }
        beginBody()
        bytes.beginObject()
        bytes.key("ticket")
        bytes.ticket(view, of: event)
        bytes.endObject()
        return end(omitBody: reply.isHead)
    }

    /// What scanners read, as a QR code. Only another holder makes it another one.
    private mutating func writeImage(of view: TicketView, _ reply: borrowing ReplyContext) -> Range<Int> {
        guard view.status != .refunded else {
            return write(Problem(.ticketRefunded(index: view.place.id.index), of: NoEvent()), reply)
        }
        // A hash, because a header field is logged more often than a body.
        var hash = StableHash(seed: view.code.high)
        hash.combine(view.code.low)
        let entityTag = hash.finish()
        let isKnown = reply.known.contains(entityTag)
        begin(isKnown ? .notModified : .ok, .svg)
        echo(reply)
        header("ETag", "\"\(entityTag)\"")
        header("Cache-Control", "private, no-cache")
        if isKnown { return end() }
        beginBody()
        withUnsafeTemporaryAllocation(byteCount: PublicIdentifiers.scanCharacters, alignment: 1) { text in
            PublicIdentifiers.writeScan(view.place.id, view.code, into: text)
            bytes.svg(QRCode(UnsafeRawBufferPointer(text)))
        }
        return end(omitBody: reply.isHead)
    }

    mutating func write(
        _ page: OrderPage,
        _ reply: borrowing ReplyContext,
        of event: some EventConstants
    ) -> Range<Int> {
        begin(.ok, .json)
        echo(reply)
        let cursor = page.next.map { Cursor.text(start: $0) }
        if let cursor, case .orders(let listing) = reply.shape {
            let status = listing.status.map { "&status=\($0.text)" } ?? ""
            let query = "limit=\(listing.limit)&cursor=\(cursor)\(status)"
            header("Link", "</api/v1/events/\(event.id)/orders?\(query)>; rel=\"next\"")
        }
        beginBody()
        bytes.beginObject()
        bytes.key("orders")
        bytes.beginArray()
        for hold in page.orders { bytes.orderEntry(hold, isEventCancelled: page.isEventCancelled, of: event) }
        bytes.endArray()
        bytes.nextCursor(cursor)
        bytes.endObject()
        return end(omitBody: reply.isHead)
    }

    mutating func write(
        _ gate: GateDetails,
        _ reply: borrowing ReplyContext,
        of event: some EventConstants
    ) -> Range<Int> {
        begin(.ok, .json)
        echo(reply)
        beginBody()
        bytes.beginObject()
        bytes.key("gate")
        bytes.gate(gate, of: event)
        bytes.endObject()
        return end(omitBody: reply.isHead)
    }

    mutating func write(
        _ gates: [GateDetails],
        _ reply: borrowing ReplyContext,
        of event: some EventConstants
    ) -> Range<Int> {
        begin(.ok, .json)
        echo(reply)
        beginBody()
        bytes.beginObject()
        bytes.key("gates")
        bytes.beginArray()
        for gate in gates { bytes.gate(gate, of: event) }
        bytes.endArray()
        bytes.endObject()
        return end(omitBody: reply.isHead)
    }
}

extension ByteWriter {
    mutating func field(_ name: StaticString, _ id: TicketID) {
        key(name)
        text(PublicIdentifiers.ticketCharacters) { PublicIdentifiers.write(id, into: $0) }
    }

    mutating func field(_ name: StaticString, _ code: TicketCode) {
        key(name)
        text(CrockfordBase32.charactersPer128Bits) {
            CrockfordBase32.encode(high: code.high, low: code.low, into: $0)
        }
    }

    /// What scanners read.
    mutating func field(_ name: StaticString, _ id: TicketID, _ code: TicketCode) {
        key(name)
        text(PublicIdentifiers.scanCharacters) { PublicIdentifiers.writeScan(id, code, into: $0) }
    }

    /// A string of exactly so many characters, none of which needs an escape.
    private mutating func text(_ count: Int, _ write: (UnsafeMutableRawBufferPointer) -> Void) {
        append(UInt8(ascii: "\""))
        append(atMost: count) {
            write($0)
            return count
        }
        append(UInt8(ascii: "\""))
    }

    mutating func place(_ place: TicketPlace, of event: some EventConstants) {
        field("id", place.id)
        field("capacity_id", event.sectionID(place.section))
        if let seat = place.seat { field("seat", event.seatName(place.section, seat)) }
    }

    fileprivate mutating func ticket(_ view: TicketView, of event: some EventConstants) {
        beginObject()
        place(view.place, of: event)
        field("event_id", event.id)
        if let secret = view.orderSecret {
            field("order_id", HoldID(event: event.key, reference: view.place.id.reference, secret: secret), as: .order)
        } else {
            key("order_id")
            null()
        }
        field("customer_id", orNull: view.holder)
        field("status", view.status.text)
        field("code", view.code)
        field("scan_code", view.place.id, view.code)
        field("checked_in_at", orNull: view.checkIn?.scannedAt)
        field("gate", orNull: view.checkIn?.gate ?? .empty)
        key("transfer")
        if let offer = view.offer { transfer(offer, showsCode: view.showsOfferCode) } else { null() }
        endObject()
    }

    private mutating func transfer(_ offer: TransferOffer, showsCode: Bool) {
        beginObject()
        field("recipient", orNull: offer.recipient)
        field("offered_at", epochMilliseconds: offer.offeredAt)
        field("expires_at", orNull: offer.expiresAt)
        if showsCode { field("code", offer.code) }
        endObject()
    }

    fileprivate mutating func orderEntry(
        _ hold: HoldState,
        isEventCancelled: Bool,
        of event: some EventConstants
    ) {
        let order = hold.orderState
        let digits = Currency.minorDigits(of: event.currency)
        let refunded = hold.refundedAmount(order.refunded)
        let status = order.status(of: hold.quantity, isEventCancelled: isEventCancelled)
        beginObject()
        members(of: order, hold, status, of: event)
        field("ticket_count", Int64(hold.quantity))
        field("refunded_count", Int64(order.refunded.count))
        field("refunded_amount", minorUnits: refunded, fractionDigits: digits)
        if status == .refundDue { field("refund_due", minorUnits: order.total - refunded, fractionDigits: digits) }
        endObject()
    }

    mutating func gate(_ gate: GateDetails, of event: some EventConstants) {
        beginObject()
        field("id", gate.id)
        field("event_id", event.id)
        field("name", gate.name)
        key("capacity_ids")
        if gate.sections.isEmpty {
            null()
        } else {
            beginArray()
            for section in gate.sections { event.sectionID(section).withBytes { string($0) } }
            endArray()
        }
        field("opens_at", orNull: gate.opensAt)
        field("closes_at", orNull: gate.closesAt)
        endObject()
    }
}
