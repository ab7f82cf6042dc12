import WAL

/// One piece of work for the shard that owns an event.
public struct Submission: Sendable {
    public enum Work: Sendable {
        case command(Command)
        case query(Query)
    }

    public var event: EventKey
    public var work: Work
    public var context: CommandContext
    /// Given back with the outcome, meaningless to the engine.
    public var tag: ReplyTag

    public init(event: EventKey, work: Work, context: CommandContext, tag: ReplyTag) {
        self.event = event
        self.work = work
        self.context = context
        self.tag = tag
    }
}

/// Where an outcome goes: a loop, a connection of that loop, and the request's number on that connection.
public struct ReplyTag: Sendable {
    public var loop: UInt32
    public var connection: UInt32
    public var sequence: UInt32

    public init(loop: UInt32, connection: UInt32, sequence: UInt32) {
        self.loop = loop
        self.connection = connection
        self.sequence = sequence
    }
}

/// What became of a submission.
public enum Outcome: Sendable {
    /// A command's answer, new or of an earlier request with the same key; `.rejected` included.
    case answer(Answer)
    case finding(Finding)
    /// A query's rejection.
    case refused(Rejection)
    /// Nothing was decided: try again.
    case unavailable(Unavailability)
}

/// Why the engine could not decide now. Nothing has happened; the same request may be sent again.
public enum Unavailability: Equatable, Sendable {
    /// More is waiting to be written than the log's limit.
    case logSaturated
    /// The filesystem of the log has hardly any room left. What was answered before is still answered again.
    case storageFull
    /// The log has failed, or the engine is shutting down.
    case closed
}

/// Takes the outcomes of a batch, in the order of its submissions.
public protocol ReplySink: AnyObject, Sendable {
    /// Called inside the shard at the moment of the decision, so `event` is the state that the outcome shows (nil
    /// where there is no such event), valid during the call. The outcome may not be told to anybody before the
    /// position that `perform` returns is durable.
    func reply(_ tag: ReplyTag, _ outcome: Outcome, _ event: BorrowedEvent?)
}
