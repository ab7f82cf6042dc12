import Testing
import WAL

@testable import Engine
@testable import ReferenceModel

/// One key, one effect, one answer; and a limit on how much is remembered.
@Suite struct ModelIdempotencyTests {
    private static let start = MachineFixture.start

    /// Keys as far apart as hashes are, so that they meet in the index as those do.
    private func key(_ number: UInt64, fingerprint: UInt64 = 0) -> IdempotencyKey {
        var random = SeededRandom(seed: number)
        return IdempotencyKey(high: random.next(), low: random.next(), fingerprint: fingerprint)
    }

    private func context(at now: Milliseconds, _ random: UInt64, _ key: IdempotencyKey?) -> CommandContext {
        CommandContext(tenant: MachineFixture.tenant, now: now, random: (random, random), idempotency: key)
    }

    private func reserve(_ quantity: UInt32) -> Command {
        .reserve(ReserveRequest(first: .init(section: 0, quantity: quantity)))
    }

    private func bytes(_ answer: Answer) -> [UInt8] {
        var buffer = RecordBuffer(capacity: 256)
        buffer.beginRecord()
        answer.encode(into: &buffer)
        buffer.endRecord()
        return buffer.withLastPayload { Array($0) }
    }

    @Test func aRetryIsAnsweredByteForByteForADay() throws {
        var subject = try MachineFixture.event(places: 10)
        let first = subject.perform(reserve(2), context(at: Self.start, 1, key(1)))
        let records = subject.records.count
        for later in [0, 1, 600_000, InventoryLimits.idempotencyKeptMilliseconds - 1] as [Milliseconds] {
            let again = subject.perform(reserve(2), context(at: Self.start + later, 2, key(1)))
            #expect(bytes(again) == bytes(first))
        }
        #expect(subject.records.count == records)
        #expect(subject.inventory.counts(0).reserved == 2)
    }

    @Test func anotherPayloadUnderTheSameKeyIsRefusedAndLeavesNothing() throws {
        var subject = try MachineFixture.event(places: 10)
        _ = subject.perform(reserve(2), context(at: Self.start, 1, key(1)))
        let digest = subject.inventory.digest()
        let other = subject.perform(reserve(3), context(at: Self.start, 2, key(1, fingerprint: 1)))
        #expect(other == .rejected(.idempotencyKeyReused))
        #expect(subject.inventory.digest() == digest)
    }

    @Test func aRefusalIsAnAnswerToo() throws {
        var subject = try MachineFixture.event(places: 2)
        guard case .reservedOne(let hold, _, _, _) = subject.perform(reserve(2), context(at: Self.start, 1, key(1)))
        else {
            Issue.record("two places should be free")
            return
        }
        let refusal = subject.perform(reserve(1), context(at: Self.start, 2, key(2)))
        #expect(refusal == .rejected(.soldOut(0, asked: 1, available: 0, buffer: 0)))
        let id = HoldID(event: subject.inventory.key, reference: hold.reference, secret: hold.secret)
        _ = subject.perform(.release(id), context(at: Self.start, 3, nil))
        #expect(subject.inventory.counts(0).available == 2)
        #expect(subject.perform(reserve(1), context(at: Self.start + 1, 4, key(2))) == refusal)
    }

    /// Ninety seconds between commands, for eight days: what is remembered stays a day's worth.
    @Test func whatIsRememberedIsBounded() throws {
        var subject = try MachineFixture.event(places: 10)
        let day = Int(InventoryLimits.idempotencyKeptMilliseconds / 90_000)
        var now = Self.start
        for number in 0..<UInt64(8 * day) {
            now += 90_000
            _ = subject.perform(.release(unknown(subject)), context(at: now, number, key(number)))
            #expect(subject.inventory.idempotencyCount <= day + 2)
        }
        // The newest day's keys are still known, by their exact answer.
        for number in UInt64(7 * day + 1)..<UInt64(8 * day) {
            #expect(try subject.inventory.remembered(key(number)) == .rejected(.reservationNotFound))
        }
        #expect(try subject.inventory.remembered(key(0)) == nil)
    }

    private func unknown(_ subject: ModelSubject) -> HoldID {
        HoldID(event: subject.inventory.key, reference: HoldReference(slot: 0, generation: 0), secret: 1)
    }

    /// Holds made and given back for a week need no more slots than a quarter of an hour has holds.
    @Test func endedHoldsGiveTheirSlotsBack() throws {
        var subject = try MachineFixture.event(places: 10)
        var now = Self.start
        var seen: Set<HoldReference> = []
        for number in 0..<7 * 24 * 60 as Range<UInt64> {
            now += 60_000
            guard case .reservedOne(let hold, _, _, _) = subject.perform(reserve(1), context(at: now, number, nil))
            else {
                Issue.record("refused at \(now)")
                return
            }
            #expect(seen.insert(hold.reference).inserted, "a reference was given out twice")
            let id = HoldID(event: subject.inventory.key, reference: hold.reference, secret: hold.secret)
            _ = subject.perform(.release(id), context(at: now, number, nil))
        }
        #expect(subject.inventory.holdSlotCount <= 17)
    }
}
