import WAL

/// Events that were called off and may still have live holds, first come first. A start puts every such event in again: what
/// is left of its holds is found by looking, so nothing of this is kept in the log.
struct CancelledEvents: Sendable {
    struct Entry: Sendable {
        let slot: Int
        /// The hold to go on with.
        var next: UInt32 = 0
    }

    private var entries: [Entry] = []

    var first: Entry? { entries.first }

    mutating func append(_ entry: Entry) { entries.append(entry) }

    /// - Parameter next: where to go on with the first one; nil when it is done.
    mutating func advanceFirst(to next: UInt32?) {
        if let next { entries[0].next = next } else { entries.removeFirst() }
    }
}

extension Shard {
    /// Ends live holds of one event that was called off: a bounded number in a turn, the others follow in the next.
    func releaseCancelled() {
        guard let entry = tables.pointee.cancelled.first, tables.pointee.records.byteCount < Limits.turnBytesMax else {
            return
        }
        let (holds, next) = tables.pointee.slots[entry.slot].cancelledHolds(
            from: entry.next,
            slotsMax: Limits.cancelledSlotsPerTurnMax,
            limit: Limits.cancelledHoldsPerTurnMax,
            seatRunsMax: Limits.expiredSeatRunsPerTurnMax
        )
        tables.pointee.cancelled.advanceFirst(to: next)
        let context = CommandContext(tenant: tables.pointee.slots[entry.slot].tenant, now: now, random: (0, 0))
        for hold in holds {
            record(tables.pointee.slots[entry.slot].decideExpiry(hold, context), entry.slot, context)
        }
    }
}
