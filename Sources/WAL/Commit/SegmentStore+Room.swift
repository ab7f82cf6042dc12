import Glibc

// Watching the filesystem's room, on the thread that prepares the spares.
extension SegmentStore {
    /// How often the filesystem is asked.
    static let roomIntervalMicroseconds = 1_000_000

    /// Makes the spares that are missing and watches the room for more, until `stopPreparing`. Runs on a thread of its
    /// own.
    ///
    /// A filesystem without room is asked again every second. Any other failure ends the making of spares: the log's
    /// thread then makes its segments itself and meets the failure where it matters.
    func prepareSpares() {
        var canMake = options.spareSegments > 0
        while waitForWork(canMake: canMake), prepare(canMake: &canMake) {}
    }

    /// One round of `prepareSpares`.
    /// - Parameter canMake: becomes false when the making of spares has ended.
    /// - Returns: false when there is nothing left to be done.
    func prepare(canMake: inout Bool) -> Bool {
        measureRoom()
        guard canMake, lacksSpare else { return true }
        do throws(LogError) {
            // Not even begun where it can't end: others on this filesystem need what is left.
            guard hasRoomForSpare else { throw noRoomForSpare }
            guard let spare = try makeSpare() else { return false }
            addPrepared(spare)
        } catch {
            let isWatched = options.reserveBytes != nil
            canMake = isWatched && error.isLackOfRoom
            // Nobody asks again once the making has ended: what the filesystem answered last must not stand for ever.
            noteSpareRefused(canMake)
            if !isWatched { return false }
        }
        measureRoom()
        return true
    }

    private var hasRoomForSpare: Bool { (roomGauge.room.freeBytes ?? .max) >= options.segmentBytes }

    private var noRoomForSpare: LogError { .system(operation: "fill a spare in", path: folder.path, errno: ENOSPC) }

    /// Asks the filesystem what is left, and judges it. Does nothing in a log that is not watched.
    func measureRoom() {
        guard options.reserveBytes != nil, var room = judgeRoom() else { return }
        // First what nobody would miss; then what is kept for readers only goes, before anything is refused.
        if room.state != .enough, removeSurplusSpares(), let better = judgeRoom() { room = better }
        while room.state != .enough, (try? letGoOfOldest(keeping: 0, freesRoom: true)) == true,
            let better = judgeRoom()
        {
            room = better
        }
        roomGauge.update { $0 = room }
    }

    /// Nil when the filesystem doesn't answer: what was known before goes on to count.
    private func judgeRoom() -> StorageRoom? {
        guard let free = try? folder.device.freeBytes(of: folder.path) else { return nil }
        return roomDemand().judge(freeBytes: free, before: roomGauge.state)
    }

    /// Refuses a snapshot that the filesystem has no room for, before anything of it is written.
    func checkRoomForSnapshot() throws(LogError) {
        measureRoom()
        let room = roomGauge.room
        guard let free = room.freeBytes, room.state != .enough else { return }
        let demand = roomDemand()
        // The spares that are missing come first: the log can't go on without them, and it can without a snapshot.
        let missing = max(0, demand.wantedSpares - demand.readySpares) * demand.segmentBytes
        guard free < demand.snapshotBytes + missing else { return }
        throw LogError.noRoomForSnapshot(
            folder: folder.path,
            freeBytes: free,
            neededBytes: demand.snapshotBytes + missing
        )
    }
}

extension LogError {
    /// Whether the filesystem, or the user's share of it, is full.
    package var isLackOfRoom: Bool {
        switch self {
        case .system(_, _, let errno): errno == ENOSPC || errno == EDQUOT
        case .noRoomForSnapshot: true
        default: false
        }
    }
}
