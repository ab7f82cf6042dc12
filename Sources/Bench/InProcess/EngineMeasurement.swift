import Engine

/// The runs of `holdfast-bench engine`, each with an engine and a log of its own.
struct EngineMeasurement {
    enum Part: String, CaseIterable, LosslessStringConvertible, Sendable {
        case throughput, memory, seats, holds, events

        static var list: String { allCases.map(\.rawValue).joined(separator: ", ") }

        init?(_ description: String) { self.init(rawValue: description) }
        var description: String { rawValue }
    }

    let place: InProcessOptions
    let commands: Int
    let memoryHolds: Int
    let holds: [Int]
    let events: [Int]

    /// Commands before anything is timed.
    private static let warmUpCommands = 200_000
    /// Heap that the kernel has given out before anything is timed: clearing a page for the first time costs more than
    /// the thirty holds that it takes.
    private static let touchedBytes = 1 << 30
    /// Batches timed for each point of a growth curve.
    private static let growthRounds = 256

    func run(_ parts: Set<Part>) async throws -> EngineReport {
        var report = EngineReport()
        // First, while the heap is as small as it was at the start.
        if parts.contains(.memory) { report.memory = try await measureMemory(&report) }
        if parts.contains(.seats) { try await measureSeats(&report) }
        ResidentMemory.touch(bytes: Self.touchedBytes)
        if parts.contains(.throughput) { try await measureThroughput(&report) }
        if parts.contains(.holds) { try await measureHolds(&report) }
        if parts.contains(.events) { try await measureEvents(&report) }
        return report
    }

    private func measureThroughput(_ report: inout EngineReport) async throws {
        let commands = commands
        let (reserve, sell) = try await withEngine(events: 1) { pump, workload, shard in
            _ = pump.reserve(Self.warmUpCommands, &workload, shard)
            let reserve = pump.reserve(commands, &workload, shard)
            _ = pump.sell(Self.warmUpCommands / 2, &workload, shard)
            return (reserve, pump.sell(commands / 2, &workload, shard))
        }
        report.throughput += [.init("reserve", reserve), .init("reserve + confirm", sell)]
        report.failures += reserve.failures + sell.failures
    }

    private func measureMemory(_ report: inout EngineReport) async throws -> EngineReport.Memory {
        let count = memoryHolds
        let measured = try await withEngine(events: 1) { pump, workload, shard in
            // The log's and the pump's own buffers have their size before anything is counted.
            _ = pump.reserve(Self.warmUpCommands, &workload, shard)
            let before = ResidentMemory.bytes()
            let statistics = pump.reserve(count, &workload, shard)
            return (ResidentMemory.bytes() - before, shard.memory(), statistics.failures)
        }
        let (resident, counted, failures) = measured
        report.failures += failures
        let all = Double(count + Self.warmUpCommands)
        return EngineReport.Memory(
            liveHolds: count + Self.warmUpCommands,
            residentBytesPerHold: Double(resident) / Double(count),
            countedBytesPerHold: Double(counted.total) / all,
            breakdown: [
                "hold": Double(counted.holds) / all,
                "orders and further lines": Double(counted.extras) / all,
                "prices": Double(counted.prices) / all,
                "customer": Double(counted.customers) / all,
                "customer's index": Double(counted.customerIndex) / all,
                "kept answer and its key": Double(counted.answers) / all,
                "key's index": Double(counted.answerIndex) / all,
                "deadline": Double(counted.deadlines) / all,
            ]
        )
    }

    /// A million seats that nobody has bought, then reservations of the best of them.
    private func measureSeats(_ report: inout EngineReport) async throws {
        let commands = min(commands, 400_000)
        let (resident, counted, reserve) = try await withEngine(events: 1) { pump, workload, shard in
            let before = ResidentMemory.bytes()
            pump.perform(shard) { workload.visitSeats(rowsPerSection: 2_500, $0) }
            let resident = ResidentMemory.bytes() - before
            let counted = shard.memory().seats
            return (resident, counted, pump.reserve(commands, &workload, shard))
        }
        report.seats = EngineReport.Seats(
            seats: 1_000_000,
            residentBytesPerSeat: Double(resident) / 1e6,
            countedBytesPerSeat: Double(counted) / 1e6
        )
        report.throughput.append(.init("reserve the best seat", reserve))
        report.failures += reserve.failures
    }

    private func measureHolds(_ report: inout EngineReport) async throws {
        for count in holds {
            let statistics = try await withEngine(events: 1) { pump, workload, shard in
                _ = pump.reserve(count, &workload, shard)
                return pump.reserveAndGiveBack(rounds: Self.growthRounds, &workload, shard)
            }
            report.byLiveHolds.append(Self.growth(count, statistics, since: report.byLiveHolds.first))
            report.failures += statistics.failures
        }
    }

    private func measureEvents(_ report: inout EngineReport) async throws {
        for count in events {
            let statistics = try await withEngine(events: count) { pump, workload, shard in
                _ = pump.reserve(max(100_000, count), &workload, shard)
                return pump.reserveAndGiveBack(rounds: Self.growthRounds, &workload, shard)
            }
            report.byEvents.append(Self.growth(count, statistics, since: report.byEvents.first))
            report.failures += statistics.failures
        }
    }

    private static func growth(
        _ count: Int,
        _ statistics: PumpStatistics,
        since first: EngineReport.Growth?
    ) -> EngineReport.Growth {
        let median = statistics.medianNanoseconds
        return EngineReport.Growth(
            count: count,
            shardNanosecondsMean: statistics.meanNanoseconds,
            shardNanosecondsMedian: median,
            ratio: first.map { median / $0.shardNanosecondsMedian } ?? 1
        )
    }

    /// Runs `body` on the shard's thread of a new engine with this many events on sale.
    private func withEngine<T: Sendable>(
        events: Int,
        _ body: @escaping @Sendable (CommandPump, inout ReservationWorkload, isolated Shard) -> T
    ) async throws -> T {
        try await place.withFolder { folder in
            let subject = try await EngineUnderTest.start(folder: folder + "/data", shardCore: place.shardCpu)
            let pump = CommandPump(place.pump, log: subject.log)
            let result = try await subject.onShard { shard in
                var workload = ReservationWorkload(seed: 1, events: events, sectionsPerEvent: events == 1 ? 4 : 1)
                pump.setUp(workload, shard)
                return body(pump, &workload, shard)
            }
            try await subject.stopWithoutSnapshot()
            return result
        }
    }
}
