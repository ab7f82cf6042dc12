import Testing
import WAL

@testable import Engine

/// After the sale through the `async` API: what its commands answer, refuse, and answer again.
@Suite(.timeLimit(.minutes(1))) struct TicketAPITests {
    /// Three tickets of ada's, bought in the test's own engine.
    private struct Sale {
        let engine: Engine
        let order: HoldID
        let hold: HoldState

        init(_ sale: FeedTests.Sale<SimulatedDevice>) async throws {
            engine = sale.engine
            let event = try await sale.makeEvent(0, of: "north")
            let request = ReserveRequest(customer: "ada", first: .init(section: 0, quantity: 3, tier: 0))
            let held = try await engine.reserve(request, in: event, by: Self.shop)
            order = HoldID(event: event, reference: held.reference, secret: held.secret)
            hold = try await engine.confirm(order, paymentReference: "paid", by: Self.ada)
        }

        static let shop = Caller(tenant: "north")
        static let ada = Caller(tenant: "north", customer: "ada")
        static let ben = Caller(tenant: "north", customer: "ben")

        func ticket(_ index: UInt32) -> TicketID { TicketID(index, of: order) }

        func code(_ index: UInt32, generation: Int = 0) -> TicketCode {
            TicketCode(secret: hold.order!.state.ticketSecret, index: index, generation: generation)
        }
    }

    private func run(_ body: (Sale) async throws -> Void) async throws {
        try await FeedTests.onLoops { loops in
            let sale = try await FeedTests.Sale(SimulatedDevice(), on: loops)
            try await body(try await Sale(sale))
            try await sale.engine.stop()
        }
    }

    private func key(_ number: UInt64, _ caller: Caller) -> Caller {
        var caller = caller
        caller.idempotency = IdempotencyKey(high: number, low: number, fingerprint: number)
        return caller
    }

    @Test func ticketsAreRefundedOnce() async throws {
        try await run { sale in
            let first = try await sale.engine.refund(sale.order, tickets: [1], by: key(1, Sale.shop))
            #expect(first.tickets == [1] && first.amount == 1_000 && first.order.order?.state.refunded == [1])
            #expect(try await sale.engine.refund(sale.order, tickets: [1], by: key(1, Sale.shop)) == first)
            await #expect(throws: EngineError.rejected(.ticketRefunded(index: 1))) {
                try await sale.engine.refund(sale.order, tickets: [1], by: Sale.shop)
            }
            let rest = try await sale.engine.refund(sale.order, restock: false, by: Sale.shop)
            #expect(rest.tickets == [0, 2] && rest.amount == 2_000)
            await #expect(throws: EngineError.rejected(.eventNotFound)) {
                try await sale.engine.refund(sale.order, by: Caller(tenant: "south"))
            }
        }
    }

    @Test func aTicketChangesHands() async throws {
        try await run { sale in
            let ticket = sale.ticket(0)
            let offer = try #require(try await sale.engine.offerTransfer(of: ticket, to: "ben", by: Sale.ada).offer)
            _ = try await sale.engine.withdrawTransfer(of: ticket, by: Sale.ada)
            await #expect(throws: EngineError.rejected(.transferNotFound)) {
                try await sale.engine.acceptTransfer(of: ticket, code: offer.code, by: Sale.ben)
            }
            let again = try #require(try await sale.engine.offerTransfer(of: ticket, by: Sale.ada).offer)
            let taken = try await sale.engine.acceptTransfer(of: ticket, code: again.code, by: key(2, Sale.ben))
            #expect(taken.holder == "ben" && taken.code == sale.code(0, generation: 1))
            let retried = try await sale.engine.acceptTransfer(of: ticket, code: again.code, by: key(2, Sale.ben))
            #expect(retried == taken)
            await #expect(throws: EngineError.rejected(.noSuchTicket)) {
                try await sale.engine.offerTransfer(of: ticket, by: Sale.ada)
            }
        }
    }

    @Test func ticketsAreScannedAtGatesUntilTheEventIsCancelled() async throws {
        try await run { sale in
            let event = sale.order.event
            let gate = GateDetails(id: "north")
            #expect(try await sale.engine.setGate(gate, of: event, by: Sale.shop) == gate)
            let scans = [0, 0, 7].map { TicketScan(ticket: sale.ticket($0), code: sale.code($0), gate: "north") }
            let outcomes = try await sale.engine.validate(scans, in: event, by: key(3, Sale.shop))
            #expect(outcomes.map(\.result) == [.checkedIn, .alreadyCheckedIn, .unknown])
            #expect(try await sale.engine.validate(scans, in: event, by: key(3, Sale.shop)) == outcomes)
            await #expect(throws: EngineError.rejected(.scansOutOfRange(asked: 0))) {
                try await sale.engine.validate([], in: event, by: Sale.shop)
            }
            #expect(try await sale.engine.cancel(event, by: Sale.shop).status == .cancelled)
            let late = TicketScan(ticket: sale.ticket(1), code: sale.code(1))
            #expect(try await sale.engine.validate([late], in: event, by: Sale.shop).map(\.result) == [.eventCancelled])
        }
    }
}
