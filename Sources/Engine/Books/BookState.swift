import WAL

/// The state as of one position behind the sale, and what has changed in it since it was last written down.
///
/// It follows the log by the same `apply` as a start does, so it is the state that a start would find there.
package struct BookState: Sendable {
    private var recovery = Recovery()
    /// Records up to here are in the state.
    package private(set) var position: LogPosition
    /// Events that were copied later than `position` are further: only from here on is it one state.
    package private(set) var reach: LogPosition
    package private(set) var marks: [EventKey: BookMarks] = [:]

    /// - Parameters:
    ///   - events: copies, each with the position up to which it holds everything.
    ///   - position: at which the copying began.
    package init(_ events: [(EventInventory, LogPosition)] = [], asOf position: LogPosition = .zero) {
        self.position = position
        reach = position
        for (event, copied) in events {
            recovery.adopt(event, asOf: copied)
            reach = max(reach, copied)
        }
    }

    package var keys: [EventKey] { recovery.keys }
    package var digest: UInt64 { recovery.digest }

    /// A copy, which whoever takes one for every record pays for.
    package func event(_ key: EventKey) -> EventInventory? { recovery.event(key) }
    package func names(of key: EventKey) -> (tenant: ShortText, event: ShortText)? { recovery.names(of: key) }

    /// Marks what a record of the log has changed, and applies it if the state hasn't got it yet.
    /// - Throws: `RecoveryError` for a record that can't be applied.
    package mutating func take(_ payload: UnsafeRawBufferPointer, _ record: EventRecord, at position: LogPosition)
        throws
    {
        note(record)
        guard position > self.position else { return }
        try recovery.apply(payload, at: position)
        self.position = position
    }

    /// A record without facts is a kept refusal: it changes the event, if only by that.
    private mutating func note(_ record: EventRecord) {
        // Gone before the state is changed, which a second reference to its events would make a copy of.
        let recovery = self.recovery
        for fact in record.facts {
            marks[record.event, default: BookMarks()].note(fact) { recovery.find($0, of: record.event) }
        }
        marks[record.event]?.noteCircumstances(of: record)
        if record.facts.isEmpty, marks[record.event] == nil { marks[record.event] = BookMarks() }
    }

    /// Nobody knows what the books have of any event.
    package mutating func markWhole() {
        for key in recovery.keys { marks[key, default: BookMarks()].isWhole = true }
    }

    /// Everything is in the books.
    package mutating func clearMarks() { marks = [:] }
}

extension Engine {
    /// A copy of every event, each with the position up to which it holds everything, and the position at which the
    /// copying began. Copies share their memory with the shards' until either writes to it.
    @concurrent
    package func copyEvents() async -> BookState {
        // Applied before appended: copies made from here on hold everything up to this position.
        let position = log.lastPosition
        var events: [(EventInventory, LogPosition)] = []
        for shard in shards {
            for key in await shard.keys() { events.append(await shard.copy(key)) }
        }
        return BookState(events, asOf: position)
    }
}
