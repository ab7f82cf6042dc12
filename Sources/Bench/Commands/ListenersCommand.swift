import ArgumentParser
import Glibc

/// `holdfast-bench listeners`: what a sale costs while many listen to its stock.
struct ListenersCommand: ParsableCommand {
    static let configuration = CommandConfiguration(
        commandName: "listeners",
        abstract: "Reserve places of an event that nobody, and that many listen to, in turns.",
        discussion: """
            Every listener has a stream of the event's availability. Its client reads it on the load client's core. Both \
            sides run in a closed loop; the ratio of their medians is what the listeners cost the sale.
            """
    )

    @OptionGroup var target: TargetOptions
    @OptionGroup var output: ReportOptions

    @Option(name: .shortAndLong, help: "Listeners, 1 to \(LoadSettings.connectionsMax).")
    var listeners = 1_000

    @Option(name: .shortAndLong, help: "Keep-alive connections of buyers, 1 to \(LoadSettings.connectionsMax).")
    var connections = 64

    @Option(name: .shortAndLong, help: "Seconds to measure in each turn, after the warm-up.")
    var duration = 3.0

    @Option(help: "Seconds of load before measuring, in each turn.")
    var warmup = 1.0

    @Option(help: "Turns of each side.")
    var rounds = 3

    @Option(help: "Sections of the event.")
    var sections = 1

    @Option(help: "Seed of the buyers' choices.")
    var seed: UInt64 = 1

    func validate() throws {
        guard 1...LoadSettings.connectionsMax ~= listeners, 1...LoadSettings.connectionsMax ~= connections else {
            throw ValidationError(
                "--listeners and --connections are between 1 and \(LoadSettings.connectionsMax)."
            )
        }
        guard 0.1...3_600 ~= duration, 0...3_600 ~= warmup else {
            throw ValidationError("--duration is between 0.1 and 3,600 s, --warmup between 0 and 3,600 s.")
        }
        guard 1...100 ~= rounds else { throw ValidationError("--rounds is between 1 and 100.") }
        guard 1...10_000 ~= sections else { throw ValidationError("--sections is between 1 and 10,000.") }
    }

    func run() throws { try output.finish(target.withServer(measure)) }

    func measure(_ server: ServerUnderTest) throws -> BenchReport {
        try server.checkRoom(forConnections: connections + listeners)
        let sale = try Sale(
            sectionsPerEvent: sections,
            stockPerSection: SaleOptions.stockMax,
            endpoint: server.endpoint
        )
        let plan = LoadPlan(connections: connections, warmupSeconds: warmup, durationSeconds: duration)
        var session = LoadSession(sale.scenario(.all(.abandon), seed: seed), plan, server)
        let path = "/api/v1/events/\(sale.sections[0].event)/availability/stream"
        let name = "\(Decimals.text(UInt64(listeners))) listeners"
        var (alone, beside): ([Double], [Double]) = ([], [])
        var (heard, seconds) = (EventListeners.Heard(), 0.0)
        var faults: [String] = []
        for round in 1...rounds where !StopSignal.wasReceived {
            alone.append(try session.run("nobody listens, round \(round)", .closed).succeededPerSecond)
            let clients = try EventListeners(count: listeners, endpoint: server.endpoint, path: path)
            let result = try session.run("\(name), round \(round)", .closed)
            // The last changes are on their way.
            usleep(500_000)
            let turn = clients.stop()
            beside.append(result.succeededPerSecond)
            heard.changes += turn.changes
            heard.bytes += turn.bytes
            seconds += warmup + duration + 0.5
            if turn.open < listeners {
                faults.append("\(listeners - turn.open) listeners were cut off in round \(round)")
            }
            if turn.changed < listeners {
                faults.append("\(listeners - turn.changed) listeners heard of no change in round \(round)")
            }
        }
        let outcome = session.isIntact ? try sale.check(session.scenario.ledger) : nil
        var report = BenchReport(mode: "listeners", server: server, phases: session.phases, stock: outcome)
        report.faults = faults
        let (without, with) = (Median.of(alone), Median.of(beside))
        report.add("nobody listens, median", without, "reservations/s")
        report.add("\(name), median", with, "reservations/s")
        if without > 0 { report.add("\(name) to nobody", with / without, "×") }
        report.add("changes heard by each, a second", Double(heard.changes) / Double(listeners) / seconds, "")
        report.add("read by all of them", Double(heard.bytes) / seconds / 1_048_576, "MiB/s")
        return report
    }
}
