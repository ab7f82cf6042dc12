extension Shard {
    /// How many places the venue takes that the command depends on; nil where there is no such venue, or no venue is meant.
    func venueMaximum(for command: Command, _ tenant: ShortText, _ slot: Int?) -> UInt32? {
        let current = slot.map { tables.pointee.slots[$0].details.venue } ?? .empty
        let venue = command.venue(current: current)
        guard !venue.isEmpty else { return nil }
        // What this turn has changed is not published yet.
        if let change = changedVenues.last(where: { $0.tenant == tenant && $0.venue == venue }) {
            return change.maximum
        }
        return directory.venues.maximum(tenant, venue)
    }

    /// Keeps what other shards are to know of a venue until the change is in the log.
    func noteChange(of venue: VenueDetails, _ slot: Int) {
        let tenant = tables.pointee.slots[slot].tenant
        changedVenues.append(.init(tenant: tenant, venue: venue.id, maximum: venue.maximumCapacity))
    }

    func publishVenues() {
        for change in changedVenues { directory.venues.publish(change) }
        changedVenues.removeAll()
    }
}
