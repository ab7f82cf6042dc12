import ArgumentParser

/// `holdfast-bench hot`: one event that everybody wants.
struct HotCommand: ParsableCommand {
    static let configuration = CommandConfiguration(
        commandName: "hot",
        abstract: "All connections reserve from one section of one event; --spread compares with many events.",
        discussion: """
            With --spread the two take turns, --rounds each in a closed loop, and then each has an open loop at \
            --load-share of the slower one's median rate.
            """
    )

    @OptionGroup var target: TargetOptions
    @OptionGroup var load: LoadOptions
    @OptionGroup var output: ReportOptions

    @Option(help: "Events to compare with, 2 to 1,000.")
    var spread: Int?

    @Option(help: "Turns of each side with --spread.")
    var rounds = 3

    @Option(help: "Seed of the buyers' choices.")
    var seed: UInt64 = 1

    func validate() throws {
        if let spread, !(2...1_000 ~= spread) { throw ValidationError("--spread is between 2 and 1,000.") }
        guard 1...100 ~= rounds else { throw ValidationError("--rounds is between 1 and 100.") }
        guard spread == nil || load.rate == nil else { throw ValidationError("--spread finds its own rate.") }
    }

    func run() throws { try output.finish(target.withServer(measure)) }

    func measure(_ server: ServerUnderTest) throws -> BenchReport {
        let hot = try Side(name: "one event", events: 1, load.plan, server, seed)
        guard let spread else { return try alone(hot, server) }
        return try besides(hot, Side(name: "\(spread) events", events: spread, load.plan, server, seed), server)
    }

    private struct Side {
        let name: String
        let sale: Sale
        var session: LoadSession<SaleScenario>
        var rates: [Double] = []

        init(name: String, events: Int, _ plan: LoadPlan, _ server: ServerUnderTest, _ seed: UInt64) throws {
            self.name = name
            sale = try Sale(eventCount: events, stockPerSection: SaleOptions.stockMax, endpoint: server.endpoint)
            session = LoadSession(sale.scenario(.all(.abandon), seed: seed), plan, server)
        }

        mutating func takeTurn(_ round: Int) throws {
            let result = try session.run("\(name), round \(round)", .closed)
            rates.append(result.succeededPerSecond)
        }

        func check() throws -> StockCheck.Outcome? {
            session.isIntact ? try sale.check(session.scenario.ledger) : nil
        }
    }

    private func alone(_ hot: Side, _ server: ServerUnderTest) throws -> BenchReport {
        var hot = hot
        try hot.session.runLoops()
        return BenchReport(mode: "hot", server: server, phases: hot.session.phases, stock: try hot.check())
    }

    private func besides(_ hot: Side, _ spread: Side, _ server: ServerUnderTest) throws -> BenchReport {
        var (hot, spread) = (hot, spread)
        for round in 1...rounds where !StopSignal.wasReceived {
            try hot.takeTurn(round)
            try spread.takeTurn(round)
        }
        let (one, many) = (Median.of(hot.rates), Median.of(spread.rates))
        if !load.closed, min(one, many) > 0, !StopSignal.wasReceived {
            let rate = min(one, many) * load.loadShare
            try hot.session.runLatency("\(hot.name), latency", perSecond: rate)
            try spread.session.runLatency("\(spread.name), latency", perSecond: rate)
        }
        let phases = (hot.session.phases + spread.session.phases).sorted { $0.startNanoseconds < $1.startNanoseconds }
        let outcomes = [try hot.check(), try spread.check()].compactMap { $0 }
        var report = BenchReport(
            mode: "hot",
            server: server,
            phases: phases,
            stock: outcomes.dropFirst().reduce(outcomes.first) { $0?.joined(with: $1) }
        )
        report.add("\(hot.name), median", one, "reservations/s")
        report.add("\(spread.name), median", many, "reservations/s")
        if many > 0 { report.add("\(hot.name) to \(spread.name)", one / many, "×") }
        return report
    }
}

/// The middle of some values; between the two middle ones where their number is even.
enum Median {
    static func of(_ values: [Double]) -> Double {
        guard !values.isEmpty else { return 0 }
        let sorted = values.sorted()
        let middle = sorted.count / 2
        return sorted.count % 2 == 1 ? sorted[middle] : (sorted[middle - 1] + sorted[middle]) / 2
    }
}
