import ArgumentParser

/// Entry of `holdfast-bench`.
@main
struct BenchCommand: AsyncParsableCommand {
    static let configuration = CommandConfiguration(
        commandName: "holdfast-bench",
        abstract: "Load a Holdfast server and see what buyers would feel, or its engine without HTTP.",
        discussion: """
            One thread, plain HTTP/1.1 over keep-alive connections, numeric IPv4 targets; 'engine' and 'recovery' \
            run the engine inside the bench's own process. Every run is bounded and stops by itself. Exit status: 0 when \
            the run went well; 1 when the stock did not add up, nothing succeeded, or the server went away.
            """,
        groupedSubcommands: [
            CommandGroup(
                name: "What a shop asks",
                subcommands: [
                    SaleCommand.self, FlashCommand.self, MixedCommand.self, HotCommand.self, OverloadCommand.self,
                    IdleCommand.self, ListenersCommand.self, GrowthCommand.self, BooksCommand.self,
                    SeasonCommand.self, TokensCommand.self,
                ]
            ),
            CommandGroup(
                name: "One call alone",
                subcommands: [
                    ReserveCommand.self, ConfirmCommand.self, AvailabilityCommand.self, BatchCommand.self,
                    StaticCommand.self,
                ]
            ),
            CommandGroup(
                name: "Without a server",
                subcommands: [EngineCommand.self, RecoveryCommand.self, LogCommand.self]
            ),
            CommandGroup(name: "For other load tools", subcommands: [PutOnSaleCommand.self]),
        ]
    )
}
