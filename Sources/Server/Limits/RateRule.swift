/// How many requests somebody may send: `requestsPerSecond` on end, and `burst` at once after a pause.
///
/// It is a token bucket that holds `burst` tokens and gets `requestsPerSecond` of them a second.
struct RateRule: Equatable, Sendable {
    static let requestsPerSecondMax = 1_000_000
    static let burstMax = 1_000_000

    /// 1 to `requestsPerSecondMax`.
    let requestsPerSecond: UInt32
    /// 1 to `burstMax`.
    let burst: UInt32
    /// From one token to the next, in nanoseconds; rounded up, so that no more than the rate is ever given.
    let intervalNanoseconds: UInt64

    init(requestsPerSecond: Int, burst: Int) {
        precondition((1...Self.requestsPerSecondMax).contains(requestsPerSecond), "a rate that is out of its range")
        precondition((1...Self.burstMax).contains(burst), "a burst that is out of its range")
        self.requestsPerSecond = UInt32(requestsPerSecond)
        self.burst = UInt32(burst)
        intervalNanoseconds = (1_000_000_000 + UInt64(requestsPerSecond) - 1) / UInt64(requestsPerSecond)
    }

    /// From empty to full.
    var refillNanoseconds: UInt64 { UInt64(burst) * intervalNanoseconds }

    /// From empty to full, in seconds, rounded up: the window in which `burst` requests are allowed.
    var windowSeconds: UInt32 { Self.seconds(refillNanoseconds) }

    /// Rounded up: whoever waits so long has waited long enough.
    static func seconds(_ nanoseconds: UInt64) -> UInt32 {
        UInt32(clamping: (nanoseconds + 999_999_999) / 1_000_000_000)
    }
}

/// One bucket, as the moment at which it is full again, in nanoseconds: that one number tells how many tokens it has at any
/// time (the generic cell rate algorithm), and a bucket that has been full for a while says nothing that is worth keeping.
struct RateBucket: Equatable, Sendable {
    var fullAt: UInt64 = 0

    /// What became of a request.
    struct Outcome: Equatable, Sendable {
        let isGranted: Bool
        /// Tokens that are left.
        let remaining: UInt32
        /// Until the bucket is full.
        let fullInNanoseconds: UInt64
        /// Until as many tokens are there as were asked for; 0 where they were.
        let waitNanoseconds: UInt64
    }

    /// Takes `cost` tokens if they are there, else none. With `cost` 0 one has to be there, and is left.
    mutating func take(_ cost: UInt32, at now: UInt64, _ rule: RateRule) -> Outcome {
        let lacking = max(fullAt, now) - now
        let asked = lacking + UInt64(max(cost, 1)) * rule.intervalNanoseconds
        guard asked <= rule.refillNanoseconds else {
            return outcome(false, lacking, wait: asked - rule.refillNanoseconds, rule)
        }
        let spent = lacking + UInt64(cost) * rule.intervalNanoseconds
        fullAt = now + spent
        return outcome(true, spent, wait: 0, rule)
    }

    private func outcome(_ isGranted: Bool, _ lacking: UInt64, wait: UInt64, _ rule: RateRule) -> Outcome {
        let left = rule.refillNanoseconds - min(lacking, rule.refillNanoseconds)
        return Outcome(
            isGranted: isGranted,
            remaining: UInt32(left / rule.intervalNanoseconds),
            fullInNanoseconds: lacking,
            waitNanoseconds: wait
        )
    }
}
