import Testing
import WAL

@testable import Engine
@testable import ReferenceModel

/// The machine's clock is set while reservations wait, and while the process is down.
@Suite struct SimulatedClockTests {
    /// An event with ten places and reservations of one minute, in a process of one shard.
    private final class Sale {
        static let key = EventKey(tenant: "shop", event: "gala")
        let time = SimulatedTime()
        var device = SimulatedDevice()
        var process: SimulatedProcess

        init() throws {
            process = try SimulatedProcess(on: device, shards: 1, time: time, random: 1)
            var details = EventDetails(id: "gala", name: "Gala", currency: "EUR")
            details.holdTimeSeconds = 60
            perform(.createEvent(details))
            perform(.addSection(SectionDetails(id: "floor", name: "Floor", total: 10)))
            perform(.addTier(PriceTierDetails(name: "Adult", basePrice: 5_000)))
            perform(.publishEvent)
        }

        deinit { process.end() }

        @discardableResult
        func perform(_ command: Command) -> Answer? {
            let context = CommandContext(tenant: "shop", now: 0, random: (1, 2))
            let shard = process.engine.shards[0]
            return process.loops[0].enter {
                shard.onLoop.beginTurn()
                let (outcome, _) = shard.onLoop.decide(Self.key, .command(command), context)
                _ = shard.onLoop.endTurn()
                if case .answer(let answer) = outcome { return answer }
                return nil
            }
        }

        func reserve() throws -> HoldState {
            let answer = perform(.reserve(ReserveRequest(first: .init(section: 0, quantity: 2))))
            guard case .reservedOne(let hold, _, _, _) = answer else {
                throw Violation("\(String(describing: answer))")
            }
            return hold
        }

        func confirm(_ hold: HoldState) -> Answer? {
            let id = HoldID(event: Self.key, reference: hold.reference, secret: hold.secret)
            return perform(.confirm(id, paymentReference: "paid", amount: nil))
        }

        var reserved: UInt32 {
            process.loops[0].enter {
                process.engine.shards[0].assumeIsolated {
                    $0.tick()
                    return $0.copy(Self.key).0.counts(0).reserved
                }
            }
        }

        /// The process stops and another one starts `milliseconds` later.
        func restart(after milliseconds: Milliseconds) throws {
            try process.log.close()
            let next = device.copy()
            process.end()
            device = next
            time.pass(milliseconds: milliseconds)
            process = try SimulatedProcess(on: device, shards: 1, time: time, random: 2)
        }
    }

    @Test(arguments: [-3_600_000, -31_536_000_000] as [Milliseconds])
    func aReservationLastsWhatItWasPromisedWhenTheClockIsSetBack(step: Milliseconds) throws {
        let sale = try Sale()
        let hold = try sale.reserve()
        sale.time.setSystem(ahead: step)
        sale.time.pass(milliseconds: 59_999)
        #expect(sale.reserved == 2, "not a millisecond earlier")
        sale.time.pass(milliseconds: 1)
        #expect(sale.reserved == 0, "nor later")
        #expect(sale.confirm(hold) == .rejected(.reservationExpired(expiredAt: hold.expiresAt)))
    }

    @Test func deadlinesThatTheClockIsSetPastHavePassed() throws {
        let sale = try Sale()
        let hold = try sale.reserve()
        sale.time.setSystem(ahead: 60_000)
        #expect(sale.confirm(hold) == .rejected(.reservationExpired(expiredAt: hold.expiresAt)))
        #expect(sale.reserved == 0)
    }

    /// Far ahead for a moment, and back: what is reserved after that lasts as long as ever, and can be sold.
    @Test func theSaleGoesOnAfterAClockThatWasFarAhead() throws {
        let sale = try Sale()
        sale.time.setSystem(ahead: 31_536_000_000)
        _ = try sale.reserve()
        sale.time.setSystem(ahead: -31_536_000_000)
        sale.time.pass(milliseconds: 60_000)
        #expect(sale.reserved == 0)
        let hold = try sale.reserve()
        sale.time.pass(milliseconds: 59_999)
        guard case .order = sale.confirm(hold) else {
            Issue.record("a reservation within its time could not be sold")
            return
        }
    }

    /// Between two lives of the process the clock is set back by a year.
    @Test func aStartBehindTheLastRecordSaysByHowMuchAndGoesOn() throws {
        let sale = try Sale()
        let hold = try sale.reserve()
        sale.time.setSystem(ahead: -31_536_000_000)
        try sale.restart(after: 10_000)
        #expect(sale.process.found.clockBehindMilliseconds == 31_536_000_000 - 10_000)
        #expect(sale.process.engine.clock.aheadMilliseconds == 31_536_000_000 - 10_000)
        sale.time.pass(milliseconds: 59_999)
        #expect(sale.reserved == 2, "the time that the process was down doesn't count when nobody can tell it")
        sale.time.pass(milliseconds: 1)
        #expect(sale.reserved == 0)
        #expect(sale.confirm(hold) == .rejected(.reservationExpired(expiredAt: hold.expiresAt)))
    }

    /// The clock of a machine whose battery is empty.
    @Test func aReservationThatEndsAfterTheEndOfTimeEnds() throws {
        let sale = try Sale()
        _ = try sale.reserve()
        sale.time.setSystem(ahead: 500 * 31_536_000_000)
        #expect(sale.reserved == 0)
        let hold = try sale.reserve()
        sale.time.pass(milliseconds: 60_000)
        #expect(sale.reserved == 0)
        try sale.restart(after: 1)
        #expect(sale.confirm(hold) == .rejected(.reservationExpired(expiredAt: hold.expiresAt)))
    }
}
