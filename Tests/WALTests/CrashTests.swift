import Testing

@testable import WAL

/// The power fails at every single operation, and again during the recovery from it.
@Suite struct CrashTests {
    @Test(arguments: [(1, 512), (2, 512), (3, 4096)] as [(UInt64, Int)])
    func everyOperation(seed: UInt64, sectorBytes: Int) {
        for number in 1...FailureTests.operationCount {
            let device = SimulatedDevice(seed: seed &* 1000 &+ UInt64(number), sectorBytes: sectorBytes)
            device.plan(.crash, atOperation: number)
            let outcome = Scenario().run(on: device)
            #expect(outcome.error != nil)
            let operation = device.operations[number - 1]
            if let problem = Scenario().problem(with: outcome, on: device.crash()) {
                Issue.record("crash at operation \(number), \(operation): \(problem)")
            }
        }
    }

    /// Segments are used again and spares are made by a thread of their own: not the same operations every time, the
    /// same promise.
    @Test func everyOperationWithSparesAndRecycling() {
        var scenario = Scenario()
        scenario.options.spareSegments = 1
        scenario.options.idleCoverMilliseconds = 1
        var hasRecycled = false
        for number in 1...FailureTests.operationCount + 40 {
            let device = SimulatedDevice(seed: 77 &+ UInt64(number))
            device.plan(.crash, atOperation: number)
            let outcome = scenario.run(on: device)
            hasRecycled = hasRecycled || device.operations.contains { $0.hasPrefix("rename /log/wal-") }
            if let problem = scenario.problem(with: outcome, on: device.crash()) {
                Issue.record("crash at operation \(number): \(problem)")
            }
        }
        #expect(hasRecycled)
    }

    /// Crash, start again, crash during that, and so on: what was acknowledged by any of them stays.
    @Test(arguments: 1...40)
    func againAndAgain(seed: UInt64) {
        var random = SimulatedRandom(seed: seed)
        var scenario = Scenario()
        scenario.appendsPerSession = 9
        var device = SimulatedDevice(seed: seed)
        var total = Scenario.Outcome()
        for _ in 0..<6 {
            device.plan(.crash, atOperation: 1 + random.below(FailureTests.operationCount / 2))
            let outcome = scenario.run(on: device)
            total.acknowledged = max(total.acknowledged, outcome.acknowledged)
            total.appended = max(total.appended, outcome.appended)
            total.snapshot = max(total.snapshot, outcome.snapshot)
            device = device.crash()
            if let problem = scenario.problem(with: total, on: device) {
                Issue.record("seed \(seed): \(problem)")
                return
            }
            device = device.crash()
        }
    }

    /// The control: on a disk that lies about syncs the same comparison finds a loss.
    @Test func lyingDiskIsNoticed() {
        let losses = (1...20 as ClosedRange<UInt64>).count { seed in
            let device = SimulatedDevice(seed: seed)
            device.ignoreSyncs()
            let outcome = Scenario().run(on: device)
            return Scenario().problem(with: outcome, on: device.crash()) != nil
        }
        #expect(losses > 0)
    }
}
