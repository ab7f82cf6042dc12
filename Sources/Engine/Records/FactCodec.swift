import WAL

// A fact in a record: one byte for its kind, then its fields. A kind's number is never used for anything else again.

extension Fact {
    func encode(into buffer: inout RecordBuffer) {
        let kind = kind
        buffer.write(kind)
        if Self.catalogueKinds.contains(kind) { return encodeCatalogue(into: &buffer) }
        switch self {
        case .eventCreated(let tenant, let details, let at):
            buffer.write(tenant)
            buffer.write(details)
            buffer.write(at)
        case .eventUpdated(let details): buffer.write(details)
        case .eventStatusChanged(let status): buffer.write(status.rawValue)
        case .sectionAdded(let details): buffer.write(details)
        case .seatsAdded(let number, let rows):
            buffer.write(number)
            buffer.write(rows)
        case .seatsBlocked(let number, let runs), .seatsUnblocked(let number, let runs):
            buffer.write(number)
            buffer.write(runs)
        case .seatRevisionRestored(let number, let revision):
            buffer.write(number)
            buffer.write(revision)
        case .ticketCheckedIn, .transferOffered, .transferWithdrawn, .transferAccepted, .ticketsRestored, .gateSet,
            .eventCancelled, .cancellationRestored:
            encodeAfterSale(into: &buffer)
        case .sectionUpdated(let number, let details):
            buffer.write(number)
            buffer.write(details)
        case .tierAdded(let details, _): buffer.write(details)
        case .tierUpdated(let number, let details):
            buffer.write(number)
            buffer.write(details)
        case .holdPlaced(let hold), .holdRestored(let hold):
            buffer.write(hold)
            if hold.hasSeats { buffer.write(hold.seats) }
        case .lineLocked(let reference, let line, let tier, let lock):
            buffer.write(reference)
            buffer.write(line)
            buffer.write(tier)
            buffer.write(lock)
        case .holdExtended(let reference, let at), .holdReleased(let reference, let at),
            .holdExpired(let reference, let at):
            buffer.write(reference)
            buffer.write(at)
        case .holdConfirmed(let reference, let order):
            buffer.write(reference)
            buffer.write(order.state)
        case .ticketsRefunded(let reference, let tickets, let restock):
            buffer.write(reference)
            buffer.write(tickets)
            buffer.write(restock)
        case .eventRestored(let event): buffer.write(event)
        case .tierRestored(let details, let version):
            buffer.write(details)
            buffer.write(version)
        case .endedSlotsRestored(let slots): buffer.write(slots)
        case .answerRestored(let key, let at, let bytes):
            buffer.write(key)
            buffer.write(at)
            buffer.write(UInt32(bytes.count))
            bytes.withUnsafeBytes { buffer.write(bytes: $0) }
        case .salesRestored(let totals): buffer.write(totals)
        case .salesSumsRestored(let group, let sums):
            buffer.write(group.rawValue)
            buffer.write(sums)
        case .salesDaysRestored(let days): buffer.write(days)
        case .scheduleAdded, .scheduleUpdated, .scheduleRestored, .scheduleCancellationRestored, .venueAdded,
            .venueUpdated, .venueRestored, .tenantBegun, .tenantRestored:
            preconditionFailure("a fact of the catalogue's later kinds")
        }
    }

    private var kind: UInt8 {
        switch self {
        case .eventCreated(_, let details, _): details.venue.isEmpty ? 1 : Self.eventWithVenue
        case .eventUpdated(let details): details.venue.isEmpty ? 2 : Self.eventWithVenue
        case .eventStatusChanged: 3
        // What a reader that knows no seats would lose has another kind, so that it refuses instead.
        case .sectionAdded(let details): details.isFull ? Self.fullSection : details.leavesNoSingleSeat ? 27 : 4
        case .sectionUpdated(_, let details): details.isFull ? Self.fullSection : details.leavesNoSingleSeat ? 28 : 5
        case .tierAdded(let details, let number): details.isFull || number != nil ? Self.fullTier : 6
        case .tierUpdated(_, let details): details.isFull ? Self.fullTier : 7
        case .holdPlaced(let hold): hold.hasSeats ? 22 : 8
        case .lineLocked: 9
        case .holdExtended: 10
        case .holdConfirmed: 11
        case .holdReleased: 12
        case .holdExpired: 13
        case .ticketsRefunded: 14
        case .eventRestored(let event): event.details.venue.isEmpty ? 15 : Self.eventWithVenue
        case .holdRestored(let hold): hold.hasSeats ? 23 : 16
        case .endedSlotsRestored: 17
        // A reader that knows only whole answers must not take a reference for one, nor one that knows no seats theirs.
        case .answerRestored(_, _, let bytes):
            bytes.withUnsafeBytes { KeptAnswer.isReference($0) ? 20 : KeptAnswer.isOfSeats($0) ? 29 : 18 }
        case .tierRestored(let details, _): details.isFull ? Self.fullTier : 19
        case .seatsAdded: 21
        case .seatsBlocked: 24
        case .seatsUnblocked: 25
        case .seatRevisionRestored: 26
        case .salesRestored: 50
        case .salesSumsRestored: 51
        case .salesDaysRestored: 52
        case .scheduleAdded, .scheduleUpdated, .scheduleRestored: Self.schedule
        case .scheduleCancellationRestored: Self.scheduleCancellation
        case .venueAdded, .venueUpdated, .venueRestored: Self.venue
        case .tenantBegun, .tenantRestored: Self.tenant
        case .ticketCheckedIn: 30
        case .transferOffered: 31
        case .transferWithdrawn: 32
        case .transferAccepted: 33
        case .gateSet: 34
        case .eventCancelled: 35
        case .ticketsRestored: 36
        case .cancellationRestored: 37
        }
    }

    init(from decoder: inout RecordDecoder) throws(RecordDecoder.Malformed) {
        let kind = try decoder.read(UInt8.self)
        switch kind {
        case 1:
            let tenant = try decoder.readShortText()
            let details = try decoder.readEventDetails()
            self = .eventCreated(tenant: tenant, details, at: try decoder.read())
        case 2: self = .eventUpdated(try decoder.readEventDetails())
        case 3: self = .eventStatusChanged(try decoder.readCase())
        case 4: self = .sectionAdded(try decoder.readSectionDetails())
        case 5: self = .sectionUpdated(try decoder.read(), try decoder.readSectionDetails())
        case 6: self = .tierAdded(try decoder.readTierDetails(), number: nil)
        case 7: self = .tierUpdated(try decoder.read(), try decoder.readTierDetails())
        case 8: self = .holdPlaced(try decoder.readHold())
        case 9:
            let reference = try decoder.readReference()
            let line = try decoder.read(UInt8.self)
            self = .lineLocked(reference, line: line, tier: try decoder.read(), try decoder.readLock())
        case 10: self = .holdExtended(try decoder.readReference(), expiresAt: try decoder.read())
        case 11: self = .holdConfirmed(try decoder.readReference(), OrderBox(try decoder.readOrder()))
        case 12: self = .holdReleased(try decoder.readReference(), at: try decoder.read())
        case 13: self = .holdExpired(try decoder.readReference(), at: try decoder.read())
        case 14:
            let reference = try decoder.readReference()
            let tickets = try decoder.readNumbers()
            self = .ticketsRefunded(reference, tickets: tickets, restock: try decoder.readBool())
        case 15: self = .eventRestored(try decoder.readEventRestored())
        case 16: self = .holdRestored(try decoder.readHold())
        case 17: self = .endedSlotsRestored(try decoder.readNumbers())
        case 18, 20, 29:
            let key = try decoder.readKey()
            let at = try decoder.read(Milliseconds.self)
            let answer = Array(try decoder.readBytes(count: UInt32.self))
            guard answer.withUnsafeBytes({ KeptAnswer.isReference($0) || Answer.isKnown($0) }) else {
                throw decoder.malformed("an unknown kind of answer")
            }
            self = .answerRestored(key, at: at, answer)
        case 19: self = .tierRestored(try decoder.readTierDetails(), version: try decoder.read())
        case 21...28: self = try Self.ofSeats(kind, from: &decoder)
        case 50: self = .salesRestored(try decoder.readSalesTotals())
        case 51: self = .salesSumsRestored(try decoder.readCase(), try decoder.readSalesSums())
        case 52: self = .salesDaysRestored(try decoder.readSalesDays())
        case Self.catalogueKinds: self = try Self.ofCatalogue(kind, from: &decoder)
        case 30...37: self = try Self.afterSale(kind, from: &decoder)
        default: throw decoder.malformed("\(kind) is no kind of fact")
        }
    }
}

extension Fact {
    private static func ofSeats(
        _ kind: UInt8,
        from decoder: inout RecordDecoder
    ) throws(RecordDecoder.Malformed) -> Fact {
        switch kind {
        case 21: .seatsAdded(try decoder.read(), try decoder.readRows())
        case 22: .holdPlaced(try decoder.readSeatedHold())
        case 23: .holdRestored(try decoder.readSeatedHold())
        case 24: .seatsBlocked(try decoder.read(), try decoder.readRuns())
        case 25: .seatsUnblocked(try decoder.read(), try decoder.readRuns())
        case 26: .seatRevisionRestored(try decoder.read(), revision: try decoder.read())
        case 27: .sectionAdded(try decoder.readSectionDetails(leavesNoSingleSeat: true))
        default: .sectionUpdated(try decoder.read(), try decoder.readSectionDetails(leavesNoSingleSeat: true))
        }
    }
}

extension RecordBuffer {
    /// Writes `Fact.holdPlaced`.
    mutating func writeFact(placed hold: HoldState) {
        write(UInt8(hold.hasSeats ? 22 : 8))
        write(hold)
        if hold.hasSeats { write(hold.seats) }
    }
}

extension RecordDecoder {
    /// The hold of `Fact.holdPlaced`, when that is what comes next, and it has no seats; nil, and nothing read, for any
    /// other fact.
    mutating func readPlacedHold() throws(Malformed) -> HoldState? {
        guard nextByte == 8 else { return nil }
        _ = try read(UInt8.self)
        return try readHold()
    }
}
