import ArgumentParser

/// `holdfast-bench static`: one request again and again, to any HTTP/1.1 server.
struct StaticCommand: ParsableCommand {
    static let configuration = CommandConfiguration(
        commandName: "static",
        abstract: "Send one request again and again: what do client, kernel and a server that does nothing cost?",
        discussion: """
            Without --path and --body it sends the very bytes of a reserve call. With --method GET it sends no body, \
            no content type and no key.
            """
    )

    @OptionGroup var target: TargetOptions
    @OptionGroup var load: LoadOptions
    @OptionGroup var output: ReportOptions

    @Option(help: "HTTP method.")
    var method = "POST"

    @Option(help: "Path of the request.")
    var path = "/api/v1/capacity/bench-00000000-0-s0/reserve"

    @Option(help: "Body of the request; '\(RequestTemplate.counterMark)' becomes its number.")
    var body: String?

    func validate() throws {
        guard path.hasPrefix("/"), path.utf8.allSatisfy({ 0x21...0x7E ~= $0 && $0 != UInt8(ascii: "*") }) else {
            throw ValidationError("--path begins with '/' and has neither spaces nor '*'.")
        }
        guard !method.isEmpty, method.utf8.allSatisfy({ 0x41...0x5A ~= $0 }) else {
            throw ValidationError("--method is in capital letters.")
        }
        guard path.utf8.count + (body?.utf8.count ?? 0) < RequestBuffer.capacityBytes - 512 else {
            throw ValidationError("The request is longer than \(RequestBuffer.capacityBytes - 512) bytes.")
        }
    }

    func run() throws { try output.finish(target.withServer(measure)) }

    func measure(_ server: ServerUnderTest) throws -> BenchReport {
        let scenario = StaticScenario(name: method, templates: [template(server.endpoint)])
        var session = LoadSession(scenario, load.plan, server)
        try session.runLoops()
        return BenchReport(mode: "static", server: server, phases: session.phases)
    }

    private func template(_ endpoint: Endpoint) -> RequestTemplate {
        let reserveBody = SaleTemplates.reserveBody(pricing: "prc_0000000000000000")
        return RequestTemplate(
            method: method,
            path: path,
            body: body ?? (method == "GET" ? nil : reserveBody),
            endpoint: endpoint,
            runPrefix: RunPrefix.make()
        )
    }
}
