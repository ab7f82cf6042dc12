import WAL

/// A shard for callers that run on its loop: its turns without a hop, and without an allocation.
///
/// `Actor.assumeIsolated` looks for the current executor, 100 ns and two allocations a call, and a closure that is made
/// for a call allocates. Here the closures capture nothing and are made once.
public struct ShardOnLoop {
    private let shard: Shard

    /// - Precondition: called on the shard's loop.
    fileprivate init(_ shard: Shard) {
        precondition(shard.loop.inEventLoop, "a shard is entered from another loop")
        self.shard = shard
    }

    public func beginTurn() { Self.begin(shard) }

    public func endTurn() -> LogPosition { Self.end(shard) }

    /// See `Shard.decide`.
    public func decide(
        _ event: EventKey,
        _ work: Submission.Work,
        _ context: CommandContext
    ) -> (outcome: Outcome, event: BorrowedEvent?) {
        Self.decide(shard, event, work, context)
    }

    // Casting the isolation away is sound because these are called by a `ShardOnLoop` only, and there is none but on the
    // loop, which is the actor's executor. What is cast captures nothing, so it may be shared.
    private typealias Decided = (outcome: Outcome, event: BorrowedEvent?)
    private typealias Decide = (Shard, EventKey, Submission.Work, CommandContext) -> Decided

    private nonisolated(unsafe) static let begin: (Shard) -> Void = {
        let isolated: (isolated Shard) -> Void = { $0.beginTurn() }
        return unsafeBitCast(isolated, to: ((Shard) -> Void).self)
    }()

    private nonisolated(unsafe) static let end: (Shard) -> LogPosition = {
        let isolated: (isolated Shard) -> LogPosition = { $0.endTurn() }
        return unsafeBitCast(isolated, to: ((Shard) -> LogPosition).self)
    }()

    private nonisolated(unsafe) static let decide: Decide = {
        let isolated: (isolated Shard, EventKey, Submission.Work, CommandContext) -> Decided = {
            $0.decide($1, $2, $3)
        }
        return unsafeBitCast(isolated, to: Decide.self)
    }()
}

extension Shard {
    /// - Precondition: called on the shard's loop; to be used there, and not kept.
    public nonisolated var onLoop: ShardOnLoop { ShardOnLoop(self) }
}
