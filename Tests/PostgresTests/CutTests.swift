import Foundation
import PostgresServer
import Testing
import WAL

@testable import Engine
@testable import Postgres

/// Flushes that write everything, or events anew, whose connection breaks at any of their statements.
@Suite(.timeLimit(.minutes(3))) struct CutTests {
    enum Kind: CaseIterable {
        /// The journal is folded into the bases.
        case fold
        /// From the state, because the log has let go of what comes next.
        case resynchronisation
        /// Over the books of another log.
        case replacement
    }

    @Test(arguments: Kind.allCases, [false, true]) func isMadeUpFor(_ kind: Kind, isAfter: Bool) throws {
        var cutAt = 1
        var hasCut = true
        while hasCut {
            let ledger = try BooksTests.Ledger()
            let sale = try Self.prepare(kind, ledger)
            hasCut = try Self.flush(kind, ledger, sale, cutAt: cutAt, isAfter: isAfter)
            // Whatever there is, is of one position; the next attempt brings the rest.
            let keeper = try Self.keeper(of: sale)
            try keeper.attach(ledger.connect(), mayReplace: kind == .replacement)
            _ = try keeper.flush()
            try BooksTests.expectRows(ledger, of: sale)
            let found = try BooksRestore.read(url: ledger.server.url(ledger.database))
            #expect(found.replay.digest == sale.digest, "cut at \(cutAt)")
            // In steps, for a flush has some fifty statements and each needs books of its own.
            cutAt += cutAt < 4 ? 1 : 9
        }
        #expect(cutAt > 12)
    }

    private static func prepare(_ kind: Kind, _ ledger: BooksTests.Ledger) throws -> BookSale {
        let keptBytes = kind == .resynchronisation ? 0 : 1 << 30
        let sale = try BookSale(seed: 112, events: 1, segmentBytes: 256 << 10, keptBytes: keptBytes)
        switch kind {
        case .fold:
            try sale.run(40)
            _ = try ledger.keeper(of: sale).flush()
        case .resynchronisation:
            _ = try ledger.keeper(of: sale).flush()
            try sale.forget(through: sale.log.lastPosition)
        case .replacement:
            let other = try BookSale(seed: 113, events: 1, segmentBytes: 256 << 10)
            try other.run(40)
            _ = try ledger.keeper(of: other).flush()
        }
        try sale.run(40)
        return sale
    }

    private static func keeper(of sale: BookSale) throws -> BookKeeper {
        try BookKeeper(sale.source, recordsMax: 1_000_000, journalBytesMin: 1, interruption: Interruption())
    }

    /// - Returns: whether it came to the cut.
    private static func flush(
        _ kind: Kind,
        _ ledger: BooksTests.Ledger,
        _ sale: BookSale,
        cutAt: Int,
        isAfter: Bool
    ) throws -> Bool {
        let connection = try ledger.connect()
        let keeper = try keeper(of: sale)
        try keeper.attach(connection, mayReplace: kind == .replacement)
        var statements = 0
        connection.onStatement = { isDone throws(PostgresError) in
            guard isDone == isAfter else { return }
            statements += 1
            guard statements >= cutAt else { return }
            connection.breakOff()
            if isAfter { throw .unreachable("cut") }
        }
        defer { connection.onStatement = nil }
        do {
            _ = try keeper.flush()
        } catch is PostgresError {
            return true
        }
        return statements >= cutAt
    }
}
