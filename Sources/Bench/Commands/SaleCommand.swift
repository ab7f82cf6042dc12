import ArgumentParser

/// `holdfast-bench sale`: buyers reserve, lock the price, confirm; some give back, some walk away.
struct SaleCommand: ParsableCommand {
    static let configuration = CommandConfiguration(
        commandName: "sale",
        abstract: "Run a sale: reserve, lock the price, confirm, with releases and abandoned holds.",
        discussion: """
            Puts new events on sale, lets buyers in, and at the end holds the server's stock against what the \
            buyers were told: nothing sold twice, nothing lost.
            """
    )

    @OptionGroup var target: TargetOptions
    @OptionGroup var load: LoadOptions
    @OptionGroup var stock: SaleOptions
    @OptionGroup var output: ReportOptions

    @Option(help: "Share of buyers who give their hold back, 0 to 1.")
    var releaseShare = 0.1

    @Option(help: "Share of buyers who walk away from their hold, 0 to 1.")
    var abandonShare = 0.1

    func validate() throws {
        guard releaseShare >= 0, abandonShare >= 0, releaseShare + abandonShare <= 1 else {
            throw ValidationError("--release-share and --abandon-share are at least 0 and together at most 1.")
        }
    }

    func run() throws {
        let mix = try SaleMix([
            .release: releaseShare, .abandon: abandonShare, .confirm: 1 - releaseShare - abandonShare,
        ])
        try output.finish(target.withServer { try SaleRun(mode: "sale", plan: load.plan, stock: stock).run(mix, $0) })
    }
}

/// `holdfast-bench reserve`: durable reservations per second.
struct ReserveCommand: ParsableCommand {
    static let configuration = CommandConfiguration(
        commandName: "reserve",
        abstract: "Only reserve calls: durable reservations per second."
    )

    @OptionGroup var target: TargetOptions
    @OptionGroup var load: LoadOptions
    @OptionGroup var stock: SaleOptions
    @OptionGroup var output: ReportOptions

    func run() throws {
        let run = SaleRun(mode: "reserve", plan: load.plan, stock: stock)
        try output.finish(target.withServer { try run.run(.all(.abandon), $0) })
    }
}

/// `holdfast-bench mixed`: what a shop sees all day.
struct MixedCommand: ParsableCommand {
    static let configuration = CommandConfiguration(
        commandName: "mixed",
        abstract: "Visitors who look, hold, walk away, ask for more time, pay: in shares that you give."
    )

    @OptionGroup var target: TargetOptions
    @OptionGroup var load: LoadOptions
    @OptionGroup var stock: SaleOptions
    @OptionGroup var output: ReportOptions

    @Option(
        help: """
            Parts of all visits. availability: GET one section. event: GET the event. abandon: reserve and walk away. \
            release: reserve, release. extend: reserve, extend, confirm. confirm: reserve, price-lock, confirm.
            """
    )
    var mix = "availability=50,event=20,abandon=6,release=4,extend=4,confirm=16"

    func validate() throws {
        do { _ = try SaleMix(mix) } catch { throw ValidationError("--mix: \(error)") }
    }

    func run() throws {
        let run = SaleRun(mode: "mixed", plan: load.plan, stock: stock)
        try output.finish(target.withServer { try run.run(SaleMix(mix), $0) })
    }
}

/// One sale from start to end: put tickets up, load, check the stock, report.
struct SaleRun {
    let mode: String
    let plan: LoadPlan
    let stock: SaleOptions

    func run(_ mix: SaleMix, _ server: ServerUnderTest) throws -> BenchReport {
        let sale = try stock.putOnSale(server.endpoint)
        var session = LoadSession(sale.scenario(mix, seed: stock.seed), plan, server)
        try session.runLoops()
        let outcome = session.isIntact ? try sale.check(session.scenario.ledger) : nil
        return BenchReport(mode: mode, server: server, phases: session.phases, stock: outcome)
    }
}
