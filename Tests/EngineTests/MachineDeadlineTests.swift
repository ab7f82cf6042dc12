import Testing

@testable import Engine
@testable import ReferenceModel

/// The timing wheel against a plain dictionary of deadlines.
@Suite struct MachineDeadlineTests {
    private static let start: Milliseconds = 1_800_000_000_000

    /// Near the wheel's own boundaries as well as anywhere.
    private static func wait(_ random: inout SeededRandom) -> Milliseconds {
        let spans: [Milliseconds] = [0, 1, 2, 4_095, 4_096, 4_097, 900_000, 4_096 * 1_023, 4_096 * 1_024, 86_400_000]
        let span = random.one(of: spans)
        return random.chance(50) ? span : Milliseconds(random.below(Int(span) + 1))
    }

    /// Every hold is looked at when its deadline has come: never earlier, never forgotten, extended or not.
    @Test(arguments: [1, 2, 3] as [UInt64])
    func nothingIsForgottenAndNothingComesEarly(seed: UInt64) {
        var random = SeededRandom(seed: seed)
        var now = Self.start
        var wheel = DeadlineWheel(now: now)
        var deadlines: [HoldReference: Milliseconds] = [:]
        var slots: UInt32 = 0
        for round in 0..<1_500 {
            for _ in 0..<random.below(4) {
                let hold = HoldReference(slot: slots, generation: 0)
                slots += 1
                deadlines[hold] = now + Self.wait(&random)
                wheel.add(.init(event: 0, hold: hold), deadline: deadlines[hold]!)
            }
            // Extended and ended holds are not reported to the wheel.
            for (hold, deadline) in deadlines.sorted(by: { $0.key.slot < $1.key.slot }) {
                if random.chance(3) { deadlines[hold] = deadline + Self.wait(&random) }
                if random.chance(1) { deadlines[hold] = nil }
            }
            now += random.chance(90) ? Milliseconds(random.below(3_000)) : Self.wait(&random)
            wheel.advance(to: now) { deadlines[$0.hold] }
            while let entry = wheel.popDue() {
                guard let deadline = deadlines[entry.hold] else { continue }
                if deadline > now { wheel.add(entry, deadline: deadline) } else { deadlines[entry.hold] = nil }
            }
            let late = deadlines.filter { $0.value <= now }
            guard late.isEmpty else {
                Issue.record("seed \(seed), round \(round): \(late) not looked at by \(now)")
                return
            }
        }
    }
}
