import Histogram

/// What a run has to say, ready to be printed or written as JSON. Field names carry their units.
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
        var errors: [String: UInt64]
    }

    struct Server: Encodable {
        var cpuMicrosecondsPerAnswer: Double
        /// Of one core; above 1 with several threads.
        var coresBusy: Double
        var systemShare: Double
    }

    struct Stock: Encodable {
        var isSound: Bool
        var sectionsChecked: Int
        var total, available, reserved, sold: Int
        var violations: [String]
    }

    var mode: String
    var target: String
    var loop: String
    var connections: Int
    var elapsedSeconds: Double
    var answersPerSecond: Double
    var succeededPerSecond: Double
    var calls: [Call]
    var clientCPUMicrosecondsPerAnswer: Double
    /// Share of the client's one core. Near 1 the figures are the client's limit, not the server's.
    var clientCoreBusy: Double
    var server: Server?
    var neverSent: UInt64
    var reconnects: Int
    var failure: String?
    var stock: Stock?

    init(mode: String, settings: LoadSettings, result: LoadResult, stock: StockCheck.Outcome?) {
        self.mode = mode
        target = "http://\(settings.endpoint.authority)"
        connections = settings.connectionCount
        switch settings.pace {
        case .closed: loop = "closed loop"
        case .open(let perSecond, _): loop = "open loop, \(Decimals.text(perSecond, digits: 0)) arrivals/s"
        }
        let seconds = Double(result.elapsedNanoseconds) / 1e9
        let answers = Double(Swift.max(1, result.ended))
        elapsedSeconds = seconds
        answersPerSecond = Double(result.ended) / seconds
        succeededPerSecond = Double(result.succeeded) / seconds
        calls = result.calls.filter { $0.ended > 0 }.map { Call($0, seconds: seconds) }
        clientCPUMicrosecondsPerAnswer = Double(result.clientCPUNanoseconds) / 1000 / answers
        clientCoreBusy = Double(result.clientCPUNanoseconds) / Double(result.elapsedNanoseconds)
        server = result.serverCPU.map { usage in
            Server(
                cpuMicrosecondsPerAnswer: Double(usage.nanoseconds) / 1000 / answers,
                coresBusy: Double(usage.nanoseconds) / Double(result.elapsedNanoseconds),
                systemShare: Double(usage.systemNanoseconds) / Double(Swift.max(1, usage.nanoseconds))
            )
        }
        neverSent = result.neverSent
        reconnects = result.reconnects
        failure = result.failure
        self.stock = stock.map(Stock.init)
    }
}

extension LoadReport.Call {
    init(_ statistics: CallStatistics, seconds: Double) {
        name = statistics.name
        answers = statistics.ended
        succeeded = statistics.succeeded
        perSecond = Double(statistics.ended) / seconds
        latencyMicroseconds = LoadReport.Latency(statistics.latencies)
        errors = statistics.errors.byCode
    }
}

extension LoadReport.Stock {
    init(_ outcome: StockCheck.Outcome) {
        isSound = outcome.isSound
        sectionsChecked = outcome.sectionsChecked
        total = outcome.total
        available = outcome.available
        reserved = outcome.reserved
        sold = outcome.sold
        violations = outcome.violations
    }
}
