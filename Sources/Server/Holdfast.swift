import ArgumentParser

/// The `holdfast` program: configuration and wiring.
@main
struct Holdfast: AsyncParsableCommand {
    static let configuration = CommandConfiguration(
        commandName: "holdfast",
        abstract: "A ticket reservation engine: durable before answered, never the same seat twice.",
        discussion: """
            To begin: holdfast serve --data data. Then GET http://127.0.0.1:8080/openapi.json describes every route.
            """,
        version: Operations.version,
        subcommands: [
            Serve.self, Verify.self, Inspect.self, Repair.self, Backup.self, Restore.self, Migrate.self,
            TokenCommand.self,
        ]
    )
}
