import Testing

@testable import Engine
@testable import ReferenceModel

/// A customer with many reservations: what is added up is what a walk would find, and no walk is needed.
@Suite struct CustomerTallyTests {
    /// An event on sale with two tiers, at which everybody buys much.
    private struct Office {
        var subject: ModelSubject
        var now = MachineFixture.start
        private var random: UInt64 = 0

        init() throws {
            subject = try MachineFixture.event(places: 1_000_000)
            _ = send(.addSection(SectionDetails(id: "balcony", name: "", total: 1_000_000)))
            _ = send(.addTier(PriceTierDetails(name: "Half", basePrice: 500)))
        }

        mutating func send(_ command: Command) -> Answer {
            random += 1
            return subject.perform(
                command,
                CommandContext(tenant: MachineFixture.tenant, now: now, random: (random, ~random))
            )
        }

        mutating func reserve(
            _ quantity: UInt32 = 1,
            tier: TierNumber? = 0,
            by customer: ShortText = "counter",
            rest: [ReserveRequest.Line] = []
        ) throws -> HoldID {
            let request = ReserveRequest(
                customer: customer,
                first: .init(section: 0, quantity: quantity, tier: tier),
                rest: rest
            )
            let answer = send(.reserve(request))
            switch answer {
            case .reservedOne(let hold, _, _, _), .reserved(let hold, _, _, _):
                return HoldID(event: subject.inventory.key, reference: hold.reference, secret: hold.secret)
            case .rejected(let rejection): throw rejection
            default: throw Rejection.reservationNotFound
            }
        }

        mutating func limit(_ tier: TierNumber, perCustomer limit: UInt32) {
            var details = subject.inventory.tierView(tier).details
            details.maxPerCustomer = limit
            _ = send(.updateTier(tier, details))
        }
    }

    @Test func itIsWhatAWalkFindsAtEveryStep() throws {
        for seed in 1...3 as ClosedRange<UInt64> {
            var office = try Office()
            var random = SeededRandom(seed: seed)
            var held: [HoldID] = []
            var orders: [HoldID] = []
            for step in 0..<400 {
                // Much is made first and ended in the end, so that tallies come and go.
                switch random.below(step < 200 ? 10 : 30) {
                case 0..<5:
                    let rest = [ReserveRequest.Line(section: 1, quantity: 2, tier: TierNumber(random.below(2)))]
                    let tier = [nil, 0, 1][random.below(3)] as TierNumber?
                    let id = try office.reserve(
                        UInt32(1 + random.below(3)),
                        tier: tier,
                        by: random.chance(90) ? "counter" : "ada",
                        rest: random.chance(30) ? rest : []
                    )
                    held.append(id)
                case 5: if let id = held.last { _ = office.send(.lockPrice(id, tier: 1)) }
                case 6, 7:
                    if !held.isEmpty {
                        let id = held.remove(at: random.below(held.count))
                        _ = office.send(.confirm(id, paymentReference: "p", amount: nil))
                        orders.append(id)
                    }
                case 8:
                    if !orders.isEmpty {
                        let id = orders[random.below(orders.count)]
                        let tickets = random.chance(50) ? [] : [UInt32(random.below(3))]
                        _ = office.send(.refund(id, tickets: tickets, restock: random.chance(50)))
                    }
                default: if !held.isEmpty { _ = office.send(.release(held.remove(at: random.below(held.count)))) }
                }
                let broken = office.subject.inventory.checkTallies()
                guard broken.isEmpty else {
                    Issue.record("seed \(seed), step \(step): \(broken)")
                    return
                }
            }
            #expect(office.subject.inventory.checkInvariants() == [])
            #expect(try office.subject.inventory.restoredFromSnapshot().checkInvariants() == [])
        }
    }

    @Test func aTallyComesWithManyHoldsAndGoesWithThem() throws {
        var office = try Office()
        var holds: [HoldID] = []
        for number in 1...40 {
            holds.append(try office.reserve())
            #expect(office.subject.inventory.tallies.count == (number < 32 ? 0 : 1))
        }
        for left in (0..<40).reversed() {
            _ = office.send(.release(holds.removeLast()))
            #expect(office.subject.inventory.tallies.count == (left < 16 ? 0 : 1))
        }
        #expect(office.subject.inventory.checkTallies() == [])
    }

    /// A limit that is set or changed later counts what was bought before, in a state that was read back too.
    @Test func aLimitSetLaterCountsThePast() throws {
        var office = try Office()
        var orders: [HoldID] = []
        for _ in 0..<50 {
            let id = try office.reserve(2)
            _ = office.send(.confirm(id, paymentReference: "p", amount: nil))
            orders.append(id)
        }
        _ = office.send(.refund(orders[7], tickets: [1], restock: true))
        office.limit(0, perCustomer: 100)
        #expect(throws: Rejection.overCustomerLimit(0, asked: 2, held: 99, limit: 100)) { try office.reserve(2) }
        office.subject = ModelSubject(continuing: try office.subject.inventory.restoredFromSnapshot())
        #expect(throws: Rejection.overCustomerLimit(0, asked: 2, held: 99, limit: 100)) { try office.reserve(2) }
        let last = try office.reserve(1)
        #expect(throws: Rejection.overCustomerLimit(0, asked: 1, held: 100, limit: 100)) { try office.reserve(1) }
        // What asks doesn't count against itself.
        guard case .order = office.send(.confirm(last, paymentReference: "p", amount: nil)) else {
            throw Rejection.orderNotFound
        }
        let unpriced = try office.reserve(5, tier: nil)
        office.limit(0, perCustomer: 104)
        #expect(
            office.send(.confirm(unpriced, paymentReference: "p", amount: nil))
                == .rejected(.overCustomerLimit(0, asked: 5, held: 100, limit: 104))
        )
        office.limit(0, perCustomer: 105)
        guard case .order = office.send(.confirm(unpriced, paymentReference: "p", amount: nil)) else {
            throw Rejection.orderNotFound
        }
    }

    /// What thousands of reservations cost, against a customer's first one: a walk would cost thousands of times as much.
    @Test func manyReservationsCostAboutWhatOneDoes() throws {
        var office = try Office()
        office.limit(0, perCustomer: 1_000_000)
        for _ in 0..<9_000 { _ = try office.reserve() }
        func time(_ customer: ShortText) throws -> Duration {
            let request = ReserveRequest(customer: customer, first: .init(section: 0, quantity: 1, tier: 0))
            let context = CommandContext(tenant: MachineFixture.tenant, now: office.now, random: (1, 2))
            return try (0..<5).map { _ in
                try ContinuousClock().measure {
                    for _ in 0..<20 { _ = try office.subject.inventory.decide(.reserve(request), context) }
                }
            }.min()!
        }
        _ = try office.reserve(by: "ada")
        let one = try time("ada")
        let many = try time("counter")
        #expect(many < one * 20, "\(many) against \(one)")
    }

    @Test func aCustomerHasALimitOfTheirOwn() throws {
        var office = try Office()
        let first = try office.reserve()
        for _ in 1..<10_000 { _ = try office.reserve() }
        #expect(throws: Rejection.customerReservationLimit(held: 10_000, limit: 10_000)) { try office.reserve() }
        _ = try office.reserve(by: "ada")
        _ = try office.reserve(by: .empty)
        _ = office.send(.release(first))
        _ = try office.reserve()
    }

    /// A customer's own orders are found in their chain: those of others, however many, are not looked at.
    @Test func ownOrdersAreFoundAmongMany() throws {
        var office = try Office()
        var mine: [UInt32] = []
        for number in 0..<40_000 {
            let isMine = [3, 4, 39_990].contains(number)
            let id = try office.reserve(by: isMine ? "ada" : .empty)
            guard isMine else { continue }
            _ = office.send(.confirm(id, paymentReference: "p", amount: nil))
            mine.append(id.reference.slot)
        }
        let held = try office.reserve(by: "ada")
        let context = CommandContext(
            tenant: MachineFixture.tenant,
            principal: "ada",
            now: office.now,
            random: (1, 2)
        )
        let whole = office.subject.inventory.orders(OrderListing(limit: 9), context)
        #expect(whole.orders.map(\.reference.slot) == mine && whole.next == nil)
        #expect(!whole.orders.contains { $0.reference == held.reference })
        let first = office.subject.inventory.orders(OrderListing(limit: 2), context)
        #expect(first.orders.map(\.reference.slot) == Array(mine.prefix(2)) && first.next == mine[2])
        let last = office.subject.inventory.orders(OrderListing(start: mine[2], limit: 2), context)
        #expect(last.orders.map(\.reference.slot) == [mine[2]] && last.next == nil)
    }
}
