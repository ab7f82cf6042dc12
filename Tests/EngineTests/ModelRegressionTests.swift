import Testing

@testable import Engine

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
}
