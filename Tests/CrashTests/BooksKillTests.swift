import BookCheck
import Foundation
import Glibc
import PostgresServer
import Testing

/// The real server with a real Postgres, killed in the middle of flushes while it sells. In the end every row of the books
/// is the state's.
@Suite(.serialized) struct BooksKillTests {
    enum Victim { case postgres, engine, both }

    @Test func theBooksOutlivePostgres() throws { try wage(against: .postgres) }
    @Test func theBooksOutliveTheServer() throws { try wage(against: .engine) }
    @Test func theBooksOutliveBoth() throws { try wage(against: .both) }

    /// `HOLDFAST_BOOK_KILLS` sets how often, for each; `HOLDFAST_BOOK_SECONDS` ends it earlier.
    private func wage(against victim: Victim) throws {
        let seed = Environment.number("HOLDFAST_SEED") ?? UInt64.random(in: 1...999_999)
        let kills = Int(Environment.number("HOLDFAST_BOOK_KILLS") ?? 8)
        let end = ContinuousClock.now + .seconds(Environment.number("HOLDFAST_BOOK_SECONDS") ?? 3_600)
        var war = try BooksWar(victim, seed: seed)
        do {
            for _ in 0..<kills where ContinuousClock.now < end { try war.round() }
            try war.end()
        } catch {
            Issue.record("HOLDFAST_SEED=\(seed): \(error)")
        }
        #expect(war.contradictions == [], "HOLDFAST_SEED=\(seed)")
        print(war.report)
        // A run that never came into a flush has shown nothing.
        #expect(war.killsInFlushes * 2 > war.rounds, "HOLDFAST_SEED=\(seed)")
    }
}

/// One sale, one database, many deaths.
struct BooksWar {
    private let victim: BooksKillTests.Victim
    private let seed: UInt64
    private let postgres: PostgresServer
    private let database: String
    private let folder: DataFolder
    private let options: [String]
    private var random: SeededRandom
    private var server: ServerProcess?
    private(set) var rounds = 0
    private var saleCount = 0
    private var setbacks = 0
    private(set) var killsInFlushes = 0
    private(set) var contradictions: [String] = []

    init(_ victim: BooksKillTests.Victim, seed: UInt64) throws {
        self.victim = victim
        self.seed = seed
        random = SeededRandom(state: seed)
        var settings = PostgresServer.Options()
        // Otherwise Postgres forgets the last commits with its life, as one does that is told not to wait for its disk: then
        // the books go back.
        settings.commitsOutliveKills = victim == .engine
        postgres = PostgresServer(settings)
        database = try postgres.makeDatabase()
        folder = try DataFolder()
        options = [
            "--data", folder.data, "--snapshot-seconds", "1", "--segment-mib", "2", "--log-kept-mib", "16",
            "--postgres", postgres.url(database), "--postgres-migrate", "--flush-interval", "0.02",
        ]
    }

    var report: String {
        "books: \(rounds) kills of \(victim), \(killsInFlushes) in the middle of a flush, \(setbacks) times set back, "
            + "\(saleCount) requests answered, \(contradictions.count) contradictions (seed \(seed))"
    }

    // MARK: - A death

    mutating func round() throws {
        let server = try self.server ?? ServerProcess.launch(in: folder, options)
        self.server = server
        let port = try server.port()
        if rounds == 0 {
            try Venue.open(port)
            try Self.waitUntilCaughtUp(server)
        }
        let name = "\(seed)-\(victim)-\(rounds)"
        var settings = Load.Settings(port: port, seed: seed &+ UInt64(rounds) &* 16, name: name)
        settings.pauseMicrosecondsMax = 60_000
        settings.scarce = rounds
        let load = Load(settings)
        usleep(UInt32.random(in: 0...200_000, using: &random))
        let watch = try FlushWatch(url: postgres.url(database))
        // If none ever came through, the books would wait longer from time to time.
        if try !watch.waitForProgress(milliseconds: 60_000) { contradictions.append("no flush comes through") }
        let isInFlush = try watch.waitForFlush(milliseconds: 5_000)
        if isInFlush { killsInFlushes += 1 }
        usleep(UInt32.random(in: 0...10_000, using: &random))
        if victim != .engine { postgres.killHard() }
        if victim == .both { usleep(UInt32.random(in: 0...20_000, using: &random)) }
        if victim == .postgres {
            // The sale goes on without it.
            if try Connection(port: port).get("/health").status != 200 {
                contradictions.append("the sale stands still")
            }
        } else {
            try endServer { $0.kill() }
        }
        usleep(20_000)
        let made = load.finish()
        saleCount += made.purchases.reduce(0) { $0 + $1.steps.count(where: { $0.answer != nil }) }
        contradictions += made.contradictions.map { "\($0)" }
        rounds += 1
        try postgres.waitUntilUp()
        if rounds % 4 == 0 { contradictions += try FlushWatch(url: postgres.url(database)).contradictions() }
    }

    private mutating func endServer(_ body: (ServerProcess) throws -> Void) throws {
        guard let server else { return }
        try body(server)
        setbacks += server.output.components(separatedBy: "has forgotten the books").count - 1
        self.server = nil
    }

    // MARK: - What is left

    mutating func end() throws {
        let server = try self.server ?? ServerProcess.launch(in: folder, options)
        self.server = server
        _ = try server.port()
        try Self.waitUntilCaughtUp(server)
        try endServer { server in
            server.send(SIGTERM)
            let code = try server.exitCode(withinSeconds: 60)
            if code != 0 { throw ServerFailure(description: "exit code \(code): \(server.output)") }
        }
        contradictions += try BooksOfFolder.differences(folder: folder.data, url: postgres.url(database))
        contradictions += try FlushWatch(url: postgres.url(database)).contradictions()
        if try postgres.query("SELECT count(*) > 0 FROM holdfast.orders", in: database) != "t" {
            contradictions.append("nothing was sold")
        }
        try compareDigests()
    }

    static func waitUntilCaughtUp(_ server: ServerProcess) throws {
        for _ in 0..<6_000 {
            let reply = try Connection(port: server.port()).get("/ready")
            if reply.body.contains(#""connected":true"#), reply.body.contains(#""lag_records":0"#) { return }
            usleep(20_000)
        }
        throw ServerFailure(description: "the books don't catch up:\n\(server.output)")
    }

    /// An engine can be started from the books, and goes on with them.
    private mutating func compareDigests() throws {
        let url = postgres.url(database)
        let verify = try ServerProcess.run(["verify", "--data", folder.data], in: folder)
        let restore = try ServerProcess.run(
            ["restore", "--from-postgres", url, "--data", folder.path + "/new", "--log", folder.data],
            in: folder
        )
        guard verify.exitCode == 0, restore.exitCode == 0, let digest = Self.digest(verify.output) else {
            throw ServerFailure(description: "\(verify)\n\(restore)")
        }
        if Self.digest(restore.output) != digest { contradictions.append("\(verify.output) and \(restore.output)") }
        let next = try ServerProcess.launch(in: folder, ["--data", folder.path + "/new", "--postgres", url])
        _ = try next.port()
        try Self.waitUntilCaughtUp(next)
        next.kill()
    }

    private static func digest(_ output: String) -> Substring? {
        output.split(separator: "\n").first { $0.hasPrefix("digest") }
    }
}
