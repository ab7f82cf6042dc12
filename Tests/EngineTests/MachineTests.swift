import Testing

@testable import Engine
@testable import ReferenceModel

/// A reservation's life as a table: every command in every state, and what comes of it.
@Suite struct MachineTests {
    /// The table. It has no default: a new state or command doesn't compile until its pairs are written here.
    static func expected(_ state: MachineState, _ command: MachineCommand) -> MachineOutcome {
        let overdue = MachineOutcome.refused(.reservationExpired(expiredAt: MachineFixture.deadline))
        return switch (state, command) {
        case (.none, .reserveRetry): .facts(["holdPlaced"])
        case (.none, .lockPrice), (.none, .extend), (.none, .confirm), (.none, .release):
            .refused(.reservationNotFound)
        case (.none, .expire): .refused(.reservationNotFound)
        case (.none, .refund): .refused(.orderNotFound)

        case (.held, .reserveRetry): .firstAnswer
        case (.held, .lockPrice): .facts(["lineLocked"])
        case (.held, .extend): .facts(["holdExtended"])
        case (.held, .confirm): .facts(["lineLocked", "holdConfirmed"])
        case (.held, .release): .facts(["holdReleased"])
        case (.held, .refund): .refused(.orderNotFound)
        case (.held, .expire): .refused(.reservationNotFound)

        case (.overdue, .reserveRetry): .firstAnswer
        case (.overdue, .lockPrice), (.overdue, .extend), (.overdue, .confirm), (.overdue, .release): overdue
        case (.overdue, .refund): .refused(.orderNotFound)
        case (.overdue, .expire): .facts(["holdExpired"])

        case (.locked, .reserveRetry): .firstAnswer
        case (.locked, .lockPrice): .unchanged
        case (.locked, .extend): .facts(["holdExtended"])
        case (.locked, .confirm): .facts(["holdConfirmed"])
        case (.locked, .release): .facts(["holdReleased"])
        case (.locked, .refund): .refused(.orderNotFound)
        case (.locked, .expire): .refused(.reservationNotFound)

        case (.confirmed, .reserveRetry), (.partlyRefunded, .reserveRetry), (.refunded, .reserveRetry): .firstAnswer
        case (.confirmed, .lockPrice), (.confirmed, .extend), (.confirmed, .confirm), (.confirmed, .release),
            (.partlyRefunded, .lockPrice), (.partlyRefunded, .extend), (.partlyRefunded, .confirm),
            (.partlyRefunded, .release),
            (.refunded, .lockPrice), (.refunded, .extend), (.refunded, .confirm), (.refunded, .release):
            .refused(.reservationNotHeld(status: .confirmed))
        case (.confirmed, .refund), (.partlyRefunded, .refund): .facts(["ticketsRefunded"])
        case (.refunded, .refund): .refused(.ticketRefunded(index: 0))
        case (.confirmed, .expire), (.partlyRefunded, .expire), (.refunded, .expire): .refused(.reservationNotFound)

        case (.released, .reserveRetry): .firstAnswer
        case (.released, .lockPrice), (.released, .extend), (.released, .confirm), (.released, .release):
            .refused(.reservationNotHeld(status: .released))
        case (.released, .refund): .refused(.orderNotFound)
        case (.released, .expire): .refused(.reservationNotFound)

        case (.expired, .reserveRetry): .firstAnswer
        case (.expired, .lockPrice), (.expired, .extend), (.expired, .confirm), (.expired, .release): overdue
        case (.expired, .refund): .refused(.orderNotFound)
        case (.expired, .expire): .refused(.reservationNotFound)

        case (.calledOff, .reserveRetry): .firstAnswer
        case (.calledOff, .lockPrice), (.calledOff, .extend), (.calledOff, .confirm), (.calledOff, .release):
            .refused(.reservationNotHeld(status: .released))
        case (.calledOff, .refund): .refused(.orderNotFound)
        case (.calledOff, .expire): .facts(["holdReleased"])

        // By the time a slot is used again its answers may be forgotten: the key is new.
        case (.staleGeneration, .reserveRetry): .facts(["holdPlaced"])
        case (.staleGeneration, .lockPrice), (.staleGeneration, .extend), (.staleGeneration, .confirm),
            (.staleGeneration, .release):
            .refused(.reservationNotFound)
        case (.staleGeneration, .refund): .refused(.orderNotFound)
        case (.staleGeneration, .expire): .refused(.reservationNotFound)
        }
    }

    @Test(arguments: MachineState.allCases, MachineCommand.allCases)
    func everyPair(state: MachineState, command: MachineCommand) throws {
        var fixture = try MachineFixture(state)
        let digest = fixture.subject.inventory.digest()
        let outcome = try fixture.perform(command)
        #expect(outcome == Self.expected(state, command))
        #expect(fixture.subject.inventory.checkInvariants() == [])
        if case .facts = outcome {
            #expect(fixture.subject.inventory.digest() != digest)
        } else {
            #expect(fixture.subject.inventory.digest() == digest, "what was refused left a trace")
        }
    }

    /// Places by state: (reserved, sold) of the reservation's two, with a stranger's two where the slot was taken.
    @Test(arguments: MachineState.allCases)
    func everyStateHoldsThePlacesItShould(state: MachineState) throws {
        let (reserved, sold): (UInt32, UInt32) =
            switch state {
            case .none, .released, .expired, .refunded: (0, 0)
            case .held, .overdue, .locked, .calledOff, .staleGeneration: (2, 0)
            case .confirmed: (0, 2)
            case .partlyRefunded: (0, 1)
            }
        let counts = try MachineFixture(state).subject.inventory.counts(0)
        #expect(counts == SectionCounts(total: 10, buffer: 0, reserved: reserved, sold: sold))
    }

    /// The deadline itself is too late, the millisecond before it is not.
    @Test(arguments: [-1, 0, 1] as [Milliseconds])
    func theDeadlineIsExclusive(offset: Milliseconds) throws {
        let fixture = try MachineFixture(.locked)
        var subject = fixture.subject
        let context = CommandContext(
            tenant: MachineFixture.tenant,
            now: MachineFixture.deadline + offset,
            random: (8, 9)
        )
        let answer = subject.perform(.confirm(fixture.id, paymentReference: "payment", amount: 2_000), context)
        if offset < 0 {
            guard case .order(let hold, _) = answer else {
                Issue.record("refused in time: \(answer)")
                return
            }
            #expect(hold.order?.state.total == 2_000)
        } else {
            #expect(answer == .rejected(.reservationExpired(expiredAt: MachineFixture.deadline)))
        }
    }

    /// Whoever isn't the holder is told what somebody is told who guessed the id.
    @Test(arguments: MachineCommand.allCases.filter { $0 != .reserveRetry && $0 != .expire })
    func aStrangerSeesNothing(command: MachineCommand) throws {
        let fixture = try MachineFixture(command == .refund ? .confirmed : .held)
        let request: Command =
            switch command {
            case .lockPrice: .lockPrice(fixture.id, tier: nil)
            case .extend: .extend(fixture.id, seconds: 60)
            case .confirm: .confirm(fixture.id, paymentReference: "payment", amount: nil)
            case .release: .release(fixture.id)
            case .refund, .reserveRetry, .expire: .refund(fixture.id, tickets: [], restock: true)
            }
        let stranger = CommandContext(
            tenant: MachineFixture.tenant,
            principal: "ben",
            now: fixture.now,
            random: (8, 9)
        )
        let refusal: Rejection = command == .refund ? .orderNotFound : .reservationNotFound
        #expect(throws: refusal) { try fixture.subject.inventory.decide(request, stranger) }
    }
}
