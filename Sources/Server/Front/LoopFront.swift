import Engine
import Loop
import NIOCore
import WAL

/// The HTTP front of one loop: routes the requests of its connections, runs those of its own shard, sends the others
/// to the loops that own them, and answers when what an answer shows is durable.
///
/// A turn: `execute` gathers what the connections have read, `runTurn` enters the shard once with all of it, and
/// `release` sends what has become durable, one write a connection.
// Sound because everything mutable is touched on `loop` only; the mailbox is what other loops may touch.
final class LoopFront: RequestExecutor, ReplySink, @unchecked Sendable {
    /// Requests of one loop that may wait for their answers; one more is told 503.
    static let pendingRequestsMax = 65_536

    /// Bytes of answers rendered in one turn; questions behind them are told 503.
    static let turnAnswerBytesMax = 32 << 20
    /// Memory of a turn's answers that is kept for later turns.
    static let spareAnswerBytesMax = 1 << 20

    let number: Int
    let loop: RingLoop
    let engine: Engine
    let operations: Operations
    private let shard: Shard
    private let router: Router
    private let mailbox = Mailbox()
    private var peers: [LoopFront] = []
    private var outboxes: [[LoopMessage]]
    private var received: [LoopMessage] = []

    private var pending = PendingRequests()
    private var sections: SectionCache
    private var random = RandomBits()
    private var immediate = ResponseWriter()

    private var batch: [Submission] = []
    private var envelopes: ContiguousArray<Envelope> = []
    /// What the running turn's outcomes lead to next.
    private var followUps: [Envelope] = []

    private var current = HeldReplies()
    private var held: ContiguousArray<HeldReplies> = []
    private var heldHead = 0
    private var spare: ContiguousArray<HeldReplies> = []

    init(number: Int, loop: RingLoop, engine: Engine, router: Router, operations: Operations) {
        self.number = number
        self.engine = engine
        self.router = router
        self.operations = operations
        shard = engine.shards[number]
        self.loop = loop
        sections = SectionCache(engine.directory)
        outboxes = Array(repeating: [], count: engine.shards.count)
    }

    /// Makes the loops known to each other, and this one known to its shard. Before the first connection.
    func connect(to peers: [LoopFront]) async {
        try! await loop.submit { self.peers = peers }.get()
    }

    // MARK: - Requests

    func execute(
        _ request: HTTPRequest,
        bytes: UnsafeRawBufferPointer,
        on connection: Connection,
        sequence: UInt32
    ) {
        let now = Engine.systemClock()
        switch router.route(request, bytes, now: now, random: random.next(), sections: &sections) {
        case .submission(let submission): stage(submission, .answer, connection, sequence)
        case .readThenWrite(let change): stage(change.read, .read(change), connection, sequence)
        case .problem(let problem, let reply):
            answerNow(connection, sequence) { $0.write(problem, reply) }
        case .listEvents(let listing): list(listing, connection, sequence)
        case .operation(let operation, let reply): operate(operation, reply, connection, sequence)
        }
    }

    private func stage(
        _ submission: RoutedSubmission,
        _ step: Envelope.Step,
        _ connection: Connection,
        _ sequence: UInt32
    ) {
        guard pending.count < Self.pendingRequestsMax else {
            return answerNow(connection, sequence) { $0.write(.unavailable(.logSaturated), submission.reply) }
        }
        let ticket = pending.add(PendingRequest(connection: connection, sequence: sequence))
        dispatch(Envelope(submission: submission, step: step, home: number, pending: ticket))
    }

    private func dispatch(_ envelope: Envelope) {
        let owner = envelope.submission.event.shard(of: outboxes.count)
        if owner == number { take(envelope) } else { outboxes[owner].append(.work(envelope)) }
    }

    private func take(_ envelope: Envelope) {
        let submission = envelope.submission
        let tag = ReplyTag(loop: UInt32(number), connection: 0, sequence: UInt32(envelopes.count))
        batch.append(
            Submission(event: submission.event, work: submission.work, context: submission.context, tag: tag)
        )
        envelopes.append(envelope)
    }

    private func answerNow(
        _ connection: Connection,
        _ sequence: UInt32,
        _ write: (inout ResponseWriter) -> Range<Int>
    ) {
        immediate.removeAll()
        let range = write(&immediate)
        immediate.bytes.withBytes(in: range) { connection.answer(sequence, $0) }
    }

    // MARK: - Turns

    /// Decides what the turn has gathered, and sends what is durable by now.
    func endTurn() {
        receive()
        while !batch.isEmpty { runBatch() }
        release(through: engine.log.durablePosition)
        for owner in outboxes.indices where !outboxes[owner].isEmpty { send(to: owner) }
    }

    private func runBatch() {
        current.writer.setDate(epochSeconds: Engine.systemClock() / 1_000)
        let batch = batch
        current.position = shard.assumeIsolated { $0.perform(batch, sink: self) }
        self.batch.removeAll(keepingCapacity: true)
        envelopes.removeAll(keepingCapacity: true)
        if !current.replies.isEmpty {
            held.append(current)
            current = spare.popLast() ?? HeldReplies()
        }
        if !followUps.isEmpty {
            for envelope in followUps { take(envelope) }
            followUps.removeAll(keepingCapacity: true)
        }
    }

    /// Renders an outcome where the event is at hand; called by the shard while the batch runs.
    func reply(_ tag: ReplyTag, _ outcome: Outcome, _ event: EventInventory?) {
        let envelope = envelopes[Int(tag.sequence)]
        if case .finding = outcome, current.writer.bytes.count > Self.turnAnswerBytesMax {
            return hold(envelope) { $0.write(.unavailable(.logSaturated), envelope.submission.reply) }
        }
        switch envelope.step {
        case .answer: hold(envelope) { $0.write(outcome, envelope.submission.reply, of: event) }
        case .read(let change): goOn(change, envelope, outcome, event)
        case .write(let change):
            if case .answer(.rejected(.eventChanged)) = outcome, change.retriesOnEventChanged, !envelope.isRetried {
                var again = envelope
                again.submission = change.read
                again.step = .read(change)
                again.isRetried = true
                followUps.append(again)
            } else {
                hold(envelope) { $0.write(outcome, envelope.submission.reply, of: event) }
            }
        }
    }

    private func goOn(_ change: ReadThenWrite, _ envelope: Envelope, _ outcome: Outcome, _ event: EventInventory?) {
        // A retry gets its first answer, whatever the thing looks like by now.
        if let key = change.context.idempotency, let event {
            do throws(Rejection) {
                if let kept = try event.remembered(key) {
                    return hold(envelope) { $0.write(.answer(kept), change.reply, of: event) }
                }
            } catch {
                return hold(envelope) { $0.write(.answer(.rejected(error)), change.reply, of: event) }
            }
        }
        switch change.next(after: outcome, of: event) {
        case .submit(let submission):
            var next = envelope
            next.submission = submission
            next.step = .write(change)
            followUps.append(next)
        case .answer(let outcome): hold(envelope) { $0.write(outcome, change.reply, of: event) }
        case .problem(let problem): hold(envelope) { $0.write(problem, change.reply) }
        }
    }

    private func hold(_ envelope: Envelope, _ write: (inout ResponseWriter) -> Range<Int>) {
        let range = write(&current.writer)
        current.replies.append(.init(home: envelope.home, pending: envelope.pending, range: range))
    }

    // MARK: - Between loops

    private func send(to owner: Int) {
        let peer = peers[owner]
        // Any work wakes it, and every turn looks into the mailbox.
        if peer.mailbox.send(&outboxes[owner]) { peer.loop.execute {} }
    }

    private func receive() {
        mailbox.drain(into: &received)
        for message in received {
            switch message {
            case .work(let envelope): take(envelope)
            case .reply(let ticket, let bytes): bytes.withUnsafeReadableBytes { deliver($0, to: ticket) }
            }
        }
        received.removeAll(keepingCapacity: true)
    }

    // MARK: - Answers

    /// Sends everything that waited for a position up to this one.
    private func release(through position: LogPosition) {
        while heldHead < held.count, held[heldHead].position <= position {
            let replies = held[heldHead]
            heldHead += 1
            for reply in replies.replies {
                replies.writer.bytes.withBytes(in: reply.range) { deliver($0, reply) }
            }
            let isSmall = replies.writer.bytes.count <= Self.spareAnswerBytesMax
            replies.removeAll()
            if isSmall, spare.count < 64 { spare.append(replies) }
        }
        if heldHead == held.count {
            held.removeAll(keepingCapacity: true)
            heldHead = 0
        } else if heldHead > 1_024 {
            held.removeFirst(heldHead)
            heldHead = 0
        }
    }

    private func deliver(_ bytes: UnsafeRawBufferPointer, _ reply: HeldReplies.Reply) {
        if reply.home == number {
            deliver(bytes, to: reply.pending)
        } else {
            outboxes[reply.home].append(.reply(pending: reply.pending, ByteBuffer(bytes: bytes)))
        }
    }

    private func deliver(_ bytes: UnsafeRawBufferPointer, to ticket: UInt32) {
        let request = pending.remove(ticket)
        request.connection.answer(request.sequence, bytes)
    }
}

// MARK: - What no single shard answers

extension LoopFront {
    private func list(_ listing: EventListing, _ connection: Connection, _ sequence: UInt32) {
        answerLater(connection, sequence) { [engine] in
            let limit = Int(listing.limit)
            let found = try? await engine.events(of: listing.tenant, after: listing.after, limit: limit + 1)
            guard let views = found else { return { $0.write(.unavailable(.closed), listing.reply) } }
            return { $0.write(Array(views.prefix(limit)), hasMore: views.count > limit, listing) }
        }
    }

    private func operate(
        _ operation: Operation,
        _ reply: ReplyContext,
        _ connection: Connection,
        _ sequence: UInt32
    ) {
        answerLater(connection, sequence) { [operations, engine] in
            let page = await operations.answer(operation, engine)
            return { $0.write(page, isHead: reply.isHead) }
        }
    }

    /// Runs `make` off the loop's turn, and answers with what it gives.
    private func answerLater(
        _ connection: Connection,
        _ sequence: UInt32,
        _ make: @escaping @Sendable () async -> @Sendable (inout ResponseWriter) -> Range<Int>
    ) {
        guard pending.count < Self.pendingRequestsMax else { return connection.close() }
        let ticket = pending.add(PendingRequest(connection: connection, sequence: sequence))
        Task {
            let write = await make()
            self.loop.execute {
                let request = self.pending.remove(ticket)
                self.answerNow(request.connection, request.sequence, write)
            }
        }
    }
}

/// Sections found before: they are never deleted, so what was found stays true. Bounded; at the limit it starts anew.
struct SectionCache: SectionLookup {
    private struct Key: Hashable {
        let tenant: ShortText
        let section: ShortText
    }

    private static let entriesMax = 100_000

    private let directory: SectionDirectory
    private var found: [Key: (EventKey, SectionNumber)] = [:]

    init(_ directory: SectionDirectory) { self.directory = directory }

    mutating func find(tenant: ShortText, section: ShortText) -> (EventKey, SectionNumber)? {
        let key = Key(tenant: tenant, section: section)
        if let known = found[key] { return known }
        guard let place = directory.find(tenant: tenant, section: section) else { return nil }
        if found.count >= Self.entriesMax { found.removeAll() }
        found[key] = place
        return place
    }
}
