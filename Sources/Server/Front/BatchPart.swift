import Engine
import WAL

/// Lines of one batch whose events belong to one loop, on their way to it as work and back as answers.
///
///     home: begin, add, add, … → owner: perform → home: the answers, in the order in which the lines were added
///
/// None of the answers may leave before `position` is durable.
// Sound because at any time one loop alone uses it: the home until it sends it, the owner until it sends it back.
final class BatchPart: @unchecked Sendable {
    private struct Line {
        let work: BatchWork
        let context: CommandContext
        let subject: ReplyContext.Subject
        let shape: ReplyContext.Shape
    }

    /// The owner does nothing with it but hand it back.
    private(set) var batch: Batch?
    private(set) var home = 0
    private(set) var position = LogPosition.zero
    /// Whether a line heard that the engine takes no more. No line behind it is tried.
    private(set) var isRefused = false
    /// The answers, and where in the writer's bytes each one ends.
    private(set) var writer: ResponseWriter
    private(set) var ends: [Int] = []

    private var lines: [Line] = []
    private var answerBytesMax = 0
    private var reply = ReplyContext(requestID: RequestID(random: (0, 0)))

    init() {
        writer = ResponseWriter()
        writer.beginLines()
    }

    // MARK: - At home

    /// - Parameter problems: those of the home, which may refuse lines.
    func begin(_ batch: Batch, home: Int, counting problems: ProblemCounts) {
        writer.problems = problems
        self.batch = batch
        self.home = home
        answerBytesMax = batch.answerBytesLeft
        reply = batch.reply
    }

    /// - Parameter reply: the line's; its subject and shape are told to the owner.
    func add(_ work: BatchWork, _ context: CommandContext, _ reply: borrowing ReplyContext) {
        lines.append(Line(work: work, context: context, subject: reply.subject, shape: reply.shape))
    }

    /// A line that is refused by its home.
    func add(_ problem: Problem, _ reply: ReplyContext) {
        writer.write(problem, reply)
        ends.append(writer.bytes.count)
    }

    /// Forgets everything, keeps the memory of a usual part.
    func removeAll() {
        batch = nil
        lines.removeAll(keepingCapacity: true)
        ends.removeAll(keepingCapacity: true)
        if writer.bytes.count > 1 << 20 {
            writer = ResponseWriter()
            writer.beginLines()
        }
        writer.bytes.removeAll()
        isRefused = false
        position = .zero
    }

    // MARK: - At the owner

    /// Performs the lines in order, each atomic by itself.
    func perform(on shard: Shard, counting problems: ProblemCounts) {
        writer.problems = problems
        let shard = shard.onLoop
        shard.beginTurn()
        for line in lines {
            answer(line, on: shard)
            ends.append(writer.bytes.count)
        }
        position = shard.endTurn()
    }

    private func answer(_ line: Line, on shard: ShardOnLoop) {
        reply.subject = line.subject
        reply.shape = line.shape
        reply.requestID = RequestID(of: line.context)
        guard !isRefused, writer.bytes.count < answerBytesMax else {
            writer.write(isRefused ? .unavailable(.logSaturated) : .answerTooLarge, reply)
            return
        }
        if !line.work.answer(on: shard, line.context, reply, into: &writer) { isRefused = true }
    }
}

extension RequestID {
    /// As of a request of its own.
    init(of context: CommandContext) {
        self = context.idempotency.map { RequestID($0) } ?? RequestID(random: context.random)
    }
}

extension Outcome {
    /// Whether lines behind this one would hear the same without being asked. Not where storage is full: some of them
    /// may be retries that have an answer.
    fileprivate var endsBatch: Bool {
        switch self {
        case .unavailable(.logSaturated), .unavailable(.closed): true
        default: false
        }
    }
}

extension BatchWork {
    /// Decides the line on the loop that owns its event, within a turn, and writes its answer where the event is at hand.
    /// - Returns: false when the engine takes no more.
    func answer(
        on shard: ShardOnLoop,
        _ context: CommandContext,
        _ reply: ReplyContext,
        into writer: inout ResponseWriter
    ) -> Bool {
        var isTaken = true
        switch self {
        case .command(let event, let work):
            let (outcome, event) = shard.decide(event, work, context)
            if outcome.endsBatch { isTaken = false }
            writer.write(outcome, reply, of: event)
        case .change(let change):
            guard let second = change.answerFirstStep(on: shard, into: &writer, &isTaken) else { break }
            let (outcome, event) = shard.decide(second.event, second.work, second.context)
            if outcome.endsBatch { isTaken = false }
            writer.write(outcome, second.reply, of: event)
        }
        return isTaken
    }
}

extension ReadThenWrite {
    /// - Returns: the second step; nil when the first one's outcome is the answer.
    fileprivate func answerFirstStep(
        on shard: ShardOnLoop,
        into writer: inout ResponseWriter,
        _ isTaken: inout Bool
    ) -> RoutedSubmission? {
        let read = read
        let (outcome, event) = shard.decide(read.event, read.work, read.context)
        if outcome.endsBatch { isTaken = false }
        switch goOn(after: outcome, of: event) {
        case .submit(let submission): return submission
        case .answer(let outcome): writer.write(outcome, reply, of: event)
        case .problem(let problem): writer.write(problem, reply)
        }
        return nil
    }
}
