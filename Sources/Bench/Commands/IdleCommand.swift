import ArgumentParser
import Glibc

/// `holdfast-bench idle`: what an open connection costs the server while nothing happens on it.
struct IdleCommand: ParsableCommand {
    static let configuration = CommandConfiguration(
        commandName: "idle",
        abstract: "Hold thousands of idle keep-alive connections: memory for each, and is a live one still served?",
        discussion: """
            Every idle connection has asked once before it goes quiet. At the end each is asked again; one that was \
            closed meanwhile makes the run fail, so stay below the server's own limit on idle time.
            """
    )

    @OptionGroup var target: TargetOptions
    @OptionGroup var output: ReportOptions

    @Option(name: .shortAndLong, help: "Idle connections, 1 to \(LoadSettings.connectionsMax).")
    var connections = 10_000

    @Option(
        name: .shortAndLong,
        help: "Seconds of live requests, before the idle connections are there and beside them."
    )
    var duration = 3.0

    @Option(help: "Live requests per second, over one connection.")
    var rate = 500.0

    func validate() throws {
        guard 1...LoadSettings.connectionsMax ~= connections else {
            throw ValidationError("--connections is between 1 and \(LoadSettings.connectionsMax).")
        }
        guard 0.1...3_600 ~= duration else { throw ValidationError("--duration is between 0.1 and 3,600 s.") }
        guard 1...10_000 ~= rate else { throw ValidationError("--rate is between 1 and 10,000.") }
    }

    func run() throws { try output.finish(target.withServer(measure)) }

    func measure(_ server: ServerUnderTest) throws -> BenchReport {
        try server.checkRoom(forConnections: connections + 1)
        let sale = try Sale(stockPerSection: SaleOptions.stockMax, endpoint: server.endpoint)
        let plan = LoadPlan(connections: 1, warmupSeconds: min(1, duration), durationSeconds: duration)
        var session = LoadSession(sale.scenario(.all(.abandon), seed: 1), plan, server)
        let pace = ArrivalSchedule.Pace.open(perSecond: rate, backlogMax: plan.backlogMax)
        try session.run("alone", pace)
        let bytesBefore = server.residentBytes
        let opened = try open(server.endpoint)
        let bytesAfter = server.residentBytes
        try session.run("beside the idle", pace)
        let live = session.phases.last?.calls.reduce(0) { $0 + $1.succeeded } ?? 0
        let answering = opened.filter { (try? $0.get("/health"))?.status == 200 }.count
        let outcome = session.isIntact ? try sale.check(session.scenario.ledger) : nil

        var report = BenchReport(mode: "idle", server: server, phases: session.phases, stock: outcome)
        report.add("idle connections", Double(opened.count), "")
        report.add("  that answered afterwards", Double(answering), "")
        report.add("live requests answered beside them", Double(live), "")
        if let bytesBefore, let bytesAfter {
            report.add("server resident before", Double(bytesBefore) / 1_048_576, "MiB")
            report.add("server resident with them", Double(bytesAfter) / 1_048_576, "MiB")
            let each = (Double(bytesAfter) - Double(bytesBefore)) / Double(opened.count)
            report.add("server resident for each", each / 1024, "KiB")
        } else {
            report.remarks.append("the server's process is not known, so its memory is not either; see --server-pid")
        }
        if live == 0 { report.faults.append("no live request was answered beside the idle connections") }
        if answering < opened.count { report.faults.append("\(opened.count - answering) idle connections were closed") }
        return report
    }

    private func open(_ endpoint: Endpoint) throws -> [SetupClient] {
        ProgressLine.say("holdfast-bench: opening \(Decimals.text(UInt64(connections))) connections")
        return try (0..<connections).map { _ in
            let client = try SetupClient(endpoint: endpoint)
            let answer = try client.get("/health")
            guard answer.status == 200 else {
                throw SetupClient.Failure.unexpectedStatus(
                    request: "GET /health",
                    status: answer.status,
                    body: answer.text
                )
            }
            return client
        }
    }
}
