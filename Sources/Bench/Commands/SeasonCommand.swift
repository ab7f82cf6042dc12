import ArgumentParser

/// `holdfast-bench season`: everything the server does, in one story that ends with the books adding up.
struct SeasonCommand: ParsableCommand {
    static let configuration = CommandConfiguration(
        commandName: "season",
        abstract: "An evening from the building of the hall to its books: a walk through everything.",
        discussion: """
            A venue, an event with three sections and 20,000 places, prices, a sale to everybody at once, refunds, gifts, \
            scanners at the doors, reports. Prints what happens; ends with 1 when anything is answered otherwise than it \
            should be, or when the books differ from what the buyers were told.
            """
    )

    @OptionGroup var target: TargetOptions

    @Option(help: "Buyers, 30 to 1,000,000.")
    var buyers = 2_000

    @Option(name: .shortAndLong, help: "Connections that the buyers share, 1 to 1,000.")
    var connections = 100

    @Option(help: "Seed of the buyers' choices.")
    var seed: UInt64 = 1

    func validate() throws {
        guard 30...1_000_000 ~= buyers else { throw ValidationError("--buyers is between 30 and 1,000,000.") }
        guard 1...1_000 ~= connections else { throw ValidationError("--connections is between 1 and 1,000.") }
    }

    func run() throws {
        try target.withServer { server in
            try server.checkRoom(forConnections: connections)
            var season = try Season(
                endpoint: server.endpoint,
                buyers: buyers,
                connections: connections,
                seed: seed
            )
            try season.run()
        }
    }
}
