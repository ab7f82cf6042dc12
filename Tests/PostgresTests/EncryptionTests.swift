import PostgresServer
import Testing

@testable import Postgres

/// A Postgres that takes encrypted connections only, with certificates as operators have them.
@Suite(.timeLimit(.minutes(2))) struct EncryptionTests {
    private static let server: PostgresServer = {
        var options = PostgresServer.Options()
        options.isEncrypted = true
        return PostgresServer(options)
    }()

    private func refusal(_ url: String) -> String {
        do throws(PostgresError) {
            _ = try PostgresConnection(url: url, interruption: Interruption())
            return "none"
        } catch { return "\(error)" }
    }

    @Test func theBooksAreWrittenWithACheckedCertificate() async throws {
        let server = Self.server
        let ledger = try BooksTests.Ledger(server)
        let sale = try BookSale(seed: 71, events: 1)
        let url = server.encryptedURL(ledger.database)
        let keeper = try BookKeeper(sale.source, recordsMax: 1_000_000, interruption: Interruption())
        let connection = try PostgresConnection(url: url, interruption: Interruption())
        #expect(try connection.rows("SELECT ssl FROM pg_stat_ssl WHERE pid = pg_backend_pid()") == [["t"]])
        try keeper.attach(connection, mayReplace: false)
        try sale.run(200)
        _ = try keeper.flush()
        try BooksTests.expectRows(ledger, of: sale)
        // And the whole way round, as a restore reads them.
        #expect(try BooksRestore.read(url: url).replay.digest == sale.digest)
    }

    @Test func whatCanNotBeTrustedIsRefusedWithTheReason() {
        let server = Self.server
        let stranger = refusal(server.encryptedURL("postgres", root: "stranger"))
        #expect(stranger.contains("certificate verify failed") && stranger.contains("sslrootcert"), "\(stranger)")
        let elsewhere = refusal(server.encryptedURL("postgres", host: "elsewhere.example"))
        #expect(elsewhere.contains("does not match host name \"elsewhere.example\""), "\(elsewhere)")
        let missing = refusal(server.encryptedURL("postgres", root: "nobody"))
        #expect(missing.contains("nobody.crt\" does not exist"), "\(missing)")
        let plain = refusal("postgresql://postgres@127.0.0.1:\(server.port)/postgres?sslmode=disable")
        #expect(plain.contains("no encryption"), "\(plain)")
    }
}
