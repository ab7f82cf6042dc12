import Engine

// Seat maps. A row's seats are told as stretches of one state, a letter and how many (none for one): `f12hs3` is twelve free
// seats, one that is held, three that are sold. That is never longer than a letter a seat.

extension ResponseWriter {
    /// One section's seats with what they are called, a page of rows.
    mutating func write(
        _ view: SeatMapView,
        _ reply: borrowing ReplyContext,
        of event: some EventConstants
    ) -> Range<Int> {
        let page = if case .page(let page) = reply.shape { page } else { Page() }
        let rows = view.map.page(from: Int(page.start), limit: Int(page.limit))
        let next = rows.upperBound < view.map.rowCount ? UInt32(rows.upperBound) : nil
        if let known = beginThing(reply, entityTag: view.map.revision) { return known }
        let section = event.sectionID(view.section)
        if let next {
            let cursor = Cursor.text(start: next)
            header("Link", "</api/v1/capacity/\(section)/seats?limit=\(page.limit)&cursor=\(cursor)>; rel=\"next\"")
        }
        beginBody()
        bytes.beginObject()
        bytes.key("seats")
        bytes.beginObject()
        bytes.counts(of: view, section)
        bytes.key("rows")
        bytes.beginArray()
        for row in rows { bytes.row(row, of: view.map) }
        bytes.endArray()
        bytes.endObject()
        bytes.nextCursor(next.map { Cursor.text(start: $0) })
        bytes.endObject()
        return end(omitBody: reply.isHead)
    }

    /// What the seats of all sections are, without what they are called, a page of rows: to be asked for again and again.
    mutating func write(
        _ found: SeatRowPage,
        _ reply: borrowing ReplyContext,
        of event: some EventConstants
    ) -> Range<Int> {
        let page = if case .page(let page) = reply.shape { page } else { Page() }
        if let known = beginThing(reply, entityTag: found.entityTag) { return known }
        if let next = found.next {
            let path = "/api/v1/events/\(event.id)/seats"
            header("Link", "<\(path)?limit=\(page.limit)&cursor=\(Cursor.text(place: next))>; rel=\"next\"")
        }
        beginBody()
        bytes.beginObject()
        bytes.key("seats")
        bytes.beginArray()
        for part in found.parts {
            bytes.beginObject()
            bytes.counts(of: part.view, event.sectionID(part.view.section))
            bytes.field("first_row", Int64(part.rows.lowerBound))
            bytes.key("states")
            bytes.beginArray()
            for row in part.rows { bytes.states(ofRow: row, of: part.view.map) }
            bytes.endArray()
            bytes.endObject()
        }
        bytes.endArray()
        bytes.nextCursor(found.next.map { Cursor.text(place: $0) })
        bytes.endObject()
        return end(omitBody: reply.isHead)
    }
}

extension SeatRowPage {
    /// A hash of which rows of which seat maps they are, how often each map has changed, and where the next page begins.
    var entityTag: UInt64 {
        var hash = StableHash(seed: 0x7365_6174_6d61_7073)
        for part in parts {
            hash.combine(part.view.section)
            hash.combine(part.view.map.revision)
            hash.combine(UInt32(part.rows.lowerBound))
            hash.combine(UInt32(part.rows.upperBound))
        }
        if let next {
            hash.combine(next.section)
            hash.combine(next.row)
        }
        return hash.finish()
    }
}

extension ByteWriter {
    fileprivate mutating func counts(of view: SeatMapView, _ section: ShortText) {
        field("capacity_id", section)
        field("total_capacity", Int64(view.counts.total))
        field("available_capacity", Int64(view.counts.available))
        field("reserved_capacity", Int64(view.counts.reserved))
        field("sold_count", Int64(view.counts.sold))
        field("blocked_count", Int64(view.counts.buffer))
    }

    fileprivate mutating func row(_ number: Int, of map: SeatMap) {
        beginObject()
        names(of: map.row(number))
        key("states")
        states(ofRow: number, of: map)
        endObject()
    }

    mutating func names(of row: SeatRow) {
        field("label", row.label)
        switch row.seats {
        case .numbers(let first, let step, let count):
            field("from", Int64(first))
            field("to", Int64(first) + Int64(step) * Int64(count - 1))
            field("step", Int64(step.magnitude))
        case .texts(let labels):
            key("seats")
            beginArray()
            for label in labels { label.withBytes { string($0) } }
            endArray()
        }
    }

    fileprivate mutating func states(ofRow number: Int, of map: SeatMap) {
        // As many bytes as a row has seats are always enough.
        withUnsafeTemporaryAllocation(byteCount: InventoryLimits.seatsPerRowMax, alignment: 1) { text in
            var count = 0
            map.visit(row: number) { state, seats in
                text[count] = state.letter
                count += 1
                guard seats > 1 else { return }
                Currency.withDecimalText(seats, minorDigits: 0) { digits in
                    for digit in digits {
                        text[count] = digit
                        count += 1
                    }
                }
            }
            string(UnsafeRawBufferPointer(rebasing: text[..<count]))
        }
    }
}

extension SeatState {
    fileprivate var letter: UInt8 {
        switch self {
        case .free: UInt8(ascii: "f")
        case .held: UInt8(ascii: "h")
        case .sold: UInt8(ascii: "s")
        case .blocked: UInt8(ascii: "b")
        }
    }
}
