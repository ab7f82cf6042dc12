import Foundation
import Glibc
import PostgresServer
import Testing
import WAL

@testable import Engine
@testable import Postgres

/// Another database takes the place of the one that was written: the books go back, and what they have lost is sent again.
@Suite(.timeLimit(.minutes(5)), .serialized) struct FailoverTests {
    private static func start(_ url: String, _ sale: BookSale, _ notices: Notices) throws -> PostgresBooks {
        var options = PostgresBooks.Options(url: url)
        options.flushIntervalMilliseconds = 20
        options.lookIntervalMilliseconds = 200
        return try PostgresBooks(sale.source, options) { notices.add($0) }
    }

    private static func wait(seconds: Int = 60, until isTrue: () throws -> Bool) async throws {
        for _ in 0..<(seconds * 50) {
            if try isTrue() { return }
            try await Task.sleep(for: .milliseconds(20))
        }
        Issue.record("it doesn't come")
    }

    // MARK: - Back to an older state

    private static func closeDoor(_ ledger: BooksTests.Ledger) throws {
        try ledger.server.query("ALTER DATABASE \(ledger.database) ALLOW_CONNECTIONS false")
        try ledger.server.query(
            "SELECT pg_terminate_backend(pid) FROM pg_stat_activity WHERE datname = '\(ledger.database)'"
        )
    }

    private static func backUp(_ ledger: BooksTests.Ledger) throws {
        try closeDoor(ledger)
        try ledger.server.query("CREATE DATABASE \(ledger.database)_backup TEMPLATE \(ledger.database)")
        try ledger.server.query("ALTER DATABASE \(ledger.database) ALLOW_CONNECTIONS true")
    }

    private static func restoreBackup(_ ledger: BooksTests.Ledger) throws {
        try closeDoor(ledger)
        try ledger.server.query("DROP DATABASE \(ledger.database) WITH (FORCE)")
        try ledger.server.query("ALTER DATABASE \(ledger.database)_backup RENAME TO \(ledger.database)")
    }

    /// Under a sale that goes on, under one that rests, and when the log no longer has what is missing.
    @Test(arguments: [(true, false), (false, false), (true, true), (false, true)])
    func anOlderBackupIsBroughtUp(isSelling: Bool, hasForgotten: Bool) async throws {
        let ledger = try BooksTests.Ledger()
        let notices = Notices()
        let sale = hasForgotten ? try BookSale(seed: 61, segmentBytes: 256 << 10, keptBytes: 0) : try BookSale(seed: 62)
        let books = try Self.start(ledger.server.url(ledger.database), sale, notices)
        try sale.run(300)
        try await OutageTests.waitUntilCaughtUp(books, sale)
        let old = sale.log.durablePosition
        try Self.backUp(ledger)
        try sale.run(300)
        try await OutageTests.waitUntilCaughtUp(books, sale)
        if hasForgotten {
            try sale.forget(through: LogPosition(old.rawValue + 1))
            try await OutageTests.waitUntilCaughtUp(books, sale)
        }
        let new = sale.log.durablePosition
        try Self.restoreBackup(ledger)
        if isSelling { try sale.run(100) }
        try await Self.wait { !notices.setbacks.isEmpty }
        try await OutageTests.waitUntilCaughtUp(books, sale)
        await books.stop()

        #expect(notices.setbacks.map(\.from) == [new] && notices.setbacks.map(\.to) == [old])
        try BooksTests.expectRows(ledger, of: sale)
        #expect(try ledger.count("holdfast.resynchronisations WHERE from_position = \(old)") == (hasForgotten ? 1 : 0))
        let found = try BooksRestore.read(url: ledger.server.url(ledger.database))
        #expect(found.replay.digest == sale.digest && found.position == sale.log.durablePosition)
    }

    /// A database of the same name that was made anew, with the schema and nothing in it.
    @Test func anEmptyDatabaseIsFilled() async throws {
        let ledger = try BooksTests.Ledger()
        let notices = Notices()
        let sale = try BookSale(seed: 63)
        let books = try Self.start(ledger.server.url(ledger.database), sale, notices)
        try sale.run(300)
        try await OutageTests.waitUntilCaughtUp(books, sale)
        try Self.closeDoor(ledger)
        try ledger.server.query("DROP DATABASE \(ledger.database) WITH (FORCE)")
        try ledger.server.query("CREATE DATABASE \(ledger.database)")
        _ = try Migrations.run(ledger.connect())
        try sale.run(100)
        try await OutageTests.waitUntilCaughtUp(books, sale)
        await books.stop()
        #expect(notices.setbacks.map(\.to) == [.zero])
        try BooksTests.expectRows(ledger, of: sale)
    }

    // MARK: - Another server

    /// A standby that is behind is promoted, when the primary is lost for good.
    @Test func aStandbyTakesOver() async throws {
        var settings = PostgresServer.Options()
        settings.commitsOutliveKills = true
        let ledger = try BooksTests.Ledger(PostgresServer(settings))
        settings.primary = ledger.server
        let standby = PostgresServer(settings)
        let copy = BooksTests.Ledger(standby, ledger.database)
        let url =
            "postgresql:///\(ledger.database)?user=postgres&target_session_attrs=read-write"
            + "&host=\(ledger.server.folder),\(standby.folder)"
        let notices = Notices()
        let sale = try BookSale(seed: 64)
        let books = try Self.start(url, sale, notices)
        try sale.run(300)
        try await OutageTests.waitUntilCaughtUp(books, sale)
        let old = sale.log.durablePosition
        try await Self.wait { try copy.count("holdfast.watermark WHERE position = \(old)") == 1 }

        // From here on it gets nothing any more.
        try standby.query("ALTER SYSTEM SET primary_conninfo = ''")
        try standby.query("SELECT pg_reload_conf()")
        try await Self.wait { try standby.query("SELECT count(*) FROM pg_stat_wal_receiver") == "0" }
        try sale.run(300)
        try await OutageTests.waitUntilCaughtUp(books, sale)
        ledger.server.loseForGood()
        try sale.run(50)
        // A standby is no place for books; it is said why.
        try await Self.wait { books.standing.problem?.contains("read-only") == true }
        #expect(books.standing.lagRecords > 0)
        try standby.query("SELECT pg_promote()")
        try await OutageTests.waitUntilCaughtUp(books, sale)
        await books.stop()
        #expect(notices.setbacks.map(\.to) == [old])
        try BooksTests.expectRows(copy, of: sale)
    }

    /// As a primary is that was told to step down.
    @Test func aServerThatTakesNoChangesIsWaitedFor() async throws {
        let ledger = try BooksTests.Ledger(PostgresServer())
        let sale = try BookSale(seed: 65, events: 1)
        let books = try Self.start(ledger.server.url(ledger.database), sale, Notices())
        try await OutageTests.waitUntilCaughtUp(books, sale)
        try ledger.server.query("ALTER SYSTEM SET default_transaction_read_only = on")
        try ledger.server.query("SELECT pg_reload_conf()")
        try sale.run(50)
        try await Self.wait {
            try sale.run(1)
            return books.standing.problem?.contains("read-only") == true
        }
        try ledger.server.query("ALTER SYSTEM RESET default_transaction_read_only")
        try ledger.server.query("SELECT pg_reload_conf()")
        try await OutageTests.waitUntilCaughtUp(books, sale)
        await books.stop()
        try BooksTests.expectRows(ledger, of: sale)
    }

    /// A machine that has died says nothing at all; the next host is asked all the same.
    @Test func aSilentHostIsPassedOver() throws {
        let silent = try SilentHost()
        let server = PostgresServer.shared
        let rest = "user=postgres&connect_timeout=2"
        let both = "postgresql:///postgres?host=127.0.0.1,\(server.folder)&port=\(silent.port),5432&\(rest)"
        let connection = try PostgresConnection(url: both, interruption: Interruption())
        #expect(try connection.rows("SELECT 1") == [["1"]])
        let error = #expect(throws: PostgresError.self) {
            let url = "postgresql:///postgres?host=127.0.0.1,127.0.0.1&port=\(silent.port)&\(rest)"
            _ = try PostgresConnection(url: url, interruption: Interruption())
        }
        let said = "127.0.0.1:\(silent.port): no answer within 2 s"
        #expect(error == .unreachable("\(said); \(said)"))
    }

    @Test func listsOfHostsAreReadAsLibpqDoes() {
        func hosts(_ names: String?, _ addresses: String?, _ ports: String?) -> [String] {
            ConnectionSettings.hosts(names: names, addresses: addresses, ports: ports).map(\.description)
        }
        #expect(hosts("a,b", nil, "5432") == ["a:5432", "b:5432"])
        #expect(hosts("a,/b", nil, "1,2") == ["a:1", "/b:2"])
        #expect(hosts(nil, "10.0.0.1,10.0.0.2", nil) == ["10.0.0.1", "10.0.0.2"])
        // One host, gaps, and lists of different lengths are libpq's own affair.
        for (names, addresses, ports) in [("a", nil, "1"), ("a,", nil, "1"), ("a,b", "1", "1"), ("a,b", nil, "1,2,3")] {
            #expect(hosts(names, addresses as String?, ports) == [])
        }
    }
}

/// A port that takes connections and never says a word.
private final class SilentHost {
    private let descriptor: Int32
    let port: Int

    init() throws {
        descriptor = socket(AF_INET, Int32(SOCK_STREAM.rawValue), 0)
        var address = sockaddr_in()
        address.sin_family = sa_family_t(AF_INET)
        address.sin_addr.s_addr = UInt32(0x7f00_0001).bigEndian
        var length = socklen_t(MemoryLayout<sockaddr_in>.size)
        let descriptor = descriptor
        port = withUnsafeMutablePointer(to: &address) { pointer in
            pointer.withMemoryRebound(to: sockaddr.self, capacity: 1) { address in
                precondition(bind(descriptor, address, length) == 0 && listen(descriptor, 8) == 0)
                precondition(getsockname(descriptor, address, &length) == 0)
            }
            return Int(UInt16(bigEndian: pointer.pointee.sin_port))
        }
    }

    deinit { close(descriptor) }
}
