import Testing
import WAL

@testable import Engine
@testable import ReferenceModel

/// Records whose checksums are right and whose content can't have happened: a start says so, and doesn't trap.
@Suite struct FactCheckTests {
    /// A fact that can't follow on `state`, by what is said of it.
    struct Case: CustomTestStringConvertible {
        let reason: String
        let state: MachineState
        let fact: Fact
        var testDescription: String { reason }
    }

    static let reference = HoldReference(slot: 0, generation: 0)
    static let stranger = HoldReference(slot: 7, generation: 0)

    static var cases: [Case] {
        var cases = [
            Case(
                reason: "an event was created twice",
                state: .none,
                fact: .eventCreated(tenant: "shop", CodecSamples.plainEvent, at: 1)
            ),
            Case(
                reason: "an event's id or currency changed",
                state: .none,
                fact: .eventUpdated(CodecSamples.fullEvent)
            ),
            Case(
                reason: "attributes that are no members of a JSON object",
                state: .none,
                fact: .eventUpdated(
                    {
                        var details = MachineFixture.details
                        details.attributes = #""a":1,"a":2"#
                        return details
                    }()
                )
            ),
            Case(
                reason: "attributes that are no members of a JSON object",
                state: .none,
                fact: .sectionAdded(
                    {
                        var details = CodecSamples.plainSection
                        details.attributes = "x"
                        return details
                    }()
                )
            ),
            Case(
                reason: "a section that there is not",
                state: .none,
                fact: .sectionUpdated(9, CodecSamples.plainSection)
            ),
            Case(
                reason: "a price tier, or a line, that there is not",
                state: .none,
                fact: .tierUpdated(9, CodecSamples.plainTier)
            ),
            Case(
                reason: "a hold ended at no time after its beginning",
                state: .held,
                fact: .holdReleased(reference, at: MachineFixture.start - 1)
            ),
            Case(
                reason: "a deadline further away than any rule allows",
                state: .held,
                fact: .holdExtended(reference, expiresAt: .max)
            ),
            Case(
                reason: "a price tier, or a line, that there is not",
                state: .held,
                fact: .lineLocked(reference, line: 1, tier: 0, CodecSamples.lock)
            ),
            Case(
                reason: "a refund of what is not an order",
                state: .held,
                fact: .ticketsRefunded(reference, tickets: [0], restock: true)
            ),
            Case(
                reason: "refunded tickets that there are not",
                state: .confirmed,
                fact: .ticketsRefunded(reference, tickets: [2], restock: true)
            ),
            Case(
                reason: "refunded tickets that there are not",
                state: .partlyRefunded,
                fact: .ticketsRefunded(reference, tickets: [1], restock: true)
            ),
            Case(
                reason: "a slot to be used again that is in use",
                state: .held,
                fact: .endedSlotsRestored([0])
            ),
            Case(reason: "sums for reports in the wrong place", state: .held, fact: .salesRestored(SalesTotals())),
            Case(reason: "sums for reports in the wrong place", state: .none, fact: .salesSumsRestored(.section, [])),
            Case(reason: "sums for reports in the wrong place", state: .none, fact: .salesDaysRestored([])),
            Case(
                reason: "sums for reports beyond all counting",
                state: .none,
                fact: .salesRestored(CodecSamples.salesTotals)
            ),
            Case(
                reason: "an answer that can't be read",
                state: .held,
                fact: .answerRestored(CodecSamples.key, at: MachineFixture.start, [0xFF])
            ),
            Case(
                reason: "an answer at a time that no clock shows",
                state: .held,
                fact: .answerRestored(CodecSamples.key, at: .min, [8, 1] + [UInt8](repeating: 0, count: 24))
            ),
        ]
        for status in [MachineState.confirmed, .released, .expired] {
            let fact = Fact.holdExpired(reference, at: MachineFixture.deadline)
            cases.append(Case(reason: "a fact about a hold that is not live", state: status, fact: fact))
        }
        let facts: [Fact] = [
            .holdExtended(stranger, expiresAt: 0), .holdReleased(stranger, at: 0),
            .holdConfirmed(stranger, OrderBox(CodecSamples.order)),
        ]
        for fact in facts {
            cases.append(Case(reason: "a fact about a hold that is not live", state: .held, fact: fact))
        }
        return cases
    }

    @Test(arguments: cases)
    func aFactThatCannotHaveHappenedIsRefused(_ it: Case) throws {
        let fixture = try MachineFixture(it.state)
        try refuse(it.fact, after: fixture.subject.records, it.reason)
    }

    typealias Spoil = @Sendable (inout HoldState) -> Void

    static let impossibleHolds: [(reason: String, spoil: Spoil)] = [
        ("a hold began as something else", { $0.status = .released }),
        ("a section that there is not", { $0.first.section = 8 }),
        ("a section was oversold", { $0.first.quantity = 11 }),
        ("a line of no places, or of too many", { $0.first.quantity = 0 }),
        ("a line of no places, or of too many", { $0.first.quantity = .max }),
        ("a time that no clock shows", { $0.createdAt = -1 }),
        ("a deadline further away than any rule allows", { $0.expiresAt = $0.createdAt - 1 }),
        ("a price without its tier", { $0.first.lock = CodecSamples.lock }),
        ("a price tier, or a line, that there is not", { $0.first.tier = 77 }),
        ("a hold was placed beyond the slab's end", { $0.reference = stranger }),
        ("a section was oversold", { $0.rest = [$0.first, $0.first, $0.first, $0.first, $0.first] }),
    ]

    @Test(arguments: impossibleHolds)
    func aHoldThatCannotBeIsRefused(_ reason: String, _ spoil: Spoil) throws {
        let fixture = try MachineFixture(.none)
        var hold = HoldState(
            reference: Self.reference,
            secret: 1,
            customer: "ada",
            status: .held,
            createdAt: MachineFixture.start,
            expiresAt: MachineFixture.deadline,
            endedAt: 0,
            first: HoldLine(section: 0, quantity: 2),
            rest: [],
            order: nil
        )
        #expect(fixture.subject.inventory.contradiction(of: .holdPlaced(hold)) == nil)
        spoil(&hold)
        try refuse(.holdPlaced(hold), after: fixture.subject.records, reason)
    }

    /// Replays the records, then one more with the fact in it.
    private func refuse(_ fact: Fact, after records: [[UInt8]], _ reason: String) throws {
        var recovery = Recovery()
        for (index, record) in records.enumerated() {
            try record.withUnsafeBytes { try recovery.apply($0, at: LogPosition(UInt64(index + 1))) }
        }
        let event = try #require(recovery.events.keys.first)
        var buffer = RecordBuffer(capacity: 1_024)
        let decision = Decision(fact, answer: .rejected(.eventNotFound))
        buffer.append(decision, event: event, at: MachineFixture.deadline, key: nil)
        let position = LogPosition(UInt64(records.count + 1))
        #expect(throws: RecoveryError.contradiction(position: position, event: event, reason: reason)) {
            try buffer.withLastPayload { try recovery.apply($0, at: position) }
        }
    }
}
