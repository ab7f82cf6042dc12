import ArgumentParser
import Glibc

#if canImport(FoundationEssentials)
    import FoundationEssentials
#else
    import Foundation
#endif

/// Where an engine in this process keeps its log, on which cores it runs, and where the figures go.
struct InProcessOptions: ParsableArguments {
    @Option(
        help: "Folder for the logs, on the disk to be measured; each run makes its own folders in it and removes them."
    )
    var folder = "/tmp"

    @Option(help: "Core of the shard.")
    var shardCpu: Int?

    @Option(help: "Core of the log's threads.")
    var logCpu: Int?

    @Option(help: "Commands handed to the shard at once.")
    var batch = CommandPump.Settings().batchCommands

    @Option(help: "Commands that may wait for the disk.")
    var inFlight = CommandPump.Settings().inFlightMax

    @Option(help: "Write the report as JSON to this file ('-': standard output, instead of the table).")
    var json: String?

    func validate() throws {
        guard 1...10_000 ~= batch, batch...1_000_000 ~= inFlight else {
            throw ValidationError("--batch is 1 to 10,000, --in-flight at least that and at most 1,000,000.")
        }
    }

    var pump: CommandPump.Settings { CommandPump.Settings(batchCommands: batch, inFlightMax: inFlight) }

    /// Binds this thread, and with it every thread that is started from here, to the log's core.
    func prepareProcess() throws {
        if let logCpu { try ProcessorCore.bindCallingThread(to: logCpu) }
    }

    /// Runs `body` with a new folder and removes it afterwards.
    func withFolder<T>(_ body: (String) async throws -> T) async throws -> T {
        var template = Array("\(folder)/holdfast-bench-XXXXXX".utf8CString)
        guard mkdtemp(&template) != nil else { throw SystemCallError("mkdtemp in \(folder)") }
        let made = String(decoding: template.dropLast().map { UInt8(bitPattern: $0) }, as: UTF8.self)
        defer { try? FileManager.default.removeItem(atPath: made) }
        return try await body(made)
    }

    func finish(_ report: some InProcessReport) throws {
        if let json { try ReportFile.write(report, to: json) }
        if json != "-" { print(report.text) }
        for failure in report.failures { ProgressLine.say("holdfast-bench: \(failure)") }
    }
}
