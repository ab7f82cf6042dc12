import Foundation
import PostgresServer
import Testing

@testable import Engine
@testable import Postgres

/// The schema keeps the promise by itself, and an operator hears what is wrong.
@Suite(.timeLimit(.minutes(2))) struct SchemaTests {
    private static func refusal(_ connection: PostgresConnection, _ sql: String) -> String? {
        do throws(PostgresError) {
            try connection.run(sql)
            return nil
        } catch {
            if case .refused(let state, _) = error { return state }
            return "\(error)"
        }
    }

    @Test func migratingTwiceChangesNothing() throws {
        let database = try PostgresServer.shared.makeDatabase()
        let connection = try PostgresServer.shared.connect(database)
        #expect(throws: PostgresError.self) { try Migrations.require(connection) }
        #expect(try Migrations.run(connection) == Migrations.all.map(\.name))
        #expect(try Migrations.run(connection) == [])
        try Migrations.require(connection)
        try connection.run("INSERT INTO holdfast.migrations (version, name) VALUES (99, 'later')")
        let error = #expect(throws: PostgresError.self) { try Migrations.require(connection) }
        #expect(error?.description.contains("later version") == true)
    }

    @Test func rowsThatBreakThePromiseAreRefused() throws {
        let ledger = try BooksTests.Ledger()
        let sale = try BookSale(seed: 1)
        try sale.run(600)
        _ = try ledger.keeper(of: sale).flush()
        let connection = try ledger.connect()
        // 23514: a check, 23P01: an exclusion.
        #expect(
            Self.refusal(connection, "UPDATE holdfast.sections SET available = -1, total = total - available - 1")
                == "23514"
        )
        #expect(Self.refusal(connection, "UPDATE holdfast.sections SET sold = sold + 1") == "23514")
        #expect(
            Self.refusal(
                connection,
                "UPDATE holdfast.seats SET slot = NULL, generation = NULL WHERE status = 'held' OR status = 'sold'"
            ) == "23514"
        )
        let twice = """
            INSERT INTO holdfast.tickets SELECT event_key, slot, generation, 100000 + number, id || '+', line, section_number,
                seat_position, seat, holder_id, status, has_place, base_price, service_fee, facility_fee, tax, total,
                transfers, checked_in_at, gate_id FROM holdfast.tickets WHERE seat_position IS NOT NULL AND has_place LIMIT 1
            """
        #expect(Self.refusal(connection, twice) == "23P01")
        #expect(Self.refusal(connection, "DELETE FROM holdfast.events") == "23503")
    }

    @Test func theReportingRoleCanOnlyRead() throws {
        let ledger = try BooksTests.Ledger()
        let connection = try ledger.connect()
        try connection.run("SET ROLE holdfast_reports")
        _ = try connection.rows("SELECT * FROM holdfast.sales_by_event, holdfast.sales_by_venue, holdfast.sales_by_day")
        for sql in [
            "DELETE FROM holdfast.orders", "UPDATE holdfast.watermark SET position = 0",
            "INSERT INTO holdfast.tenants VALUES ('x')", "SELECT records FROM holdfast_state.journal",
        ] {
            #expect(Self.refusal(connection, sql) == "42501", "\(sql)")
        }
    }

    @Test func everythingHasAComment() throws {
        let rows = try BooksTests.Ledger().connect().rows(
            """
            SELECT relname FROM pg_class c JOIN pg_namespace n ON n.oid = relnamespace
            WHERE nspname LIKE 'holdfast%' AND relkind IN ('r', 'v') AND obj_description(c.oid) IS NULL
            """
        )
        #expect(rows == [])
    }

    @Test func everyColumnHasAComment() throws {
        let rows = try BooksTests.Ledger().connect().rows(
            """
            SELECT relname, attname FROM pg_attribute a JOIN pg_class c ON c.oid = attrelid
                JOIN pg_namespace n ON n.oid = relnamespace
            WHERE nspname LIKE 'holdfast%' AND relkind IN ('r', 'v') AND attnum > 0 AND NOT attisdropped
                AND col_description(c.oid, attnum) IS NULL
            """
        )
        #expect(rows == [])
    }

    @Test func anOperatorHearsWhatIsWrong() throws {
        let server = PostgresServer.shared
        func message(_ url: String) -> String {
            do throws(PostgresError) {
                _ = try PostgresConnection(url: url, interruption: Interruption())
                return ""
            } catch { return "\(error)" }
        }
        #expect(message("postgresql://[").contains("URL can't be used"))
        #expect(!message("postgresql://ada:secret@[").contains("secret"))
        // What libpq takes for a token, a host, a port or an option may be a piece of the password.
        for url in [
            "postgresql://ada:hunt%zzer2@db/x", "postgresql://ada:hun/ter2@db/x", "postgresql://ada:12/hunter2@db/x",
            "postgresql://ada:p@hunter2@db/x", "host=db password=a hunter2",
            "host=db password='a hunter2", "host=db port=hunter2",
        ] {
            let text = message(url)
            #expect(text.contains("URL can't be used") && text.contains("percent-encoded"), "\(url): \(text)")
            #expect(!text.contains("hun") && !text.contains("ter2"), "\(url): \(text)")
        }
        #expect(message(server.url("nowhere")).contains("CREATE DATABASE"))
        #expect(message("postgresql:///x?host=/nowhere").contains("can't be reached"))
        try server.query("CREATE ROLE secret LOGIN PASSWORD 'right'")
        try server.query("CREATE DATABASE secret OWNER secret")
        #expect(message(server.url("secret", "user=secret&password=wrong")).contains("Give the right password"))
        #expect(message(server.url("secret", "user=secret")).contains("password"))
        #expect(message(server.url("secret", "user=secret&password=right")) == "")
    }

    @Test func whatOrganisersQueryAddsUp() throws {
        let ledger = try BooksTests.Ledger()
        let sale = try BookSale(seed: 2)
        try sale.run(600)
        _ = try ledger.keeper(of: sale).flush()
        let connection = try ledger.connect()
        for sale in sale.sales {
            let key = "\(Int64(bitPattern: sale.inventory.key.rawValue))"
            let orders = (0..<UInt32(sale.inventory.holdSlotCount)).compactMap { slot in
                sale.inventory.holdState(slot).order.map { (sale.inventory.holdState(slot), $0.state) }
            }
            let gross = orders.reduce(0) { $0 + $1.1.total }
            let refunded = orders.reduce(0) { $0 + $1.0.refundedAmount($1.1.refunded) }
            let row = try connection.rows(
                """
                SELECT s.orders, s.gross, s.refunded, s.net FROM holdfast.sales_by_event s
                JOIN holdfast.events e ON e.tenant_id = s.tenant_id AND e.id = s.event_id WHERE e.event_key = $1
                """,
                [key]
            )
            #expect(row == [["\(orders.count)", "\(gross)", "\(refunded)", "\(gross - refunded)"]])
            let days = try connection.rows(
                """
                SELECT coalesce(sum(d.gross), 0), coalesce(sum(d.net), 0) FROM holdfast.sales_by_day d
                JOIN holdfast.events e ON e.tenant_id = d.tenant_id AND e.id = d.event_id WHERE e.event_key = $1
                """,
                [key]
            )
            #expect(days == [["\(gross)", "\(gross - refunded)"]])
        }
    }
}
