import ArgumentParser
import CLinux
import Glibc

/// How much load, for how long, and where the figures go. Shared by all commands.
struct LoadOptions: ParsableArguments {
    @Option(help: "Server to load, such as http://127.0.0.1:8080.")
    var target: String?

    @Flag(help: "Allow a target that is not this machine. Load only what is yours.")
    var allowRemote = false

    @Option(name: .shortAndLong, help: "Keep-alive connections, 1 to \(LoadSettings.connectionsMax).")
    var connections = 64

    @Option(name: .shortAndLong, help: "Seconds to measure, after the warm-up.")
    var duration = 10.0

    @Option(help: "Seconds of load before measuring.")
    var warmup = 2.0

    @Option(help: "Stop after so many calls.")
    var requests: UInt64?

    @Option(help: "Open loop: buyers arriving per second. Without it the loop is closed.")
    var rate: Double?

    @Option(help: "Open loop: buyers that may wait for a connection; beyond it the oldest give up.")
    var backlogMax = 1_000_000

    @Option(help: "Core to bind the client to.")
    var clientCpu: Int?

    @Flag(help: "Never sleep: takes the client's core whole, and spares the server the waking of it.")
    var spin = false

    @Option(help: "Process whose CPU time is reported per answer. Known when the bench starts the server.")
    var serverPid: Int32?

    @Option(help: "Write the report as JSON to this file ('-': standard output, instead of the table).")
    var json: String?

    @Flag(help: "A progress line each second on standard error, also when that is no terminal.")
    var progress = false

    func validate() throws {
        guard 1...LoadSettings.connectionsMax ~= connections else {
            throw ValidationError("--connections is between 1 and \(LoadSettings.connectionsMax).")
        }
        guard 0.01...86_400 ~= duration else { throw ValidationError("--duration is between 0.01 and 86,400 s.") }
        guard 0...3_600 ~= warmup else { throw ValidationError("--warmup is between 0 and 3,600 s.") }
        guard requests != 0 else { throw ValidationError("--requests is at least 1.") }
        if let rate, !(0.001...10_000_000 ~= rate) {
            throw ValidationError("--rate is between 0.001 and 10,000,000 a second.")
        }
        guard backlogMax > 0 else { throw ValidationError("--backlog-max is at least 1.") }
    }

    func settings(_ endpoint: Endpoint) -> LoadSettings {
        var settings = LoadSettings(endpoint: endpoint)
        settings.connectionCount = connections
        settings.pace = rate.map { .open(perSecond: $0, backlogMax: backlogMax) } ?? .closed
        settings.warmupNanoseconds = UInt64(warmup * 1e9)
        settings.durationNanoseconds = UInt64(duration * 1e9)
        settings.requestsMax = requests
        settings.spins = spin
        return settings
    }

    func observers(serverPid started: Int32?) -> LoadObservers {
        var observers = LoadObservers()
        if let process = started ?? serverPid { observers.serverCPU = { ProcessCPU.usage(of: process) } }
        if progress || isatty(STDERR_FILENO) == 1 { observers.progress = ProgressLine.write }
        return observers
    }

    /// Prepares this process: its core, its sleeps, its answer to an interrupt.
    func prepareProcess() throws {
        StopSignal.install()
        clinux_set_timer_slack(1)
        if let clientCpu { try ProcessorCore.bindCallingThread(to: clientCpu) }
    }

    func endpoint() throws -> Endpoint {
        guard let target else { throw ValidationError("Say where the server is: --target http://127.0.0.1:8080.") }
        return try Endpoint(url: target, allowRemote: allowRemote)
    }

    /// Shows the report and ends with status 1 if the run can't be called good.
    func finish(_ report: LoadReport) throws {
        if let json { try ReportFile.write(report, to: json) }
        if json != "-" { print(ReportText(report: report).render()) }
        let nothingWorked = !report.calls.contains { $0.succeeded > 0 }
        if nothingWorked { ProgressLine.say("holdfast-bench: no call succeeded") }
        if let stock = report.stock, !stock.isSound {
            ProgressLine.say("holdfast-bench: the server's stock does not add up:")
            for violation in stock.violations { ProgressLine.say("  " + violation) }
            throw ExitCode(1)
        }
        if nothingWorked || report.failure != nil { throw ExitCode(1) }
    }
}
