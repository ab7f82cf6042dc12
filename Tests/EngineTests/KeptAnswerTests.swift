import Testing
import WAL

@testable import Engine
@testable import ReferenceModel

/// A kept answer is a few numbers and a reference to its hold: whatever becomes of the hold, the retry hears the same.
@Suite struct KeptAnswerTests {
    private static let start = MachineFixture.start

    private func context(at now: Milliseconds, _ number: UInt64) -> CommandContext {
        CommandContext(
            tenant: MachineFixture.tenant,
            now: now,
            random: (number, ~number),
            idempotency: IdempotencyKey(high: number, low: number &* 0x9e37_79b9_7f4a_7c15, fingerprint: number)
        )
    }

    private func bytes(_ answer: Answer) -> [UInt8] {
        var buffer = RecordBuffer(capacity: 256)
        buffer.beginRecord()
        answer.encode(into: &buffer)
        return buffer.withLastPayload { Array($0) }
    }

    /// Commands under keys 1, 2, …, one second apart; after each one, every answer so far is asked for again.
    private func run(_ commands: [(HoldID) -> Command]) throws {
        var subject = try MachineFixture.event(places: 10)
        _ = subject.perform(
            .addSection(SectionDetails(id: "balcony", name: "", total: 10)),
            context(at: Self.start, 99)
        )
        let request = ReserveRequest(
            customer: "ada",
            first: .init(section: 0, quantity: 2),
            rest: [.init(section: 1, quantity: 1, tier: 0)]
        )
        var answers = [subject.perform(.reserve(request), context(at: Self.start, 1))]
        guard case .reserved(let hold, _, _, _) = answers[0] else {
            Issue.record("refused: \(answers[0])")
            return
        }
        let id = HoldID(event: subject.inventory.key, reference: hold.reference, secret: hold.secret)
        for command in commands {
            let number = UInt64(answers.count + 1)
            let now = Self.start + Milliseconds(number) * 1_000
            answers.append(subject.perform(command(id), context(at: now, number)))
            let restored = try subject.inventory.restoredFromSnapshot()
            #expect(restored.digest() == subject.inventory.digest())
            for (index, answer) in answers.enumerated() {
                let key = context(at: 0, UInt64(index + 1)).idempotency!
                #expect(try subject.inventory.remembered(key).map(bytes) == bytes(answer))
                #expect(try restored.remembered(key).map(bytes) == bytes(answer))
            }
        }
    }

    @Test func soldAndRefunded() throws {
        try run([
            { .extend($0, seconds: 30) },
            { .lockPrice($0, tier: nil) },
            { .lockPrice($0, tier: nil) },
            { .extend($0, seconds: 30) },
            { .confirm($0, paymentReference: "payment", amount: nil) },
            { .refund($0, tickets: [1], restock: true) },
            { .refund($0, tickets: [], restock: false) },
            { .release($0) },
        ])
    }

    @Test func givenBack() throws {
        try run([
            { .extend($0, seconds: 30) }, { .release($0) }, { .release($0) },
            { .confirm($0, paymentReference: "late", amount: nil) },
        ])
    }

    /// The slot stays for as long as the answer; a hold nobody may ask about again gives it back after a quarter hour.
    @Test(arguments: [true, false])
    func aSlotOutlastsTheAnswersAboutIt(isKeyed: Bool) throws {
        var subject = try MachineFixture.event(places: 10)
        var first = context(at: Self.start, 1)
        if !isKeyed { first.idempotency = nil }
        let answer = subject.perform(.reserve(ReserveRequest(first: .init(section: 0, quantity: 1))), first)
        guard case .reservedOne(let hold, _, _, _) = answer else {
            Issue.record("refused: \(answer)")
            return
        }
        let id = HoldID(event: subject.inventory.key, reference: hold.reference, secret: hold.secret)
        var release = context(at: Self.start, 2)
        release.idempotency = nil
        _ = subject.perform(.release(id), release)
        let kept =
            isKeyed ? InventoryLimits.idempotencyKeptMilliseconds + 1 : InventoryLimits.endedHoldKeptMilliseconds
        #expect(subject.inventory.holds.vacancy(at: Self.start + kept - 1)?.slot == 1)
        #expect(subject.inventory.holds.vacancy(at: Self.start + kept) == HoldReference(slot: 0, generation: 1))
        if isKeyed {
            #expect(try subject.inventory.remembered(first.idempotency!) == answer)
            let later = CommandContext(tenant: MachineFixture.tenant, now: Self.start + kept, random: (3, 3))
            _ = subject.perform(.reserve(ReserveRequest(first: .init(section: 0, quantity: 1))), later)
            #expect(try subject.inventory.remembered(first.idempotency!) == nil)
        }
    }

    /// A reader that knows whole answers only is told by the flags, and in snapshots by the fact's kind.
    @Test func aReferenceIsMarkedAsOne() throws {
        var subject = try MachineFixture.event(places: 10)
        let request = ReserveRequest(first: .init(section: 0, quantity: 1))
        _ = subject.perform(.reserve(request), context(at: Self.start, 1))
        _ = subject.perform(.reserve(ReserveRequest(first: .init(section: 9, quantity: 1))), context(at: Self.start, 2))
        let flags = subject.records.suffix(2).map { $0[16] }
        #expect(flags == [3, 1])
        var kinds: [UInt8] = []
        subject.inventory.visitSnapshotFacts { fact in
            guard case .answerRestored = fact else { return }
            var buffer = RecordBuffer(capacity: 256)
            buffer.beginRecord()
            fact.encode(into: &buffer)
            kinds.append(buffer.withLastPayload { $0[0] })
        }
        #expect(kinds == [20, 18])
        var contradiction = subject.records[subject.records.count - 1]
        contradiction[16] = 3
        #expect(throws: RecordDecoder.Malformed.self) { try EventRecord(bytes: contradiction) }
    }

    @Test func aReservationsAnswerIsSmall() throws {
        var subject = try MachineFixture.event(places: 10_000_000)
        _ = subject.perform(
            .reserve(ReserveRequest(customer: "ada", first: .init(section: 0, quantity: 1, tier: 0))),
            context(at: Self.start, 1)
        )
        let record = try EventRecord(bytes: subject.records[subject.records.count - 1])
        #expect(record.answer.count <= 20)
    }
}
