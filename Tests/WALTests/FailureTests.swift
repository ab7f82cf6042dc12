import Glibc
import Testing

@testable import WAL

/// Every single operation of the device fails once.
@Suite struct FailureTests {
    static let operationCount: Int = {
        let device = SimulatedDevice()
        let outcome = Scenario().run(on: device)
        precondition(outcome.error == nil, "the scenario fails by itself: \(String(describing: outcome.error))")
        return device.operationCount
    }()

    @Test func scenarioDoesWhatTheseTestsNeed() {
        let device = SimulatedDevice()
        let outcome = Scenario().run(on: device)
        #expect(outcome.error == nil)
        #expect(outcome.acknowledged == 144)
        #expect(outcome.snapshot == 144)
        let operations = device.operations
        #expect(operations.contains { $0.hasPrefix("remove /log/wal-") }, "old segments are let go")
        #expect(operations.contains { $0.hasPrefix("remove /log/snap-") }, "old snapshots too")
        #expect(operations.count { $0.hasPrefix("rename /log/spare-") } >= 4, "segments are rotated")
        #expect(Scenario().problem(with: outcome, on: device.copy()) == nil)
    }

    @Test(arguments: [SimulatedDevice.Fault.fail(errno: EIO), .fail(errno: ENOSPC), .short])
    func nothingIsAcknowledgedAfterAnyFailure(fault: SimulatedDevice.Fault) {
        for number in 1...Self.operationCount {
            let device = SimulatedDevice(seed: UInt64(number))
            device.plan(fault, atOperation: number)
            let outcome = Scenario().run(on: device)
            let operation = device.operations[number - 1]
            let isHarmless = operation.hasPrefix("remove /log/snap-") && operation.hasSuffix(".tmp")
            if outcome.error == nil && !isHarmless {
                Issue.record("operation \(number), \(operation), failed and nobody said so")
            }
            #expect(!outcome.actedAfterFailure, "operation \(number), \(operation)")
            // The machine goes down with what the failure left.
            if let problem = Scenario().problem(with: outcome, on: device.crash()) {
                Issue.record("operation \(number), \(operation): \(problem)")
            }
        }
    }

    /// A failed batch stops the log: the callback once, the same error for everybody, close says it too.
    @Test(arguments: ["write batch", "sync batch"])
    func batchFailurePoisons(operation: String) throws {
        let device = SimulatedDevice()
        let log = try WriteAheadLog.open(folder: "/log", options: .small, device: device)
        _ = try log.replayAll()
        let observer = Observer()
        try log.start(observer)
        #expect(log.waitUntilDurable(try log.append(1...3), observer))
        let next = device.operationCount + (operation == "write batch" ? 1 : 2)
        device.plan(.fail(errno: EIO), atOperation: next)
        let position = try log.append(4...6)
        #expect(!log.waitUntilDurable(position, observer))
        #expect(device.operations[next - 1].hasPrefix(operation))
        #expect(observer.failures.count == 1)
        let poison = try #require(observer.failures.first)
        #expect(poison.isPoisoned)
        #expect("\(poison)".contains("Input/output error"))
        #expect("\(poison)".contains(LogFolder.segmentName(1)))
        #expect(logError { try log.append([1]) } == poison)
        #expect(logError { _ = try log.beginSnapshot(at: LogPosition(3)) } == poison)
        #expect(log.durablePosition == LogPosition(3))
        #expect(observer.watermarks == [LogPosition(3)])
        #expect(logError { try log.close() } == poison)
        #expect(device.operations.count { $0.hasPrefix("sync batch") } == (operation == "sync batch" ? 2 : 1))
    }

    @Test func fullDiskStopsTheLogAndLosesNothing() throws {
        let device = SimulatedDevice()
        device.limitCapacity(bytes: 150 << 10)
        let outcome = Scenario().run(on: device)
        let error = try #require(outcome.error)
        #expect("\(error)".contains("No space left"))
        #expect(outcome.acknowledged > 0)
        #expect(Scenario().problem(with: outcome, on: device.copy()) == nil)
        #expect(Scenario().problem(with: outcome, on: device.crash()) == nil)
    }

    @Test func readErrorIsNeverTheEndOfTheLog() throws {
        let written = try WrittenLog(batches: [3, 5, 4], isCovered: true)
        let clean = written.device.copy()
        _ = try clean.recover()
        for (index, operation) in clean.operations.enumerated() where operation.hasPrefix("read") {
            let device = written.device.copy()
            device.plan(.fail(errno: EIO), atOperation: index + 1)
            let error = logError { _ = try device.recover() }
            guard case .system(_, _, EIO)? = error else {
                Issue.record("\(operation): \(String(describing: error))")
                continue
            }
        }
    }

    @Test func snapshotThatFailsToBeWrittenCostsOnlyTheSnapshot() throws {
        let device = SimulatedDevice()
        let log = try WriteAheadLog.open(folder: "/log", options: .small, device: device)
        _ = try log.replayAll()
        let observer = Observer()
        try log.start(observer)
        #expect(log.waitUntilDurable(try log.append(1...3), observer))
        device.plan(.fail(errno: ENOSPC), atOperation: device.operationCount + 2)
        #expect(logError { try log.writeSnapshot(at: 3) } != nil)
        #expect(log.waitUntilDurable(try log.append(4...5), observer))
        try log.writeSnapshot(at: 5)
        try log.close()
        #expect(device.paths.filter { $0.contains("snap-") } == ["/log/\(LogFolder.snapshotName(5))"])
    }
}
