import Foundation
import PostgresServer
import Testing

@testable import Engine
@testable import Postgres

/// Books of an earlier version of the schema, with rows in them, are brought to this one and go on.
@Suite(.timeLimit(.minutes(2))) struct MigrationTests {
    /// A database as version 1 had it: its schema, and of the rows what it had columns for.
    private static func makeFirstVersion(of ledger: BooksTests.Ledger) throws -> BooksTests.Ledger {
        let server = ledger.server
        let old = BooksTests.Ledger(server, try server.makeDatabase())
        #expect(try Migrations.run(old.connect(), through: 1) == ["books"])
        let tables = BookTable.allCases.filter { $0 != .checkIns }.map { "holdfast.\($0.name)" }
        for table in tables + ["holdfast.watermark", "holdfast_state.base", "holdfast_state.journal"] {
            let columns = try server.query(
                "SELECT string_agg(attname, ',') FROM pg_attribute WHERE attrelid = '\(table)'::regclass AND attnum > 0",
                in: old.database
            )
            let copy = """
                psql -XAtq -c "COPY (SELECT \(columns) FROM \(table)) TO STDOUT" "\(server.url(ledger.database))" |
                    psql -XAtq -c "COPY \(table) (\(columns)) FROM STDIN" "\(server.url(old.database))"
                """
            let process = Process()
            process.executableURL = URL(filePath: "/bin/sh")
            process.arguments = ["-c", copy]
            try process.run()
            process.waitUntilExit()
            #expect(process.terminationStatus == 0, "\(table)")
        }
        return old
    }

    @Test func rowsOfTheFirstVersionAreKeptAndTheBooksGoOn() throws {
        let ledger = try BooksTests.Ledger()
        let sale = try BookSale(seed: 81)
        try sale.run(1_500)
        _ = try ledger.keeper(of: sale).flush()
        let old = try Self.makeFirstVersion(of: ledger)
        let error = #expect(throws: PostgresError.self) { try Migrations.require(old.connect()) }
        #expect(error?.description.contains("version 1") == true && error?.description.contains("migrate") == true)
        #expect(throws: PostgresError.self) { _ = try BooksRestore.read(url: old.server.url(old.database)) }

        #expect(try Migrations.run(old.connect()) == Migrations.all.dropFirst().map(\.name))
        // What the audit tells for certain is there as if it had always been written; nothing is there that is wrong.
        func rows(_ ledger: BooksTests.Ledger, _ sql: String) throws -> [[String?]] { try ledger.connect().rows(sql) }
        let key = "event_key, slot, generation, number"
        let scans = "SELECT \(key), scanned_at, gate_id FROM holdfast.check_ins ORDER BY \(key)"
        #expect(try rows(old, scans) == rows(ledger, scans))
        #expect(try ledger.count("holdfast.check_ins") == ledger.count("holdfast.check_ins WHERE scanned_by = 'door'"))
        let values = "SELECT \(key), refunded_at::text FROM holdfast.tickets WHERE refunded_at IS NOT NULL"
        let (found, right) = (Set(try rows(old, values)), Set(try rows(ledger, values)))
        #expect(!found.isEmpty && found.isSubset(of: right))
        let sums = "SELECT sum(gross), sum(refunded), sum(net), sum(refunded_tickets) FROM holdfast.sales_by_day"
        #expect(try rows(old, sums) == rows(ledger, sums))

        // And the books go on as if nothing had been.
        // Books of before don't say which history of the log they are of: it has to reach as far when it is started.
        try sale.reopen()
        let keeper = try old.keeper(of: sale)
        try sale.run(600)
        _ = try keeper.flush()
        let connection = try old.connect()
        try connection.run("SET ROLE holdfast_reports")
        #expect(try connection.rows("SELECT count(*) > 0 FROM holdfast.check_ins_by_gate") == [["t"]])
        #expect(try old.count("holdfast.resynchronisations") == 0)
        #expect(try BooksRestore.read(url: old.server.url(old.database)).replay.digest == sale.digest)
    }
}
