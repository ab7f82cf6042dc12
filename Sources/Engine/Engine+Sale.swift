import WAL

/// Who asks through the `async` API, and the key that makes a retry safe.
public struct Caller: Sendable {
    public var tenant: ShortText
    public var customer: ShortText
    public var idempotency: IdempotencyKey?

    public init(tenant: ShortText = "default", customer: ShortText = .empty, idempotency: IdempotencyKey? = nil) {
        self.tenant = tenant
        self.customer = customer
        self.idempotency = idempotency
    }
}

// The sale for people who embed the engine. Every function returns when its effect is durable, and throws
// `EngineError.rejected` with the reason when it is refused.

extension Engine {
    public func createEvent(_ details: EventDetails, by caller: Caller = Caller()) async throws(EngineError)
        -> EventView
    {
        let key = EventKey(tenant: caller.tenant, event: details.id)
        guard case .event(let view) = try await run(.createEvent(details), key, caller) else { throw .outcomeUnknown }
        return view
    }

    public func publish(_ event: EventKey, by caller: Caller = Caller()) async throws(EngineError) {
        _ = try await run(.publishEvent, event, caller)
    }

    public func addSection(
        _ details: SectionDetails,
        to event: EventKey,
        by caller: Caller = Caller()
    ) async throws(EngineError) -> SectionView {
        guard case .section(let view) = try await run(.addSection(details), event, caller) else {
            throw .outcomeUnknown
        }
        return view
    }

    public func addTier(
        _ details: PriceTierDetails,
        to event: EventKey,
        by caller: Caller = Caller()
    ) async throws(EngineError) -> TierView {
        guard case .tier(let view) = try await run(.addTier(details), event, caller) else { throw .outcomeUnknown }
        return view
    }

    /// Holds places until the deadline in the answer.
    public func reserve(
        _ request: ReserveRequest,
        in event: EventKey,
        by caller: Caller = Caller()
    ) async throws(EngineError) -> HoldState {
        switch try await run(.reserve(request), event, caller) {
        case .reservedOne(let hold, _, _, _), .reserved(let hold, _, _, _): return hold
        default: throw .outcomeUnknown
        }
    }

    public func lockPrice(
        of hold: HoldID,
        tier: TierNumber? = nil,
        by caller: Caller = Caller()
    ) async throws(EngineError) -> HoldState {
        try self.hold(try await run(.lockPrice(hold, tier: tier), hold.event, caller))
    }

    public func extend(
        _ hold: HoldID,
        seconds: UInt32,
        by caller: Caller = Caller()
    ) async throws(EngineError) -> HoldState {
        try self.hold(try await run(.extend(hold, seconds: seconds), hold.event, caller))
    }

    /// Sells what is held.
    /// - Parameter amount: minor units; refused when it is not the locked total. Nil accepts the total.
    public func confirm(
        _ hold: HoldID,
        paymentReference: String,
        amount: Int64? = nil,
        by caller: Caller = Caller()
    ) async throws(EngineError) -> HoldState {
        let command = Command.confirm(hold, paymentReference: paymentReference, amount: amount)
        return try self.hold(try await run(command, hold.event, caller))
    }

    public func release(_ hold: HoldID, by caller: Caller = Caller()) async throws(EngineError) -> HoldState {
        try self.hold(try await run(.release(hold), hold.event, caller))
    }

    public func find(
        _ query: Query,
        in event: EventKey,
        by caller: Caller = Caller()
    ) async throws(EngineError) -> Finding {
        guard case .finding(let finding) = try await submit(.query(query), event, caller) else { throw .outcomeUnknown }
        return finding
    }

    /// A page of the tenant's events, in the order of their ids' bytes, with what has become of their sales.
    public func events(of tenant: ShortText, _ filter: EventFilter) async throws(EngineError) -> EventPage {
        var pages: [EventPage] = []
        for shard in shards { pages.append(try await shard.events(of: tenant, filter)) }
        return EventPage(of: pages, limit: filter.limit)
    }

    private func hold(_ answer: Answer) throws(EngineError) -> HoldState {
        switch answer {
        case .reservation(let hold, _), .order(let hold, _), .refunded(let hold, _, _, _): return hold
        default: throw .outcomeUnknown
        }
    }

    func run(_ command: Command, _ event: EventKey, _ caller: Caller) async throws(EngineError) -> Answer {
        guard case .answer(let answer) = try await submit(.command(command), event, caller) else {
            throw .outcomeUnknown
        }
        return answer
    }

    private func submit(
        _ work: Submission.Work,
        _ event: EventKey,
        _ caller: Caller
    ) async throws(EngineError) -> Outcome {
        var random = SystemRandomNumberGenerator()
        let context = CommandContext(
            tenant: caller.tenant,
            principal: caller.customer,
            now: 0,
            random: (random.next(), random.next()),
            idempotency: caller.idempotency
        )
        let tag = ReplyTag(loop: 0, connection: 0, sequence: 0)
        return try await shard(of: event).submit(Submission(event: event, work: work, context: context, tag: tag))
    }
}
