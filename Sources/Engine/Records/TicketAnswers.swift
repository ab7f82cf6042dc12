import WAL

// Answers of after the sale as they are kept for retries, all of them whole: kinds 20 to 24.

extension Answer {
    static let afterSaleKinds: ClosedRange<UInt8> = 20...24

    /// - Precondition: an answer of after the sale.
    func encodeAfterSale(into buffer: inout RecordBuffer) {
        switch self {
        case .refunded(let hold, let tickets, let marks, let at):
            buffer.write(UInt8(hold.hasSeats ? 21 : 20))
            buffer.write(hold)
            if hold.hasSeats { buffer.write(hold.seats) }
            buffer.write(tickets)
            buffer.write(UInt32(marks.count))
            for mark in marks {
                buffer.write(mark.index)
                buffer.write(mark.status.rawValue)
            }
            buffer.write(at)
        case .ticket(let view):
            buffer.write(UInt8(22))
            buffer.write(view)
        case .scanned(let outcomes, let isList):
            buffer.write(UInt8(23))
            buffer.write(isList)
            buffer.write(UInt16(outcomes.count))
            for outcome in outcomes { buffer.write(outcome) }
        case .gate(let details):
            buffer.write(UInt8(24))
            buffer.write(details)
        default: preconditionFailure("not an answer of after the sale")
        }
    }

    static func afterSale(_ kind: UInt8, from decoder: inout RecordDecoder) throws(RecordDecoder.Malformed) -> Answer {
        switch kind {
        case 20, 21:
            let hold = kind == 21 ? try decoder.readSeatedHold() : try decoder.readHold()
            let tickets = try decoder.readNumbers()
            var marks: [TicketMark] = []
            for _ in 0..<(try decoder.read(UInt32.self)) {
                marks.append(TicketMark(index: try decoder.read(), status: try decoder.readCase()))
            }
            return .refunded(hold, tickets: tickets, marks: marks, at: try decoder.read())
        case 22: return .ticket(try decoder.readTicketView())
        case 23:
            let isList = try decoder.readBool()
            var outcomes: [ScanOutcome] = []
            for _ in 0..<(try decoder.read(UInt16.self)) { outcomes.append(try decoder.readOutcome()) }
            return .scanned(outcomes, isList: isList)
        default: return .gate(try decoder.readGate())
        }
    }
}

extension RecordBuffer {
    fileprivate mutating func write(_ place: TicketPlace) {
        write(place.id.event.rawValue)
        write(place.id.reference)
        write(place.id.index)
        write(place.id.check)
        write(place.section)
        write(optional: place.seat)
    }

    fileprivate mutating func write(_ checkIn: CheckInView) {
        write(checkIn.scannedAt)
        write(checkIn.receivedAt)
        write(checkIn.gate)
    }

    fileprivate mutating func write(_ view: TicketView) {
        write(view.place)
        write(optional: view.orderSecret)
        write(view.holder)
        write(view.status.rawValue)
        write(view.code)
        write(view.checkIn != nil)
        if let checkIn = view.checkIn { write(checkIn) }
        write(view.offer != nil)
        if let offer = view.offer { write(offer) }
        write(view.showsOfferCode)
    }

    fileprivate mutating func write(_ outcome: ScanOutcome) {
        write(outcome.result.rawValue)
        write(outcome.ticket != nil)
        if let ticket = outcome.ticket { write(ticket) }
        write(outcome.scannedAt)
        write(outcome.gate)
        write(outcome.checkIn != nil)
        if let checkIn = outcome.checkIn { write(checkIn) }
        write(optional: outcome.since)
        write(optional: outcome.until)
    }
}

extension RecordDecoder {
    private mutating func readTicketPlace() throws(Malformed) -> TicketPlace {
        let event = EventKey(rawValue: try read())
        let reference = try readReference()
        let id = TicketID(event: event, reference: reference, index: try read(), check: try read())
        return TicketPlace(id: id, section: try read(), seat: try readOptional())
    }

    private mutating func readCheckInView() throws(Malformed) -> CheckInView {
        CheckInView(scannedAt: try read(), receivedAt: try read(), gate: try readShortText())
    }

    fileprivate mutating func readTicketView() throws(Malformed) -> TicketView {
        let place = try readTicketPlace()
        let orderSecret = try readOptional() as UInt64?
        return TicketView(
            place: place,
            orderSecret: orderSecret,
            holder: try readShortText(),
            status: try readCase(),
            code: try readCode(),
            checkIn: try readBool() ? try readCheckInView() : nil,
            offer: try readBool() ? try readOffer() : nil,
            showsOfferCode: try readBool()
        )
    }

    fileprivate mutating func readOutcome() throws(Malformed) -> ScanOutcome {
        let result = try readCase(ScanResult.self)
        let ticket = try readBool() ? try readTicketPlace() : nil
        return ScanOutcome(
            result,
            ticket: ticket,
            scannedAt: try read(),
            gate: try readShortText(),
            checkIn: try readBool() ? try readCheckInView() : nil,
            since: try readOptional(),
            until: try readOptional()
        )
    }
}
