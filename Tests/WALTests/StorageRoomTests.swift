import Glibc
import Testing

@testable import WAL

/// What the log says of its filesystem's room, and what it does about it.
@Suite struct StorageRoomTests {
    /// Segments of 10 bytes of which two should be ready, 30 for the log, 5 for the next snapshot.
    private func judge(
        _ freeBytes: Int,
        spares: Int = 2,
        refused: Bool = false,
        before: StorageRoom.State = .enough
    ) -> StorageRoom.State {
        RoomDemand(
            segmentBytes: 10,
            readySpares: spares,
            wantedSpares: 2,
            reserveBytes: 30,
            snapshotBytes: 5,
            isSpareRefused: refused
        ).judge(freeBytes: freeBytes, before: before).state
    }

    @Test func sparesThatAreReadyCountAsRoom() {
        #expect(judge(15) == .enough && judge(14) == .short)
        #expect(judge(25, spares: 1) == .enough && judge(24, spares: 1) == .short)
        #expect(judge(35, spares: 0) == .enough && judge(34, spares: 0) == .short)
        #expect(judge(14, spares: 9) == .short, "more spares than wanted are no room for a snapshot")
    }

    @Test func theWayBackIsLonger() {
        #expect(judge(15, before: .short) == .short)
        #expect(judge(17, before: .short) == .short)
        #expect(judge(18, before: .short) == .enough)
        #expect(judge(18, before: .exhausted) == .enough)
    }

    @Test func nothingIsAppendedIntoTheLastSpare() {
        #expect(judge(0) == .short, "two spares: one to go on with, one for what was accepted")
        #expect(judge(0, spares: 1) == .exhausted)
        #expect(judge(20, spares: 1) == .short, "another spare can still be made")
        #expect(judge(1_000, spares: 1, refused: true) == .exhausted, "a quota that statvfs knows nothing of")
        #expect(judge(1_000, spares: 2, refused: true) == .short)
    }

    private func options(spares: Int) -> WriteAheadLog.Options {
        var options = WriteAheadLog.Options.small
        options.spareSegments = spares
        options.reserveBytes = 4 * options.segmentBytes
        return options
    }

    private func start(_ device: SimulatedDevice, _ options: WriteAheadLog.Options) throws -> (WriteAheadLog, Observer)
    {
        let log = try WriteAheadLog.open(folder: "/log", options: options, device: device)
        _ = try log.replayAll()
        let observer = Observer()
        try log.start(observer)
        return (log, observer)
    }

    @Test func aLogThatRunsShortSaysSoAndGoesOnWithWhatItHas() throws {
        let device = SimulatedDevice()
        let (log, observer) = try start(device, options(spares: 2))
        try waitForSpares(2, device)
        #expect(log.waitUntilDurable(try log.append(1...3), observer))
        log.measureRoom()
        #expect(log.roomState == .enough)

        device.limitCapacity(bytes: device.usedBytes)
        log.measureRoom()
        #expect(log.roomState == .short)
        let room = log.room
        #expect(room.freeBytes == 0 && room.neededBytes > 2 * (64 << 10) && room.resumeBytes > room.neededBytes)
        // Into the next segment and to its end: one spare goes, and with the other one it is over.
        var next: UInt64 = 4
        while log.roomState == .short {
            #expect(log.waitUntilDurable(try log.append(next...next + 3, length: 700), observer))
            next += 4
            log.measureRoom()
        }
        #expect(log.roomState == .exhausted)
        #expect(observer.failures.isEmpty, "the log never had to ask the filesystem for more")

        device.limitCapacity(bytes: device.usedBytes + (8 << 20))
        try waitForSpares(2, device)
        log.measureRoom()
        #expect(log.roomState == .enough)
        #expect(log.waitUntilDurable(try log.append(next...next), observer))
        try log.close()
        #expect(try device.copy().recover().found.count == Int(next))
    }

    @Test func aSnapshotThatWouldNotFitIsNotBegun() throws {
        let device = SimulatedDevice()
        let (log, observer) = try start(device, options(spares: 0))
        #expect(log.waitUntilDurable(try log.append(1...3), observer))
        device.limitCapacity(bytes: device.usedBytes + 100_000)
        let before = device.operationCount
        let error = logError { _ = try log.beginSnapshot(at: LogPosition(3)) }
        guard case .noRoomForSnapshot("/log", 100_000, let needed)? = error else {
            Issue.record("\(String(describing: error))")
            return
        }
        #expect(needed > 100_000 && device.operationCount == before, "nothing was written")
        device.limitCapacity(bytes: .max)
        try log.writeSnapshot(at: 3)
        try log.close()
    }

    /// A spare that could not be made leaves nothing behind, and is made when there is room.
    @Test func aSpareThatFoundNoRoomIsTriedAgain() throws {
        let device = SimulatedDevice()
        device.limitCapacity(bytes: (64 << 10) * 2)
        let (log, observer) = try start(device, options(spares: 2))
        log.measureRoom()
        #expect(log.roomState != .enough)
        #expect(device.paths.allSatisfy { !$0.hasPrefix("/log/spare-") || !$0.hasSuffix(".tmp") })
        device.limitCapacity(bytes: .max)
        try waitForSpares(2, device)
        log.measureRoom()
        #expect(log.roomState == .enough)
        #expect(log.waitUntilDurable(try log.append(1...3), observer))
        try log.close()
    }

    /// Once no more spares are made nobody would take back that the last one found no room.
    @Test func anotherFailureThanLackOfRoomEndsTheShortage() throws {
        let device = SimulatedDevice()
        try device.createFolder("/log")
        let folder = LogFolder(path: "/log", device: device)
        let store = try SegmentStore(
            folder: folder,
            manifest: try ManifestFile.create(in: folder, identity: LogIdentity(high: 1, low: 2)),
            segments: [],
            snapshots: [],
            spares: [],
            unfinished: [],
            options: options(spares: 2),
            random: RandomSource(fixed: 1),
            roomGauge: RoomGauge()
        )
        device.limitCapacity(bytes: device.usedBytes)
        var canMake = true
        #expect(store.prepare(canMake: &canMake) && canMake)
        #expect(store.roomDemand().isSpareRefused)
        device.limitCapacity(bytes: .max)
        device.plan(.fail(errno: EIO), atOperation: device.operationCount + 1)
        #expect(store.prepare(canMake: &canMake) && !canMake)
        #expect(!store.roomDemand().isSpareRefused)
        #expect(store.roomGauge.state == .enough)
    }

    /// The spares are made by a thread that looks once a second.
    private func waitForSpares(_ count: Int, _ device: SimulatedDevice) throws {
        for _ in 0..<2_000 {
            let ready = device.paths.count { $0.hasPrefix("/log/spare-") && !$0.hasSuffix(".tmp") }
            if ready >= count { return }
            usleep(5_000)
        }
        Issue.record("no spares: \(device.paths)")
    }
}

extension SimulatedDevice {
    fileprivate var usedBytes: Int { paths.reduce(0) { $0 + (contents(of: $1)?.count ?? 0) } }
}
