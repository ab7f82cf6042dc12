import Foundation
import PostgresServer
import Testing

/// What `serve --check` says of the books.
@Suite struct BooksCheckTests {
    private func check(_ folder: DataFolder, _ url: String, _ more: [String] = []) throws -> (Int32, String) {
        let began = ContinuousClock.now
        let result = try ServerProcess.run(
            ["serve", "--check", "--data", folder.data, "--port", "0", "--postgres", url] + more,
            in: folder
        )
        #expect(ContinuousClock.now - began < .seconds(20))
        #expect(!result.output.contains("pa55word"), "\(result.output)")
        return (result.exitCode, result.output)
    }

    @Test func aCheckSaysWhetherTheBooksCanBeWritten() throws {
        let postgres = PostgresServer()
        let folder = try DataFolder()
        let database = try postgres.makeDatabase()
        let url = postgres.url(database)
        try postgres.query("CREATE DATABASE secret")
        try postgres.query("CREATE ROLE ada LOGIN PASSWORD 'pa55word'")
        for (url, reason) in [
            ("postgresql:///\(database)?host=/nowhere", "Postgres can't be reached"),
            (postgres.url("secret", "user=ada&password=pa55word2"), "Give the right password"),
            (postgres.url("nowhere"), "CREATE DATABASE"), (url, "holdfast migrate"),
        ] {
            let (code, output) = try check(folder, url)
            #expect(code == 69 && output.contains("FAILED  books: "), "\(output)")
            #expect(
                output.contains(reason) && output.contains("a start would sell, and write no books yet"),
                "\(output)"
            )
        }
        let (code, output) = try check(folder, url, ["--postgres-migrate"])
        #expect(code == 0 && output.contains("the start brings the schema from version 0 to"), "\(output)")

        // With books of its own, which a check leaves as they are.
        let server = try ServerProcess.launch(
            in: folder,
            ["--data", folder.data, "--postgres", url, "--postgres-migrate"]
        )
        try HonestBuyers.openSale(server.port())
        try BooksWar.waitUntilCaughtUp(server)
        #expect(try check(folder, url).1.contains("ok      books: Postgres "))
        server.send(SIGTERM)
        _ = try server.exitCode(withinSeconds: 30)
        let (own, said) = try check(folder, url)
        #expect(own == 0 && said.contains("with its books up to position ") && said.contains("all is well"), "\(said)")

        let (other, told) = try check(DataFolder(), url)
        #expect(other == 69 && told.contains("the books of another log") && told.contains("a new one"), "\(told)")
        #expect(try check(DataFolder(), url, ["--postgres-replace"]).0 == 0)
        let (rights, complaint) = try check(folder, postgres.url(database, "user=ada"))
        #expect(rights == 69 && complaint.contains("(42501)"), "\(complaint)")
        try postgres.query("INSERT INTO holdfast.migrations (version, name) VALUES (99, 'later')", in: database)
        #expect(try check(folder, url).1.contains("a later version of holdfast"))
    }
}
