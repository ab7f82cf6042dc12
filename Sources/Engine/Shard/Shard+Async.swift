import WAL

/// Why the `async` API gives no answer.
public enum EngineError: Error, Equatable, Sendable {
    case rejected(Rejection)
    /// Nothing has happened; try again.
    case unavailable(Unavailability)
    /// The log failed after the decision: whether it happened is known after the next start. Ask again with the
    /// same idempotency key.
    case outcomeUnknown
}

extension Shard {
    /// Decides one piece of work and waits until it, and all it shows, is durable.
    func submit(_ submission: Submission) async throws(EngineError) -> Outcome {
        guard waiters.count < Limits.waitersMax else { throw .unavailable(.logSaturated) }
        let sink = OutcomeSink()
        let position = perform([submission], sink: sink)
        guard await durable(position) else { throw .outcomeUnknown }
        switch sink.outcome! {
        case .answer(.rejected(let rejection)), .refused(let rejection): throw .rejected(rejection)
        case .unavailable(let reason): throw .unavailable(reason)
        case let outcome: return outcome
        }
    }

    func durable(_ position: LogPosition) async -> Bool {
        if position <= log.durablePosition { return true }
        if isClosed { return false }
        return await withCheckedContinuation { waiters.append($0, until: position) }
    }

    /// Told by the log, once for each durable batch.
    func advanceWatermark(to position: LogPosition) {
        waiters.release(through: position)
    }

    /// Takes no more work; what was decided is still made durable.
    func close() { isClosed = true }

    /// The log has failed: nothing more becomes durable.
    func fail() {
        isClosed = true
        waiters.abandon()
    }

    /// A page of the tenant's events in this shard.
    func events(of tenant: ShortText, _ filter: EventFilter) async throws(EngineError) -> EventPage {
        let page = tables.pointee.events(of: tenant, filter, at: max(now, clock()))
        guard await durable(endTurn()) else { throw .outcomeUnknown }
        return page
    }

    func keys() -> [EventKey] { tables.pointee.slots.map(\.key) }

    /// A copy of the event that shares its memory, and the position up to which it holds everything.
    func copy(_ key: EventKey) -> (EventInventory, LogPosition) {
        // A turn may be open on this loop: what it has decided is in the copy, so it has to be in the log's order.
        let position = endTurn()
        return (tables.pointee.slots[tables.pointee.slot(of: key)!], position)
    }
}

/// Sound: written inside the shard's isolation, read there after `perform` returned.
private final class OutcomeSink: ReplySink, @unchecked Sendable {
    var outcome: Outcome?

    func reply(_ tag: ReplyTag, _ outcome: Outcome, _ event: BorrowedEvent?) { self.outcome = outcome }
}
