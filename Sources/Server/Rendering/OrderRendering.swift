import Engine

// Orders: `{"order": {…}, "tickets": […]}`.

extension ResponseWriter {
    /// - Precondition: the hold is confirmed.
    mutating func writeOrder(
        _ hold: HoldState,
        _ reply: borrowing ReplyContext,
        of event: some EventConstants
    ) -> Range<Int> {
        guard let order = hold.order?.state else { preconditionFailure("an order's answer without an order") }
        if let known = beginThing(reply, entityTag: order.entityTag) { return known }
        beginBody()
        bytes.beginObject()
        bytes.key("order")
        bytes.order(order, hold, of: event)
        bytes.key("tickets")
        bytes.tickets(order, hold, of: event)
        bytes.endObject()
        return end(omitBody: reply.isHead)
    }
}

extension ByteWriter {
    fileprivate mutating func order(_ order: OrderState, _ hold: HoldState, of event: some EventConstants) {
        let id = hold.id(in: event.key)
        beginObject()
        field("id", id, as: .order)
        field("reservation_id", id, as: .reservation)
        field("event_id", event.id)
        field("customer_id", orNull: hold.customer)
        field("status", order.statusText(of: hold.quantity))
        field("total", minorUnits: order.total, fractionDigits: Currency.minorDigits(of: event.currency))
        field("currency", event.currency)
        field("payment_reference", order.paymentReference)
        field("created_at", epochMilliseconds: order.confirmedAt)
        endObject()
    }

    /// The tickets are numbered through the lines in order; `refunded` ascends, so both are walked side by side.
    fileprivate mutating func tickets(_ order: OrderState, _ hold: HoldState, of event: some EventConstants) {
        let id = hold.id(in: event.key)
        var index: UInt32 = 0
        var refunds = order.refunded.makeIterator()
        var nextRefund = refunds.next()
        beginArray()
        for lineIndex in 0..<hold.lineCount {
            let line = hold[line: lineIndex]
            let section = event.sectionID(line.section)
            let seats = hold.hasSeats ? hold.seats.filter { Int($0.line) == lineIndex }.flatMap(\.positions) : []
            for place in 0..<Int(line.quantity) {
                let isRefunded = nextRefund == index
                if isRefunded { nextRefund = refunds.next() }
                let seat = seats.isEmpty ? .empty : event.seatName(line.section, seats[place])
                ticket(index, isRefunded, order, id, section, seat)
                index += 1
            }
        }
        endArray()
    }

    private mutating func ticket(
        _ index: UInt32,
        _ isRefunded: Bool,
        _ order: OrderState,
        _ id: HoldID,
        _ section: ShortText,
        _ seat: ShortText
    ) {
        let code = TicketCode(secret: order.ticketSecret, index: index)
        beginObject()
        key("id")
        append(UInt8(ascii: "\""))
        append(atMost: PublicIdentifiers.ticketCharacters) {
            PublicIdentifiers.writeTicket(index, of: id, into: $0)
            return PublicIdentifiers.ticketCharacters
        }
        append(UInt8(ascii: "\""))
        field("capacity_id", section)
        if !seat.isEmpty { field("seat", seat) }
        key("code")
        append(UInt8(ascii: "\""))
        append(atMost: CrockfordBase32.charactersPer128Bits) {
            CrockfordBase32.encode(high: code.high, low: code.low, into: $0)
            return CrockfordBase32.charactersPer128Bits
        }
        append(UInt8(ascii: "\""))
        field("status", isRefunded ? "refunded" : "issued" as StaticString)
        endObject()
    }
}

extension OrderState {
    /// - Parameter quantity: tickets of the order.
    fileprivate func statusText(of quantity: UInt32) -> StaticString {
        if refunded.isEmpty { return "confirmed" }
        return refunded.count < quantity ? "partially_refunded" : "refunded"
    }
}
