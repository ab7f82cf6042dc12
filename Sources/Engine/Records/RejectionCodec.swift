import WAL

// A rejection as it is kept for retries. Most are a kind and up to three numbers, so all are: kind, then 3 × Int64.

extension Rejection {
    func encode(into buffer: inout RecordBuffer) {
        let (kind, a, b, c) = numbers
        buffer.write(kind)
        buffer.write(a)
        buffer.write(b)
        buffer.write(c)
    }

    /// Whether only readers that know numbered seats, or what came later, know the refusal.
    var isOfSeats: Bool {
        let (kind, field, _, _) = numbers
        return kind >= 38 || kind == 35 && field >= Int64(Rejection.Field.seats.rawValue)
    }

    /// The same, of a refusal's bytes.
    static func isOfSeats(_ bytes: UnsafeRawBufferPointer) -> Bool {
        guard bytes.count >= 2 else { return false }
        return bytes[0] >= 38 || bytes[0] == 35 && bytes[1] >= Rejection.Field.seats.rawValue
    }

    private var numbers: (UInt8, Int64, Int64, Int64) {
        switch self {
        case .eventNotFound: (1, 0, 0, 0)
        case .eventExists: (2, 0, 0, 0)
        case .eventChanged(let expected, let version): (3, Int64(expected), Int64(version), 0)
        case .eventNotOnSale(let status): (4, Int64(status.rawValue), 0, 0)
        case .wrongEventStatus(let status): (5, Int64(status.rawValue), 0, 0)
        case .currencyFixed: (6, 0, 0, 0)
        case .salesNotStarted(let start): (7, start, 0, 0)
        case .salesEnded(let end): (8, end, 0, 0)
        case .sectionNotFound: (10, 0, 0, 0)
        case .sectionExists: (11, 0, 0, 0)
        case .totalBelowCommitted(let asked, let committed): (13, Int64(asked), Int64(committed), 0)
        case .belowMinimumPurchase(let section, let asked, let least):
            (15, Int64(section), Int64(asked), Int64(least))
        case .aboveMaximumPurchase(let section, let asked, let most): (16, Int64(section), Int64(asked), Int64(most))
        case .sectionTwice(let section): (17, Int64(section), 0, 0)
        case .tierNotFound: (18, 0, 0, 0)
        case .tierNotForSection(let tier, let section): (20, Int64(tier), Int64(section), 0)
        case .overOrderLimit(let tier, let asked, let limit): (21, Int64(tier), Int64(asked), Int64(limit))
        case .overCustomerLimit(let tier, let asked, let held, let limit):
            (22, Int64(tier), Int64(asked) << 32 | Int64(held), Int64(limit))
        case .tooManyOpenHolds(let held, let limit): (23, Int64(held), Int64(limit), 0)
        case .customerMismatch: (24, 0, 0, 0)
        case .holdTimeOutOfRange(let asked, let maximum): (25, Int64(asked), Int64(maximum), 0)
        case .reservationNotFound: (26, 0, 0, 0)
        case .reservationExpired(let at): (27, at, 0, 0)
        case .reservationNotHeld(let status): (28, Int64(status.rawValue), 0, 0)
        case .priceLockedOtherwise(let tier): (29, Int64(tier), 0, 0)
        case .noPrice(let section): (30, Int64(section), 0, 0)
        case .orderNotFound: (32, 0, 0, 0)
        case .ticketNotFound(let index): (33, Int64(index), 0, 0)
        case .ticketRefunded(let index): (34, Int64(index), 0, 0)
        case .invalid(let field): (35, Int64(field.rawValue), 0, 0)
        case .limitReached(let limit): (36, Int64(limit.rawValue), 0, 0)
        case .idempotencyKeyReused: (37, 0, 0, 0)
        case .seatNotFound(let section, let index): (38, Int64(section), Int64(index), 0)
        case .seatTaken(let section, let seat): (39, Int64(section), Int64(seat), 0)
        case .seatTwice(let section, let seat): (40, Int64(section), Int64(seat), 0)
        case .noSeatsTogether(let section, let asked): (41, Int64(section), Int64(asked), 0)
        case .singleSeatLeft(let section, let seat): (42, Int64(section), Int64(seat), 0)
        case .rowExists(let section, let index): (43, Int64(section), Int64(index), 0)
        case .sectionInUse(let section, let reserved, let sold): (44, Int64(section), Int64(reserved), Int64(sold))
        case .sectionHasSeats(let section): (45, Int64(section), 0, 0)
        case .sectionWithoutSeats(let section): (46, Int64(section), 0, 0)
        case .tooManyRows(let asked, let limit): (47, Int64(asked), Int64(limit), 0)
        case .tooManySeats(let asked, let limit): (48, Int64(asked), Int64(limit), 0)
        case .noSuchTicket: (49, 0, 0, 0)
        case .ticketCheckedIn(let at): (50, at, 0, 0)
        case .eventCancelled(let at): (51, at, 0, 0)
        case .transferNotFound: (52, 0, 0, 0)
        case .transferExpired(let at): (53, at, 0, 0)
        case .transferPending: (54, 0, 0, 0)
        case .tooManyTransfers(let limit): (55, Int64(limit), 0, 0)
        case .transferDeadlinePassed(let at): (56, at, 0, 0)
        case .tooManyGates(let limit): (57, Int64(limit), 0, 0)
        case .tooManyGateSections(let asked): (58, Int64(asked), 0, 0)
        case .gateWindowInvalid: (59, 0, 0, 0)
        case .scansOutOfRange(let asked): (60, Int64(asked), 0, 0)
        case .scanTimeOutOfRange: (61, 0, 0, 0)
        case .cancellationUnfinished(let reserved): (63, Int64(reserved), 0, 0)
        case .venueNotFound: (65, 0, 0, 0)
        case .venueExists: (66, 0, 0, 0)
        case .venueChanged(let expected, let version): (67, Int64(expected), Int64(version), 0)
        case .scheduleNotFound: (69, 0, 0, 0)
        case .scheduleExists: (70, 0, 0, 0)
        case .scheduleChanged(let expected, let version): (71, Int64(expected), Int64(version), 0)
        case .scheduleCancelled(let section): (72, Int64(section), 0, 0)
        case .eventOver(let end): (74, end, 0, 0)
        case .sectionHasSales(let section, let reserved, let sold):
            (75, Int64(section), Int64(reserved), Int64(sold))
        case .customerReservationLimit(let held, let limit): (84, Int64(held), Int64(limit), 0)
        case .restockOfCheckedIn(let index, let count): (85, Int64(index), Int64(count), 0)
        case .soldOut(let section, let asked, let available, let buffer):
            (86, Int64(section), Int64(asked) << 32 | Int64(available), Int64(buffer))
        case .amountMismatch(let given, let total): (87, given, total, 0)
        case .eventHasSales(let sold, let reserved): (88, Int64(sold), Int64(reserved), 0)
        case .overVenueMaximum(let asked, let others, let maximum):
            (89, Int64(clamping: asked), Int64(clamping: others), Int64(maximum))
        case .scheduleEnded(let section, let end): (90, Int64(section), end, 0)
        case .cancelledWithSales(let sold): (91, Int64(sold), 0, 0)
        case .sectionInactive(let section): (92, Int64(section), 0, 0)
        case .tierInactive(let tier): (93, Int64(tier), 0, 0)
        case .earlier(let refusal): refusal.numbers
        }
    }

    init(from decoder: inout RecordDecoder) throws(RecordDecoder.Malformed) {
        let kind = try decoder.read(UInt8.self)
        let (a, b, c) = (try decoder.read(Int64.self), try decoder.read(Int64.self), try decoder.read(Int64.self))
        func number(_ value: Int64) throws(RecordDecoder.Malformed) -> UInt32 {
            guard let number = UInt32(exactly: value) else { throw decoder.malformed("\(value) is out of range") }
            return number
        }
        func raw<T: RawRepresentable>(_ value: Int64) throws(RecordDecoder.Malformed) -> T where T.RawValue == UInt8 {
            guard let raw = UInt8(exactly: value), let result = T(rawValue: raw) else {
                throw decoder.malformed("\(value) is no \(T.self)")
            }
            return result
        }
        func places(_ value: Int64) throws(RecordDecoder.Malformed) -> UInt64 {
            guard value >= 0 else { throw decoder.malformed("fewer than no places") }
            return UInt64(value)
        }
        switch kind {
        case 1: self = .eventNotFound
        case 2: self = .eventExists
        case 3: self = .eventChanged(expectedVersion: try number(a), version: try number(b))
        case 4: self = .eventNotOnSale(status: try raw(a))
        case 5: self = .wrongEventStatus(status: try raw(a))
        case 6: self = .currencyFixed
        case 7: self = .salesNotStarted(startsAt: a)
        case 8: self = .salesEnded(endedAt: a)
        case 9: self = .earlier(.eventHasSales(sold: try number(a), reserved: try number(b)))
        case 10: self = .sectionNotFound
        case 11: self = .sectionExists
        case 12: self = .earlier(.sectionInactive(try number(a)))
        case 13: self = .totalBelowCommitted(asked: try number(a), committed: try number(b))
        case 14: self = .earlier(.soldOut(try number(a), asked: try number(b), available: try number(c)))
        case 15: self = .belowMinimumPurchase(try number(a), asked: try number(b), minimum: try number(c))
        case 16: self = .aboveMaximumPurchase(try number(a), asked: try number(b), maximum: try number(c))
        case 17: self = .sectionTwice(try number(a))
        case 18: self = .tierNotFound
        case 19: self = .earlier(.tierInactive(try number(a)))
        case 20: self = .tierNotForSection(try number(a), try number(b))
        case 21: self = .overOrderLimit(try number(a), asked: try number(b), limit: try number(c))
        case 22:
            let (asked, held) = (try number(b >> 32), try number(b & 0xffff_ffff))
            self = .overCustomerLimit(try number(a), asked: asked, held: held, limit: try number(c))
        case 23: self = .tooManyOpenHolds(held: try number(a), limit: try number(b))
        case 24: self = .customerMismatch
        case 25: self = .holdTimeOutOfRange(askedSeconds: try number(a), maximumSeconds: try number(b))
        case 26: self = .reservationNotFound
        case 27: self = .reservationExpired(expiredAt: a)
        case 28: self = .reservationNotHeld(status: try raw(a))
        case 29: self = .priceLockedOtherwise(try number(a))
        case 30: self = .noPrice(try number(a))
        case 31: self = .earlier(.amountMismatch(given: a, total: b))
        case 32: self = .orderNotFound
        case 33: self = .ticketNotFound(index: try number(a))
        case 34: self = .ticketRefunded(index: try number(a))
        case 35: self = .invalid(try raw(a))
        case 36: self = .limitReached(try raw(a))
        case 37: self = .idempotencyKeyReused
        case 38: self = .seatNotFound(try number(a), index: try number(b))
        case 39: self = .seatTaken(try number(a), seat: try number(b))
        case 40: self = .seatTwice(try number(a), seat: try number(b))
        case 41: self = .noSeatsTogether(try number(a), asked: try number(b))
        case 42: self = .singleSeatLeft(try number(a), seat: try number(b))
        case 43: self = .rowExists(try number(a), index: try number(b))
        case 44: self = .sectionInUse(try number(a), reserved: try number(b), sold: try number(c))
        case 45: self = .sectionHasSeats(try number(a))
        case 46: self = .sectionWithoutSeats(try number(a))
        case 47: self = .tooManyRows(asked: try number(a), limit: try number(b))
        case 48: self = .tooManySeats(asked: try number(a), limit: try number(b))
        case 49: self = .noSuchTicket
        case 50: self = .ticketCheckedIn(at: a)
        case 51: self = .eventCancelled(at: a)
        case 52: self = .transferNotFound
        case 53: self = .transferExpired(expiredAt: a)
        case 54: self = .transferPending
        case 55: self = .tooManyTransfers(limit: try number(a))
        case 56: self = .transferDeadlinePassed(a)
        case 57: self = .tooManyGates(limit: try number(a))
        case 58: self = .tooManyGateSections(asked: try number(a))
        case 59: self = .gateWindowInvalid
        case 60: self = .scansOutOfRange(asked: try number(a))
        case 61: self = .scanTimeOutOfRange
        case 62: self = .earlier(.cancelledWithSales(sold: try number(a)))
        case 63: self = .cancellationUnfinished(reserved: try number(a))
        case 65: self = .venueNotFound
        case 66: self = .venueExists
        case 67: self = .venueChanged(expectedVersion: try number(a), version: try number(b))
        case 68:
            let (asked, others) = (try places(a), try places(b))
            self = .earlier(.overVenueMaximum(asked: asked, others: others, maximum: try number(c)))
        case 69: self = .scheduleNotFound
        case 70: self = .scheduleExists
        case 71: self = .scheduleChanged(expectedVersion: try number(a), version: try number(b))
        case 72: self = .scheduleCancelled(try number(a))
        case 73: self = .earlier(.scheduleEnded(try number(a), endedAt: b))
        case 74: self = .eventOver(endedAt: a)
        case 75: self = .sectionHasSales(try number(a), reserved: try number(b), sold: try number(c))
        case 84: self = .customerReservationLimit(held: try number(a), limit: try number(b))
        case 85: self = .restockOfCheckedIn(index: try number(a), count: try number(b))
        case 86:
            let (asked, available) = (try number(b >> 32), try number(b & 0xffff_ffff))
            self = .soldOut(try number(a), asked: asked, available: available, buffer: try number(c))
        case 87: self = .amountMismatch(given: a, total: b)
        case 88: self = .eventHasSales(sold: try number(a), reserved: try number(b))
        case 89: self = .overVenueMaximum(asked: try places(a), others: try places(b), maximum: try number(c))
        case 90: self = .scheduleEnded(try number(a), endedAt: b)
        case 91: self = .cancelledWithSales(sold: try number(a))
        case 92: self = .sectionInactive(try number(a))
        case 93: self = .tierInactive(try number(a))
        default: throw decoder.malformed("\(kind) is no kind of rejection")
        }
    }
}
