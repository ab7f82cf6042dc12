import WAL

/// A record of a snapshot: a fact of an event as of a position, or the digest of an event whose facts came before.
///
/// Layout: event (8), position (8), kind (1: 0 fact, 1 digest), then the fact, or the digest (8).
///
/// Every event has a position of its own: events are copied one after the other while the sale goes on, and the log
/// is replayed for each from its own position.
enum SnapshotRecord {
    case fact(Fact)
    case digest(UInt64)

    static func decode(
        _ payload: UnsafeRawBufferPointer
    ) throws(RecordDecoder.Malformed) -> (EventKey, LogPosition, SnapshotRecord) {
        var decoder = RecordDecoder(payload)
        let event = EventKey(rawValue: try decoder.read())
        let position = LogPosition(try decoder.read(UInt64.self))
        let isDigest = try decoder.readBool()
        let record: SnapshotRecord = isDigest ? .digest(try decoder.read()) : .fact(try Fact(from: &decoder))
        guard decoder.isAtEnd else { throw decoder.malformed("bytes after the record's end") }
        return (event, position, record)
    }

    /// Writes an event's snapshot, `flush`ing whenever some hundred kilobytes have gathered.
    static func write<E: Error>(
        _ event: EventInventory,
        asOf position: LogPosition,
        into buffer: inout RecordBuffer,
        flush: (inout RecordBuffer) throws(E) -> Void
    ) throws(E) {
        var digest = InventoryDigest(of: event)
        try event.visitSnapshotFacts { fact throws(E) in
            buffer.beginRecord()
            begin(event.key, position, isDigest: false, &buffer)
            let start = buffer.openPayloadBytes
            fact.encode(into: &buffer)
            buffer.endRecord()
            buffer.withLastPayload { digest.combine(UnsafeRawBufferPointer(rebasing: $0[start...])) }
            if buffer.byteCount > 256 * 1_024 { try flush(&buffer) }
        }
        buffer.beginRecord()
        begin(event.key, position, isDigest: true, &buffer)
        buffer.write(digest.finish())
        buffer.endRecord()
    }

    private static func begin(
        _ event: EventKey,
        _ position: LogPosition,
        isDigest: Bool,
        _ buffer: inout RecordBuffer
    ) {
        buffer.write(event.rawValue)
        buffer.write(position.rawValue)
        buffer.write(isDigest)
    }
}
