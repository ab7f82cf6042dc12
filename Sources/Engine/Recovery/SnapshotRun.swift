import WAL

/// A snapshot on its way: says what it needs next, and takes it when it is there.
///
/// Whoever drives it may do anything between two steps, as the sale goes on: events are copied one at a time, each with
/// the position up to which its copy holds everything.
struct SnapshotRun {
    enum Need {
        /// The keys of the shard's events: for `found`.
        case keys(Shard)
        /// A copy of the event, and its position: for `copied`.
        case copy(EventKey, Shard)
        /// A call of `write`.
        case write
        /// A copy may hold changes that are not durable yet; the snapshot may not. Wait for this position, then `finish`.
        case durable(LogPosition)
    }

    let position: LogPosition
    private let writer: SnapshotWriter
    private var shards: ArraySlice<Shard>
    private var keys: ArraySlice<EventKey> = []
    private var copy: (event: EventInventory, position: LogPosition)?
    private var newest: LogPosition

    init(of shards: [Shard], at position: LogPosition, in log: WriteAheadLog) throws(LogError) {
        self.position = position
        self.shards = shards[...]
        newest = position
        writer = try log.beginSnapshot(at: position)
    }

    var need: Need {
        if copy != nil { return .write }
        guard let shard = shards.first else { return .durable(newest) }
        return keys.first.map { .copy($0, shard) } ?? .keys(shard)
    }

    mutating func found(_ keys: [EventKey]) {
        self.keys = keys[...]
        if keys.isEmpty { shards.removeFirst() }
    }

    mutating func copied(_ event: EventInventory, _ position: LogPosition) {
        keys.removeFirst()
        if keys.isEmpty { shards.removeFirst() }
        newest = max(newest, position)
        copy = (event, position)
    }

    /// Writes the event that was copied last.
    /// - Parameter pause: called now and then, between two chunks of some hundred kilobytes.
    mutating func write(pause: () -> Void) throws(LogError) {
        guard let copy = copy.take() else { return }
        var buffer = RecordBuffer(capacity: 512 * 1_024)
        try SnapshotRecord.write(copy.event, asOf: copy.position, into: &buffer) { buffer throws(LogError) in
            try writer.append(buffer)
            buffer.removeAll()
            pause()
        }
        try writer.append(buffer)
    }

    /// Makes the snapshot durable and part of the log.
    func finish() throws(LogError) { try writer.finish() }

    /// Gives up; does nothing after `finish`.
    func cancel() { writer.cancel() }
}
