import Foundation
import PostgresServer
import Testing
import WAL

@testable import Engine
@testable import Postgres

/// Books follow one history of a log, and never what became of an older copy of its folder.
@Suite(.timeLimit(.minutes(3))) struct HistoryTests {
    private static func refusal(_ body: () throws -> Void) -> String {
        do { try body() } catch { return "\(error)" }
        return ""
    }

    /// Books up to a position that a folder ends before which is put back then.
    private static func fork(_ seed: UInt64) throws -> (ledger: BooksTests.Ledger, lost: BookSale, older: BookSale) {
        let ledger = try BooksTests.Ledger()
        let lost = try BookSale(seed: seed)
        try lost.run(100)
        let older = try BookSale(copyOf: lost)
        try lost.run(60)
        _ = try ledger.keeper(of: lost).flush()
        return (ledger, lost, older)
    }

    @Test func anOlderFolderIsRefusedAlsoWhenItHasSoldMore() throws {
        let (ledger, lost, older) = try Self.fork(71)
        #expect(older.log.identity == lost.log.identity)
        let found = Self.refusal { _ = try ledger.keeper(of: older) }
        #expect(found.contains("older"))
        for _ in 0..<20 where older.log.durablePosition <= lost.log.durablePosition {
            try older.run(30, onlyEvent: 1)
        }
        try #require(older.log.durablePosition > lost.log.durablePosition)
        // In the process that was started with it, and in every one after that.
        #expect(Self.refusal { _ = try ledger.keeper(of: older) } == found)
        try older.reopen()
        #expect(Self.refusal { _ = try ledger.keeper(of: older) }.contains("another history"))
        try BooksTests.expectRows(ledger, of: lost)

        // And the other way round: the books go on with theirs.
        try lost.run(20)
        _ = try ledger.keeper(of: lost).flush()
        try BooksTests.expectRows(ledger, of: lost)
    }

    @Test func replacingLeavesNothingOfTheOtherHistory() throws {
        let (ledger, lost, older) = try Self.fork(72)
        for _ in 0..<20 where older.log.durablePosition <= lost.log.durablePosition {
            try older.run(30, onlyEvent: 1)
        }
        let report = try ledger.keeper(of: older, mayReplace: true).flush()
        #expect(report.isResynchronization)
        try BooksTests.expectRows(ledger, of: older)
        let holds = older.sales.reduce(0) { $0 + $1.inventory.holdSlotCount }
        #expect(try ledger.count("holdfast.reservations") == holds)
        #expect(try BooksRestore.read(url: ledger.server.url(ledger.database)).replay.digest == older.digest)
        // They are its own now.
        try older.run(30)
        #expect(try !ledger.keeper(of: older).flush().isResynchronization)
        #expect(Self.refusal { _ = try ledger.keeper(of: lost) } != "")
    }

    @Test func aRestartGoesOnWithItsOwn() throws {
        let ledger = try BooksTests.Ledger()
        let sale = try BookSale(seed: 73)
        for _ in 0..<3 {
            try sale.run(50)
            _ = try ledger.keeper(of: sale).flush()
            try sale.reopen()
            try sale.run(20)
            #expect(try !ledger.keeper(of: sale).flush().isResynchronization)
            try BooksTests.expectRows(ledger, of: sale)
        }
    }

    /// A log that has let go of the record at the watermark remembers whose it was, also after a restart.
    @Test func whatCanNotBeToldIsNotBelieved() throws {
        let ledger = try BooksTests.Ledger()
        let sale = try BookSale(seed: 74, segmentBytes: 256 << 10, keptBytes: 0)
        try sale.run(100)
        _ = try ledger.keeper(of: sale).flush()
        try sale.forget(through: sale.log.durablePosition)
        _ = try ledger.keeper(of: sale)
        try sale.reopen()
        _ = try ledger.keeper(of: sale)
        // Without that nothing tells, and what nothing tells is not believed.
        try sale.reopen(forgettingOrigins: true)
        #expect(Self.refusal { _ = try ledger.keeper(of: sale) }.contains("no longer remembers that record"))
        #expect(try ledger.keeper(of: sale, mayReplace: true).flush().isResynchronization)
        try BooksTests.expectRows(ledger, of: sale)
    }

    /// Books of before know no origin: they are taken for the log's own as far as it reached when it was started.
    @Test func booksWithoutAnOriginAreJudgedByTheirPosition() throws {
        let (ledger, lost, older) = try Self.fork(75)
        try ledger.connect().run("UPDATE holdfast.watermark SET origin = NULL")
        for _ in 0..<20 where older.log.durablePosition <= lost.log.durablePosition {
            try older.run(30, onlyEvent: 1)
        }
        #expect(Self.refusal { _ = try ledger.keeper(of: older) }.contains("older"))
        try lost.reopen()
        try lost.run(20)
        _ = try ledger.keeper(of: lost).flush()
        try BooksTests.expectRows(ledger, of: lost)
        #expect(try ledger.count("holdfast.watermark WHERE origin IS NOT NULL") == 1)
    }
}
