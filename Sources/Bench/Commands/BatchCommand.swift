import ArgumentParser
import CLinux
import Glibc

#if canImport(FoundationEssentials)
    import FoundationEssentials
#else
    import Foundation
#endif

/// `holdfast-bench batch`: durable reservations per second over the batch route.
struct BatchCommand: ParsableCommand {
    static let configuration = CommandConfiguration(
        commandName: "batch",
        abstract: "Only reserve commands, many in each request: durable commands per second.",
        discussion: """
            Each line has a customer and an idempotency key that were never seen before. At the end the server's stock \
            is held against the answers.
            """
    )

    @OptionGroup var stock: SaleOptions
    @OptionGroup var server: ServerOptions

    @Option(help: "Server to load, such as http://127.0.0.1:8080.")
    var target: String?

    @Flag(help: "Allow a target that is not this machine. Load only what is yours.")
    var allowRemote = false

    @Option(help: "Lines of a batch, 1 to 10,000.")
    var lines = 500

    @Option(name: .shortAndLong, help: "Keep-alive connections, each with one batch under way; 1 to 1,000.")
    var connections = 8

    @Option(name: .shortAndLong, help: "Seconds to measure, after the warm-up.")
    var duration = 10.0

    @Option(help: "Seconds of load before measuring.")
    var warmup = 2.0

    @Flag(help: "Lock the price with every reservation.")
    var priceLock = false

    @Option(help: "Core to bind the client to.")
    var clientCpu: Int?

    @Flag(help: "Never sleep: takes the client's core whole, and spares the server the waking of it.")
    var spin = false

    @Option(help: "Process whose CPU time is reported. Known when the bench starts the server.")
    var serverPid: Int32?

    @Flag(help: "Write the report as JSON instead of text.")
    var json = false

    func validate() throws {
        guard 1...10_000 ~= lines else { throw ValidationError("--lines is 1 to 10,000.") }
        guard 1...1_000 ~= connections else { throw ValidationError("--connections is 1 to 1,000.") }
        guard 0.01...86_400 ~= duration, 0...3_600 ~= warmup else {
            throw ValidationError("--duration is 0.01 to 86,400 s, --warmup 0 to 3,600 s.")
        }
        guard (target == nil) != (server.serverBinary == nil) else {
            throw ValidationError("Give either --target or --server-binary.")
        }
    }

    func run() throws {
        StopSignal.install()
        clinux_set_timer_slack(1)
        if let clientCpu { try ProcessorCore.bindCallingThread(to: clientCpu) }
        let report: BatchReport
        if let target {
            report = try load(Endpoint(url: target, allowRemote: allowRemote), serverPid: serverPid)
        } else {
            report = try loadOwnServer()
        }
        print(json ? try report.json() : report.text())
        guard report.failure == nil, report.commandsPerSecond > 0, report.stock?.isSound == true else {
            throw ExitCode(1)
        }
    }

    private func loadOwnServer() throws -> BatchReport {
        let endpoint = try Endpoint(address: "127.0.0.1", port: server.port)
        let temporary = FileManager.default.temporaryDirectory.appending(path: "holdfast-bench-\(RunPrefix.make())")
        let folder = server.data ?? temporary.path
        try FileManager.default.createDirectory(atPath: folder, withIntermediateDirectories: true)
        defer { if server.data == nil { try? FileManager.default.removeItem(atPath: folder) } }
        let process = try ServerProcess.start(
            binary: server.serverBinary!,
            dataPath: folder + "/data",
            port: server.port,
            extraArguments: server.serverArguments,
            core: server.serverCpu,
            clientCore: clientCpu
        )
        let outcome: Result<BatchReport, any Error>
        do {
            try process.waitUntilReady(endpoint)
            outcome = .success(try load(endpoint, serverPid: process.processIdentifier))
        } catch {
            outcome = .failure(error)
        }
        if !process.stop() { ProgressLine.say("holdfast-bench: the server did not end with status 0") }
        return try outcome.get()
    }

    private func load(_ endpoint: Endpoint, serverPid: Int32?) throws -> BatchReport {
        let prefix = RunPrefix.make()
        let setup = SaleSetup(
            eventCount: stock.events,
            sectionsPerEvent: stock.sections,
            stockPerSection: stock.stock,
            endpoint: endpoint,
            runPrefix: prefix
        )
        let sections = try setup.create()
        let load = BatchLoad(
            endpoint: endpoint,
            connectionCount: connections,
            warmupNanoseconds: UInt64(warmup * 1e9),
            durationNanoseconds: UInt64(duration * 1e9),
            spins: spin,
            lines: (0..<lines).map { line(sections[$0 % sections.count], prefix) },
            sectionCount: sections.count,
            serverPid: serverPid
        )
        let result = try load.run()
        let check = StockCheck(sections: sections, stockPerSection: stock.stock, ledger: result.ledger)
        let outcome = result.failure == nil ? try check.run(endpoint: endpoint) : nil
        return BatchReport(load: load, result: result, stock: outcome)
    }

    private func line(_ section: SaleSetup.Section, _ prefix: String) -> String {
        let mark = RequestTemplate.counterMark
        let pricing = priceLock ? ",\"pricing_id\":\"\(section.pricing)\"" : ""
        return """
            {"op":"reserve","capacity_id":"\(section.id)","quantity":1,"customer_id":"c-\(mark)"\(pricing),\
            "idempotency_key":"\(prefix)-\(mark)"}
            """
    }
}
