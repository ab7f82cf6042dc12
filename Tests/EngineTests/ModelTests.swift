import Foundation
import Testing

@testable import Engine
@testable import ReferenceModel

/// The engine against the model: the same random commands, compared after every single one.
@Suite struct ModelTests {
    /// `HOLDFAST_SEED` replays one run; `HOLDFAST_SEEDS` runs that many, one after another.
    static var seeds: [UInt64] {
        let environment = ProcessInfo.processInfo.environment
        if let seed = environment["HOLDFAST_SEED"].flatMap(UInt64.init) { return [seed] }
        let count = environment["HOLDFAST_SEEDS"].flatMap(UInt64.init) ?? 1
        return Array(1...max(1, count))
    }

    static let events = 200
    static let stepsPerEvent = 500

    @Test(arguments: seeds)
    func everyOutcomeAndCountIsTheModels(seed: UInt64) throws {
        var outcomes: [String: Int] = [:]
        var steps = 0
        for number in 0..<Self.events {
            var run = try ModelRun(seed: seed, number: number)
            for _ in 0..<Self.stepsPerEvent { try run.step() }
            #expect(run.subject.inventory.checkInvariants() == [])
            outcomes.merge(run.outcomes) { $0 + $1 }
            steps += run.steps
        }
        #expect(steps >= 100_000)
        let missing = Self.outcomesToReach.filter { outcomes[$0] == nil }
        #expect(missing.isEmpty, "seed \(seed): the run never came to \(missing)")
    }

    /// What a long run must have seen, or it has tested less than it claims.
    static let outcomesToReach =
        [
            "event", "section", "tier", "reserved", "reservedOne", "reservation", "order", "refunded", "ticket",
            "scanned", "gate", "schedule",
        ] + ScanResult.allCases.map { "scan.\($0)" }
        + [
            "eventExists", "eventChanged", "eventNotOnSale", "wrongEventStatus", "currencyFixed", "salesNotStarted",
            "salesEnded", "eventHasSales", "sectionNotFound", "sectionExists", "sectionInactive",
            "totalBelowCommitted", "soldOut", "belowMinimumPurchase", "aboveMaximumPurchase", "sectionTwice",
            "tierNotFound", "tierInactive", "tierNotForSection", "overOrderLimit", "overCustomerLimit",
            "tooManyOpenHolds", "customerMismatch", "holdTimeOutOfRange", "reservationNotFound",
            "reservationExpired", "reservationNotHeld", "priceLockedOtherwise", "noPrice", "amountMismatch",
            "seatNotFound", "seatTaken", "seatTwice", "noSeatsTogether", "singleSeatLeft", "rowExists", "sectionInUse",
            "sectionHasSeats", "sectionWithoutSeats", "orderNotFound", "ticketNotFound", "ticketRefunded", "invalid",
            "idempotencyKeyReused", "noSuchTicket", "ticketCheckedIn", "eventCancelled", "transferNotFound",
            "transferExpired", "transferPending", "transferDeadlinePassed", "gateWindowInvalid", "scansOutOfRange",
            "cancelledWithSales", "sectionHasSales", "restockOfCheckedIn", "scheduleExists", "scheduleNotFound",
            "scheduleChanged", "scheduleCancelled", "scheduleEnded", "eventOver", "venueNotFound", "overVenueMaximum",
        ].map { "rejected.\($0)" }
}
