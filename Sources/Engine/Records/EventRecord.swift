import WAL

/// One record of the log: what one command did to one event, with its idempotency key and answer where it had a key.
///
/// Layout: event (8), time (8), flags (1: bit 0 key and answer present, bit 1 the answer refers to a hold, bit 2
/// only a reader that knows numbered seats knows the answer's kind, bit 3 an actor is told), fact count (2), with bit 3
/// the actor, facts, then with bit 0 key (24) and answer, up to the record's end.
public struct EventRecord: Equatable, Sendable {
    public var event: EventKey
    public var at: Milliseconds
    /// Who asked, where the record says so by itself; empty for nobody in particular.
    public var actor: ShortText?
    public var facts: [Fact]
    public var key: IdempotencyKey?
    /// The answer's bytes as they are kept for retries; empty without a key.
    public var answer: [UInt8]

    /// Who asked: what the record says, or else the customer of the hold that it places; empty for nobody in particular,
    /// and for the clock.
    public var whoAsked: ShortText { actor ?? facts.first?.toldActor ?? .empty }
}

extension Fact {
    /// Whom a record that tells no actor means by it.
    fileprivate var toldActor: ShortText {
        if case .holdPlaced(let hold) = self { return hold.customer }
        return .empty
    }
}

extension Decision {
    /// What the record has to say of who asked; nil where it is clear without.
    func actorToTell(_ actor: ShortText) -> ShortText? {
        guard let first, first.toldActor != actor else { return nil }
        return actor
    }
}

/// What stands in front of a record's facts.
struct EventRecordHeader {
    /// The flags' bits.
    static let hasKey: UInt8 = 1
    static let answerRefersToHold: UInt8 = 2
    static let answerIsOfSeats: UInt8 = 4
    static let tellsActor: UInt8 = 8

    let event: EventKey
    let at: Milliseconds
    let flags: UInt8
    let factCount: Int
    let actor: ShortText?

    var hasKey: Bool { flags & Self.hasKey != 0 }
    var answerRefersToHold: Bool { flags & Self.answerRefersToHold != 0 }
    var answerIsOfSeats: Bool { flags & Self.answerIsOfSeats != 0 }

    init(from decoder: inout RecordDecoder) throws(RecordDecoder.Malformed) {
        event = EventKey(rawValue: try decoder.read())
        at = try decoder.read()
        flags = try decoder.read()
        // What the other flags say of an answer would be of nothing without a key, and an answer is of one kind.
        let ofAnswer = flags & ~Self.tellsActor
        guard ofAnswer <= 1 || ofAnswer == 3 || ofAnswer == 5 else { throw decoder.malformed("unknown flags \(flags)") }
        factCount = Int(try decoder.read(UInt16.self))
        actor = flags & Self.tellsActor == 0 ? nil : try decoder.readShortText()
    }
}

extension RecordDecoder {
    /// The answer's bytes, which go on to the record's end.
    mutating func readAnswer(_ header: EventRecordHeader) throws(Malformed) -> UnsafeRawBufferPointer {
        let answer = rest()
        guard KeptAnswer.isReference(answer) == header.answerRefersToHold,
            (!header.answerRefersToHold && KeptAnswer.isOfSeats(answer)) == header.answerIsOfSeats
        else {
            throw malformed("an answer that is not of the kind that the flags say")
        }
        // Found out now, not when somebody retries.
        guard header.answerRefersToHold || Answer.isKnown(answer) else { throw malformed("an unknown kind of answer") }
        return answer
    }
}

extension RecordBuffer {
    /// Writes a decision as one record and ends it. With a key the answer follows the facts.
    /// - Returns: where the answer's bytes start in the record's payload, and whether they refer to a hold.
    @discardableResult
    mutating func append(
        _ decision: Decision,
        event: EventKey,
        at now: Milliseconds,
        key: IdempotencyKey?,
        actor: ShortText? = nil
    ) -> (answerStart: Int, refersToHold: Bool) {
        // Only a fact about the hold can tell its slot that an answer refers to it.
        let refersToHold = key != nil && decision.first != nil && decision.answer.refersToHold(at: now)
        let factCount = (decision.first == nil ? 0 : 1) + decision.rest.count
        begin(event, at: now, key, refersToHold, decision.answer, actor, factCount: factCount)
        decision.first?.encode(into: &self)
        for fact in decision.rest { fact.encode(into: &self) }
        return (end(decision.answer, key, refersToHold), refersToHold)
    }

    /// The same for the one fact that there is most of, without making a fact and a decision of it.
    mutating func append(
        placed hold: HoldState,
        answer: Answer,
        event: EventKey,
        at now: Milliseconds,
        key: IdempotencyKey?,
        actor: ShortText? = nil
    ) -> (answerStart: Int, refersToHold: Bool) {
        let refersToHold = key != nil && answer.refersToHold(at: now)
        begin(event, at: now, key, refersToHold, answer, actor, factCount: 1)
        writeFact(placed: hold)
        return (end(answer, key, refersToHold), refersToHold)
    }

    private mutating func begin(
        _ event: EventKey,
        at now: Milliseconds,
        _ key: IdempotencyKey?,
        _ refersToHold: Bool,
        _ answer: Answer,
        _ actor: ShortText?,
        factCount: Int
    ) {
        beginRecord()
        write(event.rawValue)
        write(now)
        var flags = key == nil ? 0 : EventRecordHeader.hasKey
        if refersToHold {
            flags |= EventRecordHeader.answerRefersToHold
        } else if key != nil, answer.isOfSeats {
            flags |= EventRecordHeader.answerIsOfSeats
        }
        if actor != nil { flags |= EventRecordHeader.tellsActor }
        write(flags)
        write(UInt16(factCount))
        if let actor { write(actor) }
    }

    private mutating func end(_ answer: Answer, _ key: IdempotencyKey?, _ refersToHold: Bool) -> Int {
        if let key { write(key) }
        let answerStart = openPayloadBytes
        if refersToHold {
            answer.encodeReference(into: &self)
        } else if key != nil {
            answer.encode(into: &self)
        }
        endRecord()
        return answerStart
    }
}

extension EventRecord {
    /// Decodes a payload of the log.
    public init(_ payload: UnsafeRawBufferPointer) throws(RecordDecoder.Malformed) {
        var decoder = RecordDecoder(payload)
        let header = try EventRecordHeader(from: &decoder)
        event = header.event
        at = header.at
        actor = header.actor
        facts = []
        for _ in 0..<header.factCount { facts.append(try Fact(from: &decoder)) }
        key = nil
        answer = []
        if header.hasKey {
            key = try decoder.readKey()
            answer = Array(try decoder.readAnswer(header))
        }
        guard decoder.isAtEnd else { throw decoder.malformed("bytes after the record's end") }
    }
}
