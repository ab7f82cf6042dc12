import Engine
import WAL

// An event's stock: the numbers that change, section by section, and nothing else.

extension ResponseWriter {
    /// One page of the sections' stock.
    /// - Parameter count: of all of the event's sections.
    mutating func write(
        _ sections: [SectionAvailability],
        count: Int,
        _ reply: borrowing ReplyContext,
        of event: some EventConstants
    ) -> Range<Int> {
        if reply.shape == .stream { return writeStreamHead(reply, isChunked: true) }
        let page = if case .page(let page) = reply.shape { page } else { Page() }
        let next = page.slice(of: count).next
        if let known = beginThing(reply, entityTag: sections.entityTag(count: count)) { return known }
        if let next {
            let path = "/api/v1/events/\(event.id)/availability"
            header("Link", "<\(path)?limit=\(page.limit)&cursor=\(Cursor.text(start: next))>; rel=\"next\"")
        }
        beginBody()
        bytes.beginObject()
        bytes.key("availability")
        bytes.availability(event.id, sections)
        bytes.nextCursor(next.map { Cursor.text(start: $0) })
        bytes.endObject()
        return end(omitBody: reply.isHead)
    }

    /// The head of an event stream (WHATWG HTML, server-sent events).
    mutating func writeStreamHead(_ reply: borrowing ReplyContext, isChunked: Bool) -> Range<Int> {
        begin(.ok, .eventStream)
        echo(reply)
        // Proxies that gather answers before they pass them on are told not to.
        header("X-Accel-Buffering", "no")
        return endStreamHead(isChunked: isChunked)
    }
}

extension [SectionAvailability] {
    /// A hash of what a page of them shows.
    fileprivate func entityTag(count: Int) -> UInt64 {
        var hash = StableHash(seed: 0x6176_6169_6c61_626c)
        hash.combine(UInt64(count))
        for section in self {
            hash.combine(section.number)
            hash.combine(section.counts.total)
            hash.combine(section.counts.buffer)
            hash.combine(section.counts.reserved)
            hash.combine(section.counts.sold)
        }
        return hash.finish()
    }
}

extension ByteWriter {
    /// A whole event of a stream: the position as its id, its name, and the sections in one line.
    mutating func availabilityEvent(
        _ name: StaticString,
        _ position: LogPosition,
        _ event: ShortText,
        _ sections: some Sequence<SectionAvailability>
    ) {
        append("id: ")
        append(decimal: position.rawValue, digitsMin: 1)
        append("\nevent: ")
        append(name)
        // JSON begins behind a colon or a line feed, not behind a blank.
        append("\ndata:")
        availability(event, sections)
        append("\n\n")
    }

    fileprivate mutating func availability(_ event: ShortText, _ sections: some Sequence<SectionAvailability>) {
        beginObject()
        field("event_id", event)
        key("sections")
        beginArray()
        for section in sections {
            beginObject()
            field("id", section.id)
            field("available", Int64(section.counts.available))
            field("reserved", Int64(section.counts.reserved))
            field("sold", Int64(section.counts.sold))
            field("total", Int64(section.counts.total))
            field("buffer", Int64(section.counts.buffer))
            field("sold_out", section.isSoldOut)
            endObject()
        }
        endArray()
        endObject()
    }
}
