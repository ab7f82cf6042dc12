import WAL

/// Why recorded facts could not be made into a state.
public enum RecoveryError: Error, Equatable, CustomStringConvertible {
    case malformed(position: LogPosition, offset: Int, reason: String)
    case unknownEvent(position: LogPosition, event: EventKey)
    /// The record can be read, but can't have happened to the event as the records before left it.
    case contradiction(position: LogPosition, event: EventKey, reason: String)
    case wrongDigest(event: EventKey, expected: UInt64, found: UInt64)
    /// The snapshot's events are further than the log, although a snapshot is finished only when the log has them.
    case logEndsBeforeSnapshot(last: LogPosition, reach: LogPosition)

    public var description: String {
        switch self {
        case .malformed(let position, let offset, let reason):
            "the record at position \(position) can't be read at byte \(offset): \(reason). The data folder was "
                + "written by a later version, or by something else; start the version that wrote it."
        case .unknownEvent(let position, let event):
            "the record at position \(position) is about event number \(event.rawValue), which was never created. "
                + "The log is incomplete: restore the data folder from a copy."
        case .contradiction(let position, let event, let reason):
            "the record at position \(position) can't have happened to event number \(event.rawValue): \(reason). Its "
                + "checksum is right, so it was written like this: restore the data folder from a copy, and report this."
        case .wrongDigest(let event, let expected, let found):
            "the snapshot's event number \(event.rawValue) has digest \(found) instead of \(expected). `holdfast verify` "
                + "says how to start from the one before; report this."
        case .logEndsBeforeSnapshot(let last, let reach):
            "the log ends at position \(last) and the snapshot was made when it had \(reach): records that were durable "
                + "are gone. Nothing was changed. `holdfast verify` says what is affected and what can be done."
        }
    }
}

/// The state that a log's snapshot and records lead to: snapshot, then every record behind it, through `apply`.
public struct Recovery: Sendable {
    private struct Slot {
        let key: EventKey
        var event: EventInventory
        /// Up to where the event's snapshot holds everything.
        var snapshotPosition: LogPosition
    }

    private var slots: ContiguousArray<Slot> = []
    private var index = FlatIndex()

    /// The events found so far.
    public var events: [EventKey: EventInventory] {
        Dictionary(uniqueKeysWithValues: slots.map { ($0.key, $0.event) })
    }

    /// The last record that the snapshot may hold: events are copied one after the other, while the sale goes on.
    var reach: LogPosition { slots.map(\.snapshotPosition).max() ?? .zero }

    /// A digest of all events, whatever their order.
    public var digest: UInt64 { digest(.whole) }

    public func digest(_ extent: DigestExtent) -> UInt64 { slots.reduce(0) { $0 &+ $1.event.digest(extent) } }

    /// What is known of all events. Where one comes from a snapshot of an earlier build, the times of its sales, or since when
    /// a date is cancelled, may not be.
    var extent: DigestExtent {
        if slots.contains(where: { !$0.event.areSalesDated }) { return .withoutSales }
        return slots.contains { $0.event.hasUndatedCancellation } ? .withSales : .whole
    }

    public init() {}

    /// Takes over another recovery's events, none of which this one has.
    mutating func merge(_ other: consuming Recovery) {
        for slot in other.slots { add(slot) }
    }

    /// Hands the events over, in the order in which they were found.
    mutating func takeEvents() -> [EventInventory] {
        defer { self = Recovery() }
        return slots.map(\.event)
    }

    private func slot(of event: EventKey) -> Int? {
        index.find(event.rawValue) { slots[Int($0)].key == event }.map { Int($0) }
    }

    private mutating func add(_ slot: Slot) {
        index.insert(slot.key.rawValue, UInt32(slots.count))
        slots.append(slot)
    }

    /// - Returns: the event's slot, a new one where the fact creates it.
    private mutating func apply(
        _ fact: Fact,
        to key: EventKey,
        _ slot: Int?,
        at position: LogPosition,
        isAnswered: Bool
    ) throws(RecoveryError) -> Int {
        if let slot {
            try Self.require(slots[slot].event.contradiction(of: fact), key, at: position)
            slots[slot].event.apply(fact, isAnswered: isAnswered)
            return slot
        }
        guard let created = EventInventory(creating: fact), created.key == key else {
            throw RecoveryError.unknownEvent(position: position, event: key)
        }
        try Self.require(created.contradictionOfBeginning(), key, at: position)
        add(Slot(key: key, event: created, snapshotPosition: .zero))
        return slots.count - 1
    }

    private static func require(
        _ contradiction: StaticString?,
        _ event: EventKey,
        at position: LogPosition
    ) throws(RecoveryError) {
        guard let contradiction else { return }
        throw .contradiction(position: position, event: event, reason: contradiction.description)
    }
}

// MARK: - Snapshots

extension Recovery {
    /// Applies one record of a snapshot.
    public mutating func restore(_ payload: UnsafeRawBufferPointer) throws(RecoveryError) {
        let (key, position, record): (EventKey, LogPosition, SnapshotRecord)
        do {
            (key, position, record) = try SnapshotRecord.decode(payload)
        } catch {
            throw RecoveryError(error, at: .zero)
        }
        switch record {
        case .fact(let fact):
            let slot = try apply(fact, to: key, slot(of: key), at: position, isAnswered: false)
            slots[slot].snapshotPosition = position
        case .digest(let expected):
            // The snapshot of an earlier build has no sums for reports, which then come from its holds.
            let found =
                slot(of: key).map { slots[$0].event.digest(slots[$0].event.sales.isRestored ? .whole : .withoutSales) }
                ?? 0
            guard found == expected else {
                throw RecoveryError.wrongDigest(event: key, expected: expected, found: found)
            }
        }
    }
}

// MARK: - Books

extension Recovery {
    /// The events, in the order in which they were found.
    var keys: [EventKey] { slots.map(\.key) }

    func event(_ key: EventKey) -> EventInventory? { slot(of: key).map { slots[$0].event } }

    /// Of whom and what an event is, without a copy of it.
    func names(of key: EventKey) -> (tenant: ShortText, event: ShortText)? {
        slot(of: key).map { (slots[$0].event.tenant, slots[$0].event.details.id) }
    }

    /// What has become of a reference, without a copy of its event.
    func find(_ reference: HoldReference, of key: EventKey) -> FoundHold {
        guard let slot = slot(of: key), reference.slot < UInt32(slots[slot].event.holdSlotCount) else { return .unused }
        return slots[slot].event.hold(reference).map { .hold($0) } ?? .other
    }

    /// Takes over an event that holds everything up to a position; records up to there are passed over.
    /// - Precondition: there is none with its key.
    mutating func adopt(_ event: EventInventory, asOf position: LogPosition) {
        add(Slot(key: event.key, event: event, snapshotPosition: position))
    }
}

// MARK: - The log

extension Recovery {
    /// Applies one record of the log, unless the event's snapshot has it.
    public mutating func apply(_ payload: UnsafeRawBufferPointer, at position: LogPosition) throws {
        do {
            var decoder = RecordDecoder(payload)
            let header = try EventRecordHeader(from: &decoder)
            let known = slot(of: header.event)
            if let known, position <= slots[known].snapshotPosition { return }
            if !EventInventory.isClockTime(header.at) {
                try Self.require("a time that no clock shows", header.event, at: position)
            }
            if let known { slots[known].event.advance(to: header.at) }
            let slot = try applyFacts(header, &decoder, known, at: position)
            if header.hasKey {
                let key = try decoder.readKey()
                let answer = try decoder.readAnswer(header)
                let contradiction = slots[slot].event.contradiction(remembering: answer, at: header.at)
                try Self.require(contradiction, header.event, at: position)
                slots[slot].event.remember(answer, for: key, at: header.at)
            }
            guard decoder.isAtEnd else { throw decoder.malformed("bytes after the record's end") }
            slots[slot].event.advance(to: header.at)
        } catch let error as RecordDecoder.Malformed {
            throw RecoveryError(error, at: position)
        }
    }

    private mutating func applyFacts(
        _ header: EventRecordHeader,
        _ decoder: inout RecordDecoder,
        _ known: Int?,
        at position: LogPosition
    ) throws -> Int {
        var known = known
        for _ in 0..<header.factCount {
            // The fact that there is most of, without a fact around it.
            if let known, let hold = try decoder.readPlacedHold() {
                try Self.require(slots[known].event.contradiction(placing: hold), header.event, at: position)
                slots[known].event.place(hold, header.answerRefersToHold)
                continue
            }
            let fact = try Fact(from: &decoder)
            known = try apply(fact, to: header.event, known, at: position, isAnswered: header.answerRefersToHold)
        }
        guard let known else { throw RecoveryError.unknownEvent(position: position, event: header.event) }
        return known
    }

    /// Begins to load what applying the record will look at: an event's tables are larger than the caches.
    @inline(__always)
    func prefetch(_ payload: UnsafeRawBufferPointer) {
        if let hint = ReplayHint(payload), let slot = slot(of: hint.event) { slots[slot].event.prefetch(hint) }
    }
}

extension RecoveryError {
    fileprivate init(_ error: RecordDecoder.Malformed, at position: LogPosition) {
        self = .malformed(position: position, offset: error.offset, reason: error.reason)
    }
}
