#if canImport(FoundationEssentials)
    import FoundationEssentials
#else
    import Foundation
#endif

/// What a run of batches has to say. Field names carry their units.
struct BatchReport: Encodable {
    var mode = "batch"
    var target: String
    var connections: Int
    var linesPerBatch: Int
    var elapsedSeconds: Double
    /// Lines answered with a success, each of them durable.
    var commandsPerSecond: Double
    var batchesPerSecond: Double
    var batchLatencyMicroseconds: LoadReport.Latency
    /// Refused lines, by status; and whole batches, by code.
    var refusedLines: [String: UInt64]
    var refusedBatches: [String: UInt64]
    var serverCPUMicrosecondsPerCommand: Double?
    var serverCoresBusy: Double?
    var serverSystemShare: Double?
    var clientCPUMicrosecondsPerCommand: Double
    var clientCoreBusy: Double
    var failure: String?
    var stock: BenchReport.Stock?

    init(load: BatchLoad, result: BatchLoad.Result, stock: StockCheck.Outcome?) {
        target = "http://\(load.endpoint.authority)"
        connections = load.connectionCount
        linesPerBatch = load.lines.count
        let elapsed = Double(result.elapsedNanoseconds)
        let commands = Double(max(1, result.commands))
        elapsedSeconds = elapsed / 1e9
        commandsPerSecond = Double(result.succeeded) / elapsed * 1e9
        batchesPerSecond = Double(result.batches.succeeded) / elapsed * 1e9
        batchLatencyMicroseconds = LoadReport.Latency(result.batches.latencies)
        refusedLines = Dictionary(uniqueKeysWithValues: result.refused.map { (String($0.key), $0.value) })
        refusedBatches = result.batches.errors.byCode
        if let usage = result.serverCPU {
            serverCPUMicrosecondsPerCommand = Double(usage.nanoseconds) / 1000 / commands
            serverCoresBusy = Double(usage.nanoseconds) / elapsed
            serverSystemShare = Double(usage.systemNanoseconds) / Double(max(1, usage.nanoseconds))
        }
        clientCPUMicrosecondsPerCommand = Double(result.clientCPUNanoseconds) / 1000 / commands
        clientCoreBusy = Double(result.clientCPUNanoseconds) / elapsed
        failure = result.failure
        self.stock = stock.map(BenchReport.Stock.init)
    }

    func text() -> String {
        let latency = batchLatencyMicroseconds
        var lines = [
            "batch against \(target), closed loop, \(connections) connections, \(linesPerBatch) lines a batch, "
                + "\(Decimals.text(elapsedSeconds, digits: 2)) s",
            "commands  \(Decimals.text(commandsPerSecond, digits: 0)) a second, durable, in "
                + "\(Decimals.text(batchesPerSecond, digits: 0)) batches",
            "latency   of a batch, µs: p50 \(Decimals.text(latency.p50, digits: 0)), p90 "
                + "\(Decimals.text(latency.p90, digits: 0)), p99 \(Decimals.text(latency.p99, digits: 0)), p99.9 "
                + "\(Decimals.text(latency.p999, digits: 0)), max \(Decimals.text(latency.max, digits: 0))",
        ]
        if let perCommand = serverCPUMicrosecondsPerCommand, let busy = serverCoresBusy, let system = serverSystemShare
        {
            lines.append(
                "server    \(Decimals.text(perCommand, digits: 2)) µs of CPU a command, "
                    + "\(Decimals.text(system * 100, digits: 0)) % of it in the kernel, "
                    + "\(Decimals.text(busy, digits: 2)) cores busy"
            )
        }
        lines.append(
            "client    \(Decimals.text(clientCPUMicrosecondsPerCommand, digits: 2)) µs of CPU a command, core "
                + "\(Decimals.text(clientCoreBusy * 100, digits: 0)) % busy"
        )
        for (status, count) in refusedLines.sorted(by: { $0.key < $1.key }) {
            lines.append("refused   \(Decimals.text(count)) lines with \(status)")
        }
        for (code, count) in refusedBatches.sorted(by: { $0.key < $1.key }) {
            lines.append("refused   \(Decimals.text(count)) batches: \(code)")
        }
        if let failure { lines.append("failed    \(failure)") }
        if let stock {
            lines.append("stock     \(stock.isSound ? "sound" : "NOT SOUND"), \(stock.reserved) reserved")
            lines += stock.violations.map { "          \($0)" }
        }
        return lines.joined(separator: "\n")
    }

    func json() throws -> String {
        let encoder = JSONEncoder()
        encoder.outputFormatting = [.prettyPrinted, .sortedKeys, .withoutEscapingSlashes]
        return String(decoding: try encoder.encode(self), as: UTF8.self)
    }
}
