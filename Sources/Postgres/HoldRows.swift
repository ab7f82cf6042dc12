import Engine

// Reservations as rows, with what they have become: lines, order, tickets, the seats that they hold.

extension BookWriter {
    mutating func writeHolds(_ event: EventInventory, _ marks: BookMarks) throws(PostgresError) {
        if marks.isWhole {
            for slot in 0..<UInt32(event.holdSlotCount) {
                try write(event.bookedHold(slot), isNew: false, of: event, marks)
            }
        } else {
            for slot in marks.slots.union(marks.newSlots).sorted() where slot < UInt32(event.holdSlotCount) {
                let hold = event.bookedHold(slot)
                // A second one tells the books of the first one's end.
                let isNew = hold.reference.generation == 0 && marks.newSlots.contains(slot)
                try write(hold, isNew: isNew, of: event, marks)
            }
        }
    }

    /// - Parameter isNew: the books have nothing of it.
    private mutating func write(
        _ hold: HoldState,
        isNew: Bool,
        of event: EventInventory,
        _ marks: BookMarks
    ) throws(PostgresError) {
        row(.reservations, isNew: isNew) { row in
            row.value(hold, of: event)
            row.reservation(HoldID(event: event.key, reference: hold.reference, secret: hold.secret))
            row.value(hold.customer)
            row.value(hold.status.word)
            row.value(hold.quantity)
            row.value(at: hold.createdAt)
            row.value(at: hold.expiresAt)
            row.value(at: hold.status == .held ? nil : hold.endedAt)
        }
        for index in 0..<hold.lineCount { writeLine(hold, index, isNew: isNew, of: event) }
        if let order = hold.order?.state { try writeOrder(hold, order, isNew: isNew, of: event, marks) }
        if hold.status == .held {
            for run in hold.seats {
                for position in run.positions { writeSeat(hold, Int(run.line), position, "held", of: event) }
            }
        }
        try sendIfFull()
    }

    private mutating func writeLine(_ hold: HoldState, _ index: Int, isNew: Bool, of event: EventInventory) {
        let line = hold[line: index]
        let quote = line.lock.map { Quote(lock: $0, quantity: line.quantity) }
        row(.orderLines, isNew: isNew) { row in
            row.value(hold, of: event)
            row.value(index)
            row.value(line.section)
            row.value(line.tier)
            row.value(line.lock?.tierVersion)
            row.value(line.quantity)
            row.value(line.lock?.unitPrice)
            row.value(line.lock?.serviceFee)
            row.value(line.lock?.facilityFee)
            row.value(line.lock?.taxBasisPoints)
            row.value(quote?.tax)
            row.value(quote?.total)
            row.value(at: line.lock?.lockedAt)
        }
    }

    private mutating func writeOrder(
        _ hold: HoldState,
        _ order: OrderState,
        isNew: Bool,
        of event: EventInventory,
        _ marks: BookMarks
    ) throws(PostgresError) {
        row(.orders, isNew: isNew) { row in
            row.value(hold, of: event)
            row.order(HoldID(event: event.key, reference: hold.reference, secret: hold.secret))
            row.value(hold.customer)
            row.value(order.status(of: hold.quantity, isEventCancelled: false).word)
            row.value(at: order.confirmedAt)
            row.value(hold.quantity)
            row.value(order.total)
            row.value(hold.refundedAmount(order.refunded))
            row.value(order.paymentReference)
        }
        let restocked = Set(order.restocked)
        var seats = hold.seats.lazy.map { run in run.positions.map { (Int(run.line), $0) } }.joined().makeIterator()
        var next = seats.next()
        var number: UInt32 = 0
        for index in 0..<hold.lineCount {
            let line = hold[line: index]
            let shares = line.lock.map { TicketShares(lock: $0, quantity: line.quantity) }
            for place in 0..<line.quantity {
                var seat: UInt32?
                if let (ofLine, position) = next, ofLine == index {
                    seat = position
                    next = seats.next()
                }
                let ticket = TicketRow(
                    number: number,
                    line: index,
                    section: line.section,
                    seat: seat,
                    share: shares?[place] ?? .zero,
                    hasPlace: !restocked.contains(number)
                )
                write(ticket, hold, order, isNew: isNew, of: event, marks)
                if let seat, ticket.hasPlace { writeSeat(hold, index, seat, "sold", of: event) }
                number += 1
            }
        }
    }

    private struct TicketRow {
        let number: UInt32
        let line: Int
        let section: SectionNumber
        let seat: UInt32?
        let share: Amounts
        let hasPlace: Bool
    }

    private mutating func write(
        _ ticket: TicketRow,
        _ hold: HoldState,
        _ order: OrderState,
        isNew: Bool,
        of event: EventInventory,
        _ marks: BookMarks
    ) {
        let history = order.history(of: ticket.number)
        let place = BookMarks.Ticket(slot: hold.reference.slot, number: ticket.number)
        row(.tickets, isNew: isNew) { row in
            row.value(hold, of: event)
            row.value(ticket.number)
            row.ticket(
                TicketID(ticket.number, of: HoldID(event: event.key, reference: hold.reference, secret: hold.secret))
            )
            row.value(ticket.line)
            row.value(ticket.section)
            row.value(ticket.seat)
            if let seat = ticket.seat { row.value(event.seatName(ticket.section, seat)) } else { row.null() }
            row.value(history?.transfers.last?.holder ?? hold.customer)
            let isIn = history?.checkIn != nil
            row.value(
                order.isTicketRefunded(ticket.number) ? "refunded" : isIn ? "checked_in" : "issued" as StaticString
            )
            row.value(ticket.hasPlace)
            row.value(ticket.share.base)
            row.value(ticket.share.serviceFee)
            row.value(ticket.share.facilityFee)
            row.value(ticket.share.tax)
            row.value(ticket.share.total)
            row.value(history?.transfers.count ?? 0)
            row.value(at: history?.checkIn?.scannedAt)
            row.value(orNull: history?.checkIn?.gate.map { event.bookedGate($0) } ?? .empty)
            row.value(at: marks.refundedAt[place])
        }
        guard let checkIn = history?.checkIn else { return }
        row(.checkIns) { row in
            row.value(hold, of: event)
            row.value(ticket.number)
            row.value(at: checkIn.scannedAt)
            row.value(at: checkIn.receivedAt)
            row.value(orNull: checkIn.gate.map { event.bookedGate($0) } ?? .empty)
            row.value(orNull: marks.scannedBy[place] ?? .empty)
        }
    }

    private mutating func writeSeat(
        _ hold: HoldState,
        _ line: Int,
        _ position: UInt32,
        _ status: StaticString,
        of event: EventInventory
    ) {
        let section = hold[line: line].section
        row(.seats) { row in
            row.value(event.key)
            row.value(section)
            row.value(position)
            row.value(event.seatName(section, position))
            row.value(status)
            row.value(hold.reference.slot)
            row.value(hold.reference.generation)
        }
    }
}

extension CopyText {
    fileprivate mutating func value(_ hold: HoldState, of event: EventInventory) {
        value(event.key)
        value(hold.reference.slot)
        value(hold.reference.generation)
    }
}

extension HoldStatus {
    fileprivate var word: StaticString {
        switch self {
        case .held: "held"
        case .confirmed: "confirmed"
        case .released: "released"
        case .expired: "expired"
        }
    }
}

extension OrderStatus {
    fileprivate var word: StaticString {
        switch self {
        case .confirmed: "confirmed"
        case .partiallyRefunded: "partially_refunded"
        case .refunded: "refunded"
        // Of its event, whose row says so.
        case .refundDue: "confirmed"
        }
    }
}
