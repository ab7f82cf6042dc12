import WAL

// Facts about things of the catalogue that came later, or that have more than they had at first: one byte for the kind,
// one for what happened (`Happening`), then the fields. A thing without the new fields keeps its first kind, so that
// earlier builds go on reading it; the kinds here they refuse.

extension Fact {
    /// The kinds that are written and read here.
    static let catalogueKinds: ClosedRange<UInt8> = 42...49

    /// An event at a venue: the fields of the first kinds, then the venue's id.
    static let eventWithVenue: UInt8 = 42
    /// A section of a date, or with attributes: the fields of the first kinds, then those.
    static let fullSection: UInt8 = 43
    /// A price tier with its number or attributes: the fields of the first kinds, then those.
    static let fullTier: UInt8 = 44
    static let schedule: UInt8 = 45
    static let venue: UInt8 = 46
    static let tenant: UInt8 = 47
    /// Since when a schedule is cancelled, behind it in snapshots.
    static let scheduleCancellation: UInt8 = 48

    /// What happened to the thing.
    private enum Happening: UInt8 {
        case added = 0
        case updated = 1
        /// In snapshots only.
        case restored = 2
        /// A price tier was added, and its number comes first.
        case numbered = 3
    }

    // MARK: - Writing

    /// Writes everything behind the kind.
    func encodeCatalogue(into buffer: inout RecordBuffer) {
        func begin(_ happening: Happening) { buffer.write(happening.rawValue) }
        switch self {
        case .eventCreated(let tenant, let details, let at):
            begin(.added)
            buffer.write(tenant)
            buffer.write(details)
            buffer.write(at)
            buffer.write(details.venue)
        case .eventUpdated(let details):
            begin(.updated)
            buffer.write(details)
            buffer.write(details.venue)
        case .eventRestored(let event):
            begin(.restored)
            buffer.write(event)
            buffer.write(event.details.venue)
        case .sectionAdded(let details):
            begin(.added)
            buffer.write(full: details)
        case .sectionUpdated(let number, let details):
            begin(.updated)
            buffer.write(number)
            buffer.write(full: details)
        case .tierAdded(let details, nil):
            begin(.added)
            buffer.write(full: details)
        case .tierAdded(let details, let number?):
            begin(.numbered)
            buffer.write(number)
            buffer.write(full: details)
        case .tierUpdated(let number, let details):
            begin(.updated)
            buffer.write(number)
            buffer.write(full: details)
        case .tierRestored(let details, let version):
            begin(.restored)
            buffer.write(version)
            buffer.write(full: details)
        default: encodeOwnKind(into: &buffer)
        }
    }

    /// Writes a fact that has no other kind.
    private func encodeOwnKind(into buffer: inout RecordBuffer) {
        func begin(_ happening: Happening) { buffer.write(happening.rawValue) }
        switch self {
        case .scheduleAdded(let details):
            begin(.added)
            buffer.write(details)
        case .scheduleUpdated(let number, let details):
            begin(.updated)
            buffer.write(number)
            buffer.write(details)
        case .scheduleRestored(let details, let version):
            begin(.restored)
            buffer.write(version)
            buffer.write(details)
        case .scheduleCancellationRestored(let number, let at):
            begin(.restored)
            buffer.write(number)
            buffer.write(at)
        case .venueAdded(let details, let at):
            begin(.added)
            buffer.write(at)
            buffer.write(details)
        case .venueUpdated(let details):
            begin(.updated)
            buffer.write(details)
        case .venueRestored(let view):
            begin(.restored)
            buffer.write(view)
        case .tenantBegun(let tenant, let at):
            begin(.added)
            buffer.write(tenant)
            buffer.write(at)
        case .tenantRestored(let tenant, let createdAt, let lastCommandAt):
            begin(.restored)
            buffer.write(tenant)
            buffer.write(createdAt)
            buffer.write(lastCommandAt)
        default: preconditionFailure("a fact of another kind")
        }
    }

    // MARK: - Reading

    private static let onlyTiers = "only price tiers are numbered"

    static func ofCatalogue(
        _ kind: UInt8,
        from decoder: inout RecordDecoder
    ) throws(RecordDecoder.Malformed) -> Fact {
        let happening = try decoder.readCase(Happening.self)
        switch kind {
        case eventWithVenue: return try event(happening, from: &decoder)
        case fullSection: return try section(happening, from: &decoder)
        case fullTier: return try tier(happening, from: &decoder)
        case schedule: return try schedule(happening, from: &decoder)
        case venue: return try venue(happening, from: &decoder)
        case tenant: return try tenant(happening, from: &decoder)
        case scheduleCancellation where happening == .restored:
            return .scheduleCancellationRestored(try decoder.read(), at: try decoder.read())
        default: throw decoder.malformed("\(kind) is no kind of fact")
        }
    }

    private static func event(
        _ happening: Happening,
        from decoder: inout RecordDecoder
    ) throws(RecordDecoder.Malformed) -> Fact {
        switch happening {
        case .numbered: throw decoder.malformed(onlyTiers)
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

    private static func section(
        _ happening: Happening,
        from decoder: inout RecordDecoder
    ) throws(RecordDecoder.Malformed) -> Fact {
        switch happening {
        case .added: return .sectionAdded(try decoder.readFullSection())
        case .updated: return .sectionUpdated(try decoder.read(), try decoder.readFullSection())
        case .restored, .numbered: throw decoder.malformed("a section is restored as it was added")
        }
    }

    private static func tier(
        _ happening: Happening,
        from decoder: inout RecordDecoder
    ) throws(RecordDecoder.Malformed) -> Fact {
        switch happening {
        case .added: return .tierAdded(try decoder.readFullTier(), number: nil)
        case .numbered:
            let number = try decoder.read(TierNumber.self)
            return .tierAdded(try decoder.readFullTier(isNumbered: true), number: number)
        case .updated: return .tierUpdated(try decoder.read(), try decoder.readFullTier())
        case .restored:
            let version = try decoder.read(UInt32.self)
            return .tierRestored(try decoder.readFullTier(), version: version)
        }
    }

    private static func schedule(
        _ happening: Happening,
        from decoder: inout RecordDecoder
    ) throws(RecordDecoder.Malformed) -> Fact {
        switch happening {
        case .numbered: throw decoder.malformed(onlyTiers)
        case .added: return .scheduleAdded(try decoder.readScheduleDetails())
        case .updated: return .scheduleUpdated(try decoder.read(), try decoder.readScheduleDetails())
        case .restored:
            let version = try decoder.read(UInt32.self)
            return .scheduleRestored(try decoder.readScheduleDetails(), version: version)
        }
    }

    private static func venue(
        _ happening: Happening,
        from decoder: inout RecordDecoder
    ) throws(RecordDecoder.Malformed) -> Fact {
        switch happening {
        case .numbered: throw decoder.malformed(onlyTiers)
        case .added:
            let at = try decoder.read(Milliseconds.self)
            return .venueAdded(try decoder.readVenueDetails(), at: at)
        case .updated: return .venueUpdated(try decoder.readVenueDetails())
        case .restored: return .venueRestored(try decoder.readVenueView())
        }
    }

    private static func tenant(
        _ happening: Happening,
        from decoder: inout RecordDecoder
    ) throws(RecordDecoder.Malformed) -> Fact {
        let tenant = try decoder.readShortText()
        switch happening {
        case .added: return .tenantBegun(tenant: tenant, at: try decoder.read())
        case .restored:
            let createdAt = try decoder.read(Milliseconds.self)
            return .tenantRestored(tenant: tenant, createdAt: createdAt, lastCommandAt: try decoder.read())
        case .updated, .numbered: throw decoder.malformed("a tenant's inventory that was changed")
        }
    }
}
