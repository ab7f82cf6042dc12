import ArgumentParser

/// `holdfast-bench books`: what the books in Postgres take from the sale, and how fast they are written and read.
struct BooksCommand: ParsableCommand {
    static let configuration = CommandConfiguration(
        commandName: "books",
        abstract:
            "Reserve on a server without, and on one with books in Postgres, in turns; then restore from the books.",
        discussion: """
            Starts a Postgres in a folder of its own and two servers, both on --server-cpu, and loads one after the \
            other; before the next turn the books catch up. Postgres runs on the client's core, behind the client: its own \
            work is another machine's and is not to be measured, what the server spends on the books is. In the end \
            more is reserved, up to --holds, the server stops, and `restore --from-postgres` makes a new folder, \
            which has to have the old one's digest.
            """
    )

    @OptionGroup var target: TargetOptions
    @OptionGroup var stock: SaleOptions
    @OptionGroup var output: ReportOptions

    @Option(name: .shortAndLong, help: "Keep-alive connections, 1 to \(LoadSettings.connectionsMax).")
    var connections = 64

    @Option(name: .shortAndLong, help: "Seconds to measure in each turn, after the warm-up.")
    var duration = 3.0

    @Option(help: "Seconds of load before measuring, in each turn.")
    var warmup = 1.0

    @Option(help: "Turns of each side.")
    var rounds = 3

    @Option(help: "Parts of all visits, as for `mixed`.")
    var mix = "abandon=1"

    @Flag(help: "Without the open loops that follow the turns.")
    var closed = false

    @Option(help: "Share of the slower side's rate for the open loops.")
    var loadShare = 0.7

    @Option(help: "Reservations to restore at least; 0 leaves the restore out.")
    var holds = 1_000_000

    @Option(help: "Core to bind Postgres to. Default: the client's.")
    var postgresCpu: Int?

    @Option(help: "Folder in which Postgres makes its own, on the disk to be measured.")
    var postgresFolder = "/tmp"

    @Option(help: "Seconds after which books that are still behind are given up.")
    var catchUpSecondsMax = 600

    var plan: LoadPlan {
        LoadPlan(connections: connections, warmupSeconds: warmup, durationSeconds: duration)
    }

    func validate() throws {
        guard target.serverBinary != nil else {
            throw ValidationError("books starts its servers itself: give --server-binary.")
        }
        guard 1...LoadSettings.connectionsMax ~= connections else {
            throw ValidationError("--connections is between 1 and \(LoadSettings.connectionsMax).")
        }
        guard 0.1...3_600 ~= duration, 0...3_600 ~= warmup else {
            throw ValidationError("--duration is between 0.1 and 3,600 s, --warmup between 0 and 3,600 s.")
        }
        guard 1...100 ~= rounds else { throw ValidationError("--rounds is between 1 and 100.") }
        guard 0.01...1 ~= loadShare else { throw ValidationError("--load-share is between 0.01 and 1.") }
        guard 0...HoldingScenario.holdsMax ~= holds else {
            throw ValidationError("--holds is between 0 and \(HoldingScenario.holdsMax).")
        }
        guard 1...86_400 ~= catchUpSecondsMax else {
            throw ValidationError("--catch-up-seconds-max is between 1 and 86,400.")
        }
        guard target.port < .max else { throw ValidationError("The second server takes the port after --port.") }
        do { _ = try SaleMix(mix) } catch { throw ValidationError("--mix: \(error)") }
    }

    func run() throws { try output.finish(measure()) }

    func measure() throws -> BenchReport {
        try target.prepareProcess()
        let postgres = try PostgresProcess(
            in: postgresFolder,
            core: postgresCpu ?? target.clientCpu,
            ownCore: target.clientCpu
        )
        return try target.withFolder { folder in
            let restore = BooksRestoreRun(postgres: postgres, target: target, folder: folder, data: folder + "/booked")
            let (loaded, reservations) = try target.withOwnServer(dataPath: folder + "/data") { without in
                try target.withOwnServer(
                    dataPath: restore.data,
                    port: target.port + 1,
                    arguments: ["--postgres", postgres.url, "--postgres-migrate"]
                ) { with in try load(without, with, postgres) }
            }
            var report = loaded
            if holds > 0, !StopSignal.wasReceived { try restore.run(&report, reservations: reservations) }
            return report
        }
    }

    /// - Returns: also the reservations in the books.
    private func load(
        _ without: ServerUnderTest,
        _ with: ServerUnderTest,
        _ postgres: PostgresProcess
    ) throws -> (BenchReport, reservations: Int) {
        let size = "SELECT pg_database_size(current_database())"
        let (start, startBytes) = (try BooksStanding(of: with), try postgres.number(size))
        var turns = try BooksTurns(self, without: without, with: with)
        var report = try turns.run()
        var reservations = turns.reservations
        if reservations < holds, !StopSignal.wasReceived {
            let sale = try stock.putOnSale(with.endpoint)
            let scenario = HoldingScenario(templates: sale.templates.reserve, count: holds - reservations)
            _ = try Preparation.run(scenario, with, named: "reserving \(holds - reservations) more")
            reservations = holds
        }
        let end = try BooksStanding.afterCatchingUp(with, secondsMax: catchUpSecondsMax)
        let endBytes = try postgres.number(size)
        let millions = Double(max(1, reservations)) / 1e6
        report.add(
            "records of the log, for a million reservations",
            (end.logBytes - start.logBytes) / 1e6 / millions,
            "MB"
        )
        report.add("Postgres on disk, for a million reservations", (endBytes - startBytes) / 1e6 / millions, "MB")
        return (report, reservations)
    }
}
