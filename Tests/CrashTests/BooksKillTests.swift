import Foundation
import Glibc
import PostgresServer
import Testing

/// The real server with a real Postgres, both killed at random under load. In the end the books lead to the server's state.
@Suite(.serialized) struct BooksKillTests {
    private let seed = Environment.number("HOLDFAST_SEED") ?? UInt64.random(in: 1...999_999)

    /// `HOLDFAST_BOOK_KILLS` sets how long it goes on.
    @Test func theBooksOutliveBoth() throws {
        let kills = Int(Environment.number("HOLDFAST_BOOK_KILLS") ?? 6)
        let postgres = PostgresServer()
        let database = try postgres.makeDatabase()
        let folder = try DataFolder()
        let options = [
            "--data", folder.data, "--snapshot-seconds", "1", "--segment-mib", "2", "--log-kept-mib", "2",
            "--postgres", postgres.url(database), "--postgres-migrate", "--flush-interval", "0.02",
        ]
        var random = SeededRandom(state: seed)
        for round in 0..<kills {
            let server = try ServerProcess.launch(in: folder, options)
            let port = try server.port()
            if round == 0 { try Venue.open(port) }
            let load = Load(Load.Settings(port: port, seed: seed &+ UInt64(round) &* 16, name: "\(seed)-\(round)"))
            usleep(UInt32.random(in: 100_000...400_000, using: &random))
            if round % 2 == 1 {
                postgres.killHard()
                usleep(UInt32.random(in: 0...100_000, using: &random))
            }
            server.kill()
            _ = load.finish()
        }
        try postgres.waitUntilUp()
        let server = try ServerProcess.launch(in: folder, options)
        _ = try server.port()
        try waitUntilCaughtUp(server)
        server.send(SIGTERM)
        #expect(try server.exitCode(withinSeconds: 30) == 0, "\(server.output)")
        try expectSameState(folder, postgres.url(database))
        #expect(try postgres.query("SELECT count(*) > 0 FROM holdfast.orders", in: database) == "t")
        try expectSums(postgres, database)
    }

    private func waitUntilCaughtUp(_ server: ServerProcess) throws {
        for _ in 0..<1_500 {
            let reply = try Connection(port: server.port()).get("/ready")
            if reply.body.contains(#""lag_records":0"#) { return }
            usleep(20_000)
        }
        Issue.record("HOLDFAST_SEED=\(seed): the books don't catch up:\n\(server.output)")
    }

    private func expectSameState(_ folder: DataFolder, _ url: String) throws {
        let verify = try ServerProcess.run(["verify", "--data", folder.data], in: folder)
        #expect(verify.exitCode == 0, "\(verify.output)")
        let restore = try ServerProcess.run(
            ["restore", "--from-postgres", url, "--data", folder.path + "/new", "--log", folder.data],
            in: folder
        )
        #expect(restore.exitCode == 0, "HOLDFAST_SEED=\(seed): \(restore.output)")
        #expect(
            digest(restore.output) == digest(verify.output) && digest(verify.output) != nil,
            "HOLDFAST_SEED=\(seed)"
        )
        // The new folder starts, and its books go on.
        let server = try ServerProcess.launch(in: folder, ["--data", folder.path + "/new", "--postgres", url])
        _ = try server.port()
        try waitUntilCaughtUp(server)
        server.kill()
    }

    private func digest(_ output: String) -> Substring? {
        output.split(separator: "\n").first { $0.hasPrefix("digest") }
    }

    private func expectSums(_ postgres: PostgresServer, _ database: String) throws {
        let wrong = """
            SELECT count(*) FROM holdfast.sections s WHERE sold <> (SELECT count(*) FROM holdfast.tickets t
            WHERE t.event_key = s.event_key AND t.section_number = s.number AND t.has_place)
            """
        #expect(try postgres.query(wrong, in: database) == "0", "HOLDFAST_SEED=\(seed)")
    }
}
