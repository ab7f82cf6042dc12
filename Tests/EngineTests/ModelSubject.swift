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
        log(decision, context)
    }

    /// Goes on with an inventory that was rebuilt, with a log of its own.
    init(continuing inventory: EventInventory) { self.inventory = inventory }

    /// What the caller hears: a rejection too.
    mutating func perform(_ command: Command, _ context: CommandContext) -> Answer {
        if let key = context.idempotency {
            do throws(Rejection) {
                if let bytes = try inventory.idempotency.answer(for: key) { return Self.decodeAnswer(bytes) }
            } catch { return .rejected(error) }
        }
        let decision = decide(command, context)
        guard decision.first != nil || context.idempotency != nil else { return decision.answer }
        log(decision, context)
        for fact in decision.facts { inventory.apply(fact) }
        return decision.answer
    }

    private func decide(_ command: Command, _ context: CommandContext) -> Decision {
        do throws(Rejection) { return try inventory.decide(command, context) } catch {
            return Decision(nil, answer: .rejected(error))
        }
    }

    /// Keeps the record's bytes, and the answer for retries.
    private mutating func log(_ decision: Decision, _ context: CommandContext) {
        var buffer = RecordBuffer(capacity: 1_024)
        let answerStart = buffer.append(
            decision,
            event: inventory.key,
            at: context.now,
            key: context.idempotency
        )
        let payload = buffer.withLastPayload { Array($0) }
        records.append(payload)
        inventory.advance(to: context.now)
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

/// Rebuilds events from a log's bytes, each on the shard that owns it, as recovery does.
struct ModelReplay {
    private(set) var shards: [[EventKey: EventInventory]]

    init(shards count: Int) { shards = Array(repeating: [:], count: count) }

    mutating func apply(_ payload: [UInt8]) throws {
        let record = try payload.withUnsafeBytes { try EventRecord($0) }
        let shard = record.event.shard(of: shards.count)
        var facts = record.facts[...]
        if shards[shard][record.event] == nil, let first = facts.popFirst() {
            shards[shard][record.event] = EventInventory(creating: first)
        }
        for fact in facts { shards[shard][record.event]?.apply(fact) }
        shards[shard][record.event]?.advance(to: record.at)
        guard let key = record.key else { return }
        record.answer.withUnsafeBytes { shards[shard][record.event]?.remember($0, for: key, at: record.at) }
    }

    func event(_ key: EventKey) -> EventInventory? { shards[key.shard(of: shards.count)][key] }

    /// One number for everything, whatever the number of shards.
    var digest: UInt64 {
        shards.reduce(0) { sum, events in events.values.reduce(sum) { $0 &+ $1.digest() } }
    }
}

extension EventInventory {
    /// The same event, rebuilt from its snapshot: every fact through its bytes, as in a snapshot file.
    func restoredFromSnapshot() throws -> EventInventory {
        var payloads: [[UInt8]] = []
        visitSnapshotFacts { fact in
            var buffer = RecordBuffer(capacity: 1_024)
            buffer.append(Decision(fact, answer: .rejected(.eventNotFound)), event: key, at: lastCommandAt, key: nil)
            payloads.append(buffer.withLastPayload { Array($0) })
        }
        var replay = ModelReplay(shards: 1)
        for payload in payloads { try replay.apply(payload) }
        return replay.event(key)!
    }
}
