import Synchronization

/// How many places each venue takes: known to all shards, because a venue is changed in the shard of its tenant and its
/// events are elsewhere.
///
/// A change is published when its record is in the log. So the record of a section that relies on it comes behind it, and
/// no crash leaves a section at a venue that was never there.
public final class VenueDirectory: Sendable {
    private struct Key: Hashable {
        let tenant: ShortText
        let venue: ShortText
    }

    struct Change {
        let tenant: ShortText
        let venue: ShortText
        let maximum: UInt32
    }

    private let maxima = Mutex<[Key: UInt32]>([:])

    func publish(_ change: Change) {
        maxima.withLock { $0[Key(tenant: change.tenant, venue: change.venue)] = change.maximum }
    }

    /// - Returns: nil when the tenant has no such venue.
    func maximum(_ tenant: ShortText, _ venue: ShortText) -> UInt32? {
        maxima.withLock { $0[Key(tenant: tenant, venue: venue)] }
    }
}

extension EventInventory {
    /// What a start publishes of a tenant's inventory.
    func visitVenues(_ body: (VenueDirectory.Change) -> Void) {
        for venue in venues.venues {
            body(.init(tenant: tenant, venue: venue.details.id, maximum: venue.details.maximumCapacity))
        }
    }
}
