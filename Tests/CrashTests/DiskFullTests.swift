import Foundation
import Glibc
import Testing

/// The real server on a real filesystem that another file fills up.
@Suite(.serialized, .enabled(if: SmallFilesystem.isPossible, "mounting a small filesystem needs root"))
struct DiskFullTests {
    private func waitForReadiness(_ status: Int, _ connection: Connection) throws -> String {
        for _ in 0..<500 {
            let answer = try connection.get("/ready")
            if answer.status == status { return answer.body }
            usleep(20_000)
        }
        throw ServerFailure(description: "/ready does not become \(status): \(try connection.get("/ready"))")
    }

    private func waitForOutput(_ text: String, _ server: ServerProcess) {
        for _ in 0..<500 where !server.output.contains(text) { usleep(20_000) }
        #expect(server.output.contains(text), "\(server.output)")
    }

    private func reserve(_ connection: Connection, _ key: String, seconds: Int = 600) throws -> Answer {
        let body = #"{"event_id":"show","hold_seconds":\#(seconds),"items":[{"capacity_id":"floor","quantity":3}]}"#
        return try connection.post("/api/v1/reservations", body, key: key)
    }

    /// What is held of the stock now.
    private func reserved(_ connection: Connection) throws -> Int {
        let body = try connection.get("/api/v1/events/show/capacity").body
        guard let found = body.range(of: #""reserved_capacity":"#) else { return -1 }
        return Int(body[found.upperBound...].prefix { $0.isNumber }) ?? -1
    }

    /// Full until nothing is sold any more, then to the last byte, then freed.
    @Test func aFullDiskStopsTheSaleAndNothingElse() throws {
        let disk = try SmallFilesystem(mebibytes: 40)
        let server = try ServerProcess.launch(in: disk, snapshotSeconds: 1)
        let port = try server.port()
        try HonestBuyers.openSale(port)
        var made = try HonestBuyers.sell(port, "before")
        let connection = try Connection(port: port, isPatient: false)
        #expect(try waitForReadiness(200, connection).contains(#""status":"ready""#))
        let expiring = try reserve(connection, "expiring", seconds: 2)
        #expect(expiring.status == 201, "\(expiring)")
        let held = try reserved(connection)

        disk.fill(leavingBytes: 2 << 20)
        let said = try waitForReadiness(503, connection)
        #expect(said.contains(#""status":"storage full""#), "\(said)")
        #expect(disk.freeBytes > 0, "it refuses before the filesystem does")
        try checkRefusal(connection, key: "refused")

        disk.fill(leavingBytes: 0)
        #expect(disk.freeBytes < 64 << 10)
        try checkRefusal(connection, key: "refused")
        // What was promised before holds: reads, retries, the deadline.
        #expect(try HonestBuyers.contradictions(made, port) == [])
        for _ in 0..<500 where try reserved(connection) == held { usleep(20_000) }
        #expect(try reserved(connection) == held - 3, "a reservation expires although the disk is full")
        waitForOutput("no snapshot was taken, the log is kept whole: a snapshot needs about", server)
        let names = try FileManager.default.contentsOfDirectory(atPath: disk.data)
        #expect(!names.contains { $0.hasSuffix(".tmp") }, "\(names)")

        // Killed and started on the full disk it still answers for everything.
        server.kill()
        let again = try ServerProcess.launch(in: disk, snapshotSeconds: 1)
        let second = try again.port()
        let other = try Connection(port: second, isPatient: false)
        _ = try waitForReadiness(503, other)
        waitForOutput("(STORAGE_FULL)", again)
        try checkRefusal(other, key: "refused")
        #expect(try HonestBuyers.contradictions(made, second) == [])

        disk.makeRoom()
        _ = try waitForReadiness(200, other)
        // The key that heard 503 was not used up.
        #expect(try reserve(other, "refused").status == 201)
        made += try HonestBuyers.sell(second, "after")
        #expect(try HonestBuyers.contradictions(made, second) == [])
        waitForOutput("\(disk.data) has ", again)
        waitForOutput("selling again", again)
        again.send(SIGTERM)
        #expect(try again.exitCode(withinSeconds: 20) == 0, "\(again.output)")
        let (code, output) = try ServerProcess.run(["verify", "--data", disk.data], in: disk.folder)
        #expect(code == 0 && output.contains("invariants    hold"), "\(output)")
    }

    private func checkRefusal(_ connection: Connection, key: String) throws {
        let refused = try reserve(connection, key)
        #expect(refused.status == 503 && refused.body.contains(#""code":"STORAGE_FULL""#), "\(refused)")
        #expect(try connection.get("/health").status == 200)
        let metrics = try connection.get("/metrics").body
        #expect(metrics.contains("\nholdfast_storage_full 1") || metrics.contains("\nholdfast_storage_full 2"))
        let event = try connection.post("/api/v1/events", #"{"name":"X","currency":"EUR"}"#, key: "event")
        #expect(event.status == 503 && event.body.contains("STORAGE_FULL"), "\(event)")
        #expect(try connection.get("/api/v1/events/show").status == 200)
    }

    /// A stop on a full disk has no room for its last snapshot: the log has it all.
    @Test func aStopOnAFullDiskIsClean() throws {
        let disk = try SmallFilesystem(mebibytes: 32)
        let server = try ServerProcess.launch(in: disk, snapshotSeconds: 3600)
        let port = try server.port()
        try HonestBuyers.openSale(port)
        let made = try HonestBuyers.sell(port, "before")
        disk.fill(leavingBytes: 0)
        _ = try waitForReadiness(503, Connection(port: port, isPatient: false))
        server.send(SIGTERM)
        #expect(try server.exitCode(withinSeconds: 20) == 0, "\(server.output)")
        #expect(server.output.contains("no last snapshot was taken"), "\(server.output)")
        disk.makeRoom()
        let next = try ServerProcess.launch(in: disk, snapshotSeconds: 3600)
        #expect(try HonestBuyers.contradictions(made, next.port()) == [])
    }

    /// The filesystem takes back what it had given: the log can't be written, and nobody is told that it was.
    @Test func aWriteThatFindsNoSpaceStopsTheServerAndLosesNothing() throws {
        let disk = try SmallFilesystem(mebibytes: 32)
        let server = try ServerProcess.launch(in: disk, snapshotSeconds: 3600)
        let port = try server.port()
        try HonestBuyers.openSale(port)
        var made = try HonestBuyers.sell(port, "before")
        let connection = try Connection(port: port, isPatient: false)
        // Its expiry is what will be written.
        #expect(try reserve(connection, "expiring", seconds: 2).status == 201)
        usleep(200_000)
        try disk.breakPromise()
        disk.fill(leavingBytes: 0)
        #expect(try server.exitCode(withinSeconds: 20) == 70, "\(server.output)")
        for mark in ["the log stopped and acknowledges nothing more", "No space left on device", disk.data] {
            #expect(server.output.contains(mark), "\(mark) in \(server.output)")
        }
        disk.makeRoom()
        let next = try ServerProcess.launch(in: disk, snapshotSeconds: 3600)
        let second = try next.port()
        #expect(try HonestBuyers.contradictions(made, second) == [])
        made += try HonestBuyers.sell(second, "after")
        #expect(try HonestBuyers.contradictions(made, second) == [])
    }

    /// Nothing is left of the filesystem and no spare is there: a start says what to do and changes nothing.
    @Test func aStartWithoutAnyRoomSaysSo() throws {
        let disk = try SmallFilesystem(mebibytes: 16)
        try FileManager.default.createDirectory(atPath: disk.data, withIntermediateDirectories: true)
        disk.fill(leavingBytes: 512 << 10)
        let (code, output) = try ServerProcess.run(
            ["serve", "--data", disk.data, "--port", "0", "--shards", "1", "--segment-mib", "2"],
            in: disk.folder
        )
        #expect(code == 1 && output.contains("No space left on device. Free space on this filesystem"), "\(output)")
    }
}
