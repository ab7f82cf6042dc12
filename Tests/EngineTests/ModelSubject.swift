import WAL

@testable import Engine
@testable import ReferenceModel

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
            key: context.idempotency
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

/// Rebuilds events from a log's bytes, each on the shard that owns it.
struct ModelReplay {
    private(set) var shards: [Recovery]
    private var last = LogPosition.zero

    init(shards count: Int) { shards = (0..<count).map { _ in Recovery() } }

    mutating func apply(_ payload: [UInt8]) throws {
        let shard = try EventRecord(bytes: payload).event.shard(of: shards.count)
        last = LogPosition(last.rawValue + 1)
        try payload.withUnsafeBytes { try shards[shard].apply($0, at: last) }
    }

    func event(_ key: EventKey) -> EventInventory? { shards[key.shard(of: shards.count)].events[key] }

    /// One number for everything, whatever the number of shards.
    var digest: UInt64 { shards.reduce(0) { $0 &+ $1.digest } }
}

extension EventInventory {
    /// The same event, rebuilt from the bytes of its snapshot, its digest checked.
    func restoredFromSnapshot() throws -> EventInventory {
        var buffer = RecordBuffer(capacity: 4_096)
        var payloads: [[UInt8]] = []
        SnapshotRecord.write(self, asOf: LogPosition(1), into: &buffer) { buffer in
            payloads += buffer.payloads
            buffer.removeAll()
        }
        payloads += buffer.payloads
        var recovery = Recovery()
        for payload in payloads { try payload.withUnsafeBytes { try recovery.restore($0) } }
        guard let restored = recovery.events[key] else { throw Rejection.eventNotFound }
        return restored
    }
}
