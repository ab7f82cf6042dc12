import ArgumentParser

/// `holdfast-bench availability`: reads of one section's stock.
struct AvailabilityCommand: ParsableCommand {
    static let configuration = CommandConfiguration(
        commandName: "availability",
        abstract: "Only GET of one section: how fast the shop window is."
    )

    @OptionGroup var target: TargetOptions
    @OptionGroup var load: LoadOptions
    @OptionGroup var stock: SaleOptions
    @OptionGroup var output: ReportOptions

    func run() throws { try output.finish(target.withServer(measure)) }

    func measure(_ server: ServerUnderTest) throws -> BenchReport {
        let sale = try stock.putOnSale(server.endpoint)
        let scenario = StaticScenario(name: "availability", templates: sale.templates.availability)
        var session = LoadSession(scenario, load.plan, server)
        try session.runLoops()
        let unsold = SaleLedger(sectionCount: sale.sections.count)
        let outcome = session.isIntact ? try sale.check(unsold) : nil
        return BenchReport(mode: "availability", server: server, phases: session.phases, stock: outcome)
    }
}
