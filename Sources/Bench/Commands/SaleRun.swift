import Glibc

#if canImport(FoundationEssentials)
    import FoundationEssentials
#else
    import Foundation
#endif

/// One sale from start to end: start a server if asked to, put tickets up, load, check the stock, stop, report.
struct SaleRun {
    let mode: String
    let load: LoadOptions
    let stock: SaleOptions
    let server: ServerOptions

    func run(releaseShare: Double, abandonShare: Double, reservesOnly: Bool) throws {
        let report: LoadReport
        try load.prepareProcess()
        let scenario = { (sections: [SaleSetup.Section], endpoint: Endpoint, prefix: String) in
            SaleScenario(
                templates: SaleTemplates(
                    sections: sections.map { ($0.id, $0.pricing) },
                    endpoint: endpoint,
                    runPrefix: prefix
                ),
                releaseShare: releaseShare,
                abandonShare: abandonShare,
                reservesOnly: reservesOnly,
                seed: stock.seed
            )
        }
        if let binary = server.serverBinary {
            report = try againstOwnServer(binary, scenario)
        } else {
            report = try against(load.endpoint(), serverPid: nil, scenario)
        }
        try load.finish(report)
    }

    private typealias MakeScenario = ([SaleSetup.Section], Endpoint, String) -> SaleScenario

    private func againstOwnServer(_ binary: String, _ scenario: MakeScenario) throws -> LoadReport {
        let endpoint = try Endpoint(address: "127.0.0.1", port: server.port)
        let folder = try server.data ?? Self.makeTemporaryFolder()
        defer { if server.data == nil { Self.remove(folder) } }
        let process = try ServerProcess.start(
            binary: binary,
            dataPath: folder + "/data",
            port: server.port,
            extraArguments: server.serverArguments,
            core: server.serverCpu,
            clientCore: load.clientCpu
        )
        let outcome: Result<LoadReport, any Error>
        do {
            try process.waitUntilReady(endpoint)
            outcome = .success(try against(endpoint, serverPid: process.processIdentifier, scenario))
        } catch {
            outcome = .failure(error)
        }
        if !process.stop() { ProgressLine.say("holdfast-bench: the server did not end with status 0") }
        return try outcome.get()
    }

    private func against(_ endpoint: Endpoint, serverPid: Int32?, _ scenario: MakeScenario) throws -> LoadReport {
        let prefix = RunPrefix.make()
        let setup = SaleSetup(
            eventCount: stock.events,
            sectionsPerEvent: stock.sections,
            stockPerSection: stock.stock,
            endpoint: endpoint,
            runPrefix: prefix
        )
        let sections = try setup.create()
        let settings = load.settings(endpoint)
        var loop = try LoadLoop(
            scenario: scenario(sections, endpoint, prefix),
            settings: settings,
            observers: load.observers(serverPid: serverPid)
        )
        let result = try loop.run()
        let check = StockCheck(sections: sections, stockPerSection: stock.stock, ledger: loop.scenario.ledger)
        let outcome = result.failure == nil ? try check.run(endpoint: endpoint) : nil
        return LoadReport(mode: mode, settings: settings, result: result, stock: outcome)
    }

    private static func makeTemporaryFolder() throws -> String {
        var template = Array("/tmp/holdfast-bench-XXXXXX".utf8CString)
        guard mkdtemp(&template) != nil else { throw SystemCallError("mkdtemp") }
        return String(decoding: template.dropLast().map { UInt8(bitPattern: $0) }, as: UTF8.self)
    }

    private static func remove(_ folder: String) {
        try? FileManager.default.removeItem(atPath: folder)
    }
}

/// Eight hexadecimal digits that tell this run's ids and keys from those of any other.
enum RunPrefix {
    static func make() -> String {
        let digits = String(UInt32.random(in: .min ... .max), radix: 16)
        return String(repeating: "0", count: 8 - digits.count) + digits
    }
}
