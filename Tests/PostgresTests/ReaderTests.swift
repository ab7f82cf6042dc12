import Foundation
import PostgresServer
import Testing
import WAL

@testable import Engine
@testable import Postgres

/// What others in the database see of the books, and what they wait for.
@Suite(.timeLimit(.minutes(2))) struct ReaderTests {
    /// A report that was begun before sees one position to its end, also when the books are written over, and keeps nobody.
    @Test func aReportSeesOnePositionToItsEnd() throws {
        let ledger = try BooksTests.Ledger()
        let (sale, other) = (try BookSale(seed: 91), try BookSale(seed: 92, events: 1))
        try sale.run(200)
        let keeper = try ledger.keeper(of: sale)
        _ = try keeper.flush()
        let report = try ledger.connect()
        try report.run("BEGIN ISOLATION LEVEL REPEATABLE READ READ ONLY")
        func look() throws -> [[String?]] {
            try report.rows(
                """
                SELECT (SELECT position FROM holdfast.watermark), (SELECT count(*) FROM holdfast.reservations),
                    (SELECT count(*) FROM holdfast.tickets), (SELECT count(*) FROM holdfast.audit)
                """
            )
        }
        let before = try look()
        try sale.run(60)
        _ = try keeper.flush()
        #expect(try look() == before)
        _ = try ledger.keeper(of: other, mayReplace: true).flush()
        #expect(try look() == before)
        try report.run("COMMIT")
        #expect(try look() != before)
        try BooksTests.expectRows(ledger, of: other)
        // Of the other log nothing is left, in its order of references.
        #expect(try ledger.count("holdfast.events") == 1)
        #expect(try ledger.count("holdfast.resynchronisations") == 1)
    }

    /// A transaction that its client has forgotten, frozen or on a machine that is gone, ends.
    @Test func aTransactionThatRestsIsEnded() async throws {
        let ledger = try BooksTests.Ledger()
        let sale = try BookSale(seed: 93, events: 1)
        let keeper = try ledger.keeper(of: sale)
        _ = try keeper.flush()
        let frozen = try PostgresConnection(
            url: ledger.server.url(ledger.database),
            interruption: Interruption(),
            statementSeconds: 1
        )
        try frozen.run("BEGIN")
        _ = try Watermark.read(frozen, isLocked: true)
        try sale.run(20)
        // Waits for the lock, and gets it: a statement may take 60 s.
        _ = try keeper.flush()
        try BooksTests.expectRows(ledger, of: sale)
        #expect(throws: PostgresError.self) { try frozen.run("COMMIT") }
    }

    // MARK: - The role

    /// Rights are given at every migration: the role may have come since.
    @Test func theRoleIsMadeUpFor() throws {
        let server = PostgresServer()
        try server.query("CREATE ROLE shop LOGIN")
        try server.query("CREATE DATABASE shop OWNER shop")
        let url = server.url("shop", "user=shop")
        let first = try PostgresBooks.migrate(url: url)
        #expect(first.versions == Migrations.all.map(\.name))
        #expect(first.warning?.contains("CREATE ROLE holdfast_reports") == true)

        try server.query("CREATE ROLE holdfast_reports; CREATE ROLE ada LOGIN IN ROLE holdfast_reports")
        let second = try PostgresBooks.migrate(url: url)
        #expect(second.versions == [] && second.warning == nil)
        let ada = try PostgresConnection(url: server.url("shop", "user=ada"), interruption: Interruption())
        _ = try ada.rows("SELECT * FROM holdfast.sales_by_event, holdfast.watermark")
        #expect(throws: PostgresError.self) { try ada.run("DELETE FROM holdfast.audit") }
        #expect(throws: PostgresError.self) { _ = try ada.rows("SELECT records FROM holdfast_state.journal") }
        // Tables of later versions, too.
        let owner = try PostgresConnection(url: url, interruption: Interruption())
        try owner.run("CREATE TABLE holdfast.later (number integer)")
        #expect(try ada.rows("SELECT * FROM holdfast.later") == [])
    }

    // MARK: - The stop

    /// Whatever the thread waits in, a name server that says nothing or an engine that is gone, the stop ends.
    @Test func aStopDoesNotWaitForAThreadThatCanNotBeWoken() async throws {
        let ledger = try BooksTests.Ledger()
        let sale = try BookSale(seed: 94, events: 1)
        _ = try ledger.keeper(of: sale).flush()
        let source = BooksSource(sale.log) {
            try? await Task.sleep(for: .seconds(20))
            return BookState()
        }
        let books = try PostgresBooks(source, PostgresBooks.Options(url: ledger.server.url(ledger.database)))
        for _ in 0..<500 where !books.standing.isConnected { try await Task.sleep(for: .milliseconds(10)) }
        try await Task.sleep(for: .milliseconds(100))
        let began = ContinuousClock.now
        await books.stop(withinSeconds: 0.2)
        #expect(ContinuousClock.now - began < .seconds(10))
    }
}
