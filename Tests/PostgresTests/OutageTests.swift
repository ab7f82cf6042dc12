import Foundation
import PostgresServer
import Testing
import WAL

@testable import Engine
@testable import Postgres

/// Postgres away, killed, slow or wrong: the sale goes on, and the books catch up by themselves.
@Suite(.timeLimit(.minutes(5)), .serialized) struct OutageTests {
    private static func start(
        _ ledger: BooksTests.Ledger,
        of sale: BookSale,
        intervalMilliseconds: Int = 20,
        onNotice: @escaping @Sendable (PostgresBooks.Notice) -> Void = { _ in }
    ) throws -> PostgresBooks {
        var options = PostgresBooks.Options(url: ledger.server.url(ledger.database))
        options.flushIntervalMilliseconds = intervalMilliseconds
        return try PostgresBooks(sale.source, options, onNotice: onNotice)
    }

    static func waitUntilCaughtUp(_ books: PostgresBooks, _ sale: BookSale, seconds: Int = 60) async throws {
        for _ in 0..<(seconds * 100) where books.standing.position < sale.log.durablePosition {
            try await Task.sleep(for: .milliseconds(10))
        }
        let standing = books.standing
        #expect(standing.position == sale.log.durablePosition, "\(standing)")
        #expect(standing.lagRecords == 0 && standing.lagSeconds == 0)
    }

    @Test func theBooksFollowByThemselves() async throws {
        let ledger = try BooksTests.Ledger()
        let sale = try BookSale(seed: 21)
        let books = try Self.start(ledger, of: sale)
        for _ in 0..<10 { try sale.run(60) }
        try await Self.waitUntilCaughtUp(books, sale)
        try BooksTests.expectRows(ledger, of: sale)
        // A stop brings what is left.
        try sale.run(60)
        await books.stop()
        try BooksTests.expectRows(ledger, of: sale)
    }

    /// The sale comes first where both want a core.
    @Test func theThreadOfTheBooksStandsBack() async throws {
        let ledger = try BooksTests.Ledger()
        let sale = try BookSale(seed: 26)
        let books = try Self.start(ledger, of: sale)
        try await Self.waitUntilCaughtUp(books, sale)
        // Of this thread and of those of other tests that run beside it.
        let tasks = try FileManager.default.contentsOfDirectory(atPath: "/proc/self/task")
        let found = tasks.compactMap { Self.thread("/proc/self/task/\($0)") }.filter { $0.name == "holdfast-books" }
        #expect(!found.isEmpty && found.allSatisfy { $0.niceness == PostgresBooks.niceness }, "\(found)")
        #expect(Self.thread("/proc/thread-self")?.niceness == 0)
        await books.stop()
    }

    /// From the second and the nineteenth field of the thread's `stat`.
    private static func thread(_ path: String) -> (name: String, niceness: Int32)? {
        guard let stat = try? String(contentsOfFile: path + "/stat", encoding: .utf8),
            let begin = stat.firstIndex(of: "("), let end = stat.lastIndex(of: ")")
        else { return nil }
        let fields = stat[end...].split(separator: " ")
        guard fields.count > 17, let niceness = Int32(fields[17]) else { return nil }
        return (String(stat[stat.index(after: begin)..<end]), niceness)
    }

    /// Killed while flushes are under way, `HOLDFAST_KILLS` times.
    @Test func killedAgainAndAgain() async throws {
        let kills = ProcessInfo.processInfo.environment["HOLDFAST_BOOK_KILLS"].flatMap { Int($0) } ?? 4
        var settings = PostgresServer.Options()
        settings.commitsOutliveKills = true
        let server = PostgresServer(settings)
        let ledger = try BooksTests.Ledger(server)
        let sale = try BookSale(seed: 22)
        let books = try Self.start(ledger, of: sale, intervalMilliseconds: 10)
        var random = SystemRandomNumberGenerator()
        for _ in 0..<kills {
            for _ in 0..<20 {
                try sale.run(30)
                usleep(.random(in: 0...5_000, using: &random))
            }
            server.killHard()
            try sale.run(30)
            try server.waitUntilUp()
            try Self.expectOnePosition(ledger)
        }
        try await Self.waitUntilCaughtUp(books, sale)
        #expect(books.standing.failures >= 1)
        await books.stop()
        try BooksTests.expectRows(ledger, of: sale)
    }

    /// What can be seen at any moment is of one position.
    private static func expectOnePosition(_ ledger: BooksTests.Ledger) throws {
        let row = try ledger.connect().rows(
            """
            SELECT (SELECT coalesce(max(position), 0) <= (SELECT coalesce(max(position), 0) FROM holdfast.watermark) FROM holdfast.audit),
                (SELECT coalesce(max(last_position), 0) <= (SELECT coalesce(max(position), 0) FROM holdfast.watermark) FROM holdfast_state.journal),
                (SELECT count(*) FROM holdfast.sections s WHERE sold <> (
                    SELECT count(*) FROM holdfast.tickets t WHERE t.event_key = s.event_key
                    AND t.section_number = s.number AND has_place)),
                (SELECT count(*) FROM holdfast.sections s WHERE reserved <> (
                    SELECT coalesce(sum(l.quantity), 0) FROM holdfast.order_lines l
                    JOIN holdfast.reservations r USING (event_key, slot, generation)
                    WHERE l.event_key = s.event_key AND l.section_number = s.number AND r.status = 'held'))
            """
        )
        #expect(row == [["t", "t", "0", "0"]])
    }

    @Test func aReaderSeesOnePositionDuringFlushes() async throws {
        let ledger = try BooksTests.Ledger()
        let sale = try BookSale(seed: 23)
        let books = try Self.start(ledger, of: sale, intervalMilliseconds: 10)
        for _ in 0..<30 {
            try sale.run(30)
            try Self.expectOnePosition(ledger)
        }
        await books.stop()
    }

    /// A database with a rule of its own that a sale breaks: told once, with the rule's name and nothing of the row.
    @Test func aRefusedRowIsToldOnceAndNotShown() async throws {
        let ledger = try BooksTests.Ledger()
        let sale = try BookSale(seed: 25)
        try sale.run(50)
        try ledger.connect().run(
            "ALTER TABLE holdfast.reservations ADD CONSTRAINT no_more CHECK (event_key = 0) NOT VALID"
        )
        let notices = Notices()
        let books = try Self.start(ledger, of: sale) { notices.add($0) }
        for _ in 0..<3_000 where books.standing.failures < 3 { try await Task.sleep(for: .milliseconds(10)) }
        #expect(books.standing.failures >= 3)
        #expect(notices.failures.count == 1)
        let text = try #require(notices.failures.first)
        #expect(text.contains("23514") && text.contains("no_more") && text.contains("reservations"))
        #expect(!text.contains("Failing row") && !text.contains("rsv_"))
        #expect(books.standing.problem == text)
        try ledger.connect().run("ALTER TABLE holdfast.reservations DROP CONSTRAINT no_more")
        try await Self.waitUntilCaughtUp(books, sale)
        #expect(books.standing.problem == nil)
        await books.stop()
        try BooksTests.expectRows(ledger, of: sale)
    }

    @Test func awayAtTheStartAndWithoutASchema() async throws {
        let server = PostgresServer.shared
        let sale = try BookSale(seed: 24)
        let database = try server.makeDatabase()
        let notices = Notices()
        var options = PostgresBooks.Options(url: server.url(database))
        options.flushIntervalMilliseconds = 10
        let books = try PostgresBooks(sale.source, options) { notices.add($0) }
        try sale.run(100)
        for _ in 0..<500 where books.standing.problem == nil { try await Task.sleep(for: .milliseconds(10)) }
        #expect(books.standing.problem?.contains("holdfast migrate") == true)
        #expect(books.standing.lagRecords > 0 && books.standing.lagSeconds > 0)
        _ = try Migrations.run(server.connect(database))
        try await Self.waitUntilCaughtUp(books, sale)
        #expect(books.standing.problem == nil)
        await books.stop()
        // Each reason is told once, however often it is met.
        #expect(notices.failures.count == Set(notices.failures).count)
    }

    /// A lock that somebody holds is as a database that has stopped: the stop doesn't wait for it.
    @Test func aStopDoesNotWaitForASlowDatabase() async throws {
        let ledger = try BooksTests.Ledger()
        let sale = try BookSale(seed: 25)
        let books = try Self.start(ledger, of: sale)
        try await Self.waitUntilCaughtUp(books, sale)
        let other = try ledger.connect()
        try other.run("BEGIN; LOCK TABLE holdfast.watermark")
        try sale.run(100)
        try await Task.sleep(for: .milliseconds(200))
        let began = ContinuousClock.now
        await books.stop(withinSeconds: 0.5)
        #expect(ContinuousClock.now - began < .seconds(5))
        #expect(books.standing.lagRecords > 0)
    }

}

/// What was told of books. `@unchecked Sendable`: guarded by `lock`.
final class Notices: @unchecked Sendable {
    private let lock = NSLock()
    private var told: [PostgresBooks.Notice] = []

    func add(_ notice: PostgresBooks.Notice) { lock.withLock { told.append(notice) } }

    var failures: [String] {
        lock.withLock { told }.compactMap { if case .failed(let text) = $0 { text } else { nil } }
    }

    var setbacks: [(from: LogPosition, to: LogPosition)] {
        lock.withLock { told }.compactMap { if case .setBack(let from, let to) = $0 { (from, to) } else { nil } }
    }
}
