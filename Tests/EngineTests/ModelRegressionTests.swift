import Testing

@testable import Engine
@testable import ReferenceModel

/// What the random runs found, each in the fewest commands.
@Suite struct ModelRegressionTests {
    private static func context(_ step: UInt64) -> CommandContext {
        CommandContext(tenant: MachineFixture.tenant, now: MachineFixture.start, random: (step, step))
    }

    /// A refunded ticket's place was sold again: the two orders together have had more tickets than there are places.
    @Test func aSnapshotAfterPlacesWereSoldAgainCanBeRestored() throws {
        var subject = try MachineFixture.event(places: 2)
        for step in 0..<3 as Range<UInt64> {
            let request = ReserveRequest(first: .init(section: 0, quantity: 2))
            guard case .reservedOne(let hold, _, _, _) = subject.perform(.reserve(request), Self.context(step)) else {
                Issue.record("two places should be free")
                return
            }
            let id = HoldID(event: subject.inventory.key, reference: hold.reference, secret: hold.secret)
            _ = subject.perform(.confirm(id, paymentReference: "payment", amount: nil), Self.context(step))
            if step < 2 { _ = subject.perform(.refund(id, tickets: [], restock: true), Self.context(step)) }
        }
        let restored = try subject.inventory.restoredFromSnapshot()
        #expect(restored.digest() == subject.inventory.digest())
        #expect(restored.counts(0) == SectionCounts(total: 2, buffer: 0, reserved: 0, sold: 2))
        #expect(restored.checkInvariants() == [])
    }

    /// After a day the answers made from a hold are forgotten, and its slot still waits among those of kept answers: a
    /// snapshot that didn't say so could not be loaded.
    @Test func aSnapshotAfterAnswersWereForgottenCanBeRestored() throws {
        var subject = try MachineFixture.event(places: 10)
        func reserve(_ step: UInt64, at now: Milliseconds) throws -> HoldID {
            var context = Self.context(step)
            context.now = now
            context.idempotency = IdempotencyKey(high: step, low: ~step, fingerprint: 0)
            let answer = subject.perform(.reserve(ReserveRequest(first: .init(section: 0, quantity: 1))), context)
            guard case .reservedOne(let hold, _, _, _) = answer else { throw Rejection.reservationNotFound }
            return HoldID(event: subject.inventory.key, reference: hold.reference, secret: hold.secret)
        }
        func release(_ hold: HoldID, at now: Milliseconds) {
            var context = Self.context(9)
            context.now = now
            _ = subject.perform(.release(hold), context)
        }
        let (first, second) = (try reserve(1, at: MachineFixture.start), try reserve(2, at: MachineFixture.start))
        release(first, at: MachineFixture.start)
        release(second, at: MachineFixture.start)
        // Takes the first one's slot, and with it the answers of both are forgotten.
        let later = MachineFixture.start + InventoryLimits.idempotencyKeptMilliseconds + 1
        let third = try reserve(3, at: later)
        #expect(third.reference.slot == first.reference.slot && subject.inventory.idempotencyCount == 1)
        release(third, at: later)
        let restored = try subject.inventory.restoredFromSnapshot()
        #expect(restored.digest() == subject.inventory.digest())
    }
}
