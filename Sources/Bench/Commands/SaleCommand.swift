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

    @OptionGroup var load: LoadOptions
    @OptionGroup var stock: SaleOptions
    @OptionGroup var server: ServerOptions

    @Option(help: "Share of buyers who give their hold back, 0 to 1.")
    var releaseShare = 0.1

    @Option(help: "Share of buyers who walk away from their hold, 0 to 1.")
    var abandonShare = 0.1

    func validate() throws {
        guard releaseShare >= 0, abandonShare >= 0, releaseShare + abandonShare <= 1 else {
            throw ValidationError("--release-share and --abandon-share are at least 0 and together at most 1.")
        }
        guard (load.target == nil) != (server.serverBinary == nil) else {
            throw ValidationError("Give either --target or --server-binary.")
        }
    }

    func run() throws {
        let run = SaleRun(mode: "sale", load: load, stock: stock, server: server)
        try run.run(releaseShare: releaseShare, abandonShare: abandonShare, reservesOnly: false)
    }
}

/// `holdfast-bench reserve`: durable reservations per second.
struct ReserveCommand: ParsableCommand {
    static let configuration = CommandConfiguration(
        commandName: "reserve",
        abstract: "Only reserve calls: durable reservations per second."
    )

    @OptionGroup var load: LoadOptions
    @OptionGroup var stock: SaleOptions
    @OptionGroup var server: ServerOptions

    func validate() throws {
        guard (load.target == nil) != (server.serverBinary == nil) else {
            throw ValidationError("Give either --target or --server-binary.")
        }
    }

    func run() throws {
        let run = SaleRun(mode: "reserve", load: load, stock: stock, server: server)
        try run.run(releaseShare: 0, abandonShare: 1, reservesOnly: true)
    }
}

/// What is put on sale.
struct SaleOptions: ParsableArguments {
    @Option(help: "Events to put on sale.")
    var events = 1

    @Option(help: "Sections per event.")
    var sections = 4

    @Option(help: "Tickets per section.")
    var stock = 10_000_000

    @Option(help: "Seed of the buyers' choices.")
    var seed: UInt64 = 1

    func validate() throws {
        guard 1...10_000 ~= events, 1...1_000 ~= sections, events * sections <= 100_000 else {
            throw ValidationError("--events is 1 to 10,000, --sections 1 to 1,000, together at most 100,000.")
        }
        guard 1...1_000_000_000 ~= stock else { throw ValidationError("--stock is 1 to 1,000,000,000.") }
    }
}

/// A server for the bench to start.
struct ServerOptions: ParsableArguments {
    @Option(help: "Server to start: runs with 'serve --data DIR --port PORT'.")
    var serverBinary: String?

    @Option(help: "Core to bind the started server to.")
    var serverCpu: Int?

    @Option(help: "Port of the started server.")
    var port: UInt16 = 18_080

    @Option(
        name: .customLong("server-argument"),
        parsing: .unconditionalSingleValue,
        help: "One more argument for the started server; repeat it for several."
    )
    var serverArguments: [String] = []

    @Option(help: "Data folder of the started server. Without it a new one, removed at the end.")
    var data: String?
}
