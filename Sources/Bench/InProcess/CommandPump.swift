import CAllocationCount
import Engine
import Glibc
import Histogram
import WAL

/// Feeds one shard batch by batch, on the shard's own thread, with a bounded number of commands that aren't durable yet.
///
/// Only what the shard does with a batch is timed: making the commands, which in a server is the work of parsing
/// requests, is not. Durable means that the log's watermark has passed the batch.
///
/// `@unchecked Sendable`: used on the shard's thread only, by one measurement at a time.
final class CommandPump: ReplySink, @unchecked Sendable {
    struct Settings: Sendable {
        /// Commands handed to the shard at once: what a busy loop finds in one turn.
        var batchCommands = 64
        /// Commands that may wait for the disk.
        var inFlightMax = 16_384
    }

    private struct Flight {
        let position: LogPosition
        let commands: Int
        let startedAt: UInt64
    }

    private let settings: Settings
    private let log: WriteAheadLog
    private var batch: [Submission] = []
    private var flights: [Flight] = []
    private var firstFlight = 0
    private var inFlight = 0
    private var holds: [HoldID?]
    private var statistics = PumpStatistics()

    init(_ settings: Settings, log: WriteAheadLog) {
        self.settings = settings
        self.log = log
        holds = Array(repeating: nil, count: settings.batchCommands)
        batch.reserveCapacity(settings.batchCommands)
    }

    /// Puts the workload's events on sale.
    func setUp(_ workload: ReservationWorkload, _ shard: isolated Shard) {
        perform(shard) { workload.visitSetup($0) }
    }

    /// Performs what `visit` gives, and waits until it is durable.
    func perform(_ shard: isolated Shard, _ visit: ((Submission) -> Void) -> Void) {
        visit { submission in
            batch.append(submission)
            if batch.count == settings.batchCommands { performBatch(shard) }
        }
        performBatch(shard)
        drain()
    }

    /// Makes `count` reservations.
    func reserve(_ count: Int, _ workload: inout ReservationWorkload, _ shard: isolated Shard) -> PumpStatistics {
        measure {
            var left = count
            while left > 0 {
                for sequence in 0..<min(left, settings.batchCommands) {
                    batch.append(workload.nextReservation(sequence: UInt32(sequence)))
                }
                left -= batch.count
                performBatch(shard)
            }
        }
    }

    /// Makes `count` reservations and confirms each when its batch has been answered: two commands a sale.
    func sell(_ count: Int, _ workload: inout ReservationWorkload, _ shard: isolated Shard) -> PumpStatistics {
        measure {
            var left = count
            while left > 0 {
                for sequence in 0..<min(left, settings.batchCommands) {
                    batch.append(workload.nextReservation(sequence: UInt32(sequence)))
                }
                left -= batch.count
                performBatch(shard)
                follow { workload.nextConfirmation(of: $0, sequence: $1) }
                performBatch(shard)
            }
        }
    }

    /// Times `rounds` batches of reservations, each given back afterwards: the number of live holds stays what it is.
    func reserveAndGiveBack(
        rounds: Int,
        _ workload: inout ReservationWorkload,
        _ shard: isolated Shard
    ) -> PumpStatistics {
        measure {
            for _ in 0..<rounds {
                for sequence in 0..<settings.batchCommands {
                    batch.append(workload.nextReservation(sequence: UInt32(sequence)))
                }
                performBatch(shard)
                follow { workload.nextRelease(of: $0, sequence: $1) }
                performBatch(shard, isTimed: false)
            }
        }
    }

    /// One command for each hold of the last batch.
    private func follow(_ make: (HoldID, UInt32) -> Submission) {
        for index in 0..<settings.batchCommands {
            if let hold = holds[index] { batch.append(make(hold, UInt32(index))) }
            holds[index] = nil
        }
    }

    // MARK: - One batch

    private func performBatch(_ shard: isolated Shard, isTimed: Bool = true) {
        makeRoom()
        let allocations = holdfast_thread_allocations()
        let start = MonotonicClock.nowNanoseconds()
        let position = shard.perform(batch, sink: self)
        let end = MonotonicClock.nowNanoseconds()
        if isTimed {
            statistics.add(
                commands: batch.count,
                nanoseconds: end - start,
                allocations: holdfast_thread_allocations() - allocations
            )
        }
        flights.append(Flight(position: position, commands: batch.count, startedAt: start))
        inFlight += batch.count
        batch.removeAll(keepingCapacity: true)
        land()
    }

    private func measure(_ body: () -> Void) -> PumpStatistics {
        statistics = PumpStatistics()
        let start = MonotonicClock.nowNanoseconds()
        body()
        drain()
        statistics.elapsedNanoseconds = MonotonicClock.nowNanoseconds() - start
        return statistics
    }

    private func makeRoom() {
        while inFlight > settings.inFlightMax || log.pendingBytes > 2 << 20 {
            sched_yield()
            land()
        }
    }

    private func drain() {
        while inFlight > 0 {
            sched_yield()
            land()
        }
    }

    /// Takes note of what has become durable.
    private func land() {
        let durable = log.durablePosition
        guard firstFlight < flights.count, flights[firstFlight].position <= durable else { return }
        let now = MonotonicClock.nowNanoseconds()
        while firstFlight < flights.count, flights[firstFlight].position <= durable {
            inFlight -= flights[firstFlight].commands
            statistics.landed(after: now - flights[firstFlight].startedAt)
            firstFlight += 1
        }
        if firstFlight == flights.count {
            flights.removeAll(keepingCapacity: true)
            firstFlight = 0
        }
    }

    func reply(_ tag: ReplyTag, _ outcome: Outcome, _ event: BorrowedEvent?) {
        switch outcome {
        case .answer(.reservedOne(let hold, _, _, _)):
            holds[Int(tag.sequence)] = HoldID(event: event!.key, reference: hold.reference, secret: hold.secret)
        case .answer(.rejected(let rejection)): statistics.fail("\(rejection)")
        case .answer: break
        case .finding, .refused, .unavailable: statistics.fail("\(outcome)")
        }
    }
}

/// What a measurement of the pump found.
struct PumpStatistics: Sendable {
    private(set) var commands = 0
    private(set) var busyNanoseconds: UInt64 = 0
    private(set) var allocations: UInt64 = 0
    private(set) var batches = 0
    private(set) var batchesWithoutAllocation = 0
    /// Nanoseconds a command of each batch, in tenths.
    private(set) var tenthsPerCommand = Histogram<UInt64>(
        highestTrackableValue: 1_000_000_000,
        numberOfSignificantValueDigits: .three
    )
    /// Nanoseconds from handing a batch to the shard until it was durable.
    private(set) var durableAfter = Histogram<UInt64>(
        highestTrackableValue: 60_000_000_000,
        numberOfSignificantValueDigits: .three
    )
    var elapsedNanoseconds: UInt64 = 0
    /// The first few things that should not have happened.
    private(set) var failures: [String] = []

    mutating func add(commands: Int, nanoseconds: UInt64, allocations: UInt64) {
        guard commands > 0 else { return }
        self.commands += commands
        busyNanoseconds += nanoseconds
        self.allocations += allocations
        batches += 1
        if allocations == 0 { batchesWithoutAllocation += 1 }
        tenthsPerCommand.record(min(nanoseconds * 10 / UInt64(commands), 1_000_000_000))
    }

    mutating func landed(after nanoseconds: UInt64) { durableAfter.record(min(nanoseconds, 60_000_000_000)) }

    mutating func fail(_ reason: String) {
        if failures.count < 8 { failures.append(reason) }
    }

    var commandsPerSecond: Double { Double(commands) * 1e9 / Double(max(1, elapsedNanoseconds)) }
    var meanNanoseconds: Double { Double(busyNanoseconds) / Double(max(1, commands)) }
    var medianNanoseconds: Double { batches == 0 ? 0 : Double(tenthsPerCommand.valueAtPercentile(50)) / 10 }
    var allocationsPerCommand: Double { Double(allocations) / Double(max(1, commands)) }
}
