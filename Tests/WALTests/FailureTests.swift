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

    /// Either the log stops, says so and acknowledges nothing more, or only a snapshot failed and the log goes on. The
    /// machine then goes down, and the next start finds everything and leaves nothing unfinished behind.
    @Test(arguments: [SimulatedDevice.Fault.fail(errno: EIO), .fail(errno: ENOSPC), .short])
    func everyOperation(fault: SimulatedDevice.Fault) throws {
        var harmless = 0
        for number in 1...Self.operationCount {
            let device = SimulatedDevice(seed: UInt64(number))
            device.plan(fault, atOperation: number)
            let outcome = Scenario().run(on: device)
            let name = "operation \(number), \(device.operations[number - 1])"
            if Self.costsOnlyTheSnapshot(number, in: device.operations) {
                harmless += 1
                #expect(outcome.error == nil && outcome.snapshotErrors.count == 1, "\(name) stopped the log")
                #expect(outcome.acknowledged == 144, "\(name)")
            } else {
                #expect(outcome.error != nil, "\(name) failed and nobody said so")
                #expect(!outcome.actedAfterFailure, "\(name)")
            }
            let survivor = device.crash()
            if let problem = Scenario().problem(with: outcome, on: survivor) { Issue.record("\(name): \(problem)") }
            let next = try survivor.appendInNewSession()
            let unfinished = survivor.paths.filter { $0.hasSuffix(".tmp") }
            #expect(unfinished.isEmpty, "\(name) left \(unfinished)")
            #expect(try survivor.recover(from: next).found == records(next...next), "\(name)")
        }
        #expect(harmless > 30, "snapshots are written, renamed, and old files are let go")
    }

    /// Writing and naming a snapshot, and letting go of what it makes superfluous. Not the sync of the folder and the
    /// manifest: when those fail nobody knows what the folder is.
    private static func costsOnlyTheSnapshot(_ number: Int, in operations: [String]) -> Bool {
        let operation = operations[number - 1]
        if operation.contains("/log/snap-") && operation.hasSuffix(".tmp") { return true }
        if operation.hasPrefix("remove /log/snap-") || operation.hasPrefix("remove /log/wal-") { return true }
        return operation == "list /log" && operations[max(0, number - 2)] == "sync /log/MANIFEST"
    }

    /// What fails on the spares' thread costs a spare; the log makes its segments itself. Only when a sync of the
    /// folder failed there, the log stops where it would build on the folder, and never asks for that sync again.
    @Test(arguments: ["open (create)", "write 65536 at 0", "sync", "rename", "sync folder"])
    func everyOperationOfTheSparesThread(operation: String) throws {
        for fault in [SimulatedDevice.Fault.fail(errno: EIO), .fail(errno: ENOSPC), .short] {
            var options = WriteAheadLog.Options.small
            options.spareSegments = 1
            let device = SimulatedDevice()
            let log = try WriteAheadLog.open(folder: "/log", options: options, device: device)
            _ = try log.replayAll()
            // Spare 1 becomes the first segment: two syncs of the folder. The thread makes spare 2 after that.
            let isFolder = operation == "sync folder"
            let victim = isFolder ? "sync folder /log" : "\(operation) /log/\(LogFolder.spareName(2)).tmp"
            let before = device.operations.count { $0 == victim } + (isFolder ? 2 : 0)
            device.plan(fault, at: isFolder ? 3 : 1, ofOperation: victim)
            let observer = Observer()
            try log.start(observer)
            for _ in 0..<5000 where device.operations.count(where: { $0 == victim }) <= before { usleep(1000) }
            var next: UInt64 = 1
            while next < 100, let position = try? log.append(next...next + 3, length: 700) {
                guard log.waitUntilDurable(position, observer) else { break }
                next += 4
            }
            #expect(next == (isFolder ? 61 : 101), "\(victim), \(fault)")
            #expect(observer.failures.count == (isFolder ? 1 : 0), "\(victim), \(fault)")
            if isFolder { #expect(device.operations.count { $0 == victim } == before + 1) }
            try? log.close()
            let survivor = device.crash()
            #expect(try survivor.recover().found == records(1...next - 1, length: 700), "\(victim), \(fault)")
            try survivor.appendInNewSession()
            #expect(!survivor.paths.contains { $0.hasSuffix(".tmp") })
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

    /// The disk is full from some block on, whichever that is: unlike a single ENOSPC it stays full.
    @Test func fullDiskStopsTheLogAndLosesNothing() throws {
        let roomy = SimulatedDevice()
        _ = Scenario().run(on: roomy)
        let needed = roomy.paths.reduce(0) { $0 + roomy.contents(of: $1)!.count } + (128 << 10)
        var stopped = 0
        for capacity in stride(from: 0, through: needed, by: LogFormat.blockBytes) {
            let device = SimulatedDevice()
            device.limitCapacity(bytes: capacity)
            let outcome = Scenario().run(on: device)
            let said = outcome.snapshotErrors + (outcome.error.map { [$0] } ?? [])
            #expect(said.allSatisfy { "\($0)".contains("No space left") }, "\(capacity) bytes: \(said)")
            #expect(outcome.error != nil || outcome.acknowledged == 144, "\(capacity) bytes")
            stopped += outcome.error == nil ? 0 : 1
            let survivor = device.crash()
            // Nobody has made room: what is there can still be read, unless that is nothing, and a manifest has to be
            // made beside the one there is. Then somebody has.
            let problem = capacity < 2 * Manifest.fileBytes ? nil : Scenario().problem(with: outcome, on: survivor)
            #expect(problem == nil, "\(capacity) bytes")
            survivor.limitCapacity(bytes: .max)
            try survivor.appendInNewSession()
            #expect(!survivor.paths.contains { $0.hasSuffix(".tmp") }, "\(capacity) bytes")
        }
        #expect(stopped > 20)
    }

    /// Opening, locking, listing, syncing, sizes and reads, each of them: refused with the file's name.
    @Test func everyOperationOfALookAtTheLog() throws {
        let written = SimulatedDevice()
        #expect(Scenario().run(on: written).error == nil)
        let clean = written.copy()
        _ = try clean.readEverything()
        for word in ["lock", "list", "open", "size", "sync", "read"] {
            #expect(clean.operations.contains { $0.hasPrefix(word) })
        }
        for (index, operation) in clean.operations.enumerated() {
            let device = written.copy()
            device.plan(.fail(errno: EIO), atOperation: index + 1)
            let error = logError { _ = try device.readEverything() }
            guard case .system(_, let path, EIO)? = error else {
                Issue.record("\(operation): \(String(describing: error))")
                continue
            }
            #expect(operation.hasSuffix(path) && "\(error!)".contains("Input/output error"))
            #expect(device.everything == written.everything)
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
