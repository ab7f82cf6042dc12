import Testing

@testable import Engine

/// Holds that end long before their deadline leave nothing behind that grows.
@Suite struct DeadlineSweepTests {
    @Test(arguments: [2_000, 900_000, 86_400_000] as [Milliseconds])
    func entriesOfEndedHoldsAreSweptOut(span: Milliseconds) {
        var now: Milliseconds = 1_800_000_000_000
        var wheel = DeadlineWheel(now: now)
        var live: [UInt32: Milliseconds] = [:]
        for slot in 0..<60_000 as Range<UInt32> {
            now += 1
            wheel.advance(to: now) { live[$0.hold.slot] }
            while let entry = wheel.popDue() { live[entry.hold.slot] = nil }
            live[slot] = now + span
            wheel.add(.init(event: 7, hold: HoldReference(slot: slot, generation: 3)), deadline: now + span)
            if slot % 16 != 0, live.removeValue(forKey: slot - 1) != nil {
                wheel.noteEnded { live[$0.hold.slot] }
            }
            #expect(wheel.count <= 2 * live.count + 6_000)
        }
        // Whoever is still there is still looked at.
        wheel.advance(to: now + span) { live[$0.hold.slot] }
        while let entry = wheel.popDue() { live[entry.hold.slot] = nil }
        #expect(live.isEmpty)
        #expect(wheel.count == 0)
    }

    @Test func anEntryKeepsItsNumbers() {
        var wheel = DeadlineWheel(now: 0)
        let entry = DeadlineWheel.Entry(
            event: UInt32(InventoryLimits.eventsPerShardMax - 1),
            hold: HoldReference(slot: UInt32(InventoryLimits.holdsPerEventMax - 1), generation: 0xf_ffff)
        )
        wheel.add(entry, deadline: 0)
        #expect(wheel.popDue() == entry)
        #expect(
            DeadlineWheel.Entry(event: 0, hold: HoldReference(slot: 0, generation: .max)).hold.generation == 0xf_ffff
        )
    }
}
