import Foundation
import Testing
import WAL

@testable import Engine
@testable import Server

/// Data folders that earlier builds wrote, read by this one: `Tests/Fixtures/README.md` says how each was made.
@Suite struct UpgradeTests {
    static let folders = [
        "engine-whole-answers", "engine-referring-answers-1", "engine-referring-answers-2", "engine-seats",
        "engine-tickets", "engine-dates", "engine-refusals",
    ]

    /// Of the snapshot and the records behind it, and of the whole log: both lead to what the earlier build had.
    @Test(arguments: folders, [true, false]) func theStateIsWhatItWas(name: String, withSnapshot: Bool) throws {
        let folder = try RecordedFolder(name, withSnapshot: withSnapshot)
        let log = try WriteAheadLog.openReadOnly(folder: folder.path, device: IOUringDevice())
        defer { try? log.close() }
        var recovery = Recovery()
        let summary = try recovery.run(log)
        #expect((log.snapshotPosition != nil) == withSnapshot)
        // Builds that kept no sums for reports have a digest without, and told the last record in other words.
        let verify = folder.sale.verify
        // None of them kept since when dates are cancelled.
        let digest = recovery.digest(verify["records"] == nil ? .withSales : .withoutSales)
        #expect(String(digest, radix: 16) == verify["digest"])
        let isLast =
            verify["records"]?.hasSuffix("last position \(summary.lastPosition)")
            ?? verify["log"]?.hasPrefix("records 1 to \(summary.lastPosition);")
        #expect(isLast == true)
        // A tenant's venues are kept like an event.
        #expect(recovery.events.count == (["engine-dates", "engine-refusals"].contains(name) ? 3 : 2))
        #expect(recovery.events.values.flatMap { $0.checkInvariants() } == [])
        #expect(folder.sale.retries.count == recovery.events.values.reduce(0) { $0 + $1.idempotencyCount })
    }

    /// A snapshot of those builds has no sums for reports: what its reservations tell is what the whole log adds up to.
    @Test(arguments: folders) func reportsAreThoseOfTheLog(name: String) throws {
        let whole = try Self.events(RecordedFolder(name, withSnapshot: false))
        let rest = try Self.events(RecordedFolder(name, withSnapshot: true))
        #expect(whole.count == rest.count)
        for (key, event) in whole {
            let counted = event.salesReport(days: nil, start: 0, limit: 1_000)
            let rebuilt = try #require(rest[key]).salesReport(days: nil, start: 0, limit: 1_000)
            #expect(counted.total == rebuilt.total)
            #expect(counted.sections == rebuilt.sections && counted.tiers == rebuilt.tiers)
            #expect(counted.hours == rebuilt.hours)
            let (all, known) = (counted.holds, rebuilt.holds)
            #expect(all.endedBefore == 0 && counted.undatedRefunds == SalesSums())
            #expect(all.placed == known.placed && all.open == known.open && all.confirmed == known.confirmed)
            #expect(all.released + all.expired == known.released + known.expired + known.endedBefore)
        }
        #expect(whole.values.contains { $0.salesReport(days: nil, start: 0, limit: 1).total.orders > 0 })
    }

    /// Records tell who asked where nothing else says so.
    @Test func whoAskedIsToldByTheRecords() throws {
        let folder = try RecordedFolder("engine-dates", withSnapshot: false)
        let log = try WriteAheadLog.openReadOnly(folder: folder.path, device: IOUringDevice())
        defer { try? log.close() }
        var asked: [ShortText: Int] = [:]
        _ = try log.replay(from: log.oldestPosition) { _, payload in
            let actor = try EventRecord(payload).whoAsked
            asked[actor, default: 0] += 1
        }
        #expect(asked["kim"] == 7 && asked["lou"] == 3 && asked["ann"] == 2, "\(asked)")
    }

    private static func events(_ folder: RecordedFolder) throws -> [EventKey: EventInventory] {
        let log = try WriteAheadLog.openReadOnly(folder: folder.path, device: IOUringDevice())
        defer { try? log.close() }
        var recovery = Recovery()
        _ = try recovery.run(log)
        return recovery.events
    }

    /// Every key that was answered then is answered with the same bytes now, and every reservation, order and stock is
    /// shown as it was; also after this build has written its own snapshot and log behind them.
    @Test(arguments: folders, [true, false])
    func everyAnswerIsWhatItWas(name: String, withSnapshot: Bool) async throws {
        let folder = try RecordedFolder(name, withSnapshot: withSnapshot)
        let sale = folder.sale
        // Answers are kept for a day: it is still the day on which they were given.
        let clock = EngineClock(system: { sale.recordedAt * 1_000 }, monotonic: { 0 })
        for _ in 0..<2 {
            try await SaleServer.run(folder: folder.path, clock: clock) { server in
                let client = try server.connect()
                for exchange in sale.retries {
                    let reply = try client.exchange(exchange)
                    #expect(reply.status == exchange.status && reply.body == exchange.answer, "\(exchange)")
                }
                for exchange in sale.reads {
                    let reply = try client.exchange(exchange)
                    let isSame = Self.timeless(reply.body) == Self.timeless(exchange.answer)
                    #expect(reply.status == exchange.status && isSame, "\(exchange) is now \(reply.body)")
                }
            }
        }
        // New sales go on behind the old ones.
        try await SaleServer.run(folder: folder.path, clock: clock) { server in
            let body = #"{"quantity":1,"customer_id":"new"}"#
            let answer = try server.connect().post("/api/v1/capacity/box/reserve", body, key: "new")
            #expect(answer.status == 200)
        }
    }

    /// Without what depends on the moment of asking, or on the sale going on: how long a reservation still lasts, when
    /// a report was made, and the number of the request. Nor with what a read has got since: what has become of a sale, what
    /// scanners read and what was refunded beside an order, and coming in pages.
    private static func timeless(_ body: String) -> String {
        body.replacing(/"expires_in_ms":[0-9]+/, with: "").replacing(/"request_id":"[^"]*"/, with: "")
            .replacing(/"sale_status":"[a-z_]*",/, with: "").replacing(/"generated_at":"[^"]*"/, with: "")
            .replacing(/"scan_code":"[^"]*",/, with: "")
            .replacing(/,"refunded_amount":[0-9.]+/, with: "")
            .replacing(#""first_row":0,"#, with: "").replacing(#","next_cursor":null"#, with: "")
    }
}

/// A copy of a folder of `Tests/Fixtures`, and what was said when it was made; removed with the value.
private final class RecordedFolder {
    struct Exchange: Decodable {
        let method, path, answer: String
        let body: String?
        let fields: [String: String]
        let status: Int
    }

    struct Sale: Decodable {
        let commit: String
        let recordedAt: Milliseconds
        let verify: [String: String]
        let retries, reads: [Exchange]
    }

    let path: String
    let sale: Sale

    init(_ name: String, withSnapshot: Bool) throws {
        path = SaleServer.makeFolder()
        let source = URL(filePath: #filePath).deletingLastPathComponent().appending(path: "../../Fixtures/\(name)")
        let files = FileManager.default
        try files.copyItem(atPath: source.standardized.path, toPath: path)
        let decoder = JSONDecoder()
        decoder.keyDecodingStrategy = .convertFromSnakeCase
        let record = path + "/sale.json"
        // The keys of `verify` have blanks, no underscores; those of `fields` neither.
        sale = try decoder.decode(Sale.self, from: Data(contentsOf: URL(filePath: record)))
        try files.removeItem(atPath: record)
        try Data().write(to: URL(filePath: path + "/LOCK"))
        for file in try files.contentsOfDirectory(atPath: path) where file.hasPrefix("wal-") {
            try Self.fill(path + "/" + file)
        }
        if !withSnapshot {
            for file in try files.contentsOfDirectory(atPath: path) where file.hasPrefix("snap-") {
                try files.removeItem(atPath: path + "/" + file)
            }
        }
    }

    /// Puts back the zeros that a fixture leaves out: a segment has the size that its header says.
    private static func fill(_ segment: String) throws {
        let file = try FileHandle(forUpdating: URL(filePath: segment))
        defer { try? file.close() }
        try file.seek(toOffset: 80)
        let field = try file.read(upToCount: 8)
        let size = try #require(field).withUnsafeBytes { $0.loadUnaligned(as: UInt64.self) }
        try file.truncate(atOffset: UInt64(littleEndian: size))
    }

    deinit { try? FileManager.default.removeItem(atPath: path) }
}

extension LoopbackClient {
    fileprivate func exchange(_ exchange: RecordedFolder.Exchange) throws -> Reply {
        let fields = exchange.fields.map { "\($0): \($1)\r\n" }.joined()
        let body = exchange.body ?? ""
        try send(
            "\(exchange.method) \(exchange.path) HTTP/1.1\r\nHost: test\r\n\(fields)"
                + "Content-Length: \(body.utf8.count)\r\n\r\n\(body)"
        )
        return try next()
    }
}
