import BookCheck
import Foundation
import PostgresServer
import Testing
import WAL

@testable import Engine
@testable import Postgres

/// The books say what the engine's state says, row for row, at every watermark.
@Suite(.timeLimit(.minutes(5))) struct BooksTests {
    /// A database with the schema, and what writes its books.
    struct Ledger {
        let server: PostgresServer
        let database: String

        init(_ server: PostgresServer = .shared) throws {
            self.server = server
            database = try server.makeDatabase()
            _ = try Migrations.run(try server.connect(database))
        }

        /// Books that are there.
        init(_ server: PostgresServer, _ database: String) {
            self.server = server
            self.database = database
        }

        func connect() throws -> PostgresConnection { try server.connect(database) }

        func keeper(of sale: BookSale, mayReplace: Bool = false, recordsMax: Int = 1_000_000) throws -> BookKeeper {
            let keeper = try BookKeeper(sale.source, recordsMax: recordsMax, interruption: Interruption())
            try keeper.attach(connect(), mayReplace: mayReplace)
            return keeper
        }

        func count(_ rest: String) throws -> Int {
            Int(try connect().rows("SELECT count(*) FROM \(rest)").first?[0] ?? "") ?? -1
        }
    }

    static func expectRows(_ ledger: Ledger, of sale: BookSale) throws {
        let connection = try ledger.connect()
        for sale in sale.sales {
            let differences = try BookRowCheck(connection: connection, event: sale.inventory).differences()
            #expect(differences == [], "\(sale.inventory.details.id)")
        }
        let watermark = try Watermark.read(connection, isLocked: false)
        let end = sale.log.durablePosition
        #expect(watermark == Watermark(log: sale.log.identity, position: end, origin: sale.log.origin(of: end)))
    }

    @Test(arguments: [1, 2, 3] as [UInt64]) func everyRowIsTheStates(seed: UInt64) throws {
        let ledger = try Ledger()
        let sale = try BookSale(seed: seed)
        var keeper = try ledger.keeper(of: sale)
        for round in 0..<8 {
            try sale.run(150)
            if round == 4 {
                // As after a restart: the state is copied, further than the watermark.
                keeper = try ledger.keeper(of: sale)
            }
            let report = try keeper.flush()
            #expect(report.position == sale.log.durablePosition)
            #expect(keeper.digest == sale.digest)
            try Self.expectRows(ledger, of: sale)
        }
        #expect(try ledger.count("holdfast.audit") > 150)
        #expect(try ledger.count("holdfast.orders") > 10)
        #expect(try ledger.count("holdfast.seats WHERE slot IS NOT NULL") > 0)
        #expect(try ledger.count("holdfast.resynchronisations") == 0)
    }

    @Test func smallFlushesLeadToTheSameRows() throws {
        let ledger = try Ledger()
        let sale = try BookSale(seed: 4)
        try sale.run(400)
        let keeper = try ledger.keeper(of: sale, recordsMax: 37)
        var flushes = 0
        while keeper.position < sale.log.durablePosition {
            _ = try keeper.flush()
            flushes += 1
        }
        #expect(flushes > 5)
        try Self.expectRows(ledger, of: sale)
        #expect(try keeper.flush().rows == 0)
    }

    @Test func whatTheLogHasForgottenComesFromTheState() throws {
        let ledger = try Ledger()
        let sale = try BookSale(seed: 5, segmentBytes: 256 << 10, keptBytes: 0)
        try sale.run(100)
        _ = try ledger.keeper(of: sale).flush()
        try sale.forget(through: sale.log.lastPosition)
        let keeper = try ledger.keeper(of: sale)
        #expect(try keeper.flush().isResynchronization)
        try Self.expectRows(ledger, of: sale)
        #expect(try ledger.count("holdfast.resynchronisations") == 1)
        try sale.run(100)
        #expect(try !keeper.flush().isResynchronization)
        try Self.expectRows(ledger, of: sale)
    }

    // MARK: - Flushes that are cut, late, or repeated

    /// A flush whose connection breaks before, or right after, its n-th statement; for every n.
    @Test(arguments: [false, true]) func aFlushCutAnywhereIsMadeUpFor(isAfter: Bool) throws {
        let ledger = try Ledger()
        let sale = try BookSale(seed: 6, events: 1)
        let keeper = try BookKeeper(sale.source, recordsMax: 1_000_000, interruption: Interruption())
        var cutAt = 1
        var isCut = true
        while isCut {
            try sale.run(8)
            isCut = try Self.flush(keeper, ledger, cutAt: cutAt, isAfter: isAfter)
            // Whatever there is, is of one position: that of the watermark. Then the rest follows.
            try keeper.attach(ledger.connect(), mayReplace: false)
            _ = try keeper.flush()
            try Self.expectRows(ledger, of: sale)
            cutAt += 1
        }
        #expect(cutAt > 15)
    }

    /// - Returns: whether it came to the cut.
    private static func flush(_ keeper: BookKeeper, _ ledger: Ledger, cutAt: Int, isAfter: Bool) throws -> Bool {
        let connection = try ledger.connect()
        try keeper.attach(connection, mayReplace: false)
        var statements = 0
        connection.onStatement = { isDone throws(PostgresError) in
            guard isDone == isAfter else { return }
            statements += 1
            guard statements >= cutAt else { return }
            connection.breakOff()
            if isAfter { throw .unreachable("cut") }
        }
        defer {
            connection.onStatement = nil
            keeper.detach()
        }
        do {
            _ = try keeper.flush()
        } catch is PostgresError {
            return true
        }
        return statements >= cutAt
    }

    @Test func aStaleFlushChangesNothing() throws {
        let ledger = try Ledger()
        let sale = try BookSale(seed: 7)
        let stale = try ledger.keeper(of: sale)
        let other = try ledger.keeper(of: sale)
        try sale.run(50)
        _ = try other.flush()
        try sale.run(50)
        #expect(throws: PostgresError.self) { try stale.flush() }
        let watermark = try Watermark.read(ledger.connect(), isLocked: false)
        #expect(watermark?.position == other.position)
        // It looks again, and goes on from there.
        try stale.attach(ledger.connect(), mayReplace: false)
        _ = try stale.flush()
        try Self.expectRows(ledger, of: sale)
    }

    /// New rows are copied without a look whether they are there; only somebody else can have written them.
    @Test func aRowThatIsThereBeforeItsTimeIsWrittenOver() throws {
        let ledger = try Ledger()
        let sale = try BookSale(seed: 11, events: 1)
        let keeper = try ledger.keeper(of: sale)
        try sale.run(100)
        _ = try keeper.flush()
        try ledger.connect().run(
            """
            INSERT INTO holdfast.reservations
            SELECT event_key, slot + 1, 0, 'by hand', customer_id, 'released', quantity, created_at, expires_at, ended_at
            FROM holdfast.reservations ORDER BY slot DESC LIMIT 1
            """
        )
        try sale.run(200)
        let error = #expect(throws: PostgresError.self) { try keeper.flush() }
        if case .refused(state: "23505", _)? = error {} else { Issue.record("\(String(describing: error))") }
        try keeper.attach(ledger.connect(), mayReplace: false)
        _ = try keeper.flush()
        try Self.expectRows(ledger, of: sale)
    }

    // MARK: - Whose books they are

    @Test func theBooksOfAnotherLogAreNotTouched() throws {
        let ledger = try Ledger()
        let (sale, other) = (try BookSale(seed: 8), try BookSale(seed: 9, events: 1))
        _ = try ledger.keeper(of: sale).flush()
        #expect(throws: PostgresError.self) { _ = try ledger.keeper(of: other) }
        try Self.expectRows(ledger, of: sale)
        // Unless that is what the operator wants.
        _ = try ledger.keeper(of: other, mayReplace: true).flush()
        try Self.expectRows(ledger, of: other)
        #expect(try ledger.count("holdfast.events") == 1)
    }

    @Test func anOlderLogIsRefused() throws {
        let ledger = try Ledger()
        let sale = try BookSale(seed: 10)
        _ = try ledger.keeper(of: sale).flush()
        try ledger.connect().run("UPDATE holdfast.watermark SET position = position + 1000")
        let error = #expect(throws: PostgresError.self) { _ = try ledger.keeper(of: sale) }
        #expect(error?.description.contains("older") == true)
    }
}
