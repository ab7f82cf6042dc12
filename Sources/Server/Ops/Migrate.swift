import ArgumentParser
import Postgres

/// `holdfast migrate`: brings a database's schema to this program's version.
struct Migrate: ParsableCommand {
    static let configuration = CommandConfiguration(
        abstract: "Make the books' tables in a Postgres database, or bring them to this version.",
        discussion: """
            Needs a database that is there (createdb) with the encoding UTF8, and a user who may make schemas in it. All \
            missing versions are applied in one transaction. The role holdfast_reports is made where it is missing, and may \
            read everything in the books. Done again it does nothing.

            Exit status: 0 done, 1 not possible, 64 wrong usage.
            """
    )

    @Option(help: "The database, as a URL that libpq knows: postgresql://user@host/name?sslmode=verify-full.")
    var postgres: String

    func run() throws {
        do throws(PostgresError) {
            let (names, warning) = try PostgresBooks.migrate(url: postgres)
            print(names.isEmpty ? "The books have this version already." : "Applied: \(names.joined(separator: ", ")).")
            if let warning { print("Warning: \(warning).") }
        } catch {
            OperatorCommand.complain("\(error)")
            throw ExitCode(1)
        }
    }
}
