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
        /// Holds expired in one turn, and stretches of numbered seats that they may have together before the last of them;
        /// the others follow in the next.
        static let expiriesPerTurnMax = 4_096
        static let expiredSeatRunsPerTurnMax = 4_096
        /// Holds of an event that was called off: looked at, and released, in one turn.
        static let cancelledSlotsPerTurnMax: UInt32 = 16_384
        static let cancelledHoldsPerTurnMax = 1_024
        /// Callers of the `async` API that wait for the watermark.
        static let waitersMax = 1_000_000
    }

    public nonisolated let loop: any EventLoop
    public nonisolated let number: Int
    public nonisolated var unownedExecutor: UnownedSerialExecutor { loop.executor.asUnownedSerialExecutor() }

    let log: any CommitLog
    let directory: SectionDirectory
    let clock: @Sendable () -> Milliseconds

    // Sound: made by init, freed by deinit, and read inside the isolation only.
    nonisolated(unsafe) let tables: UnsafeMutablePointer<ShardTables>
    var now: Milliseconds
    /// Everything this shard has changed is at or before this position.
    var lastAppended: LogPosition
    /// Of this turn: see `VenueDirectory`.
    var changedVenues: [VenueDirectory.Change] = []
    var isClosed = false
    var waiters = WaiterQueue()
    public var counters: ShardCounters { tables.pointee.counters }

    /// - Parameter events: recovered ones, to be taken over: their sections, their deadlines, their time.
    init(
        number: Int,
        loop: any EventLoop,
        log: any CommitLog,
        directory: SectionDirectory,
        clock: @escaping @Sendable () -> Milliseconds,
        events: [EventInventory] = []
    ) {
        self.number = number
        self.loop = loop
        self.log = log
        self.directory = directory
        self.clock = clock
        now = events.reduce(clock()) { max($0, $1.lastCommandAt) }
        lastAppended = log.durablePosition
        tables = .allocate(capacity: 1)
        tables.initialize(to: ShardTables(now: now))
        for event in events { Self.adopt(event, tables, directory) }
    }

    deinit {
        tables.deinitialize(count: 1)
        tables.deallocate()
    }

    private static func adopt(
        _ event: EventInventory,
        _ tables: UnsafeMutablePointer<ShardTables>,
        _ directory: SectionDirectory
    ) {
        let slot = tables.pointee.add(event)
        directory.events.publish(event.key, event.tenant, event.details.id)
        for number in 0..<SectionNumber(event.sectionCount) {
            directory.publish(event.tenant, event.sectionID(number), event.key, number)
        }
        event.visitVenues { directory.venues.publish($0) }
        var hasLiveHolds = false
        event.visitLiveHolds {
            hasLiveHolds = true
            tables.pointee.wheel.add(.init(event: UInt32(slot), hold: $0), deadline: $1)
        }
        // Those whose holds are all released have nothing left to be done, and would keep others waiting.
        if hasLiveHolds, event.cancelledAt != nil { tables.pointee.cancelled.append(.init(slot: slot)) }
    }

    /// Decides a turn's work, in order. Nothing of it may be told before the returned position is durable.
    public func perform(_ submissions: [Submission], sink: any ReplySink) -> LogPosition {
        beginTurn()
        for submission in submissions {
            let (outcome, event) = decide(submission.event, submission.work, submission.context)
            sink.reply(submission.tag, outcome, event)
        }
        return endTurn()
    }

    /// Decides one piece of work between `beginTurn` and `endTurn`. Nothing of it may be told before the turn's position
    /// is durable.
    /// - Returns: the outcome with the event that it shows, nil where there is none; the event until the shard is asked
    ///   for something else.
    public func decide(
        _ event: EventKey,
        _ work: Submission.Work,
        _ context: CommandContext
    ) -> (outcome: Outcome, event: BorrowedEvent?) {
        let (outcome, slot) = handle(event, work, context)
        return (outcome, slot.map(borrow))
    }

    func borrow(_ slot: Int) -> BorrowedEvent {
        // The array's memory stays where it is until the shard changes it, and what is borrowed is not used after that.
        tables.pointee.slots.withUnsafeBufferPointer { BorrowedEvent($0.baseAddress! + slot) }
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
        room = log.roomState
        // Without room even expiry rests: a reservation past its deadline counts as expired all the same.
        if !isSaturated && !isClosed && room != .exhausted {
            expireDue()
            releaseCancelled()
        }
    }

    /// Ends a turn: what was decided goes to the log.
    /// - Returns: the position up to which everything decided by now lies.
    public func endTurn() -> LogPosition {
        guard tables.pointee.records.count > 0 else { return lastAppended }
        defer { tables.pointee.records.removeAll() }
        do {
            lastAppended = try log.append(tables.pointee.records)
            if !changedVenues.isEmpty { publishVenues() }
        } catch {
            // The state is ahead of the log and can't go back: nothing is told any more, to anybody.
            isClosed = true
            lastAppended = LogPosition(.max)
        }
        return lastAppended
    }

    var isSaturated = false
    var room = StorageRoom.State.enough

    private func expireDue() {
        tables.pointee.advance(to: now)
        var seatRuns = 0
        for _ in 0..<Limits.expiriesPerTurnMax {
            guard seatRuns < Limits.expiredSeatRunsPerTurnMax,
                tables.pointee.records.byteCount < Limits.turnBytesMax, let entry = tables.pointee.wheel.popDue()
            else { return }
            seatRuns += expire(entry)
        }
    }

    /// - Returns: how many stretches of numbered seats are free again.
    private func expire(_ entry: DeadlineWheel.Entry) -> Int {
        let slot = Int(entry.event)
        guard let deadline = tables.pointee.deadline(entry) else { return 0 }
        guard deadline <= now else {
            tables.pointee.wheel.add(entry, deadline: deadline)
            return 0
        }
        let context = CommandContext(tenant: tables.pointee.slots[slot].tenant, now: now, random: (0, 0))
        let hold = tables.pointee.slots[slot].reference(inSlot: entry.hold.slot)
        let seatRuns = tables.pointee.slots[slot].seatRunCount(inSlot: entry.hold.slot)
        record(tables.pointee.slots[slot].decideExpiry(hold, context), slot, context)
        return seatRuns
    }
}
