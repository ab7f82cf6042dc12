import ArgumentParser

/// `holdfast-bench growth`: does a reservation cost more when there is more of everything?
struct GrowthCommand: ParsableCommand {
    static let configuration = CommandConfiguration(
        commandName: "growth",
        abstract: "What a reservation costs with few and with many live holds, and with few and with many events.",
        discussion: """
            At each size buyers reserve and give back, so that the size stays as it is. With --server-binary each size \
            has a new server; with --target they come one after the other to the same, and add up.
            """
    )

    @OptionGroup var target: TargetOptions
    @OptionGroup var output: ReportOptions

    @Option(help: "Live holds of one event, several numbers with commas between; up to 10,000,000 each.")
    var holds = Sizes(values: [10, 10_000, 1_000_000])

    @Option(help: "Events on sale, several numbers with commas between; up to 1,000,000 each.")
    var events = Sizes(values: [1, 1_000, 100_000])

    @Option(name: .shortAndLong, help: "Keep-alive connections, 1 to \(LoadSettings.connectionsMax).")
    var connections = 64

    @Option(name: .shortAndLong, help: "Seconds to measure at each size.")
    var duration = 5.0

    @Option(help: "Seconds of load before measuring.")
    var warmup = 1.0

    @Option(help: "Seed of the buyers' choices.")
    var seed: UInt64 = 1

    func validate() throws {
        guard holds.values.allSatisfy({ $0 <= 10_000_000 }), events.values.allSatisfy({ $0 <= 1_000_000 }) else {
            throw ValidationError("--holds is up to 10,000,000 and --events up to 1,000,000.")
        }
        guard 1...LoadSettings.connectionsMax ~= connections else {
            throw ValidationError("--connections is between 1 and \(LoadSettings.connectionsMax).")
        }
        guard 0.1...3_600 ~= duration, 0...3_600 ~= warmup else {
            throw ValidationError("--duration is between 0.1 and 3,600 s, --warmup between 0 and 3,600 s.")
        }
    }

    func run() throws {
        var sizes: [Size] = []
        for count in holds.values where !StopSignal.wasReceived {
            sizes.append(try target.withServer { try measure($0, events: 1, holds: count, axis: .holds) })
        }
        for count in events.values where !StopSignal.wasReceived {
            sizes.append(try target.withServer { try measure($0, events: count, holds: 0, axis: .events) })
        }
        try output.finish(Self.report(sizes, target: target.target ?? target.serverBinary ?? ""))
    }

    enum Axis: String {
        case holds = "live holds"
        case events = "events"
    }

    /// What was measured at one size.
    struct Size {
        var axis: Axis
        var count: Int
        var phase: LoadReport
        /// Of the server, just before the measurement.
        var residentBytes: UInt64?
    }

    func measure(_ server: ServerUnderTest, events: Int, holds: Int, axis: Axis) throws -> Size {
        let count = axis == .holds ? holds : events
        let name = "\(Decimals.text(UInt64(count))) \(count == 1 ? String(axis.rawValue.dropLast()) : axis.rawValue)"
        let prefix = RunPrefix.make()
        let catalogue = CatalogueScenario(
            count: events,
            stockPerSection: SaleOptions.stockMax,
            endpoint: server.endpoint,
            runPrefix: prefix
        )
        let sections = try Preparation.run(catalogue, server, named: "\(name): events").sections
        let template = TurnoverScenario.reserve(
            section: sections[0],
            endpoint: server.endpoint,
            runPrefix: prefix + "h"
        )
        _ = try Preparation.run(HoldingScenario(templates: [template], count: holds), server, named: "\(name): holds")
        let bytes = server.residentBytes
        let turnover = TurnoverScenario(sections: sections, endpoint: server.endpoint, runPrefix: prefix, seed: seed)
        let plan = LoadPlan(connections: connections, warmupSeconds: warmup, durationSeconds: duration)
        var session = LoadSession(turnover, plan, server)
        try session.run(name, .closed)
        return Size(axis: axis, count: count, phase: session.phases[0], residentBytes: bytes)
    }

    static func report(_ sizes: [Size], target: String) -> BenchReport {
        var report = BenchReport(mode: "growth", target: target, phases: sizes.map(\.phase))
        for axis in [Axis.holds, .events] {
            let along = sizes.filter { $0.axis == axis }
            guard let first = along.first, let last = along.last, along.count > 1 else { continue }
            if let little = first.phase.server, let much = last.phase.server, little.cpuMicrosecondsPerAnswer > 0 {
                report.add(
                    "server CPU, \(last.phase.phase) to \(first.phase.phase)",
                    much.cpuMicrosecondsPerAnswer / little.cpuMicrosecondsPerAnswer,
                    "×"
                )
            }
            if let before = first.residentBytes, let after = last.residentBytes, last.count > first.count {
                let each = (Double(after) - Double(before)) / Double(last.count - first.count)
                report.add("server resident for each of the \(axis.rawValue)", each, "bytes")
            }
            report.charts.append(contentsOf: charts(along, axis))
        }
        return report
    }

    private static func charts(_ sizes: [Size], _ axis: Axis) -> [Chart] {
        func series(_ name: String, _ value: (LoadReport) -> Double?) -> Chart.Series {
            Chart.Series(
                name: name,
                points: sizes.compactMap { size in
                    value(size.phase).map { Chart.Point(x: Double(max(1, size.count)), y: $0) }
                }
            )
        }
        let xAxis = Chart.Axis(label: axis.rawValue, scale: .logarithmic)
        return [
            Chart(
                title: "Server CPU per call, by \(axis.rawValue)",
                x: xAxis,
                y: Chart.Axis(label: "µs", scale: .linear),
                series: [series("CPU") { $0.server?.cpuMicrosecondsPerAnswer }],
                hasMarks: true
            ),
            Chart(
                title: "Latency of reserve, by \(axis.rawValue)",
                x: xAxis,
                y: Chart.Axis(label: "µs", scale: .linear),
                series: [
                    series("p50") { $0.calls.first?.latencyMicroseconds.p50 },
                    series("p99") { $0.calls.first?.latencyMicroseconds.p99 },
                ],
                hasMarks: true
            ),
        ]
    }
}

/// Numbers with commas between, each larger than the one before.
struct Sizes: ExpressibleByArgument, Equatable, CustomStringConvertible {
    static let countMax = 16

    let values: [Int]

    init(values: [Int]) {
        self.values = values
    }

    init?(argument: String) {
        let parts = argument.split(separator: ",", omittingEmptySubsequences: false)
        let values = parts.compactMap { Int($0) }
        guard values.count == parts.count, 1...Self.countMax ~= values.count, values.allSatisfy({ $0 >= 1 }),
            zip(values, values.dropFirst()).allSatisfy({ $0 < $1 })
        else { return nil }
        self.values = values
    }

    var description: String { values.map(String.init).joined(separator: ",") }
}
