/// How hard and how long to load a server. Everything is bounded.
struct LoadSettings {
    static let connectionsMax = 10_000

    var endpoint: Endpoint
    var connectionCount = 64
    var pace = ArrivalSchedule.Pace.closed
    var warmupNanoseconds: UInt64 = 0
    var durationNanoseconds: UInt64 = 1_000_000_000
    /// Calls to send after the warm-up; nil: as many as fit the duration.
    var requestsMax: UInt64?
    /// How long to wait, once the time is over, for answers still under way.
    var drainNanosecondsMax: UInt64 = 5_000_000_000
    /// Never sleep: look for answers all the time. Wakes no core from idle, and takes one whole.
    var spins = false
}

/// What a run saw after its warm-up.
struct LoadResult {
    var calls: [CallStatistics]
    /// From the end of the warm-up to the last answer.
    var elapsedNanoseconds: UInt64
    var clientCPUNanoseconds: UInt64
    var serverCPU: ProcessCPU.Usage?
    /// Open loop: arrivals that never got to send a request.
    var neverSent: UInt64
    var reconnects: Int
    /// Why the run ended before its time, if it did.
    var failure: String?

    var ended: UInt64 { calls.reduce(0) { $0 + $1.ended } }
    var succeeded: UInt64 { calls.reduce(0) { $0 + $1.succeeded } }
}

/// The state of a run, once a second, for whoever watches.
struct Progress {
    var secondsSinceStart: Double
    var isWarmingUp: Bool
    var answersPerSecond: Double
    var errors: UInt64
    var waiting: UInt64
}
