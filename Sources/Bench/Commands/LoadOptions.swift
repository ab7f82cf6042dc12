import ArgumentParser
import Glibc

/// How much load and for how long. Shared by the commands that load a server.
struct LoadOptions: ParsableArguments {
    @Option(name: .shortAndLong, help: "Keep-alive connections, 1 to \(LoadSettings.connectionsMax).")
    var connections = 64

    @Option(help: "Connections of the open loop that follows the closed one. Default: four times as many.")
    var openConnections: Int?

    @Option(name: .shortAndLong, help: "Seconds to measure in each loop, after the warm-up.")
    var duration = 10.0

    @Option(help: "Seconds of load before measuring, in each loop.")
    var warmup = 2.0

    @Option(help: "Stop each loop after so many calls.")
    var requests: UInt64?

    @Flag(help: "Closed loop only: the ceiling, without what buyers would feel.")
    var closed = false

    @Option(help: "Open loop only, at this rate: buyers arriving per second.")
    var rate: Double?

    @Option(help: "Share of the closed loop's rate for the open loop that follows it.")
    var loadShare = 0.7

    @Option(help: "Open loop: buyers that may wait for a connection; beyond it the oldest give up.")
    var backlogMax = 1_000_000

    @Flag(
        help: "Never sleep: look for answers all the time. Needs a core that nothing else needs, the kernel included."
    )
    var spin = false

    @Flag(help: "A progress line each second on standard error, also when that is no terminal.")
    var progress = false

    func validate() throws {
        guard 1...LoadSettings.connectionsMax ~= connections else {
            throw ValidationError("--connections is between 1 and \(LoadSettings.connectionsMax).")
        }
        if let openConnections, !(1...LoadSettings.connectionsMax ~= openConnections) {
            throw ValidationError("--open-connections is between 1 and \(LoadSettings.connectionsMax).")
        }
        guard 0.01...86_400 ~= duration else { throw ValidationError("--duration is between 0.01 and 86,400 s.") }
        guard 0...3_600 ~= warmup else { throw ValidationError("--warmup is between 0 and 3,600 s.") }
        guard requests != 0 else { throw ValidationError("--requests is at least 1.") }
        guard rate == nil || !closed else { throw ValidationError("Give --closed or --rate, not both.") }
        if let rate, !(0.001...10_000_000 ~= rate) {
            throw ValidationError("--rate is between 0.001 and 10,000,000 a second.")
        }
        guard 0.01...1 ~= loadShare else { throw ValidationError("--load-share is between 0.01 and 1.") }
        guard backlogMax > 0 else { throw ValidationError("--backlog-max is at least 1.") }
    }

    var plan: LoadPlan {
        LoadPlan(
            connections: connections,
            openConnections: openConnections ?? min(4 * connections, LoadSettings.connectionsMax),
            warmupSeconds: warmup,
            durationSeconds: duration,
            loops: rate.map { .open(perSecond: $0) } ?? (closed ? .closed : .both(share: loadShare)),
            requestsMax: requests,
            backlogMax: backlogMax,
            spins: spin,
            showsProgress: progress || isatty(STDERR_FILENO) == 1
        )
    }
}
