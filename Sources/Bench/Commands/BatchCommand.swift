import ArgumentParser

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

    @OptionGroup var target: TargetOptions
    @OptionGroup var stock: SaleOptions

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

    @Flag(help: "Never sleep: takes the client's core whole, and spares the server the waking of it.")
    var spin = false

    @Flag(help: "Write the report as JSON instead of text.")
    var json = false

    func validate() throws {
        guard 1...10_000 ~= lines else { throw ValidationError("--lines is 1 to 10,000.") }
        guard 1...1_000 ~= connections else { throw ValidationError("--connections is 1 to 1,000.") }
        guard 0.01...86_400 ~= duration, 0...3_600 ~= warmup else {
            throw ValidationError("--duration is 0.01 to 86,400 s, --warmup 0 to 3,600 s.")
        }
    }

    func run() throws {
        let report = try target.withServer(load)
        print(json ? try report.json() : report.text())
        guard report.failure == nil, report.commandsPerSecond > 0, report.stock?.isSound == true else {
            throw ExitCode(1)
        }
    }

    private func load(_ server: ServerUnderTest) throws -> BatchReport {
        let prefix = RunPrefix.make()
        let sale = try stock.putOnSale(server.endpoint, runPrefix: prefix)
        let sections = sale.sections
        let load = BatchLoad(
            endpoint: server.endpoint,
            connectionCount: connections,
            warmupNanoseconds: UInt64(warmup * 1e9),
            durationNanoseconds: UInt64(duration * 1e9),
            spins: spin,
            lines: (0..<lines).map { line(sections[$0 % sections.count], prefix) },
            sectionCount: sections.count,
            serverPid: server.processIdentifier
        )
        let result = try load.run()
        let outcome = result.failure == nil ? try sale.check(result.ledger) : nil
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
