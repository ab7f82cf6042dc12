import Synchronization

/// Whether the filesystem of the log has room for what is still to come.
public struct StorageRoom: Sendable, Equatable {
    public enum State: UInt8, Sendable, CaseIterable {
        /// Work may be accepted.
        case enough
        /// Nothing new should be accepted. What was accepted fits, and so does what has to be logged without being
        /// asked for, like reservations that expire.
        case short
        /// Nothing should be appended any more. What was accepted still fits into segments that are there already.
        case exhausted
    }

    public var state = State.enough
    /// What the filesystem has left, in bytes; nil when it was not asked, or did not say.
    public var freeBytes: Int?
    /// With less than this left it is short of room: what the log needs to go on, and the next snapshot.
    public var neededBytes = 0
    /// With this much left it has enough again.
    public var resumeBytes = 0
    /// What the next snapshot takes, about.
    public var snapshotBytes = 0
}

/// The newest `StorageRoom`, its state readable at the price of a load.
final class RoomGauge: Sendable {
    private let stateCode = Atomic<UInt8>(StorageRoom.State.enough.rawValue)
    private let latest = Mutex(StorageRoom())
    /// Bytes of the records behind the newest snapshot: what the next one may grow by.
    private let recordBytes = Atomic<Int>(0)

    var state: StorageRoom.State { StorageRoom.State(rawValue: stateCode.load(ordering: .relaxed)) ?? .enough }

    var room: StorageRoom { latest.withLock { $0 } }

    var recordBytesSinceSnapshot: Int { recordBytes.load(ordering: .relaxed) }

    func count(recordBytes count: Int) { recordBytes.add(count, ordering: .relaxed) }

    /// A snapshot holds what so many bytes of records said.
    func snapshotTaken(covering count: Int) { recordBytes.subtract(count, ordering: .relaxed) }

    func update(_ body: (inout StorageRoom) -> Void) {
        latest.withLock { room in
            body(&room)
            stateCode.store(room.state.rawValue, ordering: .relaxed)
        }
    }
}

/// What the log has and wants when the filesystem's room is judged.
struct RoomDemand {
    var segmentBytes: Int
    /// Spares that are ready, and how many there should be.
    var readySpares: Int
    var wantedSpares: Int
    /// What the log keeps for itself; spares that are ready count.
    var reserveBytes: Int
    /// What the next snapshot takes, about; 0 while one is being written.
    var snapshotBytes: Int
    /// The filesystem had no room for the last spare, whatever it says is left.
    var isSpareRefused: Bool

    func judge(freeBytes: Int, before: StorageRoom.State) -> StorageRoom {
        let inSpares = min(readySpares, wantedSpares) * segmentBytes
        let needed = max(segmentBytes, reserveBytes - inSpares) + snapshotBytes
        // Without a distance between the two a filesystem at the limit would open and close the sale every second.
        let resume = needed + needed / 4
        let isShort = isSpareRefused || freeBytes < (before == .enough ? needed : resume)
        let isExhausted = isShort && readySpares < 2 && (isSpareRefused || freeBytes < 2 * segmentBytes)
        return StorageRoom(
            state: isExhausted ? .exhausted : isShort ? .short : .enough,
            freeBytes: freeBytes,
            neededBytes: needed,
            resumeBytes: resume,
            snapshotBytes: snapshotBytes
        )
    }
}
