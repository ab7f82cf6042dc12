import ArgumentParser
import Engine

/// `holdfast-bench engine`: what a reservation costs without HTTP.
struct EngineCommand: AsyncParsableCommand {
    static let configuration = CommandConfiguration(
        commandName: "engine",
        abstract: "Run the engine in this process: durable commands per second, time, heap and memory a command takes.",
        discussion: """
            One shard on one core, the log's threads on another, a real log on the disk, no HTTP. Decide, record, \
            apply and keep the answer are timed; making the commands is not.
            """
    )

    @OptionGroup var place: InProcessOptions

    @Option(help: "What to measure: any of \(EngineMeasurement.Part.list), with commas.")
    var measure = CommaList(values: EngineMeasurement.Part.allCases)

    @Option(help: "Commands of each throughput run.")
    var commands = 1_000_000

    @Option(help: "Live holds to measure the memory of.")
    var memoryHolds = 1_000_000

    @Option(help: "Numbers of live holds to time a reservation at.")
    var holds = CommaList(values: [10, 10_000, 1_000_000])

    @Option(help: "Numbers of events to time a reservation at.")
    var events = CommaList(values: [1, 1_000, 100_000])

    func validate() throws {
        guard 1...20_000_000 ~= commands else { throw ValidationError("--commands is 1 to 20,000,000.") }
        guard 1...10_000_000 ~= memoryHolds, holds.values.allSatisfy({ 1...10_000_000 ~= $0 }) else {
            throw ValidationError("--memory-holds and --holds are 1 to 10,000,000.")
        }
        guard events.values.allSatisfy({ 1...1_000_000 ~= $0 }) else {
            throw ValidationError("--events are 1 to 1,000,000.")
        }
    }

    func run() async throws {
        try place.prepareProcess()
        let measurement = EngineMeasurement(
            place: place,
            commands: commands,
            memoryHolds: memoryHolds,
            holds: holds.values,
            events: events.values
        )
        let report = try await measurement.run(Set(measure.values))
        try place.finish(report)
        if !report.failures.isEmpty { throw ExitCode(1) }
    }
}

/// `holdfast-bench recovery`: how long a start takes.
struct RecoveryCommand: AsyncParsableCommand {
    static let configuration = CommandConfiguration(
        commandName: "recovery",
        abstract: "Fill a log through the engine, then start from it, and from a snapshot.",
        discussion: """
            Half of the records are reservations, half confirmations. 'warm' reads files that the kernel has in \
            memory, 'cold' asks it to forget them first.
            """
    )

    @OptionGroup var place: InProcessOptions

    @Option(help: "Records to fill the log with.")
    var records = 2_000_000

    @Option(help: "Live holds of the snapshot.")
    var holds = 1_000_000

    @Option(help: "Events that the log's records are about.")
    var events = 16

    @Option(help: "Cores to replay on; by default as a server does: all that it may run on.")
    var cores = Recovery.usableCores

    func validate() throws {
        guard 2...20_000_000 ~= records else { throw ValidationError("--records is 2 to 20,000,000.") }
        guard 1...10_000_000 ~= holds else { throw ValidationError("--holds is 1 to 10,000,000.") }
        guard 1...1_000_000 ~= events else { throw ValidationError("--events is 1 to 1,000,000.") }
        guard 1...64 ~= cores else { throw ValidationError("--cores is 1 to 64.") }
    }

    func run() async throws {
        try place.prepareProcess()
        let report = try await RecoveryMeasurement(
            place: place,
            records: records,
            holds: holds,
            events: events,
            cores: cores
        ).run()
        try place.finish(report)
        if !report.failures.isEmpty { throw ExitCode(1) }
    }
}

/// Values with commas between them.
struct CommaList<Value: LosslessStringConvertible & Sendable>: ExpressibleByArgument, Sendable {
    let values: [Value]

    init(values: [Value]) { self.values = values }

    init?(argument: String) {
        let parts = argument.split(separator: ",")
        values = parts.compactMap { Value(String($0)) }
        if values.count != parts.count || values.isEmpty { return nil }
    }

    var defaultValueDescription: String { values.map(\.description).joined(separator: ",") }
}
