import ArgumentParser

/// `holdfast-bench flash`: everybody at second 0, far more of them than tickets.
struct FlashCommand: ParsableCommand {
    static let configuration = CommandConfiguration(
        commandName: "flash",
        abstract: "A flash sale: all buyers at second 0, far more of them than tickets.",
        discussion: """
            Every buyer's wait counts from second 0: a reserve call's latency is how long its buyer waited to be told, \
            yes or no. Who gets a ticket locks the price and pays. At the end every ticket has to be sold, to exactly \
            as many buyers as were told so.
            """
    )

    @OptionGroup var target: TargetOptions
    @OptionGroup var output: ReportOptions

    @Option(help: "Buyers, 1 to 10,000,000.")
    var buyers: UInt64 = 100_000

    @Option(help: "Tickets, in all sections together.")
    var stock = 5_000

    @Option(help: "Sections of the one event; the tickets are divided evenly.")
    var sections = 1

    @Option(
        name: .shortAndLong,
        help: "Keep-alive connections that the buyers share, 1 to \(LoadSettings.connectionsMax)."
    )
    var connections = 1_000

    @Option(help: "Give up after so many seconds.")
    var secondsMax = 300.0

    @Option(help: "Seed of the buyers' choices.")
    var seed: UInt64 = 1

    func validate() throws {
        guard 1...10_000_000 ~= buyers else { throw ValidationError("--buyers is between 1 and 10,000,000.") }
        guard 1...1_000 ~= sections, stock >= sections, stock % sections == 0, stock / sections <= SaleOptions.stockMax
        else {
            throw ValidationError("--sections is 1 to 1,000 and divides --stock; 10,000,000 tickets a section at most.")
        }
        guard 1...LoadSettings.connectionsMax ~= connections else {
            throw ValidationError("--connections is between 1 and \(LoadSettings.connectionsMax).")
        }
        guard 1...3_600 ~= secondsMax else { throw ValidationError("--seconds-max is between 1 and 3,600.") }
    }

    func run() throws { try output.finish(target.withServer(measure)) }

    func measure(_ server: ServerUnderTest) throws -> BenchReport {
        let sale = try Sale(sectionsPerEvent: sections, stockPerSection: stock / sections, endpoint: server.endpoint)
        let plan = LoadPlan(connections: connections, warmupSeconds: 0, durationSeconds: secondsMax)
        var session = LoadSession(sale.scenario(.all(.confirm), seed: seed), plan, server)
        let result = try session.run("flash", .burst(count: buyers)) { $0.sampleNanoseconds = 100_000_000 }
        let ledger = session.scenario.ledger
        let outcome = session.isIntact ? try sale.check(ledger, expectsSoldOut: isSurelySoldOut(result)) : nil
        var report = BenchReport(mode: "flash", server: server, phases: session.phases, stock: outcome)
        addFigures(&report, result, ledger)
        return report
    }

    /// With several sections a buyer wants one of them and does not take another, so only a wide margin is sure.
    private func isSurelySoldOut(_ result: LoadResult) -> Bool {
        let asked = result.calls[SaleScenario.Call.reserve.rawValue].ended
        let hasLostOnes = result.calls.contains { call in
            [ClientError.connectionLost, .unanswered, .notUnderstood].contains {
                call.errors.byCode[$0.rawValue] != nil
            }
                || call.turnedAway > 0
        }
        return !hasLostOnes && asked >= UInt64(sections == 1 ? stock : 2 * stock + 100 * sections)
    }

    private func addFigures(_ report: inout BenchReport, _ result: LoadResult, _ ledger: SaleLedger) {
        let reserve = result.calls[SaleScenario.Call.reserve.rawValue]
        let confirm = result.calls[SaleScenario.Call.confirm.rawValue]
        func seconds(_ nanoseconds: UInt64) -> Double {
            Double(nanoseconds - min(nanoseconds, result.startNanoseconds)) / 1e9
        }
        report.add("tickets", Double(stock), "")
        report.add("buyers", Double(buyers), "")
        report.add("got a ticket and paid", Double(ledger.sections.reduce(0) { $0 + $1.confirmed }), "")
        report.add("refused", Double(reserve.failures.totalCount), "")
        report.add("last ticket held after", seconds(reserve.lastSuccessNanoseconds), "s")
        report.add("last ticket paid after", seconds(confirm.lastSuccessNanoseconds), "s")
        report.add("everybody told after", Double(result.elapsedNanoseconds) / 1e9, "s")
        for (name, histogram) in [("winners", reserve.successes), ("losers", reserve.failures)]
        where histogram.totalCount > 0 {
            report.add("\(name) told, median", Double(histogram.valueAtPercentile(50)) / 1e6, "ms")
            report.add("\(name) told, p99", Double(histogram.valueAtPercentile(99)) / 1e6, "ms")
        }
    }
}
