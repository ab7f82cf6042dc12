import Logging
import WAL

/// Tells the operator when the data folder's filesystem runs short of room, and when there is enough again.
struct StorageWatch {
    private let log: WriteAheadLog
    private let logger: Logger
    private var state = StorageRoom.State.enough

    init(log: WriteAheadLog, logger: Logger) {
        self.log = log
        self.logger = logger
    }

    /// To be called about once a second.
    /// - Returns: whether it has run short since the last call.
    mutating func look() -> Bool {
        let room = log.room
        guard room.state != state else { return false }
        let before = state
        state = room.state
        let free = room.freeBytes ?? 0
        switch state {
        case .enough:
            logger.notice("the filesystem of \(log.path) has \(free) bytes free: selling again")
        case .short:
            logger.error(
                """
                the filesystem of \(log.path) has \(free) bytes free and \(room.neededBytes) are needed: no more is sold \
                (STORAGE_FULL); reads, expiry and everything accepted go on. Free space there until \
                \(room.resumeBytes) bytes are free; selling then begins again by itself
                """
            )
        case .exhausted:
            logger.error(
                """
                the filesystem of \(log.path) has \(free) bytes free: no more is sold (STORAGE_FULL), and expiries are \
                not recorded either; what was accepted is safe. Free space there until \(room.resumeBytes) bytes are free; selling then \
                begins again by itself
                """
            )
        }
        return before == .enough
    }
}
