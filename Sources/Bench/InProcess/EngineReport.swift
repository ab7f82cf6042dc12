/// What the engine costs, ready to be printed or written as JSON. Field names carry their units.
struct EngineReport: InProcessReport {
    struct Throughput: Encodable {
        var name: String
        var commands: Int
        var durablePerSecond: Double
        var shardNanosecondsMean: Double
        var shardNanosecondsMedian: Double
        var durableAfterMicrosecondsP50: Double
        var durableAfterMicrosecondsP99: Double
        /// By the shard's thread, the memory of new holds included.
        var allocationsPerCommand: Double
        var batchesWithoutAllocation: Double

        init(_ name: String, _ statistics: PumpStatistics) {
            self.name = name
            commands = statistics.commands
            durablePerSecond = statistics.commandsPerSecond
            shardNanosecondsMean = statistics.meanNanoseconds
            shardNanosecondsMedian = statistics.medianNanoseconds
            durableAfterMicrosecondsP50 = Double(statistics.durableAfter.valueAtPercentile(50)) / 1_000
            durableAfterMicrosecondsP99 = Double(statistics.durableAfter.valueAtPercentile(99)) / 1_000
            allocationsPerCommand = statistics.allocationsPerCommand
            batchesWithoutAllocation =
                Double(statistics.batchesWithoutAllocation) / Double(max(1, statistics.batches))
        }
    }

    struct Growth: Encodable {
        var count: Int
        var shardNanosecondsMean: Double
        var shardNanosecondsMedian: Double
        /// Against the smallest number measured, by the median.
        var ratio: Double
    }

    struct Memory: Encodable {
        var liveHolds: Int
        var residentBytesPerHold: Double
        var countedBytesPerHold: Double
        /// Bytes a hold, by what they are for.
        var breakdown: [String: Double]
    }

    struct Seats: Encodable {
        /// Numbered ones, in rows of 100, that nobody has bought.
        var seats: Int
        var residentBytesPerSeat: Double
        var countedBytesPerSeat: Double
    }

    var throughput: [Throughput] = []
    var memory: Memory?
    var seats: Seats?
    var byLiveHolds: [Growth] = []
    var byEvents: [Growth] = []
    var failures: [String] = []

    var text: String {
        var parts: [String] = []
        if !throughput.isEmpty { parts.append(throughputTable) }
        if let memory { parts.append(Self.text(memory)) }
        if let seats { parts.append(Self.text(seats)) }
        if !byLiveHolds.isEmpty { parts.append(Self.table("live holds", byLiveHolds)) }
        if !byEvents.isEmpty { parts.append(Self.table("events", byEvents)) }
        return parts.joined(separator: "\n\n")
    }

    private var throughputTable: String {
        var table = TextTable(header: [
            "durable", "commands", "per second", "ns each", "median", "durable p50 µs", "p99 µs", "heap each",
            "batches without",
        ])
        for row in throughput {
            table.add([
                row.name, Decimals.text(UInt64(row.commands)), Decimals.text(row.durablePerSecond, digits: 0),
                Decimals.text(row.shardNanosecondsMean, digits: 1),
                Decimals.text(row.shardNanosecondsMedian, digits: 1),
                Decimals.text(row.durableAfterMicrosecondsP50, digits: 0),
                Decimals.text(row.durableAfterMicrosecondsP99, digits: 0),
                Decimals.text(row.allocationsPerCommand, digits: 4),
                Decimals.text(row.batchesWithoutAllocation * 100, digits: 1) + " %",
            ])
        }
        return table.render()
    }

    private static func text(_ memory: Memory) -> String {
        var lines = [
            """
            memory  \(Decimals.text(memory.residentBytesPerHold, digits: 1)) bytes a live hold by resident set, \
            \(Decimals.text(memory.countedBytesPerHold, digits: 1)) counted, at \
            \(Decimals.text(UInt64(memory.liveHolds))) live holds
            """
        ]
        for (name, bytes) in memory.breakdown.sorted(by: { ($1.value, $0.key) < ($0.value, $1.key) }) {
            lines.append("        \(Decimals.text(bytes, digits: 1)) \(name)")
        }
        return lines.joined(separator: "\n")
    }

    private static func text(_ seats: Seats) -> String {
        """
        seats   \(Decimals.text(seats.residentBytesPerSeat, digits: 1)) bytes an unsold seat by resident set, \
        \(Decimals.text(seats.countedBytesPerSeat, digits: 1)) counted, at \(Decimals.text(UInt64(seats.seats))) seats
        """
    }

    private static func table(_ what: String, _ rows: [Growth]) -> String {
        var table = TextTable(header: ["reserve at " + what, "ns each", "median", "against the first"])
        for row in rows {
            table.add([
                Decimals.text(UInt64(row.count)), Decimals.text(row.shardNanosecondsMean, digits: 1),
                Decimals.text(row.shardNanosecondsMedian, digits: 1), Decimals.text(row.ratio, digits: 2) + " ×",
            ])
        }
        return table.render()
    }
}

/// A report of something that ran in this process.
protocol InProcessReport: Encodable {
    var text: String { get }
    /// What went wrong; empty when the figures mean what they say.
    var failures: [String] { get }
}
