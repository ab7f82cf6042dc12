/// How long what has arrived waits before the loop gets to it.
///
/// The kernel hands out what is complete in the order in which it came, a few a turn, and doesn't tell how much is left.
/// So a busy loop sends itself a mark through the same queue, one at a time: as long as the mark is under way, so long
/// waits everything that comes with it.
struct Backlog {
    /// Waiting longer than this, the loop is behind.
    static let behindNanoseconds: UInt64 = 20_000_000
    /// Waiting shorter than this, it has caught up.
    static let caughtUpNanoseconds: UInt64 = 10_000_000
    private static let markIntervalNanoseconds: UInt64 = 1_000_000
    /// A turn with fewer completions has left none behind.
    private static let busyTurnCompletions = 16

    private(set) var isBehind = false
    private var sentAt: UInt64 = 0
    private var isUnderWay = false

    /// To be asked after each turn.
    /// - Returns: whether to send a mark now.
    mutating func turnEnded(completions: Int, now: UInt64) -> Bool {
        if isUnderWay {
            if now - sentAt > Self.behindNanoseconds { isBehind = true }
            return false
        }
        guard completions >= Self.busyTurnCompletions else {
            isBehind = false
            return false
        }
        guard now - sentAt >= Self.markIntervalNanoseconds else { return false }
        sentAt = now
        isUnderWay = true
        return true
    }

    /// The mark has come through.
    mutating func markArrived(now: UInt64) {
        isUnderWay = false
        let waited = now - sentAt
        if waited > Self.behindNanoseconds { isBehind = true }
        if waited < Self.caughtUpNanoseconds { isBehind = false }
    }
}
