import Glibc

/// How far a server's books are, from its `/metrics`.
struct BooksStanding: Equatable {
    /// Records of the log that the books don't have.
    var lagRecords: Double
    var lagSeconds: Double
    /// Rows sent since the server began.
    var rows: Double
    /// Bytes of the log's records made durable since the server began.
    var logBytes: Double
    /// When it was asked, on the monotonic clock.
    var nanoseconds: UInt64

    enum Failure: Error, CustomStringConvertible {
        case noBooks(missing: String)
        case notCaughtUp(seconds: Int, BooksStanding)

        var description: String {
            switch self {
            case .noBooks(let missing): "the server has no books: its /metrics don't have \(missing)"
            case .notCaughtUp(let seconds, let standing):
                "after \(seconds) s the books were still \(Decimals.text(standing.lagRecords)) records behind"
            }
        }
    }

    init(of server: ServerUnderTest) throws {
        try self.init(metrics: SetupClient(endpoint: server.endpoint).get("/metrics").text)
    }

    init(metrics: String, nanoseconds: UInt64 = MonotonicClock.nowNanoseconds()) throws(Failure) {
        func value(_ name: String) throws(Failure) -> Double {
            let line = metrics.split(separator: "\n").first { $0.hasPrefix("\(name) ") }
            guard let text = line?.dropFirst(name.count + 1), let value = Double(text) else {
                throw .noBooks(missing: name)
            }
            return value
        }
        lagRecords = try value("holdfast_postgres_lag_records")
        lagSeconds = try value("holdfast_postgres_lag_seconds")
        rows = try value("holdfast_postgres_rows_total")
        logBytes = try value("holdfast_log_record_bytes_total")
        self.nanoseconds = nanoseconds
    }

    func seconds(since earlier: BooksStanding) -> Double {
        Double(nanoseconds - min(nanoseconds, earlier.nanoseconds)) / 1e9
    }

    /// Asks until nothing is missing in the books.
    static func afterCatchingUp(_ server: ServerUnderTest, secondsMax: Int) throws -> BooksStanding {
        let end = MonotonicClock.nowNanoseconds() + UInt64(secondsMax) * 1_000_000_000
        while true {
            let standing = try BooksStanding(of: server)
            if standing.lagRecords == 0 { return standing }
            guard standing.nanoseconds < end, !StopSignal.wasReceived else {
                throw Failure.notCaughtUp(seconds: secondsMax, standing)
            }
            usleep(50_000)
        }
    }
}
