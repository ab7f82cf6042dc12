import WAL

/// One record of the log: what one command did to one event, with its idempotency key and answer where it had a key.
///
/// Layout: event (8), time (8), flags (1: bit 0 key and answer present), fact count (2), facts, then with bit 0 key
/// (24) and answer, up to the record's end.
public struct EventRecord: Equatable, Sendable {
    public var event: EventKey
    public var at: Milliseconds
    public var facts: [Fact]
    public var key: IdempotencyKey?
    /// The answer's bytes as they are kept for retries; empty without a key.
    public var answer: [UInt8]
}

extension RecordBuffer {
    /// Writes a decision as one record and ends it. With a key the answer follows the facts.
    /// - Returns: where the answer's bytes start in the record's payload.
    @discardableResult
    mutating func append(
        _ decision: Decision,
        event: EventKey,
        at now: Milliseconds,
        key: IdempotencyKey?
    ) -> Int {
        beginRecord()
        write(event.rawValue)
        write(now)
        write(UInt8(key == nil ? 0 : 1))
        write(UInt16((decision.first == nil ? 0 : 1) + decision.rest.count))
        decision.first?.encode(into: &self)
        for fact in decision.rest { fact.encode(into: &self) }
        if let key { write(key) }
        let answerStart = openPayloadBytes
        if key != nil { decision.answer.encode(into: &self) }
        endRecord()
        return answerStart
    }
}

extension EventRecord {
    /// Decodes a payload of the log.
    public init(_ payload: UnsafeRawBufferPointer) throws(RecordDecoder.Malformed) {
        var decoder = RecordDecoder(payload)
        event = EventKey(rawValue: try decoder.read())
        at = try decoder.read()
        let flags = try decoder.read(UInt8.self)
        guard flags <= 1 else { throw decoder.malformed("unknown flags \(flags)") }
        let count = Int(try decoder.read(UInt16.self))
        facts = []
        for _ in 0..<count { facts.append(try Fact(from: &decoder)) }
        key = nil
        answer = []
        if flags == 1 {
            key = try decoder.readKey()
            answer = decoder.rest()
        }
        guard decoder.isAtEnd else { throw decoder.malformed("bytes after the record's end") }
    }
}
