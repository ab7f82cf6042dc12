import WAL

// For those who tell others of an event's stock: which events were changed, and what there is now. Nothing of it may be
// told before its position is durable.

extension Shard {
    /// Notes changes of the event from now on, until `unwatch`.
    /// - Returns: false where the tenant has no such event.
    public func watch(_ event: EventKey, tenant: ShortText) -> Bool {
        guard let slot = tables.pointee.slot(of: event), tables.pointee.slots[slot].tenant == tenant else {
            return false
        }
        tables.pointee.watches.watch(slot)
        return true
    }

    public func unwatch(_ event: EventKey) {
        if let slot = tables.pointee.slot(of: event) { tables.pointee.watches.unwatch(slot) }
    }

    /// The watched events that were changed since this was asked last, each once.
    public func takeChangedEvents() -> [EventKey] {
        tables.pointee.watches.takeChanged().map { tables.pointee.slots[$0].key }
    }

    /// The id of a watched event.
    public func id(of event: EventKey) -> ShortText? {
        tables.pointee.slot(of: event).map { tables.pointee.slots[$0].details.id }
    }

    /// The sections of the event whose stock isn't what it is in `known`, which becomes what is there.
    /// - Returns: the sections, by their numbers, and the position that they are as of: of everything up to it nothing is
    ///   missing in them, and nothing behind it is in them.
    public func changes(
        of event: EventKey,
        since known: inout ContiguousArray<SectionCounts>
    ) -> (sections: [SectionAvailability], position: LogPosition) {
        // A turn may be open on this loop: what it has decided is in the state, so it has to be in the log's order.
        let position = endTurn()
        guard let slot = tables.pointee.slot(of: event) else { return ([], position) }
        return (tables.pointee.slots[slot].changes(since: &known), position)
    }
}
