import Engine
import WAL

/// Lines of one batch whose events belong to one loop, on their way to it as work and back as answers.
///
///     home: begin, add, add, … → owner: perform → home: the answers, in the order in which the lines were added
///
/// None of the answers may leave before `position` is durable.
// Sound because at any time one loop alone uses it: the home until it sends it, the owner until it sends it back.
final class BatchPart: @unchecked Sendable {
    /// The owner does nothing with it but hand it back.
    private(set) var batch: Batch?
    private(set) var home = 0
    private(set) var position = LogPosition.zero
    /// Whether a line heard that the engine takes no more. No line behind it is tried.
    private(set) var isRefused = false
    /// The answers, and where in the writer's bytes each one ends.
    var writer: ResponseWriter
    private(set) var ends: [Int] = []

    private var submissions: [Submission] = []
    private var subjects: [ReplyContext.Subject] = []
    /// Lines that are performed by themselves, ascending; with the change where there is one to be made in two steps.
    private var alone: [(line: Int, change: ReadThenWrite?)] = []
    private var bytesMax = 0
    private var reply = ReplyContext(requestID: RequestID(random: (0, 0)))
    /// The change whose first step is being performed, then its second step.
    private var change: ReadThenWrite?
    private var secondStep: RoutedSubmission?

    init() {
        writer = ResponseWriter()
        writer.beginLines()
    }

    var isEmpty: Bool { submissions.isEmpty }

    // MARK: - At home

    func begin(_ batch: Batch, home: Int, answerBytesMax: Int) {
        self.batch = batch
        self.home = home
        bytesMax = answerBytesMax
        reply = batch.reply
    }

    func add(_ work: BatchWork, _ context: CommandContext, _ subject: ReplyContext.Subject) {
        let line = submissions.count
        let tag = ReplyTag(loop: 0, connection: 0, sequence: UInt32(line))
        switch work {
        case .command(let event, let command):
            submissions.append(Submission(event: event, work: .command(command), context: context, tag: tag))
            if work.showsTickets { alone.append((line, nil)) }
        case .change(let change):
            submissions.append(Submission(change.read, tag))
            alone.append((line, change))
        }
        subjects.append(subject)
    }

    /// A line that is refused by its home.
    func add(_ problem: Problem, _ reply: ReplyContext) { answer { $0.write(problem, reply) } }

    /// Forgets everything, keeps the memory of a usual part.
    func removeAll() {
        batch = nil
        submissions.removeAll(keepingCapacity: true)
        subjects.removeAll(keepingCapacity: true)
        alone.removeAll(keepingCapacity: true)
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
    func perform(on shard: Shard) {
        var start = 0
        for (line, change) in alone {
            perform(start..<line, on: shard)
            self.change = change
            perform(line..<line + 1, on: shard)
            start = line + 1
        }
        perform(start..<submissions.count, on: shard)
    }

    private func perform(_ lines: Range<Int>, on shard: Shard) {
        guard !lines.isEmpty else { return }
        guard !isRefused, writer.bytes.count < bytesMax else { return refuse(lines) }
        if lines.count == submissions.count {
            position = shard.assumeIsolated { $0.perform(self.submissions, sink: self) }
        } else {
            position = shard.assumeIsolated { $0.perform(Array(self.submissions[lines]), sink: self) }
        }
        guard let second = secondStep else { return }
        let tag = ReplyTag(loop: 0, connection: 0, sequence: UInt32(lines.lowerBound))
        position = shard.assumeIsolated { $0.perform([Submission(second, tag)], sink: self) }
        secondStep = nil
    }

    private func refuse(_ lines: Range<Int>) {
        for line in lines {
            prepareReply(line)
            answer { $0.write(self.isRefused ? .unavailable(.logSaturated) : .answerTooLarge, self.reply) }
        }
        isRefused = true
    }

    private func prepareReply(_ line: Int) {
        if let secondStep {
            reply = secondStep.reply
            return
        }
        reply.subject = subjects[line]
        let key = submissions[line].context.idempotency
        reply.requestID = key.map { RequestID($0) } ?? RequestID(random: submissions[line].context.random)
    }

    private func answer(_ write: (inout ResponseWriter) -> Range<Int>) {
        _ = write(&writer)
        ends.append(writer.bytes.count)
    }
}

extension BatchPart: ReplySink {
    func reply(_ tag: ReplyTag, _ outcome: Outcome, _ event: BorrowedEvent?) {
        if case .unavailable = outcome { isRefused = true }
        prepareReply(Int(tag.sequence))
        guard let change else { return answer { $0.write(outcome, self.reply, of: event) } }
        self.change = nil
        if let kept = change.kept(in: event) { return answer { $0.write(.answer(kept), change.reply, of: event) } }
        switch change.next(after: outcome, of: event) {
        case .submit(let submission): secondStep = submission
        case .answer(let outcome): answer { $0.write(outcome, change.reply, of: event) }
        case .problem(let problem): answer { $0.write(problem, change.reply) }
        }
    }
}

extension Submission {
    fileprivate init(_ routed: RoutedSubmission, _ tag: ReplyTag) {
        self.init(event: routed.event, work: routed.work, context: routed.context, tag: tag)
    }
}

extension ReadThenWrite {
    /// The first answer to the key: a retry gets it, whatever the thing looks like by now.
    fileprivate func kept(in event: BorrowedEvent?) -> Answer? {
        guard let key = context.idempotency, let event else { return nil }
        do throws(Rejection) {
            return try event.remembered(key)
        } catch {
            return .rejected(error)
        }
    }
}
