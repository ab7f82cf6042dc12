import NIOCore
import WAL

/// Owns a share of the events: decides, logs and applies everything that happens to them, on one event loop.
///
/// The loop is the actor's executor, so the HTTP front of the same loop enters it without a hop
/// (`assumeIsolated`, once a turn), and everybody else with `await`. Between decide, append and apply nothing is
/// awaited: no other command can come in between.
public actor Shard {
    /// Work refused beyond these, because it could not be logged in time.
    struct Limits {
        /// Bytes of one turn's records; what comes after is refused with `.logSaturated`.
        static let turnBytesMax = 1 << 20
        /// Bytes waiting in the log at the beginning of a turn.
        static let pendingBytesMax = 4 << 20
        /// Holds expired in one turn; the others follow in the next.
        static let expiriesPerTurnMax = 4_096
        /// Callers of the `async` API that wait for the watermark.
        static let waitersMax = 1_000_000
    }

    public nonisolated let loop: any EventLoop
    public nonisolated let number: Int
    public nonisolated var unownedExecutor: UnownedSerialExecutor { loop.executor.asUnownedSerialExecutor() }

    let log: any CommitLog
    let directory: SectionDirectory
    let clock: @Sendable () -> Milliseconds

    var slots: ContiguousArray<EventInventory> = []
    var slotOf: [EventKey: Int] = [:]
    var records = RecordBuffer()
    var wheel: DeadlineWheel
    var now: Milliseconds
    /// Everything this shard has changed is at or before this position.
    var lastAppended: LogPosition
    var isClosed = false
    var waiters = WaiterQueue()
    var onDurable: (@Sendable (LogPosition) -> Void)?
    public internal(set) var counters = ShardCounters()

    init(
        number: Int,
        loop: any EventLoop,
        log: any CommitLog,
        directory: SectionDirectory,
        clock: @escaping @Sendable () -> Milliseconds
    ) {
        self.number = number
        self.loop = loop
        self.log = log
        self.directory = directory
        self.clock = clock
        now = clock()
        lastAppended = log.durablePosition
        wheel = DeadlineWheel(now: now)
    }

    /// Takes over a recovered event: its sections, its deadlines, its clock.
    func adopt(_ event: EventInventory) {
        let slot = slots.count
        slotOf[event.key] = slot
        slots.append(event)
        now = max(now, event.lastCommandAt)
        for number in 0..<SectionNumber(event.sectionCount) {
            directory.publish(event.tenant, event.sectionID(number), event.key, number)
        }
        event.visitLiveHolds { wheel.add(.init(event: UInt32(slot), hold: $0), deadline: $1) }
    }

    /// Decides a turn's work, in order. Nothing of it may be told before the returned position is durable.
    public func perform(_ submissions: [Submission], sink: any ReplySink) -> LogPosition {
        beginTurn()
        for submission in submissions {
            decide(submission.event, submission.work, submission.context) {
                sink.reply(submission.tag, $0, $1)
            }
        }
        return endTurn()
    }

    /// Decides one piece of work between `beginTurn` and `endTurn`, and gives `body` the outcome with the event that it
    /// shows, nil where there is none. Nothing of it may be told before the turn's position is durable.
    @inlinable
    public func decide(
        _ event: EventKey,
        _ work: Submission.Work,
        _ context: CommandContext,
        _ body: (Outcome, BorrowedEvent?) -> Void
    ) {
        let (outcome, slot) = handle(event, work, context)
        if let slot { borrow(slot) { body(outcome, $0) } } else { body(outcome, nil) }
    }

    @usableFromInline
    func borrow(_ slot: Int, _ body: (BorrowedEvent) -> Void) {
        slots.withUnsafeBufferPointer { body(BorrowedEvent($0.baseAddress! + slot)) }
    }

    /// Runs `body` inside the shard without a hop.
    ///
    /// What `assumeIsolated` does, without its search for the current executor: that took 100 ns a request.
    /// - Precondition: called on the shard's loop.
    @inlinable
    public nonisolated func onLoop<R>(_ body: (isolated Shard) -> R) -> R {
        precondition(loop.inEventLoop, "a shard is entered from another loop")
        // Sound because the loop is the actor's executor: what runs on it is isolated to the actor.
        return withoutActuallyEscaping(body) { unsafeBitCast($0, to: ((Shard) -> R).self)(self) }
    }

    /// Expires what is due although nobody asks for anything.
    func tick() {
        beginTurn()
        _ = endTurn()
    }

    /// Begins a turn: the time is read, what is due expires.
    public func beginTurn() {
        now = max(now, clock())
        isSaturated = log.pendingBytes > Limits.pendingBytesMax
        if !isSaturated && !isClosed { expireDue() }
    }

    /// Ends a turn: what was decided goes to the log.
    /// - Returns: the position up to which everything decided by now lies.
    public func endTurn() -> LogPosition {
        guard records.count > 0 else { return lastAppended }
        defer { records.removeAll() }
        do {
            lastAppended = try log.append(records)
        } catch {
            // The state is ahead of the log and can't go back: nothing is told any more, to anybody.
            isClosed = true
            lastAppended = LogPosition(.max)
        }
        return lastAppended
    }

    var isSaturated = false

    private func expireDue() {
        wheel.advance(to: now) { [slots] in slots[Int($0.event)].deadline($0.hold) }
        for _ in 0..<Limits.expiriesPerTurnMax {
            guard records.byteCount < Limits.turnBytesMax, let entry = wheel.popDue() else { return }
            expire(entry)
        }
    }

    private func expire(_ entry: DeadlineWheel.Entry) {
        let slot = Int(entry.event)
        guard let deadline = slots[slot].deadline(entry.hold) else { return }
        guard deadline <= now else { return wheel.add(entry, deadline: deadline) }
        let context = CommandContext(tenant: slots[slot].tenant, now: now, random: (0, 0))
        let decision = slots[slot].decideExpiry(entry.hold, context)
        record(decision, slot, key: nil)
        counters.expired += 1
    }
}

/// What a shard has done since it started.
public struct ShardCounters: Sendable {
    public var commands: UInt64 = 0
    public var rejections: UInt64 = 0
    public var replays: UInt64 = 0
    public var expired: UInt64 = 0
    public var refusedBusy: UInt64 = 0

    public init() {}
}
