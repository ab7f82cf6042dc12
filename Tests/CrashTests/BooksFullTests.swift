import BookCheck
import Foundation
import Glibc
import PostgresServer
import Testing

/// The real server with a Postgres whose disk is full: the sale goes on, and the books follow when there is room.
@Suite(.serialized, .enabled(if: SmallFilesystem.isPossible, "mounting a small filesystem needs root"))
struct BooksFullTests {
    private static func waitForOutput(_ text: String, _ server: ServerProcess, seconds: Int = 30) {
        for _ in 0..<(seconds * 50) where !server.output.contains(text) { usleep(20_000) }
        #expect(server.output.contains(text), "\(text) in \(server.output)")
    }

    /// Full until a table can't grow, then until Postgres itself can't go on; then freed.
    @Test func aFullDatabaseStopsTheBooksAndNothingElse() throws {
        let disk = try SmallFilesystem(mebibytes: 160)
        var settings = PostgresServer.Options()
        settings.dataParent = disk.path
        settings.commitsOutliveKills = true
        let postgres = PostgresServer(settings)
        let database = try postgres.makeDatabase()
        let folder = try DataFolder()
        let options = [
            "--data", folder.data, "--postgres", postgres.url(database), "--postgres-migrate", "--flush-interval",
            "0.05",
        ]
        let server = try ServerProcess.launch(in: folder, options)
        let port = try server.port()
        try HonestBuyers.openSale(port)
        var made = try HonestBuyers.sell(port, "before")
        try BooksWar.waitUntilCaughtUp(server)

        disk.fill(leavingBytes: 0)
        var sales = 0
        while !server.output.contains("(53100)"), sales < 40 {
            made += try HonestBuyers.sell(port, "full-\(sales)")
            sales += 1
        }
        Self.waitForOutput("the books can't be written, the sale goes on: Postgres refused a statement (53100)", server)
        Self.waitForOutput("The database's disk is full", server)
        let connection = try Connection(port: port)
        let ready = try connection.get("/ready")
        // Ready it is: the books are no condition of the sale.
        #expect(ready.status == 200 && ready.body.contains(#""connected":false"#), "\(ready)")

        // Postgres can't write its own log any more, and ends; it doesn't come back as long as the disk is full.
        for _ in 0..<100
        where (try? postgres.query("CREATE TABLE filler (); DROP TABLE filler; SELECT pg_switch_wal()")) != nil {}
        Self.waitForOutput("Postgres can't be reached", server)
        let began = ContinuousClock.now
        made += try HonestBuyers.sell(port, "without")
        #expect(ContinuousClock.now - began < .seconds(10))
        #expect(try connection.get("/metrics").body.contains("\nholdfast_postgres_up 0"))

        disk.makeRoom()
        try BooksWar.waitUntilCaughtUp(server)
        #expect(try HonestBuyers.contradictions(made, port) == [])
        server.send(SIGTERM)
        #expect(try server.exitCode(withinSeconds: 30) == 0, "\(server.output)")
        #expect(try BooksOfFolder.differences(folder: folder.data, url: postgres.url(database)) == [])
    }
}
