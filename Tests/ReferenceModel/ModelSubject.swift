import WAL

@testable import Engine

/// One event of the engine, driven the way a shard drives it: remembered → decide → record → apply → remember.
struct ModelSubject {
    private(set) var inventory: EventInventory
    /// The log: the payload of every record, in order.
    private(set) var records: [[UInt8]] = []

    /// Creates the event.
    /// - Throws: the engine's rejection.
    init(creating details: EventDetails, _ context: CommandContext) throws(Rejection) {
        let decision = try EventInventory.decideCreation(details, context)
        guard let fact = decision.first, let created = EventInventory(creating: fact) else {
            fatalError("a creation without the fact that creates")
        }
        inventory = created
        log(decision, context, applies: [])
    }

    /// Goes on with an inventory that was rebuilt, with a log of its own.
    init(continuing inventory: EventInventory) { self.inventory = inventory }

    /// The records since the last call, which are forgotten.
    mutating func takeRecords() -> [[UInt8]] {
        defer { records = [] }
        return records
    }

    /// What the caller hears: a rejection too.
    mutating func perform(_ command: Command, _ context: CommandContext) -> Answer {
        if let key = context.idempotency {
            do throws(Rejection) {
                if let first = try inventory.remembered(key) { return first }
            } catch { return .rejected(error) }
        }
        let decision = decide(command, context)
        guard decision.first != nil || context.idempotency != nil else { return decision.answer }
        switch decision.answer {
        // "Look again and retry" is no answer to keep.
        case .rejected(.eventChanged), .rejected(.scheduleChanged), .rejected(.venueChanged), .rejected(.limitReached),
            .rejected(.cancellationUnfinished):
            return decision.answer
        default: break
        }
        log(decision, context, applies: decision.facts)
        return decision.answer
    }

    private func decide(_ command: Command, _ context: CommandContext) -> Decision {
        do throws(Rejection) { return try inventory.decide(command, context) } catch {
            return Decision(nil, answer: .rejected(error))
        }
    }

    /// Keeps the record's bytes, applies the facts, and keeps the answer for retries.
    private mutating func log(_ decision: Decision, _ context: CommandContext, applies facts: [Fact]) {
        var buffer = RecordBuffer(capacity: 1_024)
        let (answerStart, refersToHold) = buffer.append(
            decision,
            event: inventory.key,
            at: context.now,
            key: context.idempotency,
            // As a shard does, but only where somebody acts for another.
            actor: context.actor == context.principal ? nil : decision.actorToTell(context.actor)
        )
        let payload = buffer.withLastPayload { Array($0) }
        records.append(payload)
        inventory.advance(to: context.now)
        for fact in facts { inventory.apply(fact, isAnswered: refersToHold) }
        if let key = context.idempotency {
            payload[answerStart...].withUnsafeBytes { inventory.remember($0, for: key, at: context.now) }
        }
    }

    static func decodeAnswer(_ bytes: [UInt8]) -> Answer {
        bytes.withUnsafeBytes { bytes in
            var decoder = RecordDecoder(bytes)
            do { return try Answer(from: &decoder) } catch { fatalError("an answer that can't be read: \(error)") }
        }
    }
}
