import ArgumentParser
import CLinux
import Engine
import WAL

/// `holdfast-bench log`: the write-ahead log alone, in this process.
struct LogCommand: ParsableCommand {
    static let configuration = CommandConfiguration(
        commandName: "log",
        abstract: "The write-ahead log alone: records per second and commit latency, by how many wait.",
        discussion: """
            Runs in this process, with no server and no HTTP, in a new folder on the disk that is to be measured. The \
            log is set up as the server sets it up.
            """
    )

    enum Device: String, ExpressibleByArgument, CaseIterable {
        case ioUring = "io_uring"
        case synchronous

        func make() -> any LogDevice {
            switch self {
            case .ioUring: IOUringDevice()
            case .synchronous: SynchronousDevice()
            }
        }
    }

    @Option(help: "How batches are written: io_uring as the server does, or synchronous (pwritev2 with RWF_DSYNC).")
    var device = Device.ioUring

    @Option(help: "Records waiting to be durable, several numbers with commas between; up to \(LogLoad.waitingMax).")
    var waiting = Sizes(values: [1, 64, 1_024, 4_096])

    @Option(help: "Bytes of a record, 1 to 4,096.")
    var recordBytes = 150

    @Option(name: .shortAndLong, help: "Seconds to measure with each number.")
    var duration = 3.0

    @Option(help: "Seconds before measuring, with each number.")
    var warmup = 0.5

    @Option(help: "Microseconds between commits under load, 0 to 10,000. Default: as the server has it.")
    var paceMicroseconds: Int?

    @Option(
        help: "Folder for the log, on the disk to be measured. Without it a new one under /tmp, removed at the end."
    )
    var data: String?

    @OptionGroup var output: ReportOptions

    func validate() throws {
        guard waiting.values.allSatisfy({ $0 <= LogLoad.waitingMax }) else {
            throw ValidationError("--waiting is up to \(LogLoad.waitingMax).")
        }
        guard 1...4_096 ~= recordBytes else { throw ValidationError("--record-bytes is between 1 and 4,096.") }
        guard 0.01...3_600 ~= duration, 0...3_600 ~= warmup else {
            throw ValidationError("--duration is between 0.01 and 3,600 s, --warmup between 0 and 3,600 s.")
        }
        if let paceMicroseconds, !(0...10_000 ~= paceMicroseconds) {
            throw ValidationError("--pace-microseconds is between 0 and 10,000.")
        }
    }

    func run() throws {
        StopSignal.install()
        let folder = try data ?? TemporaryFolder.make()
        defer { if data == nil { TemporaryFolder.remove(folder) } }
        try output.finish(measure(folder))
    }

    func measure(_ folder: String) throws -> BenchReport {
        var options = Engine.logOptions(shards: 1)
        if let paceMicroseconds { options.paceMicroseconds = paceMicroseconds }
        let load = try LogLoad(
            folder: folder + "/log",
            options: options,
            device: device.make(),
            recordBytes: recordBytes
        )
        var phases: [LoadReport] = []
        for count in waiting.values where !StopSignal.wasReceived {
            let result = try load.run(
                waiting: count,
                warmupNanoseconds: UInt64(warmup * 1e9),
                durationNanoseconds: UInt64(duration * 1e9)
            )
            let name = "\(Decimals.text(UInt64(count))) waiting"
            var phase = LoadReport(phase: name, connections: count, pace: .closed, result: result)
            phase.isInProcess = true
            phases.append(phase)
        }
        try load.close()
        return report(phases, folder)
    }

    private func report(_ phases: [LoadReport], _ folder: String) -> BenchReport {
        let target = "\(device.rawValue) in \(folder), records of \(recordBytes) bytes"
        var report = BenchReport(mode: "log", target: target, phases: phases)
        func series(_ name: String, _ value: (LoadReport) -> Double) -> Chart.Series {
            Chart.Series(name: name, points: phases.map { Chart.Point(x: Double($0.connections), y: value($0)) })
        }
        func latency(_ name: String, _ path: KeyPath<LoadReport.Latency, Double>) -> Chart.Series {
            series(name) { $0.calls.first?.latencyMicroseconds[keyPath: path] ?? 0 }
        }
        let xAxis = Chart.Axis(label: "records waiting", scale: .logarithmic)
        report.charts = [
            Chart(
                title: "Durable records",
                x: xAxis,
                y: Chart.Axis(label: "per second", scale: .linear),
                series: [series("records") { $0.answersPerSecond }],
                hasMarks: true
            ),
            Chart(
                title: "From append to durable",
                x: xAxis,
                y: Chart.Axis(label: "µs", scale: .linear),
                series: [latency("p50", \.p50), latency("p99", \.p99), latency("p99.9", \.p999)],
                hasMarks: true
            ),
        ]
        return report
    }
}
