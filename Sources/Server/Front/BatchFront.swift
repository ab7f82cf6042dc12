import Engine
import WAL

/// The batches of one loop: their lines go to the loops that own their events a slice at a time, so that requests of
/// other connections come in between, and one answer leaves when all it shows is durable.
///
///     accept → run, run, … (a slice each, its parts performed here or elsewhere) → release
///
/// The slices of a batch follow one another; so the lines of one event take effect in their order.
final class BatchFront {
    /// Lines read in one turn of the loop, a long one counting as one more for each of so many bytes.
    static let turnLinesMax = 512
    static let countedLineBytes = 512
    /// Bytes waiting in the log from which on lines wait as well. Below the bytes at which the engine refuses.
    static let pendingBytesMax = 2 << 20

    private let number: Int
    private let shardCount: Int
    private let shard: Shard
    private let router: Router
    private let log: any CommitLog
    private let problems: ProblemCounts
    /// Nil where nothing is limited.
    private let gate: RateGate?

    /// Batches with lines left, and those that wait for a position.
    private var open: [Batch] = []
    private var finished: [Batch] = []
    /// Parts of other loops' batches, to be performed here behind the single requests that came before them.
    private var foreign: [BatchPart] = []
    private var spare: [BatchPart] = []

    init(number: Int, engine: Engine, router: Router, problems: ProblemCounts, gate: RateGate? = nil) {
        self.gate = gate
        self.number = number
        self.problems = problems
        self.router = router
        shardCount = engine.shards.count
        shard = engine.shards[number]
        log = engine.log
    }

    /// Takes a batch in.
    /// - Returns: false when there is no room for it; nothing has happened then.
    func accept(
        _ request: BatchRequest,
        _ bytes: UnsafeRawBufferPointer,
        on connection: Connection,
        sequence: UInt32
    ) -> Bool {
        guard connection.setAside(request.expectedBytes, for: sequence) else { return false }
        let batch = Batch(request, bytes, on: connection, sequence: sequence, shards: shardCount)
        batch.answer.problems = problems
        if let gate { batch.pay(gate.payer, gate.standing) }
        batch.beginLines()
        open.append(batch)
        return true
    }

    /// Batches that are not answered yet.
    var count: Int { open.count + finished.count }

    /// Whether a turn would get on with a batch now. While the log is full none does: the next watermark asks again.
    var isRunnable: Bool {
        open.contains { !$0.isWaiting } && log.pendingBytes <= Self.pendingBytesMax
    }

    /// Takes lines of another loop's batch, whose events are owned here.
    func add(_ part: BatchPart) { foreign.append(part) }

    /// Performs other loops' lines, then reads and performs some of its own.
    func run(_ sections: inout some SectionLookup, _ random: inout RandomBits, _ outboxes: inout [[LoopMessage]]) {
        for part in foreign {
            part.perform(on: shard, counting: problems)
            outboxes[part.home].append(.answeredLines(part))
        }
        foreign.removeAll(keepingCapacity: true)
        guard isRunnable else { return }
        var linesLeft = Self.turnLinesMax
        var index = 0
        while index < open.count, linesLeft > 0 {
            let batch = open[index]
            if !batch.isWaiting { linesLeft -= runSlice(batch, linesLeft, &sections, &random, &outboxes) }
            if batch.isWaiting {
                index += 1
            } else if batch.isComplete {
                batch.end()
                finished.append(open.remove(at: index))
            }
        }
    }

    /// Takes a part back from the loop that performed it.
    func take(_ part: BatchPart) {
        guard let batch = part.batch, batch.take(part) else { return }
        batch.takeParts(recycle)
    }

    /// Answers the batches that waited for a position up to this one.
    func release(through position: LogPosition) {
        finished.removeAll { batch in
            guard batch.position <= position else { return false }
            batch.send()
            return true
        }
    }
}

// MARK: - Slices

extension BatchFront {
    /// The place of the lines that are refused without asking anybody.
    private var refusals: Int { shardCount }

    /// - Returns: how many lines were read; long ones, such as those that name many seats, count as several.
    private func runSlice(
        _ batch: Batch,
        _ linesMax: Int,
        _ sections: inout some SectionLookup,
        _ random: inout RandomBits,
        _ outboxes: inout [[LoopMessage]]
    ) -> Int {
        var count = 0
        let now = Engine.systemClock()
        shard.onLoop.beginTurn()
        while count < linesMax, batch.mayGoOn, let line = batch.nextLine() {
            count += 1 + line.count / Self.countedLineBytes
            let context = CommandContext(
                tenant: batch.context.tenant,
                principal: batch.context.principal,
                actor: batch.context.actor,
                now: now,
                random: random.next()
            )
            read(line, batch, context, &sections)
        }
        batch.reach(shard.onLoop.endTurn())
        perform(batch, &outboxes)
        if !batch.isWaiting, !batch.mayGoOn { refuseRest(batch, &random) }
        return count
    }

    /// Reads a line, and answers it at once where it can be: its event is owned here, and no line before it is out.
    private func read(
        _ line: UnsafeRawBufferPointer,
        _ batch: Batch,
        _ context: CommandContext,
        _ sections: inout some SectionLookup
    ) {
        var context = context
        var reply = batch.reply
        reply.requestID = RequestID(random: context.random)
        do throws(Problem) {
            if let gate { try gate.admitLine(of: batch.payer) }
            let work = try router.line(line, role: batch.role, &context, &reply, &sections)
            let owner = work.event.shard(of: shardCount)
            if owner == number, !batch.isWaiting {
                let isTaken = work.answer(on: shard.onLoop, context, reply, into: &batch.answer)
                if !isTaken { batch.isRefused = true }
            } else {
                part(owner, batch).add(work, context, reply)
                batch.append(owner)
            }
        } catch {
            guard batch.isWaiting else {
                batch.answer.write(error, reply)
                return
            }
            part(refusals, batch).add(error, reply)
            batch.append(refusals)
        }
    }

    private func part(_ place: Int, _ batch: Batch) -> BatchPart {
        if let part = batch.part(place) { return part }
        let part = spare.popLast() ?? BatchPart()
        part.begin(batch, home: number, counting: problems)
        batch.set(part, at: place)
        return part
    }

    /// Sends the parts of the slice to their owners, and performs the one that belongs here.
    private func perform(_ batch: Batch, _ outboxes: inout [[LoopMessage]]) {
        for owner in 0..<shardCount where owner != number {
            if let part = batch.part(owner) { outboxes[owner].append(.lines(part)) }
        }
        if let part = batch.part(refusals) { take(part) }
        guard let part = batch.part(number) else { return }
        part.perform(on: shard, counting: problems)
        take(part)
    }

    /// The engine takes no more, or the answer is full: the lines that are left are told so without being read.
    private func refuseRest(_ batch: Batch, _ random: inout RandomBits) {
        var reply = batch.reply
        while batch.nextLine() != nil {
            reply.requestID = RequestID(random: random.next())
            batch.answer.write(batch.isRefused ? .unavailable(.logSaturated) : .answerTooLarge, reply)
        }
    }

    private func recycle(_ part: BatchPart) {
        part.removeAll()
        if spare.count < 16 { spare.append(part) }
    }
}
