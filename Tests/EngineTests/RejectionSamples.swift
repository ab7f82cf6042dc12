@testable import Engine

// Every kind of refusal, with numbers at the ends of their ranges.
extension CodecSamples {
    enum RejectionKind: CaseIterable {
        case eventNotFound, eventExists, eventChanged, eventNotOnSale, wrongEventStatus, currencyFixed
        case salesNotStarted, salesEnded, eventHasSales, sectionNotFound, sectionExists, sectionInactive
        case totalBelowCommitted, soldOut, belowMinimumPurchase, aboveMaximumPurchase, sectionTwice, tierNotFound
        case tierInactive, tierNotForSection, overOrderLimit, overCustomerLimit, tooManyOpenHolds, customerMismatch
        case holdTimeOutOfRange, reservationNotFound, reservationExpired, reservationNotHeld, priceLockedOtherwise
        case noPrice, amountMismatch, orderNotFound, ticketNotFound, ticketRefunded, invalid, limitReached
        case idempotencyKeyReused, seatNotFound, seatTaken, seatTwice, noSeatsTogether, singleSeatLeft, rowExists
        case sectionInUse, sectionHasSeats, sectionWithoutSeats, tooManyRows, tooManySeats
        case venueNotFound, venueExists, venueChanged, overVenueMaximum
        case scheduleNotFound, scheduleExists, scheduleChanged, scheduleCancelled, scheduleEnded, eventOver,
            sectionHasSales
        case noSuchTicket, ticketCheckedIn, eventCancelled, transferNotFound, transferExpired, transferPending
        case tooManyTransfers, transferDeadlinePassed, tooManyGates, tooManyGateSections, gateWindowInvalid
        case scansOutOfRange, scanTimeOutOfRange, cancelledWithSales, cancellationUnfinished
        case customerReservationLimit, restockOfCheckedIn, earlier

        init(_ rejection: Rejection) {
            switch rejection {
            case .eventNotFound: self = .eventNotFound
            case .eventExists: self = .eventExists
            case .eventChanged: self = .eventChanged
            case .eventNotOnSale: self = .eventNotOnSale
            case .wrongEventStatus: self = .wrongEventStatus
            case .currencyFixed: self = .currencyFixed
            case .salesNotStarted: self = .salesNotStarted
            case .salesEnded: self = .salesEnded
            case .eventHasSales: self = .eventHasSales
            case .sectionNotFound: self = .sectionNotFound
            case .sectionExists: self = .sectionExists
            case .sectionInactive: self = .sectionInactive
            case .totalBelowCommitted: self = .totalBelowCommitted
            case .soldOut: self = .soldOut
            case .belowMinimumPurchase: self = .belowMinimumPurchase
            case .aboveMaximumPurchase: self = .aboveMaximumPurchase
            case .sectionTwice: self = .sectionTwice
            case .tierNotFound: self = .tierNotFound
            case .tierInactive: self = .tierInactive
            case .tierNotForSection: self = .tierNotForSection
            case .overOrderLimit: self = .overOrderLimit
            case .overCustomerLimit: self = .overCustomerLimit
            case .tooManyOpenHolds: self = .tooManyOpenHolds
            case .customerMismatch: self = .customerMismatch
            case .holdTimeOutOfRange: self = .holdTimeOutOfRange
            case .reservationNotFound: self = .reservationNotFound
            case .reservationExpired: self = .reservationExpired
            case .reservationNotHeld: self = .reservationNotHeld
            case .priceLockedOtherwise: self = .priceLockedOtherwise
            case .noPrice: self = .noPrice
            case .amountMismatch: self = .amountMismatch
            case .orderNotFound: self = .orderNotFound
            case .ticketNotFound: self = .ticketNotFound
            case .ticketRefunded: self = .ticketRefunded
            case .invalid: self = .invalid
            case .limitReached: self = .limitReached
            case .idempotencyKeyReused: self = .idempotencyKeyReused
            case .seatNotFound: self = .seatNotFound
            case .seatTaken: self = .seatTaken
            case .seatTwice: self = .seatTwice
            case .noSeatsTogether: self = .noSeatsTogether
            case .singleSeatLeft: self = .singleSeatLeft
            case .rowExists: self = .rowExists
            case .sectionInUse: self = .sectionInUse
            case .sectionHasSeats: self = .sectionHasSeats
            case .sectionWithoutSeats: self = .sectionWithoutSeats
            case .tooManyRows: self = .tooManyRows
            case .tooManySeats: self = .tooManySeats
            case .venueNotFound: self = .venueNotFound
            case .venueExists: self = .venueExists
            case .venueChanged: self = .venueChanged
            case .overVenueMaximum: self = .overVenueMaximum
            case .scheduleNotFound: self = .scheduleNotFound
            case .scheduleExists: self = .scheduleExists
            case .scheduleChanged: self = .scheduleChanged
            case .scheduleCancelled: self = .scheduleCancelled
            case .scheduleEnded: self = .scheduleEnded
            case .eventOver: self = .eventOver
            case .sectionHasSales: self = .sectionHasSales
            case .noSuchTicket: self = .noSuchTicket
            case .ticketCheckedIn: self = .ticketCheckedIn
            case .eventCancelled: self = .eventCancelled
            case .transferNotFound: self = .transferNotFound
            case .transferExpired: self = .transferExpired
            case .transferPending: self = .transferPending
            case .tooManyTransfers: self = .tooManyTransfers
            case .transferDeadlinePassed: self = .transferDeadlinePassed
            case .tooManyGates: self = .tooManyGates
            case .tooManyGateSections: self = .tooManyGateSections
            case .gateWindowInvalid: self = .gateWindowInvalid
            case .scansOutOfRange: self = .scansOutOfRange
            case .scanTimeOutOfRange: self = .scanTimeOutOfRange
            case .cancelledWithSales: self = .cancelledWithSales
            case .cancellationUnfinished: self = .cancellationUnfinished
            case .customerReservationLimit: self = .customerReservationLimit
            case .restockOfCheckedIn: self = .restockOfCheckedIn
            case .earlier: self = .earlier
            }
        }
    }

    static var rejections: [Rejection] {
        let most = UInt32.max
        var rejections: [Rejection] = [
            .eventNotFound, .eventExists, .eventChanged(expectedVersion: 1, version: most), .currencyFixed,
            .eventNotOnSale(status: .draft), .wrongEventStatus(status: .cancelled),
            .salesNotStarted(startsAt: .max), .salesEnded(endedAt: .min), .eventHasSales(sold: most, reserved: 1),
            .sectionNotFound, .sectionExists, .sectionInactive(most),
            .totalBelowCommitted(asked: 1, committed: most), .soldOut(1, asked: 2, available: most, buffer: most),
            .belowMinimumPurchase(most, asked: 1, minimum: 2), .aboveMaximumPurchase(1, asked: most, maximum: 2),
            .sectionTwice(most), .tierNotFound, .tierInactive(most), .tierNotForSection(1, most),
            .overOrderLimit(1, asked: 2, limit: most),
            .overCustomerLimit(most, asked: 1_600_000, held: most, limit: most),
            .overCustomerLimit(1, asked: 2, held: 3, limit: 4), .tooManyOpenHolds(held: 1, limit: most),
            .customerMismatch, .holdTimeOutOfRange(askedSeconds: most, maximumSeconds: 1), .reservationNotFound,
            .reservationExpired(expiredAt: 1_800_000_000_000), .priceLockedOtherwise(most), .noPrice(most),
            .amountMismatch(given: .min, total: .max), .orderNotFound, .ticketNotFound(index: most),
            .ticketRefunded(index: 0), .idempotencyKeyReused, .seatNotFound(1, index: most), .seatTaken(most, seat: 2),
            .seatTwice(1, seat: most), .noSeatsTogether(1, asked: most), .singleSeatLeft(1, seat: most),
            .rowExists(most, index: 1), .sectionInUse(1, reserved: 2, sold: most), .sectionHasSeats(most),
            .sectionWithoutSeats(most), .tooManyRows(asked: 1, limit: most), .tooManySeats(asked: most, limit: 1),
            .venueNotFound, .venueExists, .venueChanged(expectedVersion: 1, version: most),
            .overVenueMaximum(asked: 1 << 40, others: 100_000_000_000, maximum: most), .scheduleNotFound,
            .scheduleExists, .scheduleChanged(expectedVersion: most, version: 1), .scheduleCancelled(most),
            .scheduleEnded(1, endedAt: .min), .eventOver(endedAt: .max),
            .sectionHasSales(1, reserved: most, sold: 2),
        ]
        rejections += [HoldStatus.held, .confirmed, .released, .expired].map { .reservationNotHeld(status: $0) }
        rejections += Rejection.Field.allCases.map { .invalid($0) }
        rejections += Rejection.Limit.allCases.map { .limitReached($0) }
        return rejections + TicketSamples.rejections + laterRejections
    }
}
