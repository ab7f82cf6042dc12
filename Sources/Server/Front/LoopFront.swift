import Engine
import Loop
import NIOCore
import WAL

/// The HTTP front of one loop: routes the requests of its connections, decides those of its own shard where they are
/// read, sends the others to the loops that own them, and answers when what an answer shows is durable.
///
/// A turn: the first request begins the shard's turn, each one is decided and its answer rendered and held, `endTurn`
/// gives the turn to the log and sends what has become durable, one write a connection.
// Sound because everything mutable is touched on `loop` only; the mailbox is what other loops may touch.
final class LoopFront: RequestExecutor, @unchecked Sendable {
    /// Requests of one loop that may wait for their answers; one more is told 503.
    static let pendingRequestsMax = 65_536

    /// Bytes of answers rendered in one turn; requests behind them are told 503.
    static let turnAnswerBytesMax = 32 << 20
    /// Memory of a turn's answers that is kept for later turns.
    static let spareAnswerBytesMax = 1 << 20

    let number: Int
    let loop: RingLoop
    let engine: Engine
    let operations: Operations
    let traffic = HTTPTraffic()
    private let shard: Shard
    private let router: Router
    private let mailbox = Mailbox()
    let batches: BatchFront
    private let tasks: LoopTasks
    private let publisher: AvailabilityPublisher
    let streams: AvailabilityStreams
    let feeds: FeedStreams
    private var peers: [LoopFront] = []
    private var outboxes: [[LoopMessage]]
    private var received: [LoopMessage] = []

    private var pending = PendingRequests()
    private var sections: SectionCache
    private(set) var tokens: TokenCache
    /// Nil where nothing is limited.
    private let gate: RateGate?
    private var random = RandomBits()
    private var immediate: ResponseWriter

    /// Work of other loops, and what outcomes lead to next.
    private var envelopes: ContiguousArray<Envelope> = []
    private var isShardInTurn = false
    /// Requests of this loop's connections whose answers are held.
    private var heldRequests = 0
    private var overloadedRequests: UInt32 = 0
    /// Requests that wait for their answers; one beyond `pendingRequestsMax` is refused.
    var requestsWaiting: Int { heldRequests + pending.count }
    /// Reports over all events of a tenant that are under way.
    var tenantReports = 0

    private var current: HeldReplies
    private var held: ContiguousArray<HeldReplies> = []
    private var heldHead = 0
    private var spare: ContiguousArray<HeldReplies> = []

    /// - Parameters:
    ///   - keyRing: the keys of the tokens that callers need; nil lets everybody do everything.
    ///   - rateLimits: of all loops together; nil for none.
    init(
        number: Int,
        loop: RingLoop,
        engine: Engine,
        router: Router,
        operations: Operations,
        keyRing: TokenKeyRing? = nil,
        rateLimits: RateLimits? = nil
    ) {
        self.number = number
        self.engine = engine
        self.router = router
        self.operations = operations
        shard = engine.shards[number]
        self.loop = loop
        tasks = LoopTasks(loop)
        sections = SectionCache(engine.directory)
        tokens = TokenCache(keyRing)
        let gate = rateLimits.map { RateGate($0) }
        self.gate = gate
        immediate = ResponseWriter(counting: traffic.problems)
        current = HeldReplies(counting: traffic.problems)
        batches = BatchFront(number: number, engine: engine, router: router, problems: traffic.problems, gate: gate)
        publisher = AvailabilityPublisher(shard: shard)
        streams = AvailabilityStreams(
            number: number,
            shardCount: engine.shards.count,
            allowance: operations.streams,
            problems: traffic.problems
        )
        feeds = FeedStreams(
            loop: loop,
            engine: engine,
            streams: operations.streams,
            allowance: operations.feedStreams,
            problems: traffic.problems
        )
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
        if loop.isBehind, mustRefuse(bytes[request.path]) {
            let call = Call(request, bytes, now: now, random: random.next())
            return answerNow(connection, sequence) { $0.write(.overloaded, call.reply) }
        }
        var match: Endpoint.Match?
        if let gate {
            match = Router.match(bytes[request.path])
            guard begin(request, bytes, match, gate, connection, sequence, now) else { return }
        }
        let caller = isAsked(for: match) ? tokens.caller(bytes[request.authorization], at: now) : .nobody
        var route = RouteNumber.none
        let routed = router.route(
            request,
            bytes,
            now: now,
            random: random.next(),
            caller: caller,
            match: match,
            gate: gate,
            sections: &sections,
            number: &route
        )
        connection.setRoute(route, of: sequence)
        if let gate, !gate.standing.isEmpty { note(gate.standing, of: routed, connection, sequence) }
        switch routed {
        case .submission(let submission): decide(submission, .answer, connection, sequence)
        case .readThenWrite(let change): decide(change.read, .read(change), connection, sequence)
        case .problem(let problem, let reply):
            answerNow(connection, sequence) { $0.write(problem, reply) }
        case .listEvents(let listing): list(listing, connection, sequence)
        case .report(let request): report(request, connection, sequence)
        case .feed(let reading): read(reading, connection, sequence)
        case .operation(let operation, let reply): operate(operation, reply, connection, sequence)
        case .batch(let batch):
            if batches.accept(batch, bytes, on: connection, sequence: sequence) { return }
            answerNow(connection, sequence) { $0.write(.tooManyBatches, batch.reply) }
        case .availabilityStream(let request): open(request, connection, sequence)
        case .feedStream(let request): open(request, connection, sequence)
        }
    }

    /// Whether a token can matter. Looking at a wrong one costs a signature, which nobody has paid for at a path without limits.
    private func isAsked(for match: Endpoint.Match?) -> Bool {
        guard gate != nil else { return true }
        return match.map { $0.endpoint.needsToken } ?? false
    }

    /// - Returns: false for a request that is refused because its address sends too many; it is answered then.
    private func begin(
        _ request: HTTPRequest,
        _ bytes: UnsafeRawBufferPointer,
        _ match: Endpoint.Match?,
        _ gate: RateGate,
        _ connection: Connection,
        _ sequence: UInt32,
        _ now: Milliseconds
    ) -> Bool {
        do throws(Problem) {
            try gate.begin(request, bytes, match, from: connection.peer)
            return true
        } catch {
            if let match { connection.setRoute(RouteNumber(match.endpoint, request.method), of: sequence) }
            connection.note(gate.standing, for: sequence)
            let call = Call(request, bytes, now: now, random: random.next())
            answerNow(connection, sequence) { $0.write(error, call.reply) }
            return false
        }
    }

    /// A batch says it itself, since its answer is too large to have anything put into it.
    private func note(
        _ standing: RateStanding,
        of routed: RoutedRequest,
        _ connection: Connection,
        _ sequence: UInt32
    ) {
        if case .batch = routed { return }
        connection.note(standing, for: sequence)
    }

    /// Behind, only every fourth request is served: refusing costs half of serving, so the others still hear it in
    /// time, and the sale goes on. What is asked of the server itself is always answered.
    private func mustRefuse(_ path: UnsafeRawBufferPointer) -> Bool {
        guard path.starts(with: "/api/".utf8) else { return false }
        overloadedRequests &+= 1
        return overloadedRequests % 4 != 0
    }

    private func decide(
        _ submission: RoutedSubmission,
        _ step: Envelope.Step,
        _ connection: Connection,
        _ sequence: UInt32
    ) {
        guard requestsWaiting < Self.pendingRequestsMax else {
            return answerNow(connection, sequence) { $0.write(.overloaded, submission.reply) }
        }
        let owner = submission.event.shard(of: outboxes.count)
        if owner == number {
            heldRequests += 1
            decide(submission, step, .connection(connection, sequence: sequence), isRetried: false)
        } else {
            let ticket = pending.add(PendingRequest(connection: connection, sequence: sequence))
            let asker = Asker.loop(number, pending: ticket)
            outboxes[owner].append(.work(Envelope(submission: submission, step: step, asker: asker)))
        }
    }

    func answerNow(
        _ connection: Connection,
        _ sequence: UInt32,
        _ write: (inout ResponseWriter) -> Range<Int>
    ) {
        immediate.removeAll()
        let range = write(&immediate)
        immediate.bytes.withBytes(in: range) { connection.answer(sequence, $0) }
    }

    func requestRefused(_ rejection: HTTPRejection, on connection: Connection) {
        traffic.problems.count(rejection.code)
    }

    // MARK: - Turns

    /// Decides what other loops have sent, gives the turn to the log, and sends what is durable by now.
    func endTurn() {
        receive()
        while !envelopes.isEmpty { decideEnvelopes() }
        batches.run(&sections, &random, &outboxes)
        if isShardInTurn { endShardTurn() }
        publisher.run()
        release(through: engine.log.durablePosition)
        streams.run()
        streams.send(&outboxes)
        feeds.run()
        for owner in outboxes.indices where !outboxes[owner].isEmpty { send(to: owner) }
    }

    private func decideEnvelopes() {
        var taken: ContiguousArray<Envelope> = []
        swap(&taken, &envelopes)
        for envelope in taken {
            decide(envelope.submission, envelope.step, envelope.asker, isRetried: envelope.isRetried)
        }
    }

    private func beginShardTurn() {
        isShardInTurn = true
        current.writer.setDate(epochSeconds: Engine.systemClock() / 1_000)
        shard.onLoop.beginTurn()
    }

    private func endShardTurn() {
        isShardInTurn = false
        current.position = shard.onLoop.endTurn()
        guard !current.replies.isEmpty else { return }
        held.append(current)
        current = spare.popLast() ?? HeldReplies(counting: traffic.problems)
    }

    /// Decides, and renders the outcome where the event is at hand.
    private func decide(
        _ submission: RoutedSubmission,
        _ step: Envelope.Step,
        _ asker: Asker,
        isRetried: Bool
    ) {
        if !isShardInTurn { beginShardTurn() }
        // Before anything is decided: what nobody has room to tell must not happen.
        if current.writer.bytes.count > Self.turnAnswerBytesMax {
            return hold(asker) { $0.write(.unavailable(.logSaturated), submission.reply) }
        }
        let (outcome, event) = shard.onLoop.decide(submission.event, submission.work, submission.context)
        switch step {
        case .answer: hold(asker) { $0.write(outcome, submission.reply, of: event) }
        case .read(let change): goOn(change, asker, isRetried: isRetried, outcome, event)
        case .write(let change):
            if case .answer(.rejected(let refusal)) = outcome, refusal.isOfVersion, change.retriesOnEventChanged,
                !isRetried
            {
                envelopes.append(
                    Envelope(submission: change.read, step: .read(change), asker: asker, isRetried: true)
                )
            } else {
                hold(asker) { $0.write(outcome, submission.reply, of: event) }
            }
        }
    }

    private func goOn(
        _ change: ReadThenWrite,
        _ asker: Asker,
        isRetried: Bool,
        _ outcome: Outcome,
        _ event: BorrowedEvent?
    ) {
        switch change.goOn(after: outcome, of: event) {
        case .submit(let submission):
            envelopes.append(
                Envelope(submission: submission, step: .write(change), asker: asker, isRetried: isRetried)
            )
        case .answer(let outcome): hold(asker) { $0.write(outcome, change.reply, of: event) }
        case .problem(let problem): hold(asker) { $0.write(problem, change.reply) }
        }
    }

    private func hold(_ asker: Asker, _ write: (inout ResponseWriter) -> Range<Int>) {
        let range = write(&current.writer)
        current.replies.append(.init(asker: asker, range: range))
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
            case .work(let envelope): envelopes.append(envelope)
            case .reply(let ticket, let bytes): bytes.withUnsafeReadableBytes { deliver($0, to: ticket) }
            case .lines(let part): batches.add(part)
            case .answeredLines(let part): batches.take(part)
            case .availability(.watch(let watch)): publisher.watch(watch)
            case .availability(.unwatch(let watch)): publisher.unwatch(watch)
            case .availability(.news(let news)): streams.take(news)
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
                replies.writer.bytes.withBytes(in: reply.range) { deliver($0, to: reply.asker) }
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
        batches.release(through: position)
        publisher.release(through: position, &outboxes)
        // Another turn soon, but sockets have theirs in between.
        if batches.isRunnable { loop.execute {} }
    }

    private func deliver(_ bytes: UnsafeRawBufferPointer, to asker: Asker) {
        switch asker {
        case .connection(let connection, let sequence):
            heldRequests -= 1
            connection.answer(sequence, bytes)
        case .loop(let home, let ticket):
            outboxes[home].append(.reply(pending: ticket, ByteBuffer(bytes: bytes)))
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
        // A few waits for shards and short work between them: not worth the way to another thread.
        answerLater(connection, sequence, on: tasks) { [engine] in
            guard let page = try? await engine.events(of: listing.tenant, listing.filter) else {
                return LateAnswer { $0.write(.unavailable(.closed), listing.reply) }
            }
            let bytes = page.views.reduce(0) { $0 + $1.details.attributes.utf8.count + 1_024 }
            return LateAnswer(bytes: bytes, else: { $0.write(.tooManyBatches, listing.reply) }) {
                $0.write(page, listing)
            }
        }
    }

    private func operate(
        _ operation: Operation,
        _ reply: ReplyContext,
        _ connection: Connection,
        _ sequence: UInt32
    ) {
        answerLater(connection, sequence) { [operations, engine, peers] in
            let page = await operations.answer(operation, engine, peers)
            // The pages are large, and need no token: who doesn't read them must not fill the memory.
            return LateAnswer(bytes: page.body.utf8.count, else: { $0.write(.tooManyBatches, reply) }) {
                $0.write(page, reply)
            }
        }
    }

    /// Runs `make` off the loop's turn, and answers with what it gives.
    /// - Parameter executor: nil for the threads of the process.
    /// - Returns: false where so many requests wait that the connection is closed instead.
    @discardableResult
    func answerLater(
        _ connection: Connection,
        _ sequence: UInt32,
        on executor: (any TaskExecutor)? = nil,
        _ make: @escaping @Sendable () async -> LateAnswer
    ) -> Bool {
        guard pending.count < Self.pendingRequestsMax else {
            connection.close()
            return false
        }
        let ticket = pending.add(PendingRequest(connection: connection, sequence: sequence))
        Task(executorPreference: executor) {
            let answer = await make()
            self.loop.execute {
                let request = self.pending.remove(ticket)
                let hasRoom = answer.bytes == 0 || request.connection.setAsideForAnswer(answer.bytes)
                self.answerNow(request.connection, request.sequence, hasRoom ? answer.write : answer.refuse)
            }
        }
        return true
    }
}
