import Foundation
import Glibc

/// Kills the server at random moments of its lives, and after each death holds the next life against the ledger.
struct KillWar {
    /// When a kill comes. All draws are made of one seed.
    private enum Moment: CaseIterable {
        case load, snapshot, start, stop
    }

    /// Small ones follow each other several times a second; 2 is the smallest size there is.
    private static let segmentMebibytes = 2
    private static let checkedEachTime = 60

    let seed: UInt64
    private let folder: DataFolder
    private var random: SeededRandom
    private var ledger = Ledger()
    private var history = FolderHistory()
    private(set) var contradictions: [Contradiction] = []
    private var killCounts: [Moment: Int] = [:]
    private var unfinishedSnapshotCount = 0
    private var startMicroseconds: UInt32 = 30_000
    private let began = ContinuousClock.now

    init(seed: UInt64) throws {
        self.seed = seed
        random = SeededRandom(state: seed)
        folder = try DataFolder()
    }

    private var killCount: Int { killCounts.values.reduce(0, +) }

    /// - Parameter kills: so many, and from 50 on more if need be, until each kind has come at least once.
    mutating func run(kills: Int) throws {
        var round = 0
        while killCount < kills || (kills >= 50 && !hasHitEverything && killCount < 3 * kills), contradictions.isEmpty {
            if round % 8 == 7, killCount + 1 != kills { try killStart() }
            let (server, port) = try start()
            if round == 0 { try Venue.open(port) }
            try check(port, sample: Self.checkedEachTime)
            let load = Load(loadSettings(port, round))
            try kill(server, round % 4 == 3 ? .snapshot : round % 10 == 5 ? .stop : .load)
            ledger.add(load.finish())
            try history.look(at: folder)
            if round % 10 == 9 { try verify() }
            round += 1
        }
        guard contradictions.isEmpty else { return }
        let (server, port) = try start()
        try check(port, sample: ledger.purchases.count)
        server.kill()
        try verify()
    }

    private func loadSettings(_ port: UInt16, _ round: Int) -> Load.Settings {
        var settings = Load.Settings(port: port, seed: seed &* 1_000 &+ UInt64(round) &* 16, name: "\(seed)-\(round)")
        settings.scarce = round / 2
        settings.firstRevision = ledger.nextRevision
        return settings
    }

    // MARK: Lives and deaths

    private mutating func start() throws -> (server: ServerProcess, port: UInt16) {
        let began = ContinuousClock.now
        let server = try launch()
        let port = try server.port()
        startMicroseconds = UInt32((ContinuousClock.now - began) / .microseconds(1))
        return (server, port)
    }

    private func launch() throws -> ServerProcess {
        try ServerProcess.launch(in: folder, snapshotSeconds: 1, segmentMebibytes: Self.segmentMebibytes)
    }

    /// Anywhere between the first instruction and the moment when it listens.
    private mutating func killStart() throws {
        let server = try launch()
        usleep(UInt32.random(in: 0...startMicroseconds, using: &random))
        server.kill()
        killCounts[.start, default: 0] += 1
    }

    private mutating func kill(_ server: ServerProcess, _ moment: Moment) throws {
        switch moment {
        case .snapshot:
            wait(seconds: 3) { folder.hasUnfinishedSnapshot }
            // Half of them die in the middle. The others live to finish it, and die about when its name and the
            // manifest are written and old log files become new ones.
            if Bool.random(using: &random) { wait(seconds: 5) { !folder.hasUnfinishedSnapshot } }
            usleep(UInt32.random(in: 0...20_000, using: &random))
        case .stop:
            usleep(UInt32.random(in: 30_000...200_000, using: &random))
            server.send(SIGTERM)
            usleep(UInt32.random(in: 0...30_000, using: &random))
            if server.hasEnded { return }
        case .load, .start:
            usleep(UInt32.random(in: 30_000...200_000, using: &random))
        }
        server.kill()
        killCounts[moment, default: 0] += 1
        if folder.hasUnfinishedSnapshot { unfinishedSnapshotCount += 1 }
    }

    private func wait(seconds: Int, until isReached: () -> Bool) {
        let end = ContinuousClock.now + .seconds(seconds)
        while ContinuousClock.now < end, !isReached() { usleep(500) }
    }

    // MARK: Checks

    /// Retries what had no answer, then holds the newest purchases and a sample of all against the server.
    private mutating func check(_ port: UInt16, sample: Int) throws {
        try ledger.settle(port)
        let chosen =
            ledger.purchases.suffix(sample)
            + (sample < ledger.purchases.count
                ? (0..<(sample / 4)).map { _ in ledger.purchases.randomElement(using: &random)! } : [])
        contradictions += ledger.contradictions
        contradictions += ledger.contradictions(Array(chosen), port, retries: true)
        contradictions += try ledger.stockContradictions(port)
        contradictions += try ledger.editContradictions(port)
    }

    private func verify() throws {
        let (exitCode, output) = try ServerProcess.run(["verify", "--data", folder.data], in: folder)
        guard exitCode == 0, output.contains("invariants    hold") else {
            throw ServerFailure(description: "HOLDFAST_SEED=\(seed): verify: \(output)")
        }
    }

    // MARK: What it has come to

    var hasHitEverything: Bool {
        history.isComplete && unfinishedSnapshotCount > 0 && ledger.survivedUnansweredCount > 0
            && Moment.allCases.allSatisfy { killCounts[$0, default: 0] > 0 }
    }

    var table: String {
        let doubles = ((try? ledger.ticketsIssuedTwice()) ?? 0) + contradictions.count(where: \.isDouble)
        let losses = contradictions.count(where: \.isLoss)
        let rows: [(String, Int)] =
            [
                ("kills", killCount),
                ("… under load", killCounts[.load, default: 0]),
                ("… around a snapshot", killCounts[.snapshot, default: 0]),
                ("… that left a snapshot unfinished", unfinishedSnapshotCount),
                ("… during a start", killCounts[.start, default: 0]),
                ("… during a stop", killCounts[.stop, default: 0]),
            ] + history.rows + [
                ("requests", ledger.requestCount),
                ("answered only when sent again", ledger.retriedCount),
                ("… that had taken effect before the kill", ledger.survivedUnansweredCount),
                ("sales answered", ledger.saleCount),
                ("double sales", doubles),
                ("lost sales", losses),
                ("answers that changed", contradictions.count - losses - contradictions.count(where: \.isDouble)),
            ]
        let seconds = (ContinuousClock.now - began) / .seconds(1)
        return Table.text("seed \(seed), \(Int(seconds)) s, \(ServerProcess.binary)", rows)
    }
}

enum Table {
    static func text(_ title: String, _ rows: [(String, Int)]) -> String {
        let width = rows.map(\.0.count).max() ?? 0
        let lines = rows.map { name, count in
            name.padding(toLength: width, withPad: " ", startingAt: 0)
                + String(repeating: " ", count: max(1, 10 - "\(count)".count)) + "\(count)"
        }
        return ([title] + lines).joined(separator: "\n")
    }
}
