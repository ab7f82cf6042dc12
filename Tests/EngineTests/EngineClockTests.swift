import Synchronization
import Testing

@testable import Engine

/// The engine's time, whatever is done to the system's clock.
@Suite struct EngineClockTests {
    private final class Machine: Sendable {
        static let start: Milliseconds = 1_800_000_000_000
        let system = Atomic<Int64>(Machine.start * 1_000)
        let monotonic = Atomic<Int64>(77_000_000)

        func clock() -> EngineClock {
            EngineClock(
                system: { self.system.load(ordering: .relaxed) },
                monotonic: { self.monotonic.load(ordering: .relaxed) }
            )
        }

        func pass(_ milliseconds: Milliseconds) {
            system.add(milliseconds * 1_000, ordering: .relaxed)
            monotonic.add(milliseconds * 1_000, ordering: .relaxed)
        }

        func setSystem(by milliseconds: Milliseconds) { system.add(milliseconds * 1_000, ordering: .relaxed) }
    }

    @Test func aClockSetBackNeitherStopsTheTimeNorTurnsItBack() {
        let machine = Machine()
        let clock = machine.clock()
        machine.setSystem(by: -3_600_000)
        #expect(clock.now() == Machine.start)
        machine.pass(1_500)
        #expect(clock.now() == Machine.start + 1_500)
        #expect(clock.aheadMilliseconds == 3_600_000)
        machine.setSystem(by: 3_600_000)
        #expect(clock.now() == Machine.start + 1_500)
        #expect(clock.aheadMilliseconds == 0)
    }

    @Test func aClockSetForwardIsBelieved() {
        let machine = Machine()
        let clock = machine.clock()
        machine.setSystem(by: 86_400_000)
        #expect(clock.now() == Machine.start + 86_400_000)
        #expect(clock.aheadMilliseconds == 0)
    }

    @Test func theTimeGoesOnBehindTheLastRecord() {
        let machine = Machine()
        let clock = machine.clock()
        #expect(clock.goOn(from: Machine.start - 1) == 0)
        #expect(clock.goOn(from: Machine.start + 31_536_000_000) == 31_536_000_000)
        machine.pass(20)
        #expect(clock.now() == Machine.start + 31_536_000_020)
    }

    @Test(arguments: [Int64.min, -1, 253_402_300_800_000_000, .max])
    func absurdTimesAreNotBelieved(system: Int64) {
        let machine = Machine()
        machine.system.store(system, ordering: .relaxed)
        let clock = machine.clock()
        #expect((0...EngineClock.latest).contains(clock.now()))
    }
}
