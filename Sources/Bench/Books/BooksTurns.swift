/// One server without and one with books, loaded in turns: only one is at a time, and before the other's turn the books
/// catch up.
struct BooksTurns {
    private struct Side {
        let name: String
        let sale: Sale
        var session: LoadSession<SaleScenario>
        var rates: [Double] = []
        var p99s: [Double] = []

        init(_ name: String, _ command: BooksCommand, _ server: ServerUnderTest) throws {
            self.name = name
            sale = try command.stock.putOnSale(server.endpoint)
            session = LoadSession(
                sale.scenario(try SaleMix(command.mix), seed: command.stock.seed),
                command.plan,
                server
            )
        }

        /// Keeps the rate of the reservations, and what 99 of 100 of them waited at most.
        mutating func takeTurn(_ round: Int) throws {
            let result = try session.run("\(name), round \(round)", .closed)
            let reserve = result.calls[SaleScenario.Call.reserve.rawValue]
            rates.append(Double(reserve.succeeded) / Double(result.elapsedNanoseconds) * 1e9)
            p99s.append(Double(reserve.latencies.valueAtPercentile(99)) / 1e6)
        }

        /// - Returns: the p99 of a reservation in milliseconds.
        mutating func takeLatency(perSecond: Double) throws -> Double {
            try session.runLatency("\(name), latency", perSecond: perSecond)
            let reserve = session.phases.last?.calls.first { $0.name == SaleScenario.Call.reserve.name }
            return (reserve?.latencyMicroseconds.p99 ?? 0) / 1_000
        }

        func check() throws -> StockCheck.Outcome? {
            session.isIntact ? try sale.check(session.scenario.ledger) : nil
        }
    }

    private let command: BooksCommand
    private var without: Side
    private var with: Side
    private var server: ServerUnderTest { with.session.server }
    private var behind = Pace()
    private var catchingUp = Pace()
    /// At the end of the turns.
    private var lags: [BooksStanding] = []

    /// Rows and records that the books took in some time.
    private struct Pace {
        var rows = 0.0
        var records = 0.0
        var seconds = 0.0

        mutating func add(from start: BooksStanding, to end: BooksStanding) {
            rows += end.rows - start.rows
            records += start.lagRecords - end.lagRecords
            seconds += end.seconds(since: start)
        }
    }

    init(_ command: BooksCommand, without: ServerUnderTest, with: ServerUnderTest) throws {
        self.command = command
        self.without = try Side("without Postgres", command, without)
        self.with = try Side("with Postgres", command, with)
    }

    /// Reservations that were made on the side with books.
    var reservations: Int { with.session.scenario.ledger.sections.reduce(0) { $0 + $1.reserved } }

    mutating func run() throws -> BenchReport {
        _ = try BooksStanding.afterCatchingUp(server, secondsMax: command.catchUpSecondsMax)
        for round in 1...command.rounds where !StopSignal.wasReceived {
            try without.takeTurn(round)
            try watched { side throws in try side.takeTurn(round) }
        }
        let (rate, booked) = (Median.of(without.rates), Median.of(with.rates))
        var latencies: (without: Double, with: Double)?
        if min(rate, booked) > 0, !command.closed, !StopSignal.wasReceived {
            let perSecond = min(rate, booked) * command.loadShare
            let plain = try without.takeLatency(perSecond: perSecond)
            latencies = (plain, try with.takeLatency(perSecond: perSecond))
            _ = try BooksStanding.afterCatchingUp(server, secondsMax: command.catchUpSecondsMax)
        }
        let phases = (without.session.phases + with.session.phases).sorted { $0.startNanoseconds < $1.startNanoseconds }
        let outcomes = [try without.check(), try with.check()].compactMap { $0 }
        var report = BenchReport(
            mode: "books",
            server: server,
            phases: phases,
            stock: outcomes.dropFirst().reduce(outcomes.first) { $0?.joined(with: $1) }
        )
        addRates(&report, rate, booked, latencies)
        addFlushes(&report)
        return report
    }

    /// A turn of the side with books, what they do meanwhile, and until they have caught up.
    private mutating func watched(_ body: (inout Side) throws -> Void) throws {
        let start = try BooksStanding(of: server)
        try body(&with)
        let end = try BooksStanding(of: server)
        behind.add(from: start, to: end)
        lags.append(end)
        catchingUp.add(from: end, to: try .afterCatchingUp(server, secondsMax: command.catchUpSecondsMax))
    }

    private func addRates(
        _ report: inout BenchReport,
        _ rate: Double,
        _ booked: Double,
        _ latencies: (without: Double, with: Double)?
    ) {
        report.add("without Postgres, median", rate, "reservations/s")
        report.add("with Postgres, median", booked, "reservations/s")
        if rate > 0 { report.add("with to without Postgres", booked / rate, "×") }
        report.add("without Postgres, p99 at full load", Median.of(without.p99s), "ms")
        report.add("with Postgres, p99 at full load", Median.of(with.p99s), "ms")
        guard let latencies else { return }
        let share = Decimals.text(command.loadShare * 100, digits: 0)
        report.add("without Postgres, p99 at \(share) %", latencies.without, "ms")
        report.add("with Postgres, p99 at \(share) %", latencies.with, "ms")
    }

    private func addFlushes(_ report: inout BenchReport) {
        if behind.seconds > 0 { report.add("flushed while the sale runs", behind.rows / behind.seconds, "rows/s") }
        report.add("behind at the end of a turn, median", Median.of(lags.map(\.lagRecords)), "records")
        report.add("behind at the end of a turn, median", Median.of(lags.map(\.lagSeconds)), "s")
        report.add("caught up after, mean", catchingUp.seconds / Double(max(1, lags.count)), "s")
        if catchingUp.seconds > 0 {
            report.add("flushed while catching up", catchingUp.rows / catchingUp.seconds, "rows/s")
            report.add("flushed while catching up", catchingUp.records / catchingUp.seconds, "records/s")
        }
    }
}
