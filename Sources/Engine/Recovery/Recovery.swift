import WAL

/// Why recorded facts could not be made into a state.
public enum RecoveryError: Error, Equatable, CustomStringConvertible {
    case malformed(position: LogPosition, offset: Int, reason: String)
    case unknownEvent(position: LogPosition, event: EventKey)
    case wrongDigest(event: EventKey, expected: UInt64, found: UInt64)

    public var description: String {
        switch self {
        case .malformed(let position, let offset, let reason):
            "the record at position \(position) can't be read at byte \(offset): \(reason). The data folder was "
                + "written by a later version, or by something else; start the version that wrote it."
        case .unknownEvent(let position, let event):
            "the record at position \(position) is about event number \(event.rawValue), which was never created. "
                + "The log is incomplete: restore the data folder from a copy."
        case .wrongDigest(let event, let expected, let found):
            "the snapshot's event number \(event.rawValue) has digest \(found) instead of \(expected). Remove the "
                + "newest snap-… file to start from the one before, and report this."
        }
    }
}

/// The state that a log's snapshot and records lead to: snapshot, then every record behind it, through `apply`.
public struct Recovery {
    public private(set) var events: [EventKey: EventInventory] = [:]
    /// Up to where an event's snapshot holds everything.
    private var snapshotPositions: [EventKey: LogPosition] = [:]

    public init() {}

    /// Reads the whole log and returns what the log says of it.
    public mutating func run(_ log: WriteAheadLog) throws -> ReplaySummary {
        try log.readSnapshot { try restore($0) }
        let start = LogPosition((log.snapshotPosition?.rawValue ?? 0) + 1)
        return try log.replay(from: start) { try apply($1, at: $0) }
    }

    /// Applies one record of a snapshot.
    public mutating func restore(_ payload: UnsafeRawBufferPointer) throws {
        let (key, position, record): (EventKey, LogPosition, SnapshotRecord)
        do {
            (key, position, record) = try SnapshotRecord.decode(payload)
        } catch {
            throw RecoveryError.malformed(position: .zero, offset: error.offset, reason: error.reason)
        }
        switch record {
        case .fact(let fact):
            try apply(fact, to: key, at: position)
            snapshotPositions[key] = position
        case .digest(let expected):
            let found = events[key]?.digest() ?? 0
            guard found == expected else {
                throw RecoveryError.wrongDigest(event: key, expected: expected, found: found)
            }
        }
    }

    /// Applies one record of the log, unless the event's snapshot has it.
    public mutating func apply(_ payload: UnsafeRawBufferPointer, at position: LogPosition) throws {
        do {
            var decoder = RecordDecoder(payload)
            let header = try EventRecordHeader(from: &decoder)
            if let held = snapshotPositions[header.event], position <= held { return }
            try apply(header, &decoder, at: position)
        } catch let error as RecordDecoder.Malformed {
            throw RecoveryError.malformed(position: position, offset: error.offset, reason: error.reason)
        }
    }

    private mutating func apply(
        _ header: EventRecordHeader,
        _ decoder: inout RecordDecoder,
        at position: LogPosition
    ) throws {
        for _ in 0..<header.factCount {
            let fact = try Fact(from: &decoder)
            try apply(fact, to: header.event, at: position, isAnswered: header.answerRefersToHold)
        }
        guard events[header.event] != nil else {
            throw RecoveryError.unknownEvent(position: position, event: header.event)
        }
        if header.hasKey {
            let key = try decoder.readKey()
            events[header.event]!.remember(try decoder.readAnswer(header), for: key, at: header.at)
        }
        guard decoder.isAtEnd else { throw decoder.malformed("bytes after the record's end") }
        events[header.event]!.advance(to: header.at)
    }

    private mutating func apply(
        _ fact: Fact,
        to key: EventKey,
        at position: LogPosition,
        isAnswered: Bool = false
    ) throws {
        if events[key] != nil {
            events[key]!.apply(fact, isAnswered: isAnswered)
        } else if let created = EventInventory(creating: fact), created.key == key {
            events[key] = created
        } else {
            throw RecoveryError.unknownEvent(position: position, event: key)
        }
    }

    /// A digest of all events, whatever their order.
    public var digest: UInt64 { events.values.reduce(0) { $0 &+ $1.digest() } }
}
