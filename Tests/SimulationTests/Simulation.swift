import Glibc
import WAL

@testable import Engine
@testable import ReferenceModel

/// A whole life of the system in one thread: engine, log, snapshots, clocks and disk, with everything that can go wrong
/// at any step, checked against the model and the promise. The seed decides everything.
///
/// A run is several lives of the process. Between any two of its steps anything else may come in: another loop's turn,
/// a batch, a piece of a snapshot, the end.
struct Simulation {
    struct Options {
        /// Steps of all lives together.
        var steps = 200
        /// What makes the checks fail, to see that they can.
        var sabotage: Sabotage?
        var isRecording = false
    }

    enum Sabotage: CaseIterable {
        /// Syncs of the disk report success and do nothing.
        case ignoredSyncs
        /// Clients hear answers when they are decided.
        case earlyAnswers
        /// The engine's clock is a second ahead of the one that the checks know.
        case hastyClock
    }

    /// A command for an event, and whether somebody asks for the event's sections before it.
    struct Work {
        var event: Int
        var step: ModelCommands.Step
        var asksFirst: Bool
    }

    struct Answered {
        var loop: Int
        var position: LogPosition
        var event: Int
        /// Nil for a query.
        var step: ModelCommands.Step?
        var answer: Answer
    }

    let seed: UInt64
    let options: Options
    var random: SeededRandom
    var trace: Trace
    let time = SimulatedTime()
    var books: [EventBook] = []
    var device: SimulatedDevice
    var process: SimulatedProcess?
    var stepsLeft: Int

    /// What the shards have appended, from the first record on: the log as it has to be.
    var history: [[UInt8]] = []
    /// The state that the history leads to, as of the last start.
    var shadow = Recovery()
    var recoveredPosition = LogPosition.zero
    /// Decided and not told yet, in the order of their decisions.
    var waiting: [Answered] = []
    /// The highest position of anything that a client was told.
    var toldPosition = LogPosition.zero
    /// The last record that the follower was shown.
    var followedPosition = LogPosition.zero
    var statistics = SimulationStatistics()

    init(seed: UInt64, options: Options = Options()) {
        self.seed = seed
        self.options = options
        random = SeededRandom(seed: seed &* 0x9e37_79b9_7f4a_7c15)
        trace = Trace(isRecording: options.isRecording)
        stepsLeft = options.steps
        device = SimulatedDevice(seed: seed, sectorBytes: random.chance(70) ? 4096 : 512)
        let tenants: [ShortText] = ["shop", "club"]
        for number in 0..<(1 + random.below(3)) {
            let tenant = random.one(of: tenants)
            // The same event's id in both tenants, now and then.
            let name = books.contains { $0.tenant == tenant } ? number : 0
            books.append(EventBook(number: name, tenant: tenant, seed: random.next()))
        }
        for tenant in tenants where books.contains(where: { $0.tenant == tenant }) && random.chance(70) {
            books.append(EventBook(ofTenant: tenant, seed: random.next()))
        }
    }

    /// Runs to the end.
    /// - Throws: `Violation` with what went wrong.
    mutating func run() throws {
        defer { process?.end() }
        while stepsLeft > 0 { try live() }
        try finish()
    }

    // MARK: - Lives

    /// From a start to the process's end.
    private mutating func live() throws {
        guard try start(mayFail: true) else { return }
        let crashPercent = random.one(of: [0, 1, 3])
        while stepsLeft > 0 {
            stepsLeft -= 1
            guard let process else { return }
            if process.failure != nil || device.isPowerLost {
                statistics.failures += 1
                // Until the process has ended its loops go on, and may tell what they think is durable.
                for _ in 0..<random.below(4) where !device.isPowerLost { try runLoop(process) }
                break
            }
            if random.chance(crashPercent) { break }
            if try step(process) { return }
        }
        try die()
    }

    /// The last start: nothing goes wrong any more, on any number of shards.
    private mutating func finish() throws {
        for shards in [1, 2, 3] {
            guard try start(mayFail: false, shards: shards) else { throw Violation("the last start failed") }
            if let process, random.chance(50) { try stop(process) } else { try die() }
        }
        try checkHistory()
    }

    /// The process ends without a word: killed, or with the machine.
    mutating func die() throws {
        guard let process else { return }
        if process.logWorks, random.chance(30) { try checkLive(process) }
        let losesPower = device.isPowerLost || random.chance(60)
        let next = losesPower ? device.crash() : device.copy()
        trace.note(1, losesPower ? 1 : 0, text: losesPower ? "the power fails" : "the process is killed")
        statistics.crashes += 1
        process.end()
        self.process = nil
        device = next
    }

    /// A clean stop: everything that was decided becomes durable.
    mutating func stop(_ process: SimulatedProcess) throws {
        trace.note(2, process.log.lastPosition.rawValue, text: "a clean stop at \(process.log.lastPosition)")
        let last = process.log.lastPosition
        process.snapshot.take().map { process.engine.cancel($0) }
        do {
            try process.log.close()
            guard process.log.durablePosition == last else { throw Violation("a stop left records behind") }
            toldPosition = max(toldPosition, last)
            statistics.stops += 1
        } catch let error as LogError {
            trace.note(3, text: "the stop failed: \(error)")
        }
        try die()
    }

    // MARK: - Starting

    /// Starts the process on the disk as it is, and checks what it has found.
    /// - Returns: false when the start failed because something went wrong on purpose.
    private mutating func start(mayFail: Bool, shards: Int? = nil) throws -> Bool {
        let plan = mayFail ? planFault() : nil
        if options.sabotage == .ignoredSyncs { device.ignoreSyncs() }
        let shards = shards ?? 1 + random.below(3)
        time.restart()
        trace.note(4, UInt64(shards), text: "start on \(shards) shards, fault: \(plan.map { "\($0)" } ?? "none")")
        do {
            let process = try SimulatedProcess(
                on: device,
                shards: shards,
                time: time,
                random: random.next() >> 1,
                clockAhead: options.sabotage == .hastyClock ? 1_000_000 : 0
            )
            self.process = process
            try checkRecovered(process)
            if mayFail { planLaterFault() }
            return true
        } catch let error as LogError {
            guard case .system = error, let plan, device.operationCount >= plan.operation else {
                throw Violation("the start fails: \(error)")
            }
            trace.note(5, text: "the start fails: \(error)")
            statistics.failedStarts += 1
            device = device.isPowerLost || random.chance(50) ? device.crash() : device.copy()
            return false
        } catch let error as RecoveryError {
            throw Violation("the start fails: \(error)")
        }
    }

    private struct PlannedFault {
        var fault: SimulatedDevice.Fault
        var operation: Int
    }

    /// A fault during the start.
    private mutating func planFault() -> PlannedFault? {
        guard random.chance(30) else { return nil }
        let planned = PlannedFault(fault: fault(), operation: 1 + random.below(random.one(of: [10, 40])))
        device.plan(planned.fault, atOperation: planned.operation)
        return planned
    }

    /// A fault after the start, while the process works.
    private mutating func planLaterFault() {
        guard random.chance(60) else { return }
        device.plan(fault(), atOperation: device.operationCount + 1 + random.below(random.one(of: [10, 40, 120])))
    }

    private mutating func fault() -> SimulatedDevice.Fault {
        switch random.weighted([45, 15, 15, 20, 5]) {
        case 0: .crash
        case 1: .fail(errno: EIO)
        case 2: .fail(errno: ENOSPC)
        case 3: .short
        default: .delay(microseconds: 0)
        }
    }
}

/// What the runs of a suite came to, to see that they tested something.
struct SimulationStatistics {
    var crashes = 0
    var stops = 0
    var failures = 0
    var failedStarts = 0
    var answers = 0
    var lostRecords = 0
    var snapshots = 0
    var clockSteps = 0
    var expiries = 0
    var replays = 0
    var followed = 0
    var gone = 0
    /// Names of the commands that changed something, and of the refusals.
    var reached: Set<String> = []

    mutating func add(_ other: SimulationStatistics) {
        crashes += other.crashes
        stops += other.stops
        failures += other.failures
        failedStarts += other.failedStarts
        answers += other.answers
        lostRecords += other.lostRecords
        snapshots += other.snapshots
        clockSteps += other.clockSteps
        expiries += other.expiries
        replays += other.replays
        followed += other.followed
        gone += other.gone
        reached.formUnion(other.reached)
    }
}
