import Glibc
import Testing

@testable import WAL

/// What stands in the page cache and not on the disk looks like a good end of the log to the next start.
@Suite struct LastBatchTests {
    /// A sync fails, the process is started again on the machine that still runs, goes on, and then the power fails.
    @Test func whatAFailedSyncLeftIsWrittenAgainBeforeAnythingIsBuiltOnIt() throws {
        let device = SimulatedDevice()
        let log = try WriteAheadLog.open(folder: WrittenLog.folder, options: .small, device: device)
        _ = try log.replayAll()
        let observer = Observer()
        try log.start(observer)
        #expect(log.waitUntilDurable(try log.append(1...3), observer))
        // The write that comes now works, its sync does not.
        device.plan(.fail(errno: EIO), atOperation: device.operationCount + 2)
        #expect(!log.waitUntilDurable(try log.append(4...6), observer))
        try? log.close()

        let restarted = device.copy()
        let next = try restarted.appendInNewSession()
        #expect(next == 7, "the start has found the batch that was not synced")
        let found = try restarted.crash().recover().found
        #expect(found == records(1...next))
    }

    /// The same for the name of a new log's first file.
    @Test func aManifestWhoseNameWasNotSyncedIsMadeAgain() throws {
        let device = SimulatedDevice()
        device.plan(.fail(errno: EIO), ofOperation: "sync folder")
        #expect(throws: LogError.self) {
            _ = try WriteAheadLog.open(folder: WrittenLog.folder, options: .small, device: device)
        }
        let restarted = device.copy()
        #expect(try restarted.appendInNewSession() == 1)
        let survivor = restarted.crash()
        // The name of the lock's file was lost with the sync; a start makes it, a look doesn't.
        survivor.setContents(of: "\(WrittenLog.folder)/\(LogFolder.lockName)", to: [])
        #expect(try survivor.recover().found == records(1...1))
    }

    /// The same for the name that a segment lost when it became a spare: found by the simulation.
    @Test func aSpareThatMayHaveItsOldNameBackIsNotWrittenInto() throws {
        let device = SimulatedDevice()
        let (segment, spare) = (WrittenLog.segmentPath(1), "\(WrittenLog.folder)/\(LogFolder.spareName(9))")
        var scenario = Scenario()
        var first: [UInt8]?
        scenario.onPromise = { _ in first = first ?? device.contents(of: segment) }
        #expect(scenario.run(on: device).error == nil)
        #expect(device.contents(of: segment) == nil, "nobody needs it any more")
        // As it was before it was let go, and the change of its name is lost with the sync.
        device.setContents(of: segment, to: try #require(first))
        try device.rename(segment, to: spare)
        device.plan(.fail(errno: EIO), ofOperation: "sync folder")
        #expect(throws: LogError.self) { try device.syncFolder(WrittenLog.folder) }

        let restarted = device.copy()
        let next = try restarted.appendInNewSession()
        #expect(try restarted.crash().appendInNewSession() == next + 1)
    }
}
