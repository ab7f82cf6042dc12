import Histogram

/// What one phase of a run has to say, ready to be printed or written as JSON. Field names carry their units.
struct LoadReport: Encodable {
    struct Latency: Encodable, Equatable {
        var p50, p90, p99, p999, max, mean: Double

        init(_ latencies: Histogram<UInt64>) {
            func microseconds(_ percentile: Double) -> Double {
                Double(latencies.valueAtPercentile(percentile)) / 1000
            }
            let isEmpty = latencies.totalCount == 0
            p50 = isEmpty ? 0 : microseconds(50)
            p90 = isEmpty ? 0 : microseconds(90)
            p99 = isEmpty ? 0 : microseconds(99)
            p999 = isEmpty ? 0 : microseconds(99.9)
            max = isEmpty ? 0 : microseconds(100)
            mean = isEmpty ? 0 : latencies.mean / 1000
        }
    }

    struct Call: Encodable {
        var name: String
        var answers: UInt64
        var succeeded: UInt64
        var perSecond: Double
        var latencyMicroseconds: Latency
        /// Where some calls succeeded and some did not: each side by itself.
        var succeededLatencyMicroseconds: Latency?
        var otherLatencyMicroseconds: Latency?
        var latencyCurve: [LatencyCurve.Point]
        var succeededLatencyCurve: [LatencyCurve.Point]?
        var otherLatencyCurve: [LatencyCurve.Point]?
        var errors: [String: UInt64]
        /// Answers 429 and 503, and those of them without Retry-After.
        var turnedAway: UInt64
        var turnedAwayWithoutRetryAfter: UInt64
    }

    struct Server: Encodable {
        var cpuMicrosecondsPerAnswer: Double
        /// Of one core; above 1 with several threads.
        var coresBusy: Double
        var systemShare: Double
        /// The most that was seen, and the last.
        var residentBytesMax: UInt64?
        var residentBytes: UInt64?
    }

    /// One interval of the phase. Its keys are no other's, so that line-wise tools find those of the whole phase.
    struct Interval: Encodable {
        var endSeconds: Double
        var intervalAnswersPerSecond: Double
        var intervalSucceededPerSecond: Double
        var serverCPUMicrosecondsPerAnswer: Double?
        var serverResidentBytes: UInt64?
    }

    var phase: String
    var loop: String
    var isOpenLoop: Bool
    var connections: Int
    /// From the start of the run's first phase.
    var startedSeconds = 0.0
    var elapsedSeconds: Double
    var answersPerSecond: Double
    var succeededPerSecond: Double
    var calls: [Call]
    var clientCPUMicrosecondsPerAnswer: Double
    /// Share of the client's one core. Near 1 the figures are the client's limit, not the server's.
    var clientCoreBusy: Double
    /// What is measured runs in the client's own process: its processor time is both sides'.
    var isInProcess = false
    var server: Server?
    /// What else the machine did: above a tenth of a core the figures are not to be trusted.
    var machine: MachineLoad?
    var neverSent: UInt64
    var reconnects: Int
    var failure: String?
    var timeline: [Interval]

    /// On the monotonic clock; tells phases of one run apart in time.
    let startNanoseconds: UInt64

    private enum CodingKeys: CodingKey {
        case phase, loop, isOpenLoop, connections, startedSeconds, elapsedSeconds, answersPerSecond, succeededPerSecond
        case calls, clientCPUMicrosecondsPerAnswer, clientCoreBusy, isInProcess, server, machine, neverSent,
            reconnects, failure
        case timeline
    }

    init(phase: String, settings: LoadSettings, result: LoadResult) {
        self.init(
            phase: phase,
            connections: settings.connectionCount,
            pace: settings.pace,
            hasServerCPU: settings.sampleNanoseconds >= 500_000_000,
            result: result
        )
    }

    /// - Parameters:
    ///   - connections: requests that may be under way at once.
    ///   - hasServerCPU: the timeline's intervals are long enough for processor time in ticks of 10 ms.
    init(
        phase: String,
        connections: Int,
        pace: ArrivalSchedule.Pace,
        hasServerCPU: Bool = false,
        result: LoadResult
    ) {
        self.phase = phase
        self.connections = connections
        loop = pace.description
        isOpenLoop = pace != .closed
        let seconds = Double(result.elapsedNanoseconds) / 1e9
        let answers = Double(Swift.max(1, result.ended))
        elapsedSeconds = seconds
        answersPerSecond = Double(result.ended) / seconds
        succeededPerSecond = Double(result.succeeded) / seconds
        calls = result.calls.filter { $0.ended > 0 }.map { Call($0, seconds: seconds) }
        clientCPUMicrosecondsPerAnswer = Double(result.clientCPUNanoseconds) / 1000 / answers
        clientCoreBusy = Double(result.clientCPUNanoseconds) / Double(result.elapsedNanoseconds)
        timeline = result.timeline.map { Interval($0, hasCPU: hasServerCPU) }
        server = result.serverCPU.map { usage in
            Server(
                cpuMicrosecondsPerAnswer: Double(usage.nanoseconds) / 1000 / answers,
                coresBusy: Double(usage.nanoseconds) / Double(result.elapsedNanoseconds),
                systemShare: Double(usage.systemNanoseconds) / Double(Swift.max(1, usage.nanoseconds)),
                residentBytesMax: result.timeline.compactMap(\.serverResidentBytes).max(),
                residentBytes: result.timeline.last?.serverResidentBytes
            )
        }
        machine = result.machine
        neverSent = result.neverSent
        reconnects = result.reconnects
        failure = result.failure
        startNanoseconds = result.startNanoseconds
    }

    /// The client's own limit, rather than the server's, may be what was measured.
    var isLimitedByClient: Bool { !isInProcess && clientCoreBusy > 0.9 }
}

extension LoadReport.Call {
    init(_ statistics: CallStatistics, seconds: Double) {
        name = statistics.name
        answers = statistics.ended
        succeeded = statistics.succeeded
        perSecond = Double(statistics.ended) / seconds
        let latencies = statistics.latencies
        latencyMicroseconds = LoadReport.Latency(latencies)
        latencyCurve = LatencyCurve.points(latencies)
        errors = statistics.errors.byCode
        turnedAway = statistics.turnedAway
        turnedAwayWithoutRetryAfter = statistics.turnedAwayWithoutTime
        if statistics.succeeded > 0, statistics.failures.totalCount > 0 {
            succeededLatencyMicroseconds = LoadReport.Latency(statistics.successes)
            otherLatencyMicroseconds = LoadReport.Latency(statistics.failures)
            succeededLatencyCurve = LatencyCurve.points(statistics.successes)
            otherLatencyCurve = LatencyCurve.points(statistics.failures)
        }
    }
}

extension LoadReport.Interval {
    init(_ sample: Timeline.Sample, hasCPU: Bool) {
        endSeconds = sample.endSeconds
        intervalAnswersPerSecond = Double(sample.answers) / sample.lengthSeconds
        intervalSucceededPerSecond = Double(sample.succeeded) / sample.lengthSeconds
        serverResidentBytes = sample.serverResidentBytes
        if hasCPU, sample.answers > 0 {
            serverCPUMicrosecondsPerAnswer = sample.serverCPUNanoseconds.map {
                Double($0) / 1000 / Double(sample.answers)
            }
        }
    }
}

extension ArrivalSchedule.Pace: CustomStringConvertible {
    var description: String {
        switch self {
        case .closed: "closed loop"
        case .open(let perSecond, _):
            "open loop, \(Decimals.text(perSecond, digits: perSecond < 100 ? 1 : 0)) arrivals/s"
        case .burst(let count): "\(Decimals.text(count)) at once"
        }
    }
}
