import Engine

/// The members of a schedule's JSON that a request gives; the others keep their value.
struct SchedulePatch: Equatable, Sendable {
    var id: ShortText?
    var startsAt: Milliseconds?
    var endsAt: Milliseconds?
    var doorsOpenAt = Change<Milliseconds>.kept
    var isCancelled: Bool?
    /// Members that this engine doesn't know.
    var attributes = Attributes()

    /// Reads the whole body.
    init(_ body: inout BodyReader) throws(JSONError) {
        var seen: UInt64 = 0
        try body.begin()
        while let key = try body.nextKey() { try read(key, &body, &seen) }
    }

    private mutating func read(_ key: JSONString, _ body: inout BodyReader, _ seen: inout UInt64) throws(JSONError) {
        switch key {
        case "id":
            try body.once(0, &seen)
            id = try body.newIdentifier()
            // They stand in the path where an id would.
            if id == "upcoming" || id == "next" { body.note("must be neither upcoming nor next") }
        case "starts_at":
            try body.once(1, &seen)
            startsAt = try body.time()
        case "ends_at":
            try body.once(2, &seen)
            endsAt = try body.time()
        case "doors_open_at":
            try body.once(3, &seen)
            doorsOpenAt = try body.timeChange()
        case "status":
            try body.once(4, &seen)
            isCancelled = try Self.isCancelled(&body)
        case "event_id", "version":
            // What this server tells of a schedule; clients that send back what they read are not refused.
            try body.skip()
        default: try attributes.read(key, &body)
        }
    }

    private static func isCancelled(_ body: inout BodyReader) throws(JSONError) -> Bool? {
        switch try body.name() {
        case .some("SCHEDULED"): return false
        case .some("CANCELLED"): return true
        case .some: body.note("must be SCHEDULED or CANCELLED")
        case nil: break
        }
        return nil
    }

    /// The details with this patch; the id too, so that the engine refuses another one.
    func applied(to details: ScheduleDetails) -> ScheduleDetails {
        var changed = details
        if let id { changed.id = id }
        if let startsAt { changed.startsAt = startsAt }
        if let endsAt { changed.endsAt = endsAt }
        changed.doorsOpenAt = doorsOpenAt.applied(to: details.doorsOpenAt)
        if let isCancelled { changed.isCancelled = isCancelled }
        changed.attributes = attributes.merged(into: details.attributes)
        return changed
    }

    /// A new schedule.
    /// - Precondition: its beginning and its end are there.
    func created(id: ShortText) -> ScheduleDetails {
        var details = applied(to: ScheduleDetails(id: id, startsAt: startsAt!, endsAt: endsAt!))
        details.attributes = attributes.json
        return details
    }
}
