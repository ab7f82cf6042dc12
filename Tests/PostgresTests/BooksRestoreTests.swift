import Foundation
import PostgresServer
import Testing
import WAL

@testable import Engine
@testable import Postgres

/// A data folder made from the books has the state of the lost one, digest for digest.
@Suite(.timeLimit(.minutes(5))) struct BooksRestoreTests {
    private static func state(of folder: String) throws -> (digest: UInt64, last: LogPosition) {
        let log = try WriteAheadLog.openReadOnly(folder: folder, device: SynchronousDevice())
        var recovery = Recovery()
        let summary = try recovery.run(log)
        try log.close()
        return (recovery.digest, summary.lastPosition)
    }

    private static func restore(_ found: BooksRestore.Found) throws -> (folder: String, log: String) {
        let folder = FileManager.default.temporaryDirectory.path + "/restored-\(UInt64.random(in: 0 ... .max))"
        let target = try NewFolder(at: folder, device: SynchronousDevice())
        let log = try found.write(to: target, on: SynchronousDevice())
        try target.complete()
        return (folder, log)
    }

    @Test(arguments: [31, 32] as [UInt64]) func theStateIsTheSame(seed: UInt64) throws {
        let ledger = try BooksTests.Ledger()
        let sale = try BookSale(seed: seed)
        let keeper = try ledger.keeper(of: sale)
        for _ in 0..<5 {
            try sale.run(200)
            _ = try keeper.flush()
        }
        let found = try BooksRestore.read(url: ledger.server.url(ledger.database))
        #expect(found.replay.digest == sale.digest)
        #expect(found.position == sale.log.durablePosition)

        let restored = try Self.restore(found)
        defer { try? FileManager.default.removeItem(atPath: restored.folder) }
        let state = try Self.state(of: restored.folder)
        #expect(state.digest == sale.digest)
        #expect(state.last == sale.log.durablePosition)
    }

    /// From a mirror of bases written at different times, and journals between them.
    @Test func theStateIsTheSameAfterResynchronisations() throws {
        let ledger = try BooksTests.Ledger()
        let sale = try BookSale(seed: 33, segmentBytes: 256 << 10, keptBytes: 0)
        for _ in 0..<3 {
            try sale.forget(through: sale.log.lastPosition)
            let keeper = try ledger.keeper(of: sale)
            _ = try keeper.flush()
            try sale.run(100)
            _ = try keeper.flush()
            let found = try BooksRestore.read(url: ledger.server.url(ledger.database))
            #expect(found.replay.digest == sale.digest)
        }
        #expect(try ledger.count("holdfast.resynchronisations") == 3)
    }

    /// The journal is folded into the events' bases again and again, of those that have changed only.
    @Test func theStateIsTheSameWithBasesOfDifferentAges() throws {
        let ledger = try BooksTests.Ledger()
        let sale = try BookSale(seed: 38)
        func makeKeeper() throws -> BookKeeper {
            let keeper = try BookKeeper(
                sale.source,
                recordsMax: 1_000_000,
                journalBytesMin: 4_000,
                interruption: Interruption()
            )
            try keeper.attach(ledger.connect(), mayReplace: false)
            return keeper
        }
        var keeper = try makeKeeper()
        var ages = 0
        for round in 0..<24 {
            try sale.run(60, onlyEvent: round % 5 == 0 ? 1 : 0)
            if round == 12 { keeper = try makeKeeper() }
            _ = try keeper.flush()
            let found = try BooksRestore.read(url: ledger.server.url(ledger.database))
            #expect(found.replay.digest == sale.digest, "round \(round)")
            let row = try ledger.connect().rows("SELECT count(DISTINCT position) FROM holdfast_state.base").first
            ages = max(ages, row?[0].flatMap { Int($0) } ?? 0)
        }
        #expect(ages > 1)
    }

    @Test func aTailThatIsLeftComesOnTop() throws {
        let ledger = try BooksTests.Ledger()
        let sale = try BookSale(seed: 34)
        try sale.run(300)
        _ = try ledger.keeper(of: sale).flush()
        try sale.run(200)
        try sale.log.close()
        var found = try BooksRestore.read(url: ledger.server.url(ledger.database))
        #expect(found.replay.digest != sale.digest)
        let count = try found.goOn(with: LogExamination(folder: sale.folder, device: SynchronousDevice()))
        #expect(count > 100)
        #expect(found.replay.digest == sale.digest)
        let restored = try Self.restore(found)
        defer { try? FileManager.default.removeItem(atPath: restored.folder) }
        #expect(try Self.state(of: restored.folder).digest == sale.digest)

        let other = try BookSale(seed: 35, events: 1)
        try other.log.close()
        #expect(throws: LogRefusal.self) {
            _ = try found.goOn(with: LogExamination(folder: other.folder, device: SynchronousDevice()))
        }
    }

    /// A log that has more, and not what comes next, is no tail: what it has must not be left out unsaid.
    @Test func aLogThatDoesNotJoinIsRefused() throws {
        let ledger = try BooksTests.Ledger()
        let sale = try BookSale(seed: 39, segmentBytes: 256 << 10, keptBytes: 0)
        try sale.run(100)
        _ = try ledger.keeper(of: sale).flush()
        try sale.forget(through: sale.log.durablePosition)
        try sale.log.close()
        var found = try BooksRestore.read(url: ledger.server.url(ledger.database))
        let error = #expect(throws: LogRefusal.self) {
            _ = try found.goOn(with: LogExamination(folder: sale.folder, device: SynchronousDevice()))
        }
        #expect(error.map { "\($0)" }?.contains("goes on to position \(sale.log.lastPosition)") == true)
    }

    @Test func theTailOfAnotherHistoryIsRefused() throws {
        let ledger = try BooksTests.Ledger()
        let sale = try BookSale(seed: 40)
        try sale.run(100)
        let older = try BookSale(copyOf: sale)
        try sale.run(60)
        _ = try ledger.keeper(of: sale).flush()
        for _ in 0..<20 where older.log.durablePosition <= sale.log.durablePosition {
            try older.run(30, onlyEvent: 1)
        }
        try older.log.close()
        var found = try BooksRestore.read(url: ledger.server.url(ledger.database))
        let error = #expect(throws: LogRefusal.self) {
            _ = try found.goOn(with: LogExamination(folder: older.folder, device: SynchronousDevice()))
        }
        #expect(error.map { "\($0)" }?.contains("another history") == true)
    }

    /// The power goes between the hand-over and the folder's name, or the new folder is lost before it has sold.
    @Test func aRestoreThatWasCutIsRepeated() throws {
        let ledger = try BooksTests.Ledger()
        let url = ledger.server.url(ledger.database)
        let sale = try BookSale(seed: 41)
        try sale.run(200)
        _ = try ledger.keeper(of: sale).flush()
        try sale.run(100)
        try sale.log.close()
        func restoreWithTail() throws -> (folder: String, log: String) {
            var found = try BooksRestore.read(url: url)
            let count = try found.goOn(with: LogExamination(folder: sale.folder, device: SynchronousDevice()))
            #expect(count > 50)
            #expect(found.replay.digest == sale.digest)
            let restored = try Self.restore(found)
            try BooksRestore.handOver(url: url, from: found, to: restored.log)
            return restored
        }
        for _ in 0..<2 { try FileManager.default.removeItem(atPath: restoreWithTail().folder) }
        let restored = try restoreWithTail()
        defer { try? FileManager.default.removeItem(atPath: restored.folder) }
        #expect(try Self.state(of: restored.folder).digest == sale.digest)

        // The one that is left writes the books, and from then on the old log is no tail of theirs.
        let log = try WriteAheadLog.open(
            folder: restored.folder,
            options: Engine.logOptions(shards: 1),
            device: SynchronousDevice()
        )
        _ = try log.replay(from: LogPosition((log.snapshotPosition?.rawValue ?? 0) + 1)) { _, _ in }
        try log.start(onDurable: { _ in }, onFailure: { _ in })
        let end = log.lastPosition
        let copies = BookState(sale.sales.map { ($0.inventory, end) }, asOf: end)
        let keeper = try BookKeeper(BooksSource(log) { copies }, recordsMax: 1_000, interruption: Interruption())
        try keeper.attach(ledger.connect(), mayReplace: false)
        #expect(try keeper.flush().isResynchronization)
        try log.close()
        var found = try BooksRestore.read(url: url)
        #expect(found.replay.digest == sale.digest)
        #expect(throws: LogRefusal.self) {
            _ = try found.goOn(with: LogExamination(folder: sale.folder, device: SynchronousDevice()))
        }
    }

    // MARK: - Damage

    /// Every row has a checksum, and the state that they lead to a digest.
    @Test func everyFlippedBitIsFound() throws {
        let ledger = try BooksTests.Ledger()
        let url = ledger.server.url(ledger.database)
        let sale = try BookSale(seed: 42)
        let keeper = try BookKeeper(
            sale.source,
            recordsMax: 1_000_000,
            journalBytesMin: 4_000,
            interruption: Interruption()
        )
        let connection = try ledger.connect()
        try keeper.attach(connection, mayReplace: false)
        for _ in 0..<6 {
            try sale.run(40)
            _ = try keeper.flush()
        }
        try sale.run(6)
        _ = try keeper.flush()
        for table in ["base", "journal"] {
            #expect(try ledger.count("holdfast_state.\(table)") > 0)
            let key = table == "base" ? "event_key, part" : "first_position"
            for byte in [0, 9, 40] {
                let flip = """
                    UPDATE holdfast_state.\(table) SET records = set_byte(records, \(byte), get_byte(records, \(byte)) # 1)
                    WHERE (\(key)) = (SELECT \(key) FROM holdfast_state.\(table) ORDER BY \(key) LIMIT 1)
                    """
                try connection.run(flip)
                let error = #expect(throws: PostgresError.self) { _ = try BooksRestore.read(url: url) }
                #expect(error?.description.contains("checksum") == true, "\(table) \(byte)")
                // And back.
                try connection.run(flip)
            }
        }
        #expect(try BooksRestore.read(url: url).replay.digest == sale.digest)
    }

    /// A row that was left out and nothing else tells it: the digest does.
    @Test func anotherStateThanTheEnginesIsFound() throws {
        let ledger = try BooksTests.Ledger()
        let sale = try BookSale(seed: 43)
        let keeper = try ledger.keeper(of: sale)
        try sale.run(100)
        _ = try keeper.flush(isLast: true)
        let position = "\(sale.log.durablePosition)"
        let connection = try ledger.connect()
        #expect(
            try connection.rows("SELECT digest, digest_position FROM holdfast.watermark")
                == [[String(sale.digest, radix: 16), position]]
        )
        let url = ledger.server.url(ledger.database)
        #expect(try BooksRestore.read(url: url).replay.digest == sale.digest)
        // What goes on from there keeps what was known.
        try sale.run(100)
        _ = try keeper.flush()
        #expect(try ledger.count("holdfast.watermark WHERE digest_position < position") == 1)
        #expect(try BooksRestore.read(url: url).replay.digest == sale.digest)
        // A stop leaves it also where there is nothing else to write.
        _ = try keeper.flush(isLast: true)
        #expect(try ledger.count("holdfast.watermark WHERE digest_position = position") == 1)
        #expect(try BooksRestore.read(url: url).replay.digest == sale.digest)
        try connection.run("UPDATE holdfast.watermark SET digest = '0123456789abcdef'")
        let error = #expect(throws: PostgresError.self) { _ = try BooksRestore.read(url: url) }
        #expect(error?.description.contains("another state") == true)
    }

    /// After a restore the old server, if it lives, is refused by the books, and the new one goes on.
    @Test func theBooksBelongToTheNewFolder() throws {
        let ledger = try BooksTests.Ledger()
        let sale = try BookSale(seed: 36)
        try sale.run(200)
        let old = try ledger.keeper(of: sale)
        _ = try old.flush()
        let url = ledger.server.url(ledger.database)
        let found = try BooksRestore.read(url: url)
        let restored = try Self.restore(found)
        defer { try? FileManager.default.removeItem(atPath: restored.folder) }
        try BooksRestore.handOver(url: url, from: found, to: restored.log)
        try sale.run(50)
        #expect(throws: PostgresError.self) { try old.flush() }
        #expect(throws: PostgresError.self) { _ = try ledger.keeper(of: sale) }
        // Read before, and too late.
        #expect(throws: PostgresError.self) { try BooksRestore.handOver(url: url, from: found, to: restored.log) }
    }

    @Test func damagedOrEmptyBooksAreRefused() throws {
        let ledger = try BooksTests.Ledger()
        let url = ledger.server.url(ledger.database)
        #expect(throws: PostgresError.self) { _ = try BooksRestore.read(url: url) }
        let sale = try BookSale(seed: 37)
        let keeper = try ledger.keeper(of: sale)
        for _ in 0..<3 {
            try sale.run(100)
            _ = try keeper.flush()
        }
        try ledger.connect().run(
            "DELETE FROM holdfast_state.journal WHERE first_position = (SELECT max(first_position) FROM holdfast_state.journal)"
        )
        #expect(throws: PostgresError.self) { _ = try BooksRestore.read(url: url) }
        try ledger.connect().run(
            "DELETE FROM holdfast_state.journal WHERE first_position = 1"
        )
        #expect(throws: (any Error).self) { _ = try BooksRestore.read(url: url) }
    }
}
