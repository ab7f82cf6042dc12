import ArgumentParser

/// `holdfast-bench overload`: what happens when far more come than can be served, and how soon it is over.
struct OverloadCommand: ParsableCommand {
    static let configuration = CommandConfiguration(
        commandName: "overload",
        abstract: "Find the capacity, send several times that, and see how the server refuses and recovers.",
        discussion: """
            Four phases: a closed loop for the capacity; a light open loop; the overload, an open loop at --factor \
            times the capacity over many connections; the light load again, which begins while the server still has \
            the overload's last requests. Those are counted as CLIENT_UNANSWERED.
            """
    )

    @OptionGroup var target: TargetOptions
    @OptionGroup var output: ReportOptions

    @Option(help: "Arrivals during the overload, as a multiple of the capacity.")
    var factor = 3.0

    @Option(name: .shortAndLong, help: "Seconds of overload.")
    var duration = 10.0

    @Option(help: "Seconds of each of the other three phases.")
    var lightDuration = 5.0

    @Option(help: "The light load, as a share of the capacity.")
    var lightShare = 0.1

    @Option(
        help: "Connections of the overload, 1 to \(LoadSettings.connectionsMax): as many requests wait at the server."
    )
    var connections = 2_048

    @Option(help: "Connections of the other phases.")
    var lightConnections = 64

    @Option(help: "Seed of the buyers' choices.")
    var seed: UInt64 = 1

    func validate() throws {
        guard 1...100 ~= factor else { throw ValidationError("--factor is between 1 and 100.") }
        guard 0.1...3_600 ~= duration, 0.1...3_600 ~= lightDuration else {
            throw ValidationError("--duration and --light-duration are between 0.1 and 3,600 s.")
        }
        guard 0.001...1 ~= lightShare else { throw ValidationError("--light-share is between 0.001 and 1.") }
        let range = 1...LoadSettings.connectionsMax
        guard range ~= connections, range ~= lightConnections, range ~= connections + lightConnections else {
            throw ValidationError("The connections are between 1 and \(LoadSettings.connectionsMax), also together.")
        }
    }

    func run() throws { try output.finish(target.withServer(measure)) }

    func measure(_ server: ServerUnderTest) throws -> BenchReport {
        try server.checkRoom(forConnections: connections + lightConnections)
        let sale = try Sale(sectionsPerEvent: 4, stockPerSection: SaleOptions.stockMax, endpoint: server.endpoint)
        let plan = LoadPlan(
            connections: lightConnections,
            warmupSeconds: min(1, lightDuration / 2),
            durationSeconds: lightDuration
        )
        var session = LoadSession(sale.scenario(.all(.abandon), seed: seed), plan, server)
        let capacity = try session.run("capacity", .closed).succeededPerSecond
        guard capacity > 0, session.isIntact else {
            return BenchReport(mode: "overload", server: server, phases: session.phases)
        }
        let light = ArrivalSchedule.Pace.open(perSecond: capacity * lightShare, backlogMax: plan.backlogMax)
        let calm = Calm(before: try session.run("light, before", light))
        let bytesBefore = server.residentBytes
        let (overload, after) = try rush(&session, capacity, light, calm)
        let bytesAfter = server.residentBytes
        let outcome = session.isIntact ? try sale.check(session.scenario.ledger) : nil
        var report = BenchReport(mode: "overload", server: server, phases: session.phases, stock: outcome)
        addFigures(&report, overload, capacity)
        addMemory(&report, bytesBefore, overload, bytesAfter)
        calm.addFigures(&report, after)
        return report
    }

    /// The overload, and the light load that begins the moment it ends.
    private func rush(
        _ session: inout LoadSession<SaleScenario>,
        _ capacity: Double,
        _ light: ArrivalSchedule.Pace,
        _ calm: Calm
    ) throws -> (overload: LoadResult, after: LoadResult) {
        var afterwards = try session.makeLoop(light) { settings in
            settings.warmupNanoseconds = 0
            settings.sampleNanoseconds = Calm.windowNanoseconds
            settings.slowNanoseconds = calm.slowNanoseconds
        }
        try afterwards.open()
        let pace = ArrivalSchedule.Pace.open(perSecond: capacity * factor, backlogMax: 64)
        var rush = try session.makeLoop(pace) { settings in
            settings.connectionCount = connections
            settings.warmupNanoseconds = 0
            settings.durationNanoseconds = UInt64(duration * 1e9)
            settings.drainNanosecondsMax = 0
        }
        // `rush` keeps its connections open until both have ended: the server still has its last requests.
        return try (session.finish("overload", &rush), session.finish("light, after", &afterwards))
    }

    private func addFigures(_ report: inout BenchReport, _ overload: LoadResult, _ capacity: Double) {
        let reserve = overload.calls[SaleScenario.Call.reserve.rawValue]
        let seconds = Double(overload.elapsedNanoseconds) / 1e9
        report.add("capacity", capacity, "reservations/s")
        report.add("arrivals", capacity * factor, "/s")
        report.add("sent", Double(overload.begun) / seconds, "/s")
        report.add("accepted", Double(reserve.succeeded) / seconds, "/s")
        report.add("accepted to capacity", Double(reserve.succeeded) / seconds / capacity, "×")
        report.add("accepted, p99", Double(reserve.successes.valueAtPercentile(99)) / 1e6, "ms")
        report.add("turned away with 503 or 429", Double(reserve.turnedAway), "")
        report.add("  without Retry-After", Double(reserve.turnedAwayWithoutTime), "")
        if reserve.failures.totalCount > 0 {
            report.add("turned away or lost, p99", Double(reserve.failures.valueAtPercentile(99)) / 1e6, "ms")
        }
        report.add("never sent: no connection was free", Double(overload.neverSent), "")
        if reserve.turnedAwayWithoutTime > 0 {
            report.faults.append("the server turned buyers away without Retry-After")
        }
        if reserve.turnedAway == 0 {
            report.remarks.append(
                "the server turned nobody away: \(connections) requests at once fit its queues; --connections sends more"
            )
        }
    }

    private func addMemory(_ report: inout BenchReport, _ before: UInt64?, _ overload: LoadResult, _ after: UInt64?) {
        func add(_ name: String, _ bytes: UInt64?) {
            if let bytes { report.add("server resident, \(name)", Double(bytes) / 1_048_576, "MiB") }
        }
        add("before", before)
        add("during, the most", overload.timeline.compactMap(\.serverResidentBytes).max())
        add("after", after)
    }
}

/// When a light load is as quick again as it was before: for a second, window after window of 100 ms, no more than one
/// answer in a hundred took over twice the p99 of before.
struct Calm {
    static let windowNanoseconds: UInt64 = 100_000_000
    static let windowsInARow = 10

    let p99Nanoseconds: UInt64
    var slowNanoseconds: UInt64 { 2 * p99Nanoseconds }

    init(p99Nanoseconds: UInt64) {
        self.p99Nanoseconds = p99Nanoseconds
    }

    init(before: LoadResult) {
        p99Nanoseconds = before.calls.filter { $0.ended > 0 }.map { $0.latencies.valueAtPercentile(99) }.max() ?? 0
    }

    /// Seconds from the beginning of the first such second; nil when there was none.
    func secondsUntil(_ timeline: [Timeline.Sample]) -> Double? {
        var inARow = 0
        for (index, sample) in timeline.enumerated() {
            inARow = sample.answers > 0 && sample.slow * 100 <= sample.answers ? inARow + 1 : 0
            guard inARow == Self.windowsInARow else { continue }
            let first = timeline[index + 1 - Self.windowsInARow]
            return first.endSeconds - first.lengthSeconds
        }
        return nil
    }

    func addFigures(_ report: inout BenchReport, _ after: LoadResult) {
        report.add("light load before, p99", Double(p99Nanoseconds) / 1e6, "ms")
        if let seconds = secondsUntil(after.timeline) {
            report.add("latency back (p99 below twice that) after", seconds, "s")
        } else {
            report.remarks.append("the latency did not come back within the light load; --light-duration waits longer")
        }
    }
}
