/// Why a command was refused: what was asked, and what was there.
public enum Rejection: Error, Equatable, Sendable {
    case eventNotFound
    case eventExists
    case eventChanged(expectedVersion: UInt32, version: UInt32)
    case eventNotOnSale(status: EventStatus)
    case wrongEventStatus(status: EventStatus)
    case currencyFixed
    case salesNotStarted(startsAt: Milliseconds)
    case salesEnded(endedAt: Milliseconds)
    /// Deletion while tickets are sold or held.
    case eventHasSales(sold: UInt32, reserved: UInt32)
    case sectionNotFound
    case sectionExists
    case sectionInactive(SectionNumber)
    case totalBelowCommitted(asked: UInt32, committed: UInt32)
    /// Beside what is available, `buffer` places are kept from sale.
    case soldOut(SectionNumber, asked: UInt32, available: UInt32, buffer: UInt32)
    case belowMinimumPurchase(SectionNumber, asked: UInt32, minimum: UInt32)
    case aboveMaximumPurchase(SectionNumber, asked: UInt32, maximum: UInt32)
    case sectionTwice(SectionNumber)
    case tierNotFound
    case tierInactive(TierNumber)
    case tierNotForSection(TierNumber, SectionNumber)
    case overOrderLimit(TierNumber, asked: UInt32, limit: UInt32)
    case overCustomerLimit(TierNumber, asked: UInt32, held: UInt32, limit: UInt32)
    case tooManyOpenHolds(held: UInt32, limit: UInt32)
    /// As many live and confirmed reservations as a customer may have in an event: ended ones don't count.
    case customerReservationLimit(held: UInt32, limit: UInt32)
    case customerMismatch
    case holdTimeOutOfRange(askedSeconds: UInt32, maximumSeconds: UInt32)
    case reservationNotFound
    case reservationExpired(expiredAt: Milliseconds)
    case reservationNotHeld(status: HoldStatus)
    case priceLockedOtherwise(TierNumber)
    case noPrice(SectionNumber)
    case amountMismatch(given: Int64, total: Int64)
    case orderNotFound
    case ticketNotFound(index: UInt32)
    case ticketRefunded(index: UInt32)
    /// A refund that would sell again the places of `count` tickets whose holders are inside; `index` is the first of them.
    case restockOfCheckedIn(index: UInt32, count: UInt32)
    /// `index` counts the names of one line, or of one change, from 0.
    case seatNotFound(SectionNumber, index: UInt32)
    case seatTaken(SectionNumber, seat: UInt32)
    case seatTwice(SectionNumber, seat: UInt32)
    case noSeatsTogether(SectionNumber, asked: UInt32)
    /// The seat that the reservation would leave without a free neighbour.
    case singleSeatLeft(SectionNumber, seat: UInt32)
    /// `index` counts the rows of one change from 0.
    case rowExists(SectionNumber, index: UInt32)
    /// Numbered seats for a section that has begun to sell places without.
    case sectionInUse(SectionNumber, reserved: UInt32, sold: UInt32)
    /// Another total or buffer for a section where they are the number of its seats.
    case sectionHasSeats(SectionNumber)
    case sectionWithoutSeats(SectionNumber)
    case tooManyRows(asked: UInt32, limit: UInt32)
    case tooManySeats(asked: UInt32, limit: UInt32)
    case venueNotFound
    case venueExists
    case venueChanged(expectedVersion: UInt32, version: UInt32)
    /// Of the places asked for, with `others` of the same date, the venue takes `maximum` in all.
    case overVenueMaximum(asked: UInt64, others: UInt64, maximum: UInt32)
    case scheduleNotFound
    case scheduleExists
    case scheduleChanged(expectedVersion: UInt32, version: UInt32)
    /// The section is of a date that was cancelled.
    case scheduleCancelled(SectionNumber)
    case scheduleEnded(SectionNumber, endedAt: Milliseconds)
    /// Another date for a section of which places are reserved or sold: they were for the one it has.
    case sectionHasSales(SectionNumber, reserved: UInt32, sold: UInt32)
    /// Publication of an event whose dates are over.
    case eventOver(endedAt: Milliseconds)
    /// An id of no ticket, or of somebody else's.
    case noSuchTicket
    case ticketCheckedIn(at: Milliseconds)
    case eventCancelled(at: Milliseconds)
    /// There is no offer, or the code isn't its.
    case transferNotFound
    case transferExpired(expiredAt: Milliseconds)
    case transferPending
    case tooManyTransfers(limit: UInt32)
    /// A deadline that isn't ahead, or is beyond every clock.
    case transferDeadlinePassed(Milliseconds)
    case tooManyGates(limit: UInt32)
    case tooManyGateSections(asked: UInt32)
    case gateWindowInvalid
    case scansOutOfRange(asked: UInt32)
    case scanTimeOutOfRange
    /// An event that was called off, with tickets sold, is not put on sale again.
    case cancelledWithSales(sold: UInt32)
    /// Its reservations are being released; try again.
    case cancellationUnfinished(reserved: UInt32)
    case invalid(Field)
    case limitReached(Limit)
    /// The key was used before with another payload.
    case idempotencyKeyReused
    /// Kept by a build that said it otherwise.
    case earlier(Earlier)

    /// A value outside its documented range.
    public enum Field: UInt8, Sendable, CaseIterable {
        case name, currency, salesWindow, holdTime, attributes, total, buffer, purchaseRange, price, taxRate
        case groupDiscount, quantity, lines, paymentReference, identifier, seats
        case scheduleTimes = 65
        case venueCapacity = 66
        case address = 67
        case earlyBird = 84
        case lastMinute = 85
        case groupSize = 86
    }

    public enum Limit: UInt8, Sendable, CaseIterable {
        case sections, tiers, holds, idempotencyKeys, events
        case schedules = 65
        case venues = 66
    }
}

/// held → confirmed | released | expired. The last three are final; a confirmed one is refunded by its order.
public enum HoldStatus: UInt8, Sendable {
    case held = 1
    case confirmed = 2
    case released = 3
    case expired = 4
}
