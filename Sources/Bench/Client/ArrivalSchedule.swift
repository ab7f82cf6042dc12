/// When the next piece of work is meant to begin.
///
/// * **Closed loop:** as soon as a connection is free. The server sets the pace, so a server that stops for a
///   second is asked nothing for a second: good for finding the ceiling, blind to what buyers would have felt.
/// * **Open loop:** buyer *i* arrives at `start + i / rate`, whatever the server does. Latency counts from that
///   moment, waiting for a free connection included (no coordinated omission).
/// * **Burst:** so many buyers, all of them at the start.
///
/// Arrivals are an arithmetic sequence, so those who wait need no queue: they are the numbers between the next
/// to be served and the last due. At most `backlogMax` may wait; beyond that the oldest give up and are counted.
struct ArrivalSchedule {
    enum Pace: Equatable {
        case closed
        case open(perSecond: Double, backlogMax: Int)
        case burst(count: UInt64)
    }

    let pace: Pace
    private let startNanoseconds: UInt64
    private(set) var endNanoseconds: UInt64
    /// Arrivals that have been served or have given up, from the start.
    private var taken: UInt64 = 0
    /// Arrivals that gave up because too many were waiting.
    private(set) var gaveUp: UInt64 = 0

    init(pace: Pace, startNanoseconds: UInt64, endNanoseconds: UInt64) {
        if case .open(let perSecond, let backlogMax) = pace { precondition(perSecond > 0 && backlogMax > 0) }
        self.pace = pace
        self.startNanoseconds = startNanoseconds
        self.endNanoseconds = endNanoseconds
    }

    /// No arrivals at or after this time.
    mutating func stop(atNanoseconds now: UInt64) {
        endNanoseconds = min(endNanoseconds, now)
    }

    /// Takes the next arrival that is due, if any, and answers the time it was meant for.
    @inline(__always)
    mutating func take(nowNanoseconds now: UInt64) -> UInt64? {
        if case .closed = pace { return now < endNanoseconds ? now : nil }
        let due = arrivals(before: min(now &+ 1, endNanoseconds))
        guard due > taken else { return nil }
        if case .open(_, let backlogMax) = pace, due - taken > UInt64(backlogMax) {
            gaveUp += due - taken - UInt64(backlogMax)
            taken = due - UInt64(backlogMax)
        }
        defer { taken += 1 }
        return arrivalTime(taken)
    }

    /// Nobody will come any more, whatever the time.
    var isExhausted: Bool {
        guard case .burst(let count) = pace else { return false }
        return taken >= count
    }

    /// When the next arrival is due; nil when there is none, and in a closed loop, where nothing waits for a time.
    var nextDueNanoseconds: UInt64? {
        guard pace != .closed, !isExhausted else { return nil }
        let next = arrivalTime(taken)
        return next < endNanoseconds ? next : nil
    }

    /// How many have arrived by now and wait to be served.
    func waiting(nowNanoseconds now: UInt64) -> UInt64 {
        let due = arrivals(before: min(now &+ 1, endNanoseconds))
        return due > taken ? due - taken : 0
    }

    private func arrivalTime(_ index: UInt64) -> UInt64 {
        guard case .open(let perSecond, _) = pace else { return startNanoseconds }
        return startNanoseconds + UInt64(Double(index) * 1e9 / perSecond)
    }

    /// Arrivals with a time before the given one.
    private func arrivals(before time: UInt64) -> UInt64 {
        guard time > startNanoseconds else { return 0 }
        if case .burst(let count) = pace { return count }
        guard case .open(let perSecond, _) = pace else { return 0 }
        var count = UInt64((Double(time - startNanoseconds) * perSecond / 1e9).rounded(.up))
        // Rounding may put the last one on the wrong side: the times themselves decide.
        while count > 0, arrivalTime(count - 1) >= time { count -= 1 }
        while arrivalTime(count) < time { count += 1 }
        return count
    }
}
