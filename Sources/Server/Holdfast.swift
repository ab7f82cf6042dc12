import ArgumentParser

/// The `holdfast` program: configuration and wiring.
@main
struct Holdfast: AsyncParsableCommand {
    static let configuration = CommandConfiguration(
        commandName: "holdfast",
        abstract: "A ticket reservation engine: durable before answered, never the same seat twice.",
        version: "0.1.0",
        subcommands: [Serve.self, Verify.self, Inspect.self, Repair.self, Backup.self, Restore.self, TokenCommand.self]
    )
}
