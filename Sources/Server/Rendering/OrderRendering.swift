import Engine

// Orders: `{"order": {…}, "tickets": […]}`.

/// What an order's page shows.
struct OrderPageContent {
    let hold: HoldState
    let order: OrderState
    let status: OrderStatus
    let marks: [TicketMark]
    /// What the refund that is answered comes to, in minor units; nil for any other answer.
    let refundedAmount: Int64?
    /// Whether it is shown to somebody who reads it, and not to whoever changed it: that answer is kept for retries, and
    /// stays as the build that gave it told it.
    var isRead = false

    /// - Precondition: the hold is confirmed.
    init(_ hold: HoldState, at now: Milliseconds) {
        self.init(hold, nil, hold.orderState.marks(at: now), false)
    }

    /// - Precondition: the hold is confirmed.
    init(read hold: HoldState, at now: Milliseconds, isEventCancelled: Bool = false) {
        self.init(hold, nil, hold.orderState.marks(at: now), isEventCancelled)
        isRead = true
    }

    /// - Precondition: the hold is confirmed; the tickets are refunded.
    init(_ hold: HoldState, refunded tickets: [UInt32], _ marks: [TicketMark]) {
        self.init(hold, hold.refundedAmount(tickets), marks, false)
    }

    private init(_ hold: HoldState, _ refundedAmount: Int64?, _ marks: [TicketMark], _ isEventCancelled: Bool) {
        self.hold = hold
        order = hold.orderState
        status = order.status(of: hold.quantity, isEventCancelled: isEventCancelled)
        self.marks = marks
        self.refundedAmount = refundedAmount
    }

    /// A hash of everything of the order that can change.
    fileprivate var entityTag: UInt64 {
        var hash = StableHash(seed: 0x6f72_6465_7273_7461)
        for index in order.refunded { hash.combine(index) }
        for mark in marks where mark.status != .refunded {
            hash.combine(mark.index)
            hash.combine(mark.status.rawValue)
        }
        if status == .refundDue { hash.combine(status.rawValue) }
        // It shows more than the answer to a change does.
        if isRead { hash.combine(UInt8(1)) }
        return hash.finish()
    }
}

extension HoldState {
    /// - Precondition: confirmed.
    var orderState: OrderState {
        guard let order = order?.state else { preconditionFailure("an order's answer without an order") }
        return order
    }
}

extension ResponseWriter {
    mutating func write(
        _ page: OrderPageContent,
        _ reply: borrowing ReplyContext,
        of event: some EventConstants
    ) -> Range<Int> {
        if let known = beginThing(reply, entityTag: page.entityTag) { return known }
        beginBody()
        bytes.beginObject()
        if let amount = page.refundedAmount {
            let digits = Currency.minorDigits(of: event.currency)
            bytes.field("refunded_amount", minorUnits: amount, fractionDigits: digits)
        }
        bytes.key("order")
        bytes.beginObject()
        bytes.members(of: page.order, page.hold, page.status, of: event)
        if page.isRead {
            let digits = Currency.minorDigits(of: event.currency)
            let amount = page.hold.refundedAmount(page.order.refunded)
            bytes.field("refunded_amount", minorUnits: amount, fractionDigits: digits)
        }
        bytes.endObject()
        bytes.key("tickets")
        bytes.tickets(page, of: event)
        bytes.endObject()
        return end(omitBody: reply.isHead)
    }
}

extension ByteWriter {
    mutating func members(
        of order: OrderState,
        _ hold: HoldState,
        _ status: OrderStatus,
        of event: some EventConstants
    ) {
        let id = hold.id(in: event.key)
        field("id", id, as: .order)
        field("reservation_id", id, as: .reservation)
        field("event_id", event.id)
        field("customer_id", orNull: hold.customer)
        field("status", status.text)
        field("total", minorUnits: order.total, fractionDigits: Currency.minorDigits(of: event.currency))
        field("currency", event.currency)
        field("payment_reference", order.paymentReference)
        field("created_at", epochMilliseconds: order.confirmedAt)
    }

    /// The tickets are numbered through the lines in order; the marks ascend, so both are walked side by side.
    fileprivate mutating func tickets(_ page: OrderPageContent, of event: some EventConstants) {
        let hold = page.hold
        let id = hold.id(in: event.key)
        var index: UInt32 = 0
        var marks = page.marks.makeIterator()
        var nextMark = marks.next()
        beginArray()
        for lineIndex in 0..<hold.lineCount {
            let line = hold[line: lineIndex]
            let section = event.sectionID(line.section)
            let seats = hold.hasSeats ? hold.seats.filter { Int($0.line) == lineIndex }.flatMap(\.positions) : []
            for place in 0..<Int(line.quantity) {
                var status = TicketStatus.issued
                if let mark = nextMark, mark.index == index {
                    status = mark.status
                    nextMark = marks.next()
                }
                let seat = seats.isEmpty ? .empty : event.seatName(line.section, seats[place])
                ticket(index, status, page, id, section, seat)
                index += 1
            }
        }
        endArray()
    }

    private mutating func ticket(
        _ index: UInt32,
        _ status: TicketStatus,
        _ page: OrderPageContent,
        _ order: HoldID,
        _ section: ShortText,
        _ seat: ShortText
    ) {
        let id = TicketID(index, of: order)
        beginObject()
        field("id", id)
        field("capacity_id", section)
        if !seat.isEmpty { field("seat", seat) }
        // Who has given the ticket away has no code of it any more.
        if status != .transferred {
            let code = TicketCode(secret: page.order.ticketSecret, index: index)
            field("code", code)
            if page.isRead { field("scan_code", id, code) }
        }
        field("status", status.text)
        endObject()
    }
}

extension OrderStatus {
    var text: StaticString {
        switch self {
        case .confirmed: "confirmed"
        case .partiallyRefunded: "partially_refunded"
        case .refunded: "refunded"
        case .refundDue: "refund_due"
        }
    }
}

extension TicketStatus {
    var text: StaticString {
        switch self {
        case .issued: "issued"
        case .checkedIn: "checked_in"
        case .transferOffered: "transfer_offered"
        case .transferred: "transferred"
        case .refunded: "refunded"
        }
    }
}
