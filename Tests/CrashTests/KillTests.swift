import Foundation
import Glibc
import Testing

/// The real server, killed again and again under load, against a record of its answers kept outside it.
@Suite(.serialized) struct KillTests {
    /// `HOLDFAST_SEED` replays a failing run's choices, `HOLDFAST_KILLS` sets how long it goes on.
    private let seed = Environment.number("HOLDFAST_SEED") ?? UInt64.random(in: 1...999_999)

    @Test func everyAnswerOutlivesTheProcess() throws {
        let kills = Int(Environment.number("HOLDFAST_KILLS") ?? 50)
        var war = try KillWar(seed: seed)
        try war.run(kills: kills)
        print(war.table)
        #expect(war.contradictions.isEmpty, "HOLDFAST_SEED=\(seed): \(war.contradictions.prefix(3))")
        // A run that never hit what it is about has shown nothing.
        if kills >= 50 { #expect(war.hasHitEverything, "HOLDFAST_SEED=\(seed)") }
    }

    @Test func aStopUnderLoadKeepsEveryAnswerAndSnapshots() throws {
        let folder = try DataFolder()
        var ledger = Ledger()
        let server = try ServerProcess.launch(in: folder, snapshotSeconds: 3600)
        let load = try openSale(server)
        usleep(400_000)
        server.send(SIGTERM)
        #expect(try server.exitCode(withinSeconds: 15) == 0, "\(server.output)")
        ledger.add(load.finish())
        #expect(ledger.requestCount > 100)

        let next = try ServerProcess.launch(in: folder, snapshotSeconds: 3600)
        let port = try next.port()
        #expect(next.output.contains(": snapshot at "), "\(next.output)")
        #expect(next.output.contains(" 0 records behind it"), "\(next.output)")
        try ledger.settle(port)
        let found =
            try ledger.contradictions(ledger.purchases, port, retries: true) + ledger.stockContradictions(port)
            + ledger.editContradictions(port)
        #expect(found.isEmpty, "HOLDFAST_SEED=\(seed): \(found.prefix(3))")
    }

    /// The negative control: the ledger must notice a sale that it doesn't know, and when the last answered one is cut
    /// off the log.
    @Test func aSaleTooManyAndALostOneAreNoticed() throws {
        let folder = try DataFolder()
        var ledger = Ledger()
        let server = try ServerProcess.launch(in: folder, snapshotSeconds: 3600)
        let load = try openSale(server)
        usleep(100_000)
        ledger.add(load.finish())
        try ledger.settle(server.port())
        ledger.add(try lastSale(server.port()))
        try ledger.settle(server.port())
        var ignorant = Ledger()
        for purchase in ledger.purchases.dropLast() { ignorant.add(purchase) }
        try ignorant.settle(server.port())
        #expect(try ignorant.stockContradictions(server.port()).contains { $0.isDouble }, "seed \(seed)")
        server.kill()
        // Every request was answered, so the last batch with records holds an answered confirmation.
        let log = try SegmentFile(newestIn: folder)
        try log.zero(from: #require(log.batches.last { $0.recordCount > 0 }).offset)

        let next = try ServerProcess.launch(in: folder, snapshotSeconds: 3600)
        let port = try next.port()
        let lost = ledger.contradictions(ledger.purchases, port, retries: false)
        #expect(lost.contains { $0.isLoss }, "seed \(seed)")
        #expect(try ledger.stockContradictions(port).contains { $0.isLoss }, "seed \(seed)")
    }

    @Test func damageInsideTheLogIsRefusedByNameAndOffset() throws {
        let folder = try DataFolder()
        let server = try ServerProcess.launch(in: folder, snapshotSeconds: 3600)
        let load = try openSale(server)
        usleep(100_000)
        _ = load.finish()
        server.kill()
        let log = try SegmentFile(newestIn: folder)
        let damaged = log.batches[log.batches.count / 2]
        try log.flipByte(at: damaged.offset + 140)

        for arguments in [["serve", "--data", folder.data, "--port", "0"], ["verify", "--data", folder.data]] {
            let (exitCode, output) = try ServerProcess.run(arguments, in: folder)
            #expect(exitCode == 1, "\(output)")
            #expect(output.contains(log.name) && output.contains("\(damaged.offset)"), "\(damaged): \(output)")
        }
    }

    @Test func aSecondServerAndWrongOptionsAreRefused() throws {
        let folder = try DataFolder()
        let server = try ServerProcess.launch(in: folder, snapshotSeconds: 3600)
        _ = try server.port()
        let serve = ["serve", "--data", folder.data, "--port", "0"]
        let second = try ServerProcess.run(serve, in: folder)
        #expect(second.exitCode == 1 && second.output.contains("another process uses \(folder.data)"), "\(second)")
        server.kill()
        let open = try ServerProcess.run(serve + ["--host", "0.0.0.0"], in: folder)
        #expect(open.exitCode == 78 && open.output.contains("not a loopback address"), "\(open)")
        let small = try ServerProcess.run(serve + ["--segment-mib", "1"], in: folder)
        #expect(small.exitCode == 78 && small.output.contains("it must be 2 to 4096 MiB"), "\(small)")
    }

    private func openSale(_ server: ServerProcess) throws -> Load {
        let port = try server.port()
        try Venue.open(port)
        return Load(Load.Settings(port: port, seed: seed, name: "\(seed)"))
    }

    private func lastSale(_ port: UInt16) throws -> Purchase {
        let connection = try Connection(port: port)
        var random = SeededRandom(state: seed)
        for attempt in 0..<100 {
            var purchase = Purchase(key: "\(seed)-last-\(attempt)", section: Venue.floor(1), random: &random)
            while let step = purchase.nextStep() {
                purchase.begin(step, flushes: 0)
                purchase.end(try step.send(connection), flushes: 0)
            }
            if try purchase.sale() != nil { return purchase }
        }
        throw ServerFailure(description: "no purchase of 100 became a sale")
    }
}

enum Environment {
    static func text(_ name: String) -> String? { getenv(name).map { String(cString: $0) } }
    static func number(_ name: String) -> UInt64? { text(name).flatMap { UInt64($0) } }
}
