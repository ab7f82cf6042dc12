import Engine

// The dates of an event.

extension Router {
    func schedules(_ endpoint: Endpoint, _ name: PercentText?, _ call: inout Call) throws(Problem) -> RoutedRequest {
        guard let id = name?.shortText else { throw .eventNotFound }
        let event = EventKey(tenant: call.context.tenant, event: id)
        switch endpoint {
        case .eventSchedules where call.request.method == .post: return try addSchedule(event, &call)
        case .eventSchedulesNext: return call.submission(event, .nextSchedule)
        case .eventSchedule: return try schedule(event, &call)
        default:
            var filter = try scheduleFilter(call)
            filter.isUpcomingOnly = endpoint == .eventSchedulesUpcoming
            return call.submission(event, .schedules(filter))
        }
    }

    private func addSchedule(_ event: EventKey, _ call: inout Call) throws(Problem) -> RoutedRequest {
        let (patch, body) = try call.readBody { body throws(JSONError) in
            let patch = try SchedulePatch(&body)
            body.require(patch.startsAt != nil, "starts_at")
            body.require(patch.endsAt != nil, "ends_at")
            return patch
        }
        try body.check()
        let bits = call.generatedBits
        let id = patch.id ?? PublicIdentifiers.generated("sch_", high: bits.high, low: bits.low)
        call.reply.shape = .created
        return call.submission(event, .addSchedule(patch.created(id: id)))
    }

    /// The path names the event and the schedule: `/api/v1/events/{id}/schedules/{schedule_id}`.
    private func schedule(_ event: EventKey, _ call: inout Call) throws(Problem) -> RoutedRequest {
        guard let segments = try? PathSegments(call.bytes[call.request.path]), let id = segments[5].shortText else {
            throw .scheduleNotFound
        }
        guard call.request.method == .put else { return call.submission(event, .schedule(id)) }
        let (patch, body) = try call.readBody { body throws(JSONError) in try SchedulePatch(&body) }
        try body.check()
        return call.readThenWrite(event, .schedule(id, patch, version: try expectedVersion(call)))
    }

    private func scheduleFilter(_ call: Call) throws(Problem) -> ScheduleFilter {
        var filter = ScheduleFilter(limit: try call.limit(max: Page.limitMax) ?? Page.limitMax)
        filter.from = try call.time("from")
        filter.to = try call.time("to")
        if let cursor = try call.parameter("cursor") {
            guard let place = Cursor.schedule(cursor.content) else { throw Call.invalidCursor }
            filter.after = place
        }
        return filter
    }
}

extension Call {
    /// A time in the query.
    func time(_ name: StaticString) throws(Problem) -> Milliseconds? {
        guard let text = try parameter(name) else { return nil }
        let time = text.isEncoded ? nil : Timestamp.parse(text.content)
        guard let time = time ?? Self.decodedTime(text) else {
            let field = name.description
            throw .validationFailed([
                .init(field: field, message: "must be a time of RFC 3339, as in 2026-11-21T08:00:00Z")
            ])
        }
        return time
    }

    private static func decodedTime(_ text: PercentText) -> Milliseconds? {
        var decoded = text.makeString()
        return decoded.withUTF8 { Timestamp.parse(UnsafeRawBufferPointer($0)) }
    }

    /// `true` or `false` in the query.
    func boolean(_ name: StaticString) throws(Problem) -> Bool? {
        guard let text = try parameter(name) else { return nil }
        if text.equals("true") { return true }
        if text.equals("false") { return false }
        throw .validationFailed([.init(field: name.description, message: "must be true or false")])
    }

    /// An id in the query, of something that may not be there.
    func identifier(_ name: StaticString) throws(Problem) -> ShortText? {
        guard let text = try parameter(name) else { return nil }
        guard let id = text.shortText else {
            throw .validationFailed([.init(field: name.description, message: "must have 1 to 64 bytes")])
        }
        return id
    }
}

extension Cursor {
    /// - Returns: the date that the page begins behind; nil for a text that `text(after:)` doesn't make.
    static func schedule(_ text: UnsafeRawBufferPointer) -> ScheduleFilter.Place? {
        var bytes = InlineArray<12, UInt8>(repeating: 0)
        return withUnsafeMutableBytes(of: &bytes) { raw in
            guard Base64URL.decode(text, into: raw) else { return nil }
            return ScheduleFilter.Place(
                startsAt: Milliseconds(bigEndian: raw.loadUnaligned(as: Milliseconds.self)),
                number: UInt32(bigEndian: raw.loadUnaligned(fromByteOffset: 8, as: UInt32.self))
            )
        }
    }

    static func text(after place: ScheduleFilter.Place) -> String {
        var bytes: [UInt8] = []
        withUnsafeBytes(of: place.startsAt.bigEndian) { bytes += $0 }
        withUnsafeBytes(of: place.number.bigEndian) { bytes += $0 }
        return text(bytes)
    }
}
