import Foundation
import Synchronization
import Testing

@testable import Bench

/// What `books` says of servers whose books are known, and of the real ones.
@Suite(.timeLimit(.minutes(3))) struct BooksCommandTests {
    private static let short = [
        "books", "--server-binary", "none", "-c", "4", "--duration", "0.2", "--warmup", "0", "--rounds", "2",
    ]

    private func value(_ name: String, _ report: BenchReport, unit: String? = nil) throws -> Double {
        let figure = report.figures.first { $0.name == name && (unit == nil || $0.unit == unit) }
        return try #require(figure, "\(report.figures.map(\.name))").value
    }

    /// Books that are three records behind whenever they are asked for the first time after a reservation, and then not.
    private func bookedServer(catchesUp: Bool) throws -> LoopbackServer {
        let desk = TicketDesk()
        let lag = Atomic(0)
        let rows = Atomic(0)
        return try LoopbackServer { method, path, request in
            if path.hasSuffix("/reserve") { lag.store(3, ordering: .relaxed) }
            guard path == "/metrics" else { return desk.respond(method, path, request) }
            let now = lag.load(ordering: .relaxed)
            if catchesUp { lag.store(0, ordering: .relaxed) }
            return .json(
                status: 200,
                """
                # HELP holdfast_postgres_lag_records Records that Postgres does not have.
                holdfast_postgres_lag_records \(now)
                holdfast_postgres_lag_seconds \(now > 0 ? 1.5 : 0)
                holdfast_postgres_rows_total \(rows.add(10, ordering: .relaxed).newValue)
                holdfast_log_record_bytes_total 1000
                """
            )
        }
    }

    private func turns(catchesUp: Bool, _ options: [String] = []) throws -> BenchReport {
        let plain = try LoopbackServer(respond: TicketDesk().respond)
        let booked = try bookedServer(catchesUp: catchesUp)
        defer {
            plain.stop()
            booked.stop()
        }
        let command = try #require(try BenchCommand.parseAsRoot(Self.short + options) as? BooksCommand)
        let servers = try [plain, booked].map {
            ServerUnderTest(endpoint: try Endpoint(address: "127.0.0.1", port: $0.port), processIdentifier: getpid())
        }
        var turns = try BooksTurns(command, without: servers[0], with: servers[1])
        return try turns.run()
    }

    @Test func theTwoSidesTakeTurns() throws {
        let report = try turns(catchesUp: true)
        #expect(report.complaints == [])
        #expect(
            report.phases.map(\.phase) == [
                "without Postgres, round 1", "with Postgres, round 1", "without Postgres, round 2",
                "with Postgres, round 2", "without Postgres, latency", "with Postgres, latency",
            ]
        )
        let ratio = try value("with Postgres, median", report) / value("without Postgres, median", report)
        #expect(try abs(value("with to without Postgres", report) - ratio) < 1e-9)
        #expect(try value("behind at the end of a turn, median", report, unit: "records") == 3)
        #expect(try value("behind at the end of a turn, median", report, unit: "s") == 1.5)
        #expect(try value("flushed while the sale runs", report) > 0)
        #expect(try value("with Postgres, p99 at 70 %", report) > 0)
        #expect(report.stock?.sectionsChecked == 8)
    }

    @Test func booksThatStayBehindAreGivenUp() {
        #expect(throws: BooksStanding.Failure.self) {
            try turns(catchesUp: false, ["--closed", "--catch-up-seconds-max", "1"])
        }
    }

    @Test func aServerWithoutBooksIsFoundOut() throws {
        let metrics = "holdfast_postgres_lag_records_max 1\nholdfast_postgres_lag_records 1\n"
        #expect(throws: BooksStanding.Failure.self) { try BooksStanding(metrics: metrics) }
    }

    @Test func theLastDigestCounts() {
        #expect(BooksRestoreRun.digest(in: "digest        1\nto x\ndigest        2f\n") == "2f")
        #expect(BooksRestoreRun.digest(in: "position 3") == nil)
    }

    /// The program beside this test, a real Postgres, and a restore from it.
    @Test func theRealOnesLeadToTheSameState() throws {
        let test = try FileManager.default.destinationOfSymbolicLink(atPath: "/proc/self/exe")
        let binary = (test as NSString).deletingLastPathComponent + "/holdfast"
        let port = UInt16.random(in: 20_000...29_999)
        let command = try #require(
            try BenchCommand.parseAsRoot([
                "books", "--server-binary", binary, "--port", "\(port)", "-c", "4", "--duration", "0.3", "--warmup",
                "0", "--rounds", "1", "--closed", "--holds", "3000", "--mix", "abandon=1,confirm=1", "--stock",
                "100000",
            ]) as? BooksCommand
        )
        let report = try command.measure()
        #expect(report.complaints == [])
        #expect(try value("reservations restored", report) >= 3_000)
        #expect(try value("restored in", report) > 0)
        #expect(try value("flushed while catching up", report, unit: "rows/s") > 0)
        // A reservation is a row, its line another, its record a third.
        #expect(try value("Postgres on disk, for a million reservations", report) > 100)
    }

    @Test func itsPostgresLeavesNothing() throws {
        var postgres: PostgresProcess? = try PostgresProcess(in: "/tmp", core: nil, ownCore: nil)
        let folder = try #require(postgres?.folder)
        #expect(try postgres?.number("SELECT 6 * 7") == 42)
        #expect(throws: PostgresProcess.Failure.self) { try postgres?.number("SELECT") }
        #expect(access(folder, F_OK) == 0 || errno == EACCES)
        postgres = nil
        #expect(access(folder, F_OK) != 0 && errno == ENOENT)
    }
}
