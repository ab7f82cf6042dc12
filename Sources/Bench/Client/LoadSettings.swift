/// How hard and how long to load a server. Everything is bounded.
struct LoadSettings {
    static let connectionsMax = 20_000

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
    /// Length of the intervals that the timeline counts in; longer for runs of more than an hour.
    var sampleNanoseconds: UInt64 = 1_000_000_000
    /// Answers later than this are counted as slow in the timeline.
    var slowNanoseconds = UInt64.max
}

/// What a run saw after its warm-up.
struct LoadResult {
    var calls: [CallStatistics]
    /// Pieces of work begun.
    var begun: UInt64
    /// On the monotonic clock.
    var startNanoseconds: UInt64
    /// From the end of the warm-up to the last answer.
    var elapsedNanoseconds: UInt64
    /// Without the time in which it only looked for answers.
    var clientCPUNanoseconds: UInt64
    var serverCPU: ProcessCPU.Usage?
    /// What the rest of the machine did meanwhile.
    var machine: MachineLoad?
    var timeline: [Timeline.Sample] = []
    /// Open loop: arrivals that never got to send a request.
    var neverSent: UInt64
    var reconnects: Int
    /// Why the run ended before its time, if it did.
    var failure: String?

    var ended: UInt64 { calls.reduce(0) { $0 + $1.ended } }
    var succeeded: UInt64 { calls.reduce(0) { $0 + $1.succeeded } }
    var begunPerSecond: Double { Double(begun) / Double(elapsedNanoseconds) * 1e9 }
    var succeededPerSecond: Double { Double(succeeded) / Double(elapsedNanoseconds) * 1e9 }
}

/// The state of a run, once a second, for whoever watches.
struct Progress {
    var secondsSinceStart: Double
    var isWarmingUp: Bool
    var answersPerSecond: Double
    var errors: UInt64
    var waiting: UInt64
}
