import Engine

// A tenant's venues.

extension Router {
    func venues(_ endpoint: Endpoint, _ name: PercentText?, _ call: inout Call) throws(Problem) -> RoutedRequest {
        // They belong to no event, and so are kept under none.
        let key = EventKey(tenant: call.context.tenant, event: .empty)
        guard endpoint == .venue else {
            return call.request.method == .post ? try createVenue(key, &call) : try listVenues(key, &call)
        }
        guard let id = name?.shortText else { throw .venueNotFound }
        guard call.request.method == .put else { return call.submission(key, .venue(id)) }
        let (patch, body) = try call.readBody { body throws(JSONError) in try VenuePatch(&body) }
        try body.check()
        return call.readThenWrite(key, .venue(id, patch, version: try expectedVersion(call)))
    }

    private func createVenue(_ key: EventKey, _ call: inout Call) throws(Problem) -> RoutedRequest {
        let (patch, body) = try call.readBody { body throws(JSONError) in
            let patch = try VenuePatch(&body)
            body.require(patch.name != nil, "name")
            body.require(patch.maximumCapacity != nil, "max_capacity")
            return patch
        }
        try body.check()
        let bits = call.generatedBits
        let id = patch.id ?? PublicIdentifiers.generated("ven_", high: bits.high, low: bits.low)
        call.reply.shape = .created
        return call.submission(key, .createVenue(patch.created(id: id)))
    }

    private func listVenues(_ key: EventKey, _ call: inout Call) throws(Problem) -> RoutedRequest {
        let limit = try call.limit(max: Page.limitMax) ?? Page.limitMax
        var after = ShortText.empty
        if let cursor = try call.parameter("cursor") {
            guard let place = Cursor.after(cursor.content) else { throw Call.invalidCursor }
            after = place
        }
        call.reply.shape = .page(Page(start: 0, limit: limit))
        return call.submission(key, .venues(after: after, limit: limit))
    }

    /// The version that the client's If-Match asks for; nil where any will do.
    func expectedVersion(_ call: Call) throws(Problem) -> UInt32? {
        guard let expected = expectedTags(call), !expected.isAny else { return nil }
        guard let version = expected.single.flatMap(EntityTags.version) else {
            throw .preconditionFailed("If-Match must be the one ETag of what the change is for.")
        }
        return version
    }
}

extension EntityTags {
    /// The version in the tag of a thing that has one. Above it may stand what the thing shows beside its own members.
    static func version(_ tag: UInt64) -> UInt32? {
        let version = UInt32(truncatingIfNeeded: tag)
        return version > 0 ? version : nil
    }
}

extension Problem {
    static var venueNotFound: Problem { Problem(.venueNotFound, of: NoEvent()) }
    static var scheduleNotFound: Problem { Problem(.scheduleNotFound, of: NoEvent()) }
}
