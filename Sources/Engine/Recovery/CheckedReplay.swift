import WAL

/// A recovery by hand, record by record, that knows what to tell an operator: how far a snapshot reaches, and when the
/// last change was decided.
public struct CheckedReplay {
    private var recovery = Recovery()
    /// The last record that the snapshot may hold: events are copied one after the other, while the sale goes on.
    public var reach: LogPosition { recovery.reach }
    /// When the last record of the log was decided; nil before the first.
    public private(set) var lastRecordAt: Milliseconds?

    public init() {}

    public var events: [EventInventory] { Array(recovery.events.values) }
    public var digest: UInt64 { recovery.digest }

    /// Whether `digest` is the one that the engine had: not with an earlier build's snapshot, see `isSameState`.
    package var isDigestExact: Bool { recovery.extent == .whole }

    /// Whether both have led to the same state. One that began with an earlier build's snapshot has it but for the days of
    /// refunds, which only reports show, and the times since when dates are cancelled.
    public func isSameState(as other: CheckedReplay) -> Bool {
        let extent = min(recovery.extent, other.recovery.extent)
        return recovery.digest(extent) == other.recovery.digest(extent)
    }

    /// Applies one record of a snapshot.
    public mutating func restore(_ payload: UnsafeRawBufferPointer) throws(RecoveryError) {
        try recovery.restore(payload)
    }

    /// Applies one record of the log, unless the event's snapshot has it.
    public mutating func apply(_ payload: UnsafeRawBufferPointer, at position: LogPosition) throws {
        try recovery.apply(payload, at: position)
        lastRecordAt = Milliseconds(
            littleEndian: payload.loadUnaligned(fromByteOffset: 8, as: Milliseconds.self)
        )
    }
}
