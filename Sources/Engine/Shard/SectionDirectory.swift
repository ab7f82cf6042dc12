import Synchronization

/// Which event a section id belongs to: within a tenant an id names one section.
///
/// Sections are never deleted, so what was found once stays true; readers on the sale's path keep what they found.
public final class SectionDirectory: Sendable {
    struct Key: Hashable {
        let tenant: ShortText
        let section: ShortText
    }

    struct Place {
        let event: EventKey
        /// Nil while the section's creation is being decided.
        var number: SectionNumber?
    }

    /// Beside the sections, for the same shards: how many places venues take.
    let venues = VenueDirectory()
    private let places = Mutex<[Key: Place]>([:])

    /// The events themselves, for those who read the log.
    public let events = EventDirectory()

    /// Takes the id for a section of the event; false when another event of the tenant has it.
    func claim(_ tenant: ShortText, _ section: ShortText, for event: EventKey) -> Bool {
        places.withLock { places in
            let key = Key(tenant: tenant, section: section)
            if let taken = places[key] { return taken.event == event }
            places[key] = Place(event: event)
            return true
        }
    }

    /// Gives back an id that was claimed and did not become a section.
    func unclaim(_ tenant: ShortText, _ section: ShortText) {
        places.withLock { places in
            let key = Key(tenant: tenant, section: section)
            if let place = places[key], place.number == nil { places[key] = nil }
        }
    }

    func publish(_ tenant: ShortText, _ section: ShortText, _ event: EventKey, _ number: SectionNumber) {
        places.withLock { $0[Key(tenant: tenant, section: section)] = Place(event: event, number: number) }
    }

    public func find(tenant: ShortText, section: ShortText) -> (EventKey, SectionNumber)? {
        places.withLock { places in
            guard let place = places[Key(tenant: tenant, section: section)], let number = place.number else {
                return nil
            }
            return (place.event, number)
        }
    }
}
