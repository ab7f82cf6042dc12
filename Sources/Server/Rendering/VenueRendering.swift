import Engine

// Venues and schedules, one by one and in lists.

// MARK: - Venues

extension ResponseWriter {
    mutating func write(_ view: VenueView, _ reply: borrowing ReplyContext) -> Range<Int> {
        if let known = beginThing(reply, entityTag: UInt64(view.version)) { return known }
        if reply.shape == .created { location("/api/v1/venues/", view.details.id) }
        beginBody()
        bytes.beginObject()
        bytes.key("venue")
        bytes.venue(view)
        bytes.endObject()
        return end(omitBody: reply.isHead)
    }

    /// One page of a tenant's venues.
    mutating func write(_ page: VenuePage, _ reply: borrowing ReplyContext) -> Range<Int> {
        let limit = if case .page(let page) = reply.shape { page.limit } else { Page.limitMax }
        let cursor = page.hasMore ? page.views.last.map { Cursor.text(after: $0.details.id) } : nil
        begin(.ok, .json)
        echo(reply)
        if let cursor { header("Link", "</api/v1/venues?limit=\(limit)&cursor=\(cursor)>; rel=\"next\"") }
        beginBody()
        bytes.beginObject()
        bytes.key("venues")
        bytes.beginArray()
        for view in page.views { bytes.venue(view) }
        bytes.endArray()
        bytes.nextCursor(cursor)
        bytes.endObject()
        return end(omitBody: reply.isHead)
    }
}

extension ByteWriter {
    fileprivate mutating func venue(_ view: VenueView) {
        let details = view.details
        beginObject()
        field("id", details.id)
        venueFields(details)
        field("version", Int64(view.version))
        field("created_at", epochMilliseconds: view.createdAt)
        attributes(details.attributes)
        endObject()
    }

    mutating func venueFields(_ details: VenueDetails) {
        field("name", details.name)
        field("max_capacity", Int64(details.maximumCapacity))
        field("address", orNull: details.address.street)
        field("city", orNull: details.address.city)
        field("state", orNull: details.address.state)
        field("postal_code", orNull: details.address.postalCode)
        field("country", orNull: details.address.country)
    }

    /// Null for the empty text, which stands for none.
    private mutating func field(_ name: StaticString, orNull text: String) {
        if text.isEmpty {
            key(name)
            null()
        } else {
            field(name, text)
        }
    }

    /// Members as a client sent them.
    mutating func attributes(_ members: String) {
        guard !members.isEmpty else { return }
        append(UInt8(ascii: ","))
        append(members)
    }
}

// MARK: - Schedules

extension ResponseWriter {
    mutating func write(
        _ view: ScheduleView,
        _ reply: borrowing ReplyContext,
        of event: some EventConstants
    ) -> Range<Int> {
        if let known = beginThing(reply, entityTag: UInt64(view.version)) { return known }
        if reply.shape == .created {
            header("Location", "/api/v1/events/\(event.id)/schedules/\(view.details.id)")
        }
        beginBody()
        bytes.beginObject()
        bytes.key("schedule")
        bytes.schedule(view, of: event)
        bytes.endObject()
        return end(omitBody: reply.isHead)
    }

    /// One page of an event's dates.
    mutating func write(
        _ page: SchedulePage,
        _ reply: borrowing ReplyContext,
        of event: some EventConstants
    ) -> Range<Int> {
        let cursor = page.next.map { Cursor.text(after: $0) }
        begin(.ok, .json)
        echo(reply)
        if let cursor { header("Link", "<\(Self.path(of: page.filter, of: event))&cursor=\(cursor)>; rel=\"next\"") }
        beginBody()
        bytes.beginObject()
        bytes.key("schedules")
        bytes.beginArray()
        for view in page.views { bytes.schedule(view, of: event) }
        bytes.endArray()
        bytes.nextCursor(cursor)
        bytes.endObject()
        return end(omitBody: reply.isHead)
    }

    private static func path(of filter: ScheduleFilter, of event: some EventConstants) -> String {
        var path = "/api/v1/events/\(event.id)/schedules"
        path += filter.isUpcomingOnly ? "/upcoming?limit=\(filter.limit)" : "?limit=\(filter.limit)"
        if let from = filter.from { path += "&from=\(Timestamp.text(from))" }
        if let to = filter.to { path += "&to=\(Timestamp.text(to))" }
        return path
    }
}

extension Timestamp {
    static func text(_ time: Milliseconds) -> String {
        var bytes = ByteWriter(capacity: 32)
        append(epochMilliseconds: time, to: &bytes)
        return bytes.withBytes { String(decoding: $0, as: UTF8.self) }
    }
}

extension ByteWriter {
    fileprivate mutating func schedule(_ view: ScheduleView, of event: some EventConstants) {
        let details = view.details
        beginObject()
        field("id", details.id)
        field("event_id", event.id)
        scheduleFields(details)
        field("version", Int64(view.version))
        attributes(details.attributes)
        endObject()
    }

    mutating func scheduleFields(_ details: ScheduleDetails) {
        field("status", details.isCancelled ? "CANCELLED" : "SCHEDULED" as StaticString)
        field("starts_at", epochMilliseconds: details.startsAt)
        field("ends_at", epochMilliseconds: details.endsAt)
        field("doors_open_at", orNull: details.doorsOpenAt)
    }
}
