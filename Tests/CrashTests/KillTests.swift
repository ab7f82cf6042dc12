import Foundation
import Glibc
import Testing

/// The real server, killed again and again under load, against a record of its answers kept outside it.
@Suite(.serialized) struct KillTests {
    /// `HOLDFAST_SEED` replays a failing run's choices, `HOLDFAST_KILLS` sets how long it goes on.
    private let seed = setting("HOLDFAST_SEED") ?? UInt64.random(in: 1...999_999)

    private static func setting(_ name: String) -> UInt64? {
        getenv(name).flatMap { UInt64(String(cString: $0)) }
    }

    @Test func everyAnswerOutlivesTheProcess() throws {
        let kills = Int(Self.setting("HOLDFAST_KILLS") ?? 50)
        let folder = try DataFolder()
        var random = SeededRandom(state: seed)
        var ledger = Ledger()
        var (duringSnapshot, duringStart) = (0, 0)
        for round in 0..<kills {
            if round % 8 == 7 {
                let starting = try ServerProcess.launch(in: folder, snapshotSeconds: 1)
                usleep(UInt32.random(in: 0...30_000, using: &random))
                starting.kill()
                duringStart += 1
            }
            let server = try ServerProcess.launch(in: folder, snapshotSeconds: 1)
            let port = try server.port()
            if round == 0 { try Ledger.openSale(port) }
            try check(&ledger, port, sample: 100, &random)

            let load = Load(port: port, seed: random.next(), name: "\(seed)-\(round)")
            if round % 4 == 3 {
                waitForSnapshot(folder)
            } else {
                usleep(UInt32.random(in: 30_000...200_000, using: &random))
            }
            server.kill()
            duringSnapshot += folder.hasUnfinishedSnapshot ? 1 : 0
            ledger.add(load.finish())
            if round % 10 == 9 { try verify(folder) }
        }
        let server = try ServerProcess.launch(in: folder, snapshotSeconds: 1)
        try check(&ledger, server.port(), sample: ledger.purchases.count, &random)
        #expect(try ledger.ticketsIssuedTwice() == 0, "HOLDFAST_SEED=\(seed)")
        server.kill()
        try verify(folder)
        print(
            "seed \(seed): \(kills) kills (\(duringSnapshot) during a snapshot) and \(duringStart) during a start,"
                + " \(ledger.requestCount) requests, \(ledger.retriedCount) of them answered only when retried,"
                + " of which \(ledger.survivedUnansweredCount) had already taken effect"
        )
        // A run that never caught a snapshot or a request in flight has shown nothing.
        if kills >= 50 {
            #expect(duringSnapshot > 0 && ledger.survivedUnansweredCount > 0, "HOLDFAST_SEED=\(seed)")
        }
    }

    @Test func aStopUnderLoadKeepsEveryAnswerAndSnapshots() throws {
        let folder = try DataFolder()
        var random = SeededRandom(state: seed)
        var ledger = Ledger()
        let server = try ServerProcess.launch(in: folder, snapshotSeconds: 3600)
        try Ledger.openSale(server.port())
        let load = try Load(port: server.port(), seed: seed, name: "\(seed)")
        usleep(400_000)
        server.send(SIGTERM)
        #expect(try server.exitCode(withinSeconds: 15) == 0, "\(server.output)")
        ledger.add(load.finish())
        #expect(ledger.requestCount > 100)

        let next = try ServerProcess.launch(in: folder, snapshotSeconds: 3600)
        let port = try next.port()
        #expect(next.output.contains(": snapshot at "), "\(next.output)")
        #expect(next.output.contains(" 0 records behind it"), "\(next.output)")
        try check(&ledger, port, sample: ledger.purchases.count, &random)
    }

    /// The negative control: the record must notice when the last answered sale is cut off the log.
    @Test func aLostSaleIsNoticed() throws {
        let folder = try DataFolder()
        var ledger = Ledger()
        let server = try ServerProcess.launch(in: folder, snapshotSeconds: 3600)
        try Ledger.openSale(server.port())
        let load = try Load(port: server.port(), seed: seed, name: "\(seed)")
        usleep(100_000)
        ledger.add(load.finish())
        ledger.add([try lastSale(server.port())])
        server.kill()
        // Every request was answered, so the last batch with records holds an answered confirmation.
        let log = try LogFile(newestIn: folder)
        try log.zero(from: #require(log.batches.last { $0.recordCount > 0 }).offset)

        let next = try ServerProcess.launch(in: folder, snapshotSeconds: 3600)
        let port = try next.port()
        let lost = ledger.contradictions(ledger.purchases, port, retries: false)
        #expect(lost.contains { $0.contains("is lost") }, "seed \(seed)")
        #expect(try !ledger.stockContradictions(port).isEmpty, "seed \(seed)")
    }

    @Test func damageInsideTheLogIsRefusedByNameAndOffset() throws {
        let folder = try DataFolder()
        let server = try ServerProcess.launch(in: folder, snapshotSeconds: 3600)
        try Ledger.openSale(server.port())
        let load = try Load(port: server.port(), seed: seed, name: "\(seed)")
        usleep(100_000)
        _ = load.finish()
        server.kill()
        let log = try LogFile(newestIn: folder)
        let damaged = log.batches[log.batches.count / 2]
        try log.flipByte(at: damaged.offset + 140)

        for arguments in [["serve", "--data", folder.data, "--port", "0"], ["verify", "--data", folder.data]] {
            let (exitCode, output) = try ServerProcess.run(arguments, in: folder)
            #expect(exitCode == 1, "\(output)")
            #expect(output.contains(log.name) && output.contains("\(damaged.offset)"), "\(damaged): \(output)")
        }
    }

    @Test func aSecondServerAndAnOpenAddressAreRefused() throws {
        let folder = try DataFolder()
        let server = try ServerProcess.launch(in: folder, snapshotSeconds: 3600)
        _ = try server.port()
        let serve = ["serve", "--data", folder.data, "--port", "0"]
        let second = try ServerProcess.run(serve, in: folder)
        #expect(second.exitCode == 1 && second.output.contains("another process uses \(folder.data)"), "\(second)")
        server.kill()
        let open = try ServerProcess.run(serve + ["--host", "0.0.0.0"], in: folder)
        #expect(open.exitCode == 64 && open.output.contains("not a loopback address"), "\(open)")
    }

    /// Retries what had no answer, then holds the newest purchases and a sample of all against the server.
    private func check(
        _ ledger: inout Ledger,
        _ port: UInt16,
        sample: Int,
        _ random: inout SeededRandom
    ) throws {
        try ledger.settle(port)
        let chosen = ledger.purchases.suffix(sample) + ledger.purchases.shuffled(using: &random).prefix(sample / 4)
        let found = try ledger.contradictions(Array(chosen), port, retries: true) + ledger.stockContradictions(port)
        try #require(found.isEmpty, "HOLDFAST_SEED=\(seed): \(found.count), first \(found.prefix(3))")
    }

    private func verify(_ folder: DataFolder) throws {
        let (exitCode, output) = try ServerProcess.run(["verify", "--data", folder.data], in: folder)
        try #require(exitCode == 0 && output.contains("invariants    hold"), "HOLDFAST_SEED=\(seed): \(output)")
    }

    /// Returns when a snapshot is being written, at the latest after 3 s.
    private func waitForSnapshot(_ folder: DataFolder) {
        let end = ContinuousClock.now + .seconds(3)
        while ContinuousClock.now < end, !folder.hasUnfinishedSnapshot {}
    }

    private func lastSale(_ port: UInt16) throws -> Purchase {
        let connection = try Connection(port: port)
        var random = SeededRandom(state: seed)
        for attempt in 0..<100 {
            let purchase = Purchase.make(connection, key: "\(seed)-last-\(attempt)", random: &random)
            if try purchase.sale() != nil { return purchase }
        }
        throw ServerFailure(description: "no purchase of 100 became a sale")
    }
}

/// The newest segment, read by FORMAT.md alone.
private struct LogFile {
    struct Batch {
        let offset: Int
        let recordCount: Int
    }
    let name: String
    let batches: [Batch]
    private let path: String

    init(newestIn folder: DataFolder) throws {
        let names = try FileManager.default.contentsOfDirectory(atPath: folder.data)
        name = names.filter { $0.hasPrefix("wal-") }.max() ?? ""
        path = folder.data + "/" + name
        let bytes = try Data(contentsOf: URL(fileURLWithPath: path), options: .alwaysMapped)
        batches = stride(from: 4096, to: bytes.count, by: 4096).compactMap { offset in
            guard bytes[offset..<(offset + 4)].elementsEqual("HFBH".utf8) else { return nil }
            return Batch(offset: offset, recordCount: Int(bytes[offset + 72]) | Int(bytes[offset + 73]) << 8)
        }
    }

    func zero(from offset: Int) throws {
        let file = try FileHandle(forUpdating: URL(fileURLWithPath: path))
        let size = try file.seekToEnd()
        try file.truncate(atOffset: UInt64(offset))
        try file.truncate(atOffset: size)
        try file.close()
    }

    func flipByte(at offset: Int) throws {
        let file = try FileHandle(forUpdating: URL(fileURLWithPath: path))
        try file.seek(toOffset: UInt64(offset))
        let byte = try file.read(upToCount: 1)![0]
        try file.seek(toOffset: UInt64(offset))
        try file.write(contentsOf: Data([byte ^ 1]))
        try file.close()
    }
}
