import WAL

@testable import Engine
@testable import ReferenceModel

// What may happen next.
extension Simulation {
    /// Does one thing, chosen at random.
    /// - Returns: true when it ended the process.
    mutating func step(_ process: SimulatedProcess) throws -> Bool {
        switch random.weighted([44, 26, 14, 4, 3, 8, 2, 6, 1]) {
        case 0: try turn(process)
        case 1: write(process)
        case 2: try runLoop(process)
        case 3: try tick(process)
        case 4: process.steps.prepareSpare()
        case 5: try snapshot(process)
        case 6: setClock()
        case 7: try follow(process)
        default:
            try stop(process)
            return true
        }
        return false
    }

    // MARK: - The log's threads

    private mutating func write(_ process: SimulatedProcess) {
        process.steps.write()
        let durable = process.log.durablePosition.rawValue
        trace.note(10, durable, text: "the log writes: durable up to \(durable)")
    }

    private mutating func snapshot(_ process: SimulatedProcess) throws {
        // Several pieces at once, or a short life would never see the end of one.
        for _ in 0..<(1 + random.below(6)) {
            do {
                let wasWriting = process.snapshot != nil
                try process.stepSnapshot()
                let isDone = wasWriting && process.snapshot == nil
                if isDone { statistics.snapshots += 1 }
                trace.note(11, isDone ? 1 : 0, text: isDone ? "a snapshot is finished" : "a piece of a snapshot")
            } catch let error as LogError {
                guard device.isPowerLost || isExpected(error) else { throw Violation("the snapshot fails: \(error)") }
                trace.note(12, text: "the snapshot fails: \(error)")
                return
            }
        }
    }

    private func isExpected(_ error: LogError) -> Bool {
        switch error {
        case .system, .poisoned, .closed: true
        default: false
        }
    }

    // MARK: - Time

    /// Somebody sets the system's clock.
    private mutating func setClock() {
        let steps: [Milliseconds] = [1, 900, 60_000, 3_600_000, 90_000_000, 31_536_000_000]
        let step = Milliseconds(random.below(Int(random.one(of: steps)))) * (random.chance(60) ? -1 : 1)
        // Not before 1970, and not beyond what a reservation has room for.
        guard (0..<EngineClock.latest / 2).contains(time.system / 1_000 + step) else { return }
        time.setSystem(ahead: step)
        statistics.clockSteps += 1
        trace.note(13, UInt64(bitPattern: step), text: "the system's clock is set by \(step) ms")
    }

    // MARK: - Loops

    mutating func runLoop(_ process: SimulatedProcess) throws {
        let number = random.below(process.loops.count)
        guard process.loops[number].waiting > 0 else { return }
        process.loops[number].runNext()
        try tell(process, on: number)
    }

    /// A loop has heard from the log: its clients hear what is durable.
    private mutating func tell(_ process: SimulatedProcess, on loop: Int) throws {
        let durable = process.log.durablePosition
        var told = 0
        for answered in waiting where answered.loop == loop && answered.position <= durable {
            try tell(answered)
            told += 1
        }
        waiting.removeAll { $0.loop == loop && $0.position <= durable }
        trace.note(14, UInt64(loop), UInt64(told), text: "loop \(loop) tells \(told) clients, up to \(durable)")
    }

    mutating func tell(_ answered: Answered) throws {
        toldPosition = max(toldPosition, answered.position)
        statistics.answers += 1
        guard let step = answered.step else { return }
        try books[answered.event].tell(step, answered.answer)
    }

    /// The timer of a shard, without anybody asking for anything.
    private mutating func tick(_ process: SimulatedProcess) throws {
        let number = random.below(process.loops.count)
        if random.chance(50) { time.pass(milliseconds: Milliseconds(random.below(400_000))) }
        try perform([], process, on: number)
    }

    private mutating func turn(_ process: SimulatedProcess) throws {
        let event = random.below(books.count)
        let number = books[event].key.shard(of: process.loops.count)
        var work = [self.work(for: event, passesTime: true)]
        for _ in 0..<random.one(of: [0, 0, 0, 1, 2, 5]) {
            let other = random.below(books.count)
            guard books[other].key.shard(of: process.loops.count) == number else { continue }
            work.append(self.work(for: other, passesTime: false))
        }
        try perform(work, process, on: number)
    }

    private mutating func work(for event: Int, passesTime: Bool) -> Work {
        // The turn will look at the clock; a client must not think that an answer is still kept that is not.
        _ = time.readSystem()
        let before = time.engineNow
        books[event].commands.now = before
        var step = books[event].nextStep()
        if passesTime { time.pass(milliseconds: books[event].commands.now - before) }
        if random.chance(3), case .reserve = step.command {
            step.context.tenant = "nobody"
            step.context.idempotency = nil
        }
        return Work(event: event, step: step, asksFirst: random.chance(10))
    }
}
