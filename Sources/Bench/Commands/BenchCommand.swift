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
        subcommands: [
            SaleCommand.self, ReserveCommand.self, BatchCommand.self, StaticCommand.self, PutOnSaleCommand.self,
            EngineCommand.self, RecoveryCommand.self,
        ]
    )
}
