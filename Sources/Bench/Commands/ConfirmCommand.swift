import ArgumentParser

/// `holdfast-bench confirm`: durable sales per second, of holds that were made beforehand.
struct ConfirmCommand: ParsableCommand {
    static let configuration = CommandConfiguration(
        commandName: "confirm",
        abstract: "Only confirm calls: durable sales per second. The holds are made beforehand.",
        discussion: "Each loop has half of the holds, or all with --closed or --rate, and ends when they are paid."
    )

    @OptionGroup var target: TargetOptions
    @OptionGroup var load: LoadOptions
    @OptionGroup var stock: SaleOptions
    @OptionGroup var output: ReportOptions

    @Option(help: "Holds to make beforehand, 2 to \(HoldingScenario.holdsMax).")
    var holds = 1_000_000

    func validate() throws {
        guard 2...HoldingScenario.holdsMax ~= holds else {
            throw ValidationError("--holds is between 2 and \(HoldingScenario.holdsMax).")
        }
        guard holds <= stock.events * stock.sections * stock.stock else {
            throw ValidationError("There are fewer tickets than holds: raise --stock or --sections.")
        }
    }

    func run() throws { try output.finish(target.withServer(measure)) }

    func measure(_ server: ServerUnderTest) throws -> BenchReport {
        let sale = try stock.putOnSale(server.endpoint)
        let made = try Preparation.run(
            HoldingScenario(templates: sale.templates.reserve, count: holds),
            server,
            named: "making \(Decimals.text(UInt64(holds))) holds"
        )
        let scenario = ConfirmScenario(template: sale.templates.confirm, holds: made.holds, ledger: made.ledger)
        var session = LoadSession(scenario, load.plan, server)
        let hasTwoLoops = !load.closed && load.rate == nil
        var ranOut = false
        try session.runLoops { scenario, loop in
            ranOut = ranOut || (loop > 0 && scenario.isExhausted)
            scenario.holdsEnd = hasTwoLoops && loop == 0 ? made.holds.count / 2 : made.holds.count
        }
        ranOut = ranOut || session.scenario.isExhausted
        let outcome = session.isIntact ? try sale.check(session.scenario.ledger) : nil
        var report = BenchReport(mode: "confirm", server: server, phases: session.phases, stock: outcome)
        if ranOut {
            report.remarks.append("a loop ended because its holds were paid; --holds makes more")
        }
        return report
    }
}

/// Work that has to be done before the measurement: over many connections, as fast as the server takes it.
enum Preparation {
    static let connectionCount = 128
    static let secondsMax: UInt64 = 600

    enum Failure: Error, CustomStringConvertible {
        case incomplete(String, reason: String)

        var description: String {
            switch self {
            case .incomplete(let name, let reason): "\(name) did not work: \(reason)"
            }
        }
    }

    /// Runs the scenario until it is exhausted.
    /// - Throws: `Failure` when a call did not succeed or there was no time for all.
    static func run<S: Scenario>(_ scenario: S, _ server: ServerUnderTest, named name: String) throws -> S {
        if scenario.isExhausted { return scenario }
        ProgressLine.say("holdfast-bench: \(name)")
        var settings = LoadSettings(endpoint: server.endpoint)
        settings.connectionCount = connectionCount
        settings.durationNanoseconds = secondsMax * 1_000_000_000
        var loop = try LoadLoop(scenario: scenario, settings: settings)
        let result = try loop.run()
        if let failure = result.failure { throw Failure.incomplete(name, reason: failure) }
        for call in result.calls {
            if let (code, count) = call.errors.byCode.first {
                throw Failure.incomplete(name, reason: "\(count) × \(code) to \(call.name)")
            }
        }
        guard loop.scenario.isExhausted else {
            throw Failure.incomplete(name, reason: "it was stopped, or took more than \(secondsMax) s")
        }
        return loop.scenario
    }
}
