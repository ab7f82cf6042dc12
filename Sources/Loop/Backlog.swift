/// How long what has arrived waits before the loop gets to it.
///
/// The kernel hands out what is complete in the order in which it came, a few a turn, and doesn't tell how much is left.
/// So a busy loop sends itself a mark through the same queue, one at a time: as long as the mark is under way, so long
/// waits everything that comes with it. A hiccup of the machine makes marks late for a moment; behind is a loop whose
/// marks stay late.
struct Backlog {
    /// A mark that takes longer is late.
    static let lateNanoseconds: UInt64 = 20_000_000
    /// A mark that takes less says that the loop has caught up.
    static let caughtUpNanoseconds: UInt64 = 10_000_000
    /// The loop is behind when marks were late for so long.
    static let behindAfterNanoseconds: UInt64 = 100_000_000
    private static let markIntervalNanoseconds: UInt64 = 1_000_000
    /// A turn with fewer completions has left none behind.
    private static let busyTurnCompletions = 16

    private(set) var isBehind = false
    /// Since when marks have been late.
    private var lateSince: UInt64?
    private var sentAt: UInt64 = 0
    private var isUnderWay = false

    /// To be asked after each turn.
    /// - Returns: whether to send a mark now.
    mutating func turnEnded(completions: Int, now: UInt64) -> Bool {
        if isUnderWay {
            if now - sentAt > Self.lateNanoseconds { markIsLate(now: now) }
            return false
        }
        guard completions >= Self.busyTurnCompletions else {
            catchUp()
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
        if waited > Self.lateNanoseconds { markIsLate(now: now) }
        if waited < Self.caughtUpNanoseconds { catchUp() }
    }

    private mutating func markIsLate(now: UInt64) {
        let since = lateSince ?? now
        lateSince = since
        if now - since >= Self.behindAfterNanoseconds { isBehind = true }
    }

    private mutating func catchUp() {
        lateSince = nil
        isBehind = false
    }
}
