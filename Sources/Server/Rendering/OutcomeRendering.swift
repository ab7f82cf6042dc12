import Engine

// Outcomes as responses. What a success shows depends on the outcome, on the shape that the request's method and path
// ask for, and on what never changes of the event: the same answer gives the same bytes.

extension ResponseWriter {
    /// Writes the whole response of an outcome.
    /// - Parameter event: the event that the outcome shows; nil where there is none.
    @discardableResult
    mutating func write(
        _ outcome: Outcome,
        _ reply: borrowing ReplyContext,
        of event: (some EventConstants)?
    ) -> Range<Int> {
        switch outcome {
        case .unavailable(let reason): return write(.unavailable(reason), reply)
        case .refused(.eventNotFound), .answer(.rejected(.eventNotFound)):
            // A tenant without venues has nothing that could be asked for a page of them.
            if reply.subject == .venue, case .page = reply.shape {
                return write(VenuePage(views: [], hasMore: false), reply)
            }
            if case .scans(let count) = reply.shape { return writeUnfound(scans: count, reply) }
            return write(Problem(reply.subject.missing, of: NoEvent()), reply)
        case .refused(let rejection), .answer(.rejected(let rejection)):
            if let event { return write(Problem(rejection, of: event), reply) }
            return write(Problem(rejection, of: NoEvent()), reply)
        case .answer(let answer):
            guard let event else { preconditionFailure("an answer without its event") }
            return write(answer, reply, of: event)
        case .finding(let finding):
            guard let event else { preconditionFailure("a finding without its event") }
            return write(finding, reply, of: event)
        }
    }

    private mutating func write(
        _ answer: Answer,
        _ reply: borrowing ReplyContext,
        of event: some EventConstants
    ) -> Range<Int> {
        if reply.shape == .noContent {
            begin(.noContent)
            echo(reply)
            return end()
        }
        switch answer {
        case .event(let view): return write(view, reply)
        case .section(let view): return write(view, reply, of: event)
        case .tier(let view): return write(view, reply, of: event)
        case .schedule(let view): return write(view, reply, of: event)
        case .venue(let view): return write(view, reply)
        case .reservedOne(let hold, let counts, let at, let isSingleSection):
            return writeReserved(hold, isSingleSection ? counts : nil, at: at, reply, of: event)
        case .reserved(let hold, let counts, let at, let isSingleSection):
            return writeReserved(hold, isSingleSection ? counts.first : nil, at: at, reply, of: event)
        case .reservation(let hold, let at): return write(hold, at: at, reply, of: event)
        case .order(let hold, let at): return write(OrderPageContent(hold, at: at), reply, of: event)
        case .refunded(let hold, let tickets, let marks, _):
            return write(OrderPageContent(hold, refunded: tickets, marks), reply, of: event)
        case .ticket(let view): return write(view, reply, of: event)
        case .scanned(let outcomes, let isList): return write(outcomes, isList: isList, reply, of: event)
        case .gate(let gate): return write(gate, reply, of: event)
        case .rejected(let rejection): return write(Problem(rejection, of: event), reply)
        }
    }

    private mutating func write(
        _ finding: Finding,
        _ reply: borrowing ReplyContext,
        of event: some EventConstants
    ) -> Range<Int> {
        switch finding {
        case .event(let view): return write(view, reply)
        case .section(let view): return write(view, reply, of: event)
        case .seats(let view): return write(view, reply, of: event)
        case .allSeats(let page): return write(page, reply, of: event)
        case .sections(let views): return writeTotal(views, reply, of: event)
        case .sectionPage(let page): return write(page, reply, of: event)
        case .schedule(let view): return write(view, reply, of: event)
        case .schedules(let page): return write(page, reply, of: event)
        case .venue(let view): return write(view, reply)
        case .venues(let page): return write(page, reply)
        case .availability(let sections, let count): return write(sections, count: count, reply, of: event)
        case .check(let view, let quantity, let isAvailable):
            return writeCheck(view, quantity, isAvailable, reply, of: event)
        case .tiers(let views): return write(views, reply, of: event)
        case .price(_, let quote): return write(quote, reply, of: event)
        case .reservation(let hold, let at): return write(hold, at: at, reply, of: event)
        case .order(let hold, let at): return write(OrderPageContent(read: hold, at: at), reply, of: event)
        case .orderDue(let hold, let at):
            return write(OrderPageContent(read: hold, at: at, isEventCancelled: true), reply, of: event)
        case .orders(let page): return write(page, reply, of: event)
        case .ticket(let view): return write(view, reply, of: event)
        case .gates(let gates): return write(gates, reply, of: event)
        }
    }

    // MARK: - Heads

    /// Begins the answer about one thing: 201 where the request made it, else 200.
    /// - Returns: where the whole response lies, when it is a 304 because the client knows the thing already; else nil,
    ///   and the response is to be gone on with.
    mutating func beginThing(
        _ reply: borrowing ReplyContext,
        entityTag: UInt64,
        isWeak: Bool = false
    ) -> Range<Int>? {
        let isNew = reply.shape == .created
        let isKnown = if isNew { false } else { reply.known.contains(entityTag) }
        begin(isKnown ? .notModified : isNew ? .created : .ok, .json)
        echo(reply)
        header("ETag", isWeak ? "W/\"\(entityTag)\"" : "\"\(entityTag)\"")
        return isKnown ? end() : nil
    }

    /// Where the new thing can be read.
    mutating func location(_ collection: StaticString, _ id: ShortText) {
        var path = InlineArray<96, UInt8>(repeating: 0)
        withUnsafeMutableBytes(of: &path) { raw in
            var count = 0
            func append(_ bytes: UnsafeRawBufferPointer) {
                UnsafeMutableRawBufferPointer(rebasing: raw[count...]).copyMemory(from: bytes)
                count += bytes.count
            }
            append(UnsafeRawBufferPointer(start: collection.utf8Start, count: collection.utf8CodeUnitCount))
            id.withBytes { append($0) }
            header("Location", UnsafeRawBufferPointer(rebasing: raw[..<count]))
        }
    }
}

// MARK: - Identifiers

extension ByteWriter {
    mutating func field(_ name: StaticString, _ text: ShortText) {
        key(name)
        text.withBytes { string($0) }
    }

    /// Null for the empty text, which stands for none.
    mutating func field(_ name: StaticString, orNull text: ShortText) {
        key(name)
        if text.isEmpty { null() } else { text.withBytes { string($0) } }
    }

    mutating func field(_ name: StaticString, _ id: HoldID, as prefix: PublicIdentifiers.HoldPrefix) {
        key(name)
        append(UInt8(ascii: "\""))
        append(atMost: PublicIdentifiers.holdCharacters) {
            PublicIdentifiers.write(id, as: prefix, into: $0)
            return PublicIdentifiers.holdCharacters
        }
        append(UInt8(ascii: "\""))
    }

    mutating func field(_ name: StaticString, tier: TierNumber, of event: EventKey) {
        key(name)
        append(UInt8(ascii: "\""))
        append(atMost: PublicIdentifiers.tierCharacters) {
            PublicIdentifiers.writeTier(tier, of: event, into: $0)
            return PublicIdentifiers.tierCharacters
        }
        append(UInt8(ascii: "\""))
    }

    mutating func field(_ name: StaticString, orNull time: Milliseconds?) {
        key(name)
        if let time { timestamp(epochMilliseconds: time) } else { null() }
    }

    mutating func field(_ name: StaticString, orNull minorUnits: Int64?, fractionDigits: Int) {
        key(name)
        if let minorUnits { money(minorUnits: minorUnits, fractionDigits: fractionDigits) } else { null() }
    }

    /// Null for 0, which stands for no limit.
    mutating func field(_ name: StaticString, limit: UInt32) {
        key(name)
        if limit == 0 { null() } else { integer(Int64(limit)) }
    }
}
