/// What happened in each interval of a run. Bounded: one sample an interval, and the loop chooses an interval that
/// gives no more than `samplesMax`.
struct Timeline {
    static let samplesMax = 3_600

    /// One interval.
    struct Sample {
        /// Its end, from the start of the measuring.
        var endSeconds: Double
        var lengthSeconds: Double
        var answers: UInt64
        var succeeded: UInt64
        /// Answers later than `LoadSettings.slowNanoseconds`.
        var slow: UInt64
        /// The server's since the sample before; nil when its process is not known.
        var serverCPUNanoseconds: UInt64?
        var serverResidentBytes: UInt64?
    }

    private(set) var samples: [Sample] = []
    /// Counts of the interval that is under way.
    var answers: UInt64 = 0
    var succeeded: UInt64 = 0
    var slow: UInt64 = 0
    private let intervalNanoseconds: UInt64
    private var startNanoseconds: UInt64 = 0
    private var sampledNanoseconds: UInt64 = 0
    private(set) var nextNanoseconds: UInt64 = .max
    private var serverCPUNanoseconds: UInt64?

    init(intervalNanoseconds: UInt64, durationNanoseconds: UInt64) {
        self.intervalNanoseconds = max(1_000_000, intervalNanoseconds, durationNanoseconds / UInt64(Self.samplesMax))
        samples.reserveCapacity(Self.samplesMax + 1)
    }

    mutating func begin(_ now: UInt64, _ server: ProcessSampler.Sample?) {
        startNanoseconds = now
        sampledNanoseconds = now
        nextNanoseconds = now + intervalNanoseconds
        (answers, succeeded, slow) = (0, 0, 0)
        serverCPUNanoseconds = server?.cpuNanoseconds
    }

    /// Ends the interval that is under way.
    mutating func end(_ now: UInt64, _ server: ProcessSampler.Sample?) {
        defer { nextNanoseconds += intervalNanoseconds * ((now - min(now, nextNanoseconds)) / intervalNanoseconds + 1) }
        guard samples.count < Self.samplesMax, now > sampledNanoseconds else { return }
        samples.append(
            Sample(
                endSeconds: Double(now - startNanoseconds) / 1e9,
                lengthSeconds: Double(now - sampledNanoseconds) / 1e9,
                answers: answers,
                succeeded: succeeded,
                slow: slow,
                serverCPUNanoseconds: server.flatMap { after in
                    serverCPUNanoseconds.map { after.cpuNanoseconds - min($0, after.cpuNanoseconds) }
                },
                serverResidentBytes: server?.residentBytes
            )
        )
        (answers, succeeded, slow) = (0, 0, 0)
        sampledNanoseconds = now
        serverCPUNanoseconds = server?.cpuNanoseconds
    }

    /// Ends the last interval, unless hardly anything of it has passed.
    mutating func finish(_ now: UInt64, _ server: ProcessSampler.Sample?) {
        let isLongEnough = (now - min(now, sampledNanoseconds)) * 2 >= intervalNanoseconds
        if nextNanoseconds != .max, samples.isEmpty || isLongEnough { end(now, server) }
    }
}
