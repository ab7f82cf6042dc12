import Testing
import WAL

@testable import Engine
@testable import ReferenceModel

/// Tickets after the sale, one rule at a time; the model holds their combinations.
@Suite struct TicketTests {
    private static let start = MachineFixture.start

    /// An order of three tickets at 10.01 and 8 % tax in section 0, and of two in section 1, and everything sold by key 1.
    private struct Sale {
        var subject: ModelSubject
        var order: HoldID
        var key: IdempotencyKey
        var answer: Answer
        var now = TicketTests.start

        init() throws {
            subject = try MachineFixture.event(places: 10)
            order = HoldID(event: subject.inventory.key, reference: HoldReference(slot: 0, generation: 0), secret: 0)
            key = IdempotencyKey(high: 1, low: 1, fingerprint: 1)
            answer = .rejected(.eventNotFound)
            _ = send(.addSection(SectionDetails(id: "balcony", name: "", total: 10)))
            var tier = PriceTierDetails(name: "Odd", basePrice: 1_001)
            tier.taxBasisPoints = 800
            _ = send(.addTier(tier))
            let request = ReserveRequest(
                customer: "ada",
                first: .init(section: 0, quantity: 3, tier: 1),
                rest: [.init(section: 1, quantity: 2, tier: 1)]
            )
            guard case .reserved(let hold, _, _, _) = send(.reserve(request)) else {
                throw Rejection.reservationNotFound
            }
            order = HoldID(event: order.event, reference: hold.reference, secret: hold.secret)
            answer = send(.confirm(order, paymentReference: "paid", amount: nil), key: key)
        }

        mutating func send(_ command: Command, by customer: ShortText = .empty, key: IdempotencyKey? = nil) -> Answer {
            now += 1_000
            return subject.perform(command, context(customer, key))
        }

        func context(_ customer: ShortText = .empty, _ key: IdempotencyKey? = nil) -> CommandContext {
            let random = UInt64(now)
            return CommandContext(
                tenant: MachineFixture.tenant,
                principal: customer,
                now: now,
                random: (random, ~random),
                idempotency: key
            )
        }

        func ticket(_ index: UInt32) -> TicketID { TicketID(index, of: order) }

        func view(_ index: UInt32, by customer: ShortText = .empty) throws(Rejection) -> TicketView {
            guard case .ticket(let view) = try subject.inventory.find(.ticket(ticket(index)), context(customer)) else {
                throw .noSuchTicket
            }
            return view
        }

        mutating func scan(_ index: UInt32, _ code: TicketCode, gate: ShortText = .empty, at: Milliseconds? = nil)
            -> ScanOutcome
        {
            let scan = TicketScan(ticket: ticket(index), code: code, gate: gate, scannedAt: at)
            guard case .scanned(let outcomes, _) = send(.scan([scan], isList: false)) else { fatalError("no outcome") }
            return outcomes[0]
        }

        mutating func pass(_ index: UInt32, from: ShortText, to: ShortText) throws {
            guard
                case .ticket(let view) = send(
                    .offerTransfer(ticket(index), recipient: .empty, expiresAt: nil),
                    by: from
                ),
                case .ticket = send(.acceptTransfer(ticket(index), view.offer!.code, customer: .empty), by: to)
            else { throw Rejection.transferNotFound }
        }
    }

    /// Whatever is refunded in whatever order: the parts add up to the total.
    @Test func refundsAddUpToTheTotal() throws {
        for order in [[0, 1, 2, 3, 4], [4, 2, 0, 3, 1], [2, 1, 0, 4, 3]] as [[UInt32]] {
            var sale = try Sale()
            guard case .order(let hold, _) = sale.answer else { throw Rejection.orderNotFound }
            // 3,003 + 240 for three, 2,002 + 160 for two.
            let total: Int64 = 3_243 + 2_162
            #expect(hold.order!.state.total == total)
            var sum: Int64 = 0
            var amounts: [Int64] = []
            for ticket in order {
                guard
                    case .refunded(let after, let tickets, _, _) = sale.send(
                        .refund(sale.order, tickets: [ticket], restock: true)
                    )
                else { throw Rejection.orderNotFound }
                amounts.append(after.refundedAmount(tickets))
                sum += amounts.last!
                #expect(after.refundedAmount(after.order!.state.refunded) == sum)
            }
            #expect(sum == total)
            #expect(amounts.allSatisfy { $0 == 1_081 })
        }
    }

    /// Tax that doesn't divide is borne by the line's first tickets, as reports count it.
    @Test func everyTicketIsWorthItsShare() throws {
        let sale = try Sale()
        guard case .order(var hold, _) = sale.answer else { throw Rejection.orderNotFound }
        // 3,003 and 7.95 % of it: 239 of tax for three.
        hold.first.lock?.taxBasisPoints = 795
        let parts = [[0], [2], [1, 2], [0, 1, 2], [2, 3]].map { hold.refundedAmount($0) }
        #expect(parts == [1_081, 1_080, 2_161, 3_242, 2_161])
    }

    /// A list is applied an order at a time, a start applies its facts one by one: the state is the same.
    @Test func aListOfCheckInsIsItsCheckIns() throws {
        var sale = try Sale()
        try sale.pass(3, from: "ada", to: "ben")
        #expect(sale.scan(1, try sale.view(1).code).result == .checkedIn)
        guard
            case .reservedOne(let hold, _, _, _) = sale.send(
                .reserve(ReserveRequest(first: .init(section: 0, quantity: 2)))
            )
        else { throw Rejection.reservationNotFound }
        let other = HoldID(event: sale.order.event, reference: hold.reference, secret: hold.secret)
        guard case .order(let sold, _) = sale.send(.confirm(other, paymentReference: "paid", amount: nil)) else {
            throw Rejection.orderNotFound
        }
        let secret = sold.order!.state.ticketSecret
        var scans = try [4, 0, 3, 2, 1].map { TicketScan(ticket: sale.ticket($0), code: try sale.view($0).code) }
        scans.insert(TicketScan(ticket: TicketID(1, of: other), code: TicketCode(secret: secret, index: 1)), at: 2)
        let decision = try sale.subject.inventory.decide(.scan(scans, isList: true), sale.context())
        #expect(decision.facts.count == 5)
        var (atOnce, oneByOne) = (sale.subject.inventory, sale.subject.inventory)
        atOnce.apply(decision, isAnswered: false, skipsFirst: false)
        for fact in decision.facts { oneByOne.apply(fact) }
        #expect(atOnce.digest() == oneByOne.digest())
        #expect(atOnce.digest() != sale.subject.inventory.digest())
        for (event, name) in [(atOnce, "at once"), (oneByOne, "one by one")] {
            let order = event.hold(sale.order.reference)?.order?.state
            #expect(order?.tickets.map(\.index) == [0, 1, 2, 3, 4], "\(name)")
            #expect(order?.tickets.allSatisfy { $0.checkIn != nil } == true)
            #expect(order?.tickets[3].transfers.map(\.holder) == ["ben"])
        }
    }

    /// A date that is cancelled after tickets were sold: nothing of it is sold or handed on, and it can be refunded.
    @Test func aCancelledDateWithSales() throws {
        var sale = try Sale()
        var date = ScheduleDetails(id: "friday", startsAt: sale.now + 1, endsAt: sale.now + 90_000_000)
        _ = sale.send(.addSchedule(date))
        var section = SectionDetails(id: "terrace", name: "", total: 10)
        section.schedule = 0
        _ = sale.send(.addSection(section))
        guard
            case .reservedOne(let hold, _, _, _) = sale.send(
                .reserve(ReserveRequest(first: .init(section: 2, quantity: 2)))
            )
        else { throw Rejection.reservationNotFound }
        section.schedule = nil
        let kept = Answer.rejected(.sectionHasSales(2, reserved: 2, sold: 0))
        #expect(sale.send(.updateSection(2, section)) == kept)
        let order = HoldID(event: sale.order.event, reference: hold.reference, secret: hold.secret)
        _ = sale.send(.confirm(order, paymentReference: "paid", amount: nil))
        #expect(sale.send(.updateSection(2, section)) == .rejected(.sectionHasSales(2, reserved: 0, sold: 2)))
        section.schedule = 0
        section.total = 20
        guard case .section = sale.send(.updateSection(2, section)) else { throw Rejection.sectionNotFound }
        date.isCancelled = true
        guard case .schedule = sale.send(.updateSchedule(date, expectedVersion: nil)) else {
            throw Rejection.scheduleNotFound
        }
        let request = ReserveRequest(first: .init(section: 2, quantity: 1))
        #expect(sale.send(.reserve(request)) == .rejected(.scheduleCancelled(2)))
        let offer = Command.offerTransfer(TicketID(0, of: order), recipient: .empty, expiresAt: nil)
        #expect(sale.send(offer) == .rejected(.scheduleCancelled(2)))
        guard case .refunded = sale.send(.refund(order, tickets: [], restock: true)) else {
            throw Rejection.orderNotFound
        }
        section.schedule = nil
        guard case .section = sale.send(.updateSection(2, section)) else { throw Rejection.sectionNotFound }
    }

    @Test func aTicketChangesHandsOnceItsCodeIsTold() throws {
        var sale = try Sale()
        let old = try sale.view(1, by: "ada").code
        #expect(throws: Rejection.noSuchTicket) { try sale.view(1, by: "ben") }
        let offer = Command.offerTransfer(sale.ticket(1), recipient: "ben", expiresAt: sale.now + 60_000)
        guard case .ticket(let offered) = sale.send(offer, by: "ada"), let code = offered.offer?.code else {
            Issue.record("not offered")
            return
        }
        #expect(sale.send(offer, by: "ada") == .rejected(.transferPending))
        let wrong = TicketCode(high: code.high, low: code.low ^ 1)
        #expect(
            sale.send(.acceptTransfer(sale.ticket(1), wrong, customer: .empty), by: "ben")
                == .rejected(.transferNotFound)
        )
        let accept = Command.acceptTransfer(sale.ticket(1), code, customer: .empty)
        #expect(sale.send(accept, by: "cleo") == .rejected(.transferNotFound))
        guard case .ticket(let taken) = sale.send(accept, by: "ben") else {
            Issue.record("not taken")
            return
        }
        #expect(taken.code != old && taken.orderSecret == nil && taken.holder == "ben")
        #expect(throws: Rejection.noSuchTicket) { try sale.view(1, by: "ada") }
        #expect(try sale.view(1, by: "ben").code == taken.code)
        #expect(sale.send(accept, by: "ben") == .rejected(.transferNotFound))
        let void = sale.scan(1, old)
        #expect(void.result == .void && void.since != nil)
        #expect(sale.scan(1, taken.code).result == .checkedIn)
        #expect(
            sale.send(.offerTransfer(sale.ticket(1), recipient: .empty, expiresAt: nil), by: "ben")
                == .rejected(.ticketCheckedIn(at: sale.now - 1_000))
        )
        try keepsEverything(sale)
    }

    @Test func anOfferEnds() throws {
        var sale = try Sale()
        let end = sale.now + 10_000
        guard
            case .ticket(let offered) = sale.send(
                .offerTransfer(sale.ticket(0), recipient: .empty, expiresAt: end),
                by: "ada"
            )
        else { throw Rejection.transferNotFound }
        sale.now = end - 1_000
        let accept = Command.acceptTransfer(sale.ticket(0), offered.offer!.code, customer: "ben")
        #expect(sale.send(accept) == .rejected(.transferExpired(expiredAt: end)))
        #expect(sale.send(.withdrawTransfer(sale.ticket(0)), by: "ada") == .rejected(.transferNotFound))
        #expect(try sale.view(0).status == .issued)
        for _ in 0..<5 {
            try sale.pass(0, from: "ada", to: "ben")
            try sale.pass(0, from: "ben", to: "ada")
        }
        #expect(
            sale.send(.offerTransfer(sale.ticket(0), recipient: .empty, expiresAt: nil), by: "ada")
                == .rejected(.tooManyTransfers(limit: 10))
        )
        try keepsEverything(sale)
    }

    @Test func theFirstScanWinsAndTheSameScanIsTheSame() throws {
        var sale = try Sale()
        _ = sale.send(.setGate(GateDetails(id: "north", sections: [1], opensAt: Self.start)))
        _ = sale.send(.setGate(GateDetails(id: "south", closesAt: Self.start + 100)))
        let code = try sale.view(0).code
        let balcony = try sale.view(3).code
        #expect(sale.scan(0, code, gate: "cellar").result == .gateNotFound)
        #expect(sale.scan(0, code, gate: "north").result == .wrongGate)
        #expect(sale.scan(3, balcony, gate: "north", at: Self.start - 1).result == .gateClosed)
        #expect(sale.scan(0, code, gate: "south", at: Self.start + 100).result == .gateClosed)
        #expect(sale.scan(0, balcony).result == .unknown)
        let first = sale.scan(3, balcony, gate: "north", at: Self.start + 50)
        #expect(first.result == .checkedIn)
        #expect(sale.scan(3, balcony, gate: "north", at: Self.start + 50) == first)
        for (gate, at) in [("north", Self.start + 49), ("south", Self.start + 50)] as [(ShortText, Milliseconds)] {
            let second = sale.scan(3, balcony, gate: gate, at: at)
            #expect(second.result == .alreadyCheckedIn && second.checkIn == first.checkIn && second.scannedAt == at)
        }
        _ = sale.send(.refund(sale.order, tickets: [0], restock: true))
        #expect(sale.scan(0, code).result == .refunded)
        // Twice in one list: the second hears of the first.
        let once = TicketScan(ticket: sale.ticket(1), code: try sale.view(1).code)
        guard case .scanned(let outcomes, true) = sale.send(.scan([once, once], isList: true)) else {
            throw Rejection.noSuchTicket
        }
        #expect(outcomes.map(\.result) == [.checkedIn, .alreadyCheckedIn])
        try keepsEverything(sale)
    }

    @Test func aCancelledEventReleasesAndOwesRefunds() throws {
        var sale = try Sale()
        guard
            case .reservedOne(let hold, _, _, _) = sale.send(
                .reserve(ReserveRequest(customer: "ben", first: .init(section: 0, quantity: 2)))
            )
        else { throw Rejection.reservationNotFound }
        let id = HoldID(event: sale.order.event, reference: hold.reference, secret: hold.secret)
        guard case .event(let view) = sale.send(.cancelEvent) else { throw Rejection.eventNotFound }
        #expect(view.status == .cancelled)
        #expect(sale.send(.cancelEvent) == .rejected(.wrongEventStatus(status: .cancelled)))
        let released = Answer.rejected(.reservationNotHeld(status: .released))
        #expect(sale.send(.confirm(id, paymentReference: "late", amount: nil)) == released)
        guard case .reservation(let shown, _) = try sale.subject.inventory.find(.reservation(id), sale.context()) else {
            throw Rejection.reservationNotFound
        }
        #expect(shown.status == .released)
        #expect(sale.subject.inventory.counts(0).reserved == 2)
        let inventory = sale.subject.inventory
        let first = inventory.cancelledHolds(from: 0, slotsMax: 1, limit: 9, seatRunsMax: 9)
        #expect(first.holds.isEmpty && first.next == 1)
        let rest = inventory.cancelledHolds(from: 1, slotsMax: 9, limit: 9, seatRunsMax: 9)
        #expect(rest.holds == [hold.reference] && rest.next == nil)
        #expect(inventory.cancelledHolds(from: 0, slotsMax: 9, limit: 0, seatRunsMax: 9).next == 0)
        _ = sale.send(.expire(hold.reference))
        #expect(sale.subject.inventory.counts(0).reserved == 0)
        #expect(sale.scan(0, try sale.view(0).code).result == .eventCancelled)
        func page(_ status: OrderStatus?, start: UInt32 = 0) throws -> [UInt32] {
            let listing = OrderListing(status: status, start: start, limit: 10)
            guard case .orders(let page) = try sale.subject.inventory.find(.orders(listing), sale.context()) else {
                return []
            }
            return page.orders.map(\.reference.slot)
        }
        #expect(try page(.refundDue) == [0] && page(nil) == [0] && page(.confirmed) == [] && page(nil, start: 1) == [])
        #expect(sale.send(.restoreEvent) == .rejected(.cancelledWithSales(sold: 5)))
        _ = sale.send(.refund(sale.order, tickets: [], restock: true))
        #expect(try page(.refundDue) == [] && page(.refunded) == [0])
        guard case .event = sale.send(.restoreEvent) else { throw Rejection.eventNotFound }
        #expect(sale.subject.inventory.cancelledAt == nil)
        try keepsEverything(sale)
    }

    /// Orders of nobody that listing has to pass are passed a bounded number at a time.
    @Test func aPageOfOrdersIsBounded() throws {
        var sale = try Sale()
        for _ in 0..<5 {
            guard
                case .reservedOne(let hold, _, _, _) = sale.send(
                    .reserve(ReserveRequest(first: .init(section: 0, quantity: 1)))
                )
            else { throw Rejection.reservationNotFound }
            let id = HoldID(event: sale.order.event, reference: hold.reference, secret: hold.secret)
            _ = sale.send(.confirm(id, paymentReference: "p", amount: nil))
        }
        var start: UInt32? = 0
        var seen: [UInt32] = []
        while let next = start {
            let page = sale.subject.inventory.orders(OrderListing(start: next, limit: 2), sale.context())
            #expect(page.orders.count <= 2)
            seen += page.orders.map(\.reference.slot)
            start = page.next
        }
        #expect(seen == [0, 1, 2, 3, 4, 5])
        let own = sale.subject.inventory.orders(OrderListing(start: 0, limit: 9), sale.context("ada"))
        #expect(own.orders.map(\.reference.slot) == [0])
        #expect(sale.subject.inventory.orders(OrderListing(start: 0, limit: 9), sale.context("zoe")).orders.isEmpty)
    }

    /// The answer to the sale is the same as it was, the state comes back from its snapshot and from its log.
    private func keepsEverything(_ sale: Sale) throws {
        #expect(try sale.subject.inventory.remembered(sale.key) == sale.answer)
        let restored = try sale.subject.inventory.restoredFromSnapshot()
        #expect(restored.digest() == sale.subject.inventory.digest())
        #expect(try restored.remembered(sale.key) == sale.answer)
        #expect(restored.checkInvariants() == [])
        var replay = ModelReplay(shards: 1)
        for record in sale.subject.records { try replay.apply(record) }
        #expect(replay.event(sale.order.event)?.digest() == sale.subject.inventory.digest())
    }
}
