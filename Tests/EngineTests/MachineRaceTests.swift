import Testing

@testable import Engine
@testable import ReferenceModel

/// Two buyers, one ticket.
@Suite struct MachineRaceTests {
    private static let now = MachineFixture.start

    /// A buyer who reserves, then pays.
    private struct Buyer {
        let name: ShortText
        var hold: HoldID?
        var hasTicket = false
        var steps = 0

        mutating func step(_ subject: inout ModelSubject) {
            steps += 1
            let context = MachineRaceTests.context(name, UInt64(steps))
            if steps == 1 {
                guard case .reservedOne(let state, _, _, _) = subject.perform(MachineRaceTests.reserve(name), context)
                else { return }
                hold = HoldID(event: subject.inventory.key, reference: state.reference, secret: state.secret)
            } else if let hold {
                let answer = subject.perform(.confirm(hold, paymentReference: "payment", amount: nil), context)
                if case .order = answer { hasTicket = true }
            }
        }
    }

    private static func reserve(_ name: ShortText) -> Command {
        .reserve(ReserveRequest(customer: name, first: .init(section: 0, quantity: 1)))
    }

    private static func context(_ name: ShortText, _ step: UInt64) -> CommandContext {
        CommandContext(
            tenant: MachineFixture.tenant,
            principal: name,
            now: now,
            random: (EventKey(tenant: name, event: name).rawValue &+ step, step)
        )
    }

    /// Every order in which two buyers' two steps can follow each other.
    static let interleavings: [[Int]] = [
        [0, 0, 1, 1], [0, 1, 0, 1], [0, 1, 1, 0], [1, 0, 0, 1], [1, 0, 1, 0], [1, 1, 0, 0],
    ]

    @Test(arguments: interleavings)
    func oneOfTwoBuyersGetsTheLastTicket(order: [Int]) throws {
        var subject = try MachineFixture.event(places: 1)
        var buyers = [Buyer(name: "ada"), Buyer(name: "ben")]
        for buyer in order { buyers[buyer].step(&subject) }
        #expect(buyers.map(\.hasTicket) == [order[0] == 0, order[0] == 1], "who came first has it, nobody else")
        #expect(subject.inventory.counts(0) == SectionCounts(total: 1, buffer: 0, reserved: 0, sold: 1))
        #expect(subject.inventory.checkInvariants() == [])
    }

    // MARK: - Negative control: the same race with the protection taken out

    /// Checks for both buyers first and acts for both afterwards, as code does that awaits in between.
    private static func checkTwiceThenActTwice(_ inventory: EventInventory) throws -> [HoldState] {
        try ["ada", "ben"].map { (name: ShortText) in
            guard case .holdPlaced(let hold) = try inventory.decide(reserve(name), context(name, 1)).first else {
                throw Rejection.reservationNotFound
            }
            return hold
        }
    }

    @Test func withoutTheProtectionBothAreToldYes() throws {
        let inventory = try MachineFixture.event(places: 1).inventory
        let holds = try Self.checkTwiceThenActTwice(inventory)
        #expect(holds.map(\.quantity) == [1, 1], "both were promised the only place")
    }

    @Test func theEngineStopsRatherThanSellTwice() async throws {
        await #expect(processExitsWith: .failure) {
            var inventory = try MachineFixture.event(places: 1).inventory
            for hold in try MachineRaceTests.checkTwiceThenActTwice(inventory) { inventory.apply(.holdPlaced(hold)) }
        }
    }

    /// With the assertions of `apply` out of the way too, the recount finds the oversold section.
    @Test func theRecountFindsWhatWasSoldTwice() throws {
        var inventory = try MachineFixture.event(places: 2).inventory
        var holds = try Self.checkTwiceThenActTwice(inventory)
        holds[1].reference = HoldReference(slot: holds[0].reference.slot + 1, generation: 0)
        for hold in holds { inventory.apply(.holdPlaced(hold)) }
        #expect(inventory.checkInvariants() == [])
        inventory.sections[0].details.total = 1
        #expect(inventory.checkInvariants().contains { $0.contains("oversold") })
    }
}
