import NIOCore
import NIOPosix
import Synchronization
import Testing
import WAL

@testable import Engine
@testable import ReferenceModel

/// A real shard on a real loop against the model: its own clock, timers, idempotency and records.
@Suite struct ModelShardTests {
    /// Keeps the records in memory; durable at once.
    private final class MemoryLog: CommitLog {
        private let records = Mutex<[[UInt8]]>([])

        func append(_ buffer: borrowing RecordBuffer) throws(LogError) -> LogPosition {
            let payloads = buffer.payloads
            return records.withLock {
                $0 += payloads
                return LogPosition(UInt64($0.count))
            }
        }

        var all: [[UInt8]] { records.withLock { $0 } }
        var lastPosition: LogPosition { records.withLock { LogPosition(UInt64($0.count)) } }
        var durablePosition: LogPosition { lastPosition }
        var pendingBytes: Int { 0 }
    }

    private final class VirtualClock: Sendable {
        private let time = Atomic<Milliseconds>(0)
        var now: Milliseconds {
            get { time.load(ordering: .relaxed) }
            set { time.store(newValue, ordering: .relaxed) }
        }
    }

    /// The outcomes of a turn, in order. Sound: written in the shard during `perform`, read after it.
    private final class Outcomes: ReplySink, @unchecked Sendable {
        private(set) var all: [Outcome] = []
        func reply(_ tag: ReplyTag, _ outcome: Outcome, _ event: BorrowedEvent?) { all.append(outcome) }
    }

    private struct Sale {
        let shard: Shard
        let log: MemoryLog
        let clock: VirtualClock
        var model: ModelEvent
        var commands: ModelCommands
        var steps = 0

        mutating func perform(_ command: Command, _ context: CommandContext) async throws {
            clock.now = context.now
            let submission = Submission(
                event: model.key,
                work: .command(command),
                context: context,
                tag: ReplyTag(loop: 0, connection: 0, sequence: UInt32(steps))
            )
            let outcomes = Outcomes()
            _ = await shard.perform([submission], sink: outcomes)
            steps += 1
            // The shard's timers never come late: what is due ends before the command is decided.
            for reference in model.due(at: context.now) {
                let timer = CommandContext(tenant: context.tenant, now: context.now, random: (0, 0))
                let expired = Answer.rejected(.reservationNotFound)
                _ = model.perform(.expire(reference), timer, outcome: expired)
            }
            guard case .answer(let answer) = outcomes.all.first, outcomes.all.count == 1 else {
                throw ModelRun.Difference(description: "step \(steps): \(outcomes.all) instead of one answer")
            }
            let expectation = model.perform(command, context, outcome: answer)
            commands.learn(answer, event: model.key)
            guard expectation.allows(answer) else {
                throw ModelRun.Difference(
                    description: """
                        step \(steps) at \(context.now), principal "\(context.principal)"
                        command:  \(command)
                        engine:   \(answer)
                        expected: \(expectation)
                        """
                )
            }
        }
    }

    private func sale(seed: UInt64, on shard: Shard, _ log: MemoryLog, _ clock: VirtualClock) async throws -> Sale {
        var commands = ModelCommands(seed: seed)
        let details = commands.eventDetails(number: Int(seed))
        let context = commands.context()
        let key = EventKey(tenant: context.tenant, event: details.id)
        clock.now = context.now
        let creation = Submission(
            event: key,
            work: .command(.createEvent(details)),
            context: context,
            tag: ReplyTag(loop: 0, connection: 0, sequence: 0)
        )
        let outcomes = Outcomes()
        _ = await shard.perform([creation], sink: outcomes)
        guard case .answer(.event) = outcomes.all.first else { throw Rejection.eventNotFound }
        let model = ModelEvent(tenant: context.tenant, details: details, at: context.now)
        var sale = Sale(shard: shard, log: log, clock: clock, model: model, commands: commands)
        for number in 0..<4 {
            try await sale.perform(.addSection(sale.commands.section(number)), sale.commands.context())
        }
        for _ in 0..<2 {
            try await sale.perform(.addTier(sale.commands.tier(sections: 4)), sale.commands.context())
        }
        try await sale.perform(.publishEvent, sale.commands.context())
        return sale
    }

    private static func shard(on loop: any EventLoop, _ log: MemoryLog, _ clock: VirtualClock) -> Shard {
        Shard(number: 0, loop: loop, log: log, directory: SectionDirectory(), clock: { clock.now })
    }

    /// What a shard of one event counts is what the event has.
    private static func check(_ statistics: ShardStatistics, _ event: EventInventory) {
        var open: UInt64 = 0
        event.visitLiveHolds { _, _ in open += 1 }
        let counters = statistics.counters
        #expect(statistics.stock == event.stock)
        #expect(statistics.openHolds == open)
        #expect(counters.placed == open + counters.confirmed + counters.released + counters.expired)
        #expect(counters.confirmed == event.sales.orders)
        #expect(counters.ticketsSold == event.sales.total.sums.tickets)
        #expect(counters.ticketsRefunded == event.sales.total.sums.refundedTickets)
        #expect(statistics.holdSlots == event.holdSlotCount && statistics.idempotencyKeys == event.idempotencyCount)
    }

    @Test(arguments: ModelTests.seeds)
    func theShardIsTheModelAndItsLogIsTheShard(seed: UInt64) async throws {
        let loops = MultiThreadedEventLoopGroup(numberOfThreads: 1)
        for run in 0..<12 as Range<UInt64> {
            let log = MemoryLog()
            let clock = VirtualClock()
            clock.now = ModelCommands(seed: 0).now
            let shard = Self.shard(on: loops.next(), log, clock)
            var sale = try await sale(seed: seed &* 1_000 &+ run, on: shard, log, clock)
            for _ in 0..<500 {
                let step = sale.commands.next(sale.model)
                // Only the clock expires holds; nobody can ask the shard to.
                if case .expire = step.command { continue }
                try await sale.perform(step.command, step.context)
            }
            let live = await shard.copy(sale.model.key).0
            #expect(live.checkInvariants() == [])
            Self.check(await shard.statistics(), live)
            for number in sale.model.sections.indices.map(SectionNumber.init) {
                #expect(live.counts(number) == sale.model.counts(number))
            }
            var replay = ModelReplay(shards: 1)
            for record in log.all { try replay.apply(record) }
            #expect(replay.event(sale.model.key)?.digest() == live.digest(), "seed \(seed), run \(run)")
        }
        try await loops.shutdownGracefully()
    }

    /// A copy for a snapshot may fall into an open turn: what it shows must not lie behind the position it names, or
    /// a recovery would apply it twice.
    @Test func aCopyOfAnOpenTurnNamesAPositionThatCoversIt() async throws {
        let loops = MultiThreadedEventLoopGroup(numberOfThreads: 1)
        let clock = VirtualClock()
        let log = MemoryLog()
        let loop = loops.next()
        let shard = Self.shard(on: loop, log, clock)
        let sale = try await sale(seed: 1, on: shard, log, clock)
        let key = sale.model.key
        let context = CommandContext(tenant: sale.model.tenant, now: sale.model.createdAt, random: (1, 2))
        let (before, after) = try await loop.submit {
            shard.assumeIsolated { shard in
                let before = log.lastPosition
                shard.beginTurn()
                _ = shard.decide(key, .command(.deleteEvent), context)
                #expect(log.lastPosition == before)
                let (event, position) = shard.copy(key)
                #expect(event.status == .cancelled)
                #expect(position.rawValue == before.rawValue + 1)
                return (before, shard.endTurn())
            }
        }.get()
        #expect(after.rawValue == before.rawValue + 1)
        try await loops.shutdownGracefully()
    }

    /// Whose event it is decides the tenant; everybody else's answer is that of an event that isn't there.
    @Test func anotherTenantFindsNothing() async throws {
        let loops = MultiThreadedEventLoopGroup(numberOfThreads: 1)
        let clock = VirtualClock()
        let log = MemoryLog()
        let shard = Self.shard(on: loops.next(), log, clock)
        let sale = try await sale(seed: 1, on: shard, log, clock)
        let before = log.lastPosition
        let request = ReserveRequest(first: .init(section: 1, quantity: 1))
        for command in [.reserve(request), .publishEvent, .deleteEvent] as [Command] {
            let submission = Submission(
                event: sale.model.key,
                work: .command(command),
                context: CommandContext(tenant: "other", now: sale.model.createdAt, random: (1, 2)),
                tag: ReplyTag(loop: 0, connection: 0, sequence: 0)
            )
            let outcomes = Outcomes()
            _ = await shard.perform([submission], sink: outcomes)
            guard case .answer(.rejected(let found)) = outcomes.all.first else {
                Issue.record("\(outcomes.all)")
                continue
            }
            #expect(found == .eventNotFound)
        }
        #expect(log.lastPosition == before)
        try await loops.shutdownGracefully()
    }

    /// Extended when its deadline is already in the wheel's nearest turn: it ends at the later one, by the clock alone.
    @Test func aHoldExtendedInItsLastSecondEndsWhenItShould() async throws {
        let loops = MultiThreadedEventLoopGroup(numberOfThreads: 1)
        let clock = VirtualClock()
        let log = MemoryLog()
        let shard = Self.shard(on: loops.next(), log, clock)
        let key = try await Self.smallEvent(on: shard, clock)
        let reserved = await Self.answer(shard, key, .reserve(ReserveRequest(first: .init(section: 0, quantity: 1))))
        guard case .reservedOne(let hold, _, _, _) = reserved else {
            Issue.record("\(reserved)")
            return
        }
        let id = HoldID(event: key, reference: hold.reference, secret: hold.secret)
        for offset in stride(from: Milliseconds(0), to: 600_000, by: 1_000) {
            clock.now = MachineFixture.start + offset
            await shard.tick()
        }
        _ = await Self.answer(shard, key, .extend(id, seconds: 60))
        for (time, reserved) in [(600_000, 1), (659_999, 1), (660_000, 0)] as [(Milliseconds, UInt32)] {
            clock.now = MachineFixture.start + time
            await shard.tick()
            let counts = await shard.copy(key).0.counts(0)
            #expect(counts.reserved == reserved, "\(time) ms after the reservation")
        }
        try await loops.shutdownGracefully()
    }

    /// Every other seat of two long rows each: holds that take long to free are expired a few at a time.
    @Test func aTurnFreesOnlySoManyStretchesOfSeats() async throws {
        let loops = MultiThreadedEventLoopGroup(numberOfThreads: 1)
        let clock = VirtualClock()
        let shard = Self.shard(on: loops.next(), MemoryLog(), clock)
        let key = try await Self.smallEvent(on: shard, clock)
        let labels = (0..<12).map { ShortText("R\($0)")! }
        let rows = labels.map { SeatRow(label: $0, from: 1, to: 1_000) }
        _ = await Self.answer(shard, key, .addSeats(0, rows))
        for hold in 0..<6 {
            let names = labels[2 * hold...2 * hold + 1].flatMap { row in
                stride(from: 1, to: 1_000, by: 2).map { ShortText("\(row)-\($0)")! }
            }
            let line = ReserveRequest.Line(section: 0, quantity: UInt32(names.count))
            let request = ReserveRequest(first: line, named: NamedSeats(lines: [names]))
            guard case .reservedOne = await Self.answer(shard, key, .reserve(request)) else {
                Issue.record("hold \(hold) is refused")
                return
            }
        }
        clock.now = MachineFixture.start + 600_000
        for reserved in [1_000, 0, 0] as [UInt32] {
            await shard.tick()
            let event = await shard.copy(key).0
            #expect(event.counts(0).reserved == reserved)
            #expect(event.checkInvariants() == [])
        }
        try await loops.shutdownGracefully()
    }

    private static func answer(_ shard: Shard, _ key: EventKey, _ command: Command) async -> Answer? {
        let submission = Submission(
            event: key,
            work: .command(command),
            context: CommandContext(tenant: MachineFixture.tenant, now: 0, random: (1, 2)),
            tag: ReplyTag(loop: 0, connection: 0, sequence: 0)
        )
        let outcomes = Outcomes()
        _ = await shard.perform([submission], sink: outcomes)
        if case .answer(let answer) = outcomes.all.first { return answer }
        return nil
    }

    /// Ten places, holds of ten minutes.
    private static func smallEvent(on shard: Shard, _ clock: VirtualClock) async throws -> EventKey {
        clock.now = MachineFixture.start
        var details = EventDetails(id: "gala", name: "Gala", currency: "EUR")
        details.holdTimeSeconds = 600
        let key = EventKey(tenant: MachineFixture.tenant, event: details.id)
        let commands: [Command] = [
            .createEvent(details), .addSection(SectionDetails(id: "floor", name: "Floor", total: 10)), .publishEvent,
        ]
        for command in commands {
            if case .rejected(let rejection) = await answer(shard, key, command) { throw rejection }
        }
        return key
    }
}
