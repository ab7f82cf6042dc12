import NIOCore

/// How many listeners a loop may tell of something now: so many a second and no more, spread over the turns, whatever
/// their number. So listeners can't take the loop from the sale: with more of them each hears less often.
struct StreamPace {
    /// A send takes 10 to 15 µs of the core, with all that the kernel does for it: 3 to 4 % of it together.
    static let listenersPerSecond: Int64 = 2_500
    /// In one turn, when there was nothing to tell before.
    static let burst: Int64 = 64

    private static let nanosecondsEach = 1_000_000_000 / listenersPerSecond
    private var credit = Self.burst * Self.nanosecondsEach
    private var lastLook = NIODeadline.uptimeNanoseconds(0)

    /// - Returns: how many may be told.
    mutating func look(at now: NIODeadline) -> Int {
        let elapsed = lastLook == .uptimeNanoseconds(0) ? 0 : (now - lastLook).nanoseconds
        credit = min(Self.burst * Self.nanosecondsEach, credit + min(elapsed, 1_000_000_000))
        lastLook = now
        return Int(credit / Self.nanosecondsEach)
    }

    /// So many were told.
    mutating func spend(_ listeners: Int) { credit -= Int64(listeners) * Self.nanosecondsEach }
}
