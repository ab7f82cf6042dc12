import WAL

// Facts about things of the catalogue that have more than they had at first: one byte for the kind, one for what happened
// (`Happening`), then the fields. A thing without the new fields keeps its first kind, so that earlier builds go on reading
// it; the kinds here they refuse.

extension Fact {
    /// The kinds that are written and read here.
    static let catalogueKinds: ClosedRange<UInt8> = 42...49

    /// An event at a venue: the fields of the first kinds, then the venue's id.
    static let eventWithVenue: UInt8 = 42

    /// What happened to the thing.
    private enum Happening: UInt8 {
        case added = 0
        case updated = 1
        /// In snapshots only.
        case restored = 2
    }

    /// Writes everything behind the kind.
    func encodeCatalogue(into buffer: inout RecordBuffer) {
        switch self {
        case .eventCreated(let tenant, let details, let at):
            buffer.write(Happening.added.rawValue)
            buffer.write(tenant)
            buffer.write(details)
            buffer.write(at)
            buffer.write(details.venue)
        case .eventUpdated(let details):
            buffer.write(Happening.updated.rawValue)
            buffer.write(details)
            buffer.write(details.venue)
        case .eventRestored(let event):
            buffer.write(Happening.restored.rawValue)
            buffer.write(event)
            buffer.write(event.details.venue)
        default: preconditionFailure("a fact of another kind")
        }
    }

    static func ofCatalogue(
        _ kind: UInt8,
        from decoder: inout RecordDecoder
    ) throws(RecordDecoder.Malformed) -> Fact {
        let happening = try decoder.readCase(Happening.self)
        switch kind {
        case eventWithVenue: return try event(happening, from: &decoder)
        default: throw decoder.malformed("\(kind) is no kind of fact")
        }
    }

    private static func event(
        _ happening: Happening,
        from decoder: inout RecordDecoder
    ) throws(RecordDecoder.Malformed) -> Fact {
        switch happening {
        case .added:
            let tenant = try decoder.readShortText()
            var details = try decoder.readEventDetails()
            let at = try decoder.read(Milliseconds.self)
            details.venue = try decoder.readVenueID()
            return .eventCreated(tenant: tenant, details, at: at)
        case .updated:
            var details = try decoder.readEventDetails()
            details.venue = try decoder.readVenueID()
            return .eventUpdated(details)
        case .restored:
            var event = try decoder.readEventRestored()
            event.details.venue = try decoder.readVenueID()
            return .eventRestored(event)
        }
    }
}

extension RecordDecoder {
    /// The id of an event's venue. An event without one is written under another kind.
    mutating func readVenueID() throws(Malformed) -> ShortText {
        let id = try readShortText()
        guard !id.isEmpty else { throw malformed("a venue without an id") }
        return id
    }
}
