/// Which events of a tenant are asked for, and which page of them. They come in the order of their ids' bytes.
public struct EventFilter: Equatable, Sendable {
    /// Nil for all that are not cancelled.
    public var status: EventStatus?
    /// Empty for all.
    public var venue = ShortText.empty
    /// Beginning later than this, and before that. An event that doesn't say when it begins is neither.
    public var startsAfter: Milliseconds?
    public var startsBefore: Milliseconds?
    /// What the name has somewhere, ASCII letters in either case; up to 64 bytes. Empty for all.
    public var name = ShortText.empty
    /// The id that the page begins behind; empty for the first page.
    public var after = ShortText.empty
    public var limit: Int

    public init(limit: Int) { self.limit = limit }

    /// Whether an event is one of those that are asked for.
    /// - Parameter lookedAt: grows with what it takes to find out.
    func allows(_ event: borrowing EventInventory, _ lookedAt: inout Int) -> Bool {
        lookedAt += 1
        guard status.map({ $0 == event.status }) ?? (event.status != .cancelled) else { return false }
        if !venue.isEmpty, event.details.venue != venue { return false }
        if startsAfter != nil || startsBefore != nil {
            guard let start = event.details.startsAt else { return false }
            if let startsAfter, start <= startsAfter { return false }
            if let startsBefore, start >= startsBefore { return false }
        }
        guard !name.isEmpty else { return true }
        lookedAt += event.details.name.utf8.count / 16
        return name.withBytes { Self.find($0, in: event.details.name) }
    }

    private static func find(_ part: UnsafeRawBufferPointer, in name: String) -> Bool {
        var name = name
        return name.withUTF8 { name in
            guard name.count >= part.count else { return false }
            for start in 0...(name.count - part.count) {
                var index = 0
                while index < part.count, lowercase(name[start + index]) == lowercase(part[index]) { index += 1 }
                if index == part.count { return true }
            }
            return false
        }
    }

    private static func lowercase(_ byte: UInt8) -> UInt8 {
        byte >= UInt8(ascii: "A") && byte <= UInt8(ascii: "Z") ? byte | 0x20 : byte
    }
}

/// One page of a tenant's events.
public struct EventPage: Sendable {
    public var views: [EventView]
    /// The id that the next page begins behind; nil behind the last one. A page with a filter may have fewer events than
    /// it could, or none, and a next one all the same: how many are looked at for it is bounded.
    public var next: ShortText?

    /// The pages of several shards as one.
    init(of pages: [EventPage], limit: Int) {
        // Nothing is known of what comes behind where the first of them stopped.
        let end = pages.compactMap(\.next).min { $0.precedes($1) }
        let known = pages.flatMap(\.views).filter { view in end.map { !$0.precedes(view.details.id) } ?? true }
        let sorted = known.sorted { $0.details.id.precedes($1.details.id) }
        views = Array(sorted.prefix(limit))
        next = sorted.count > limit ? views.last?.details.id : end
    }

    init(views: [EventView], next: ShortText?) {
        self.views = views
        self.next = next
    }
}

extension ShardTables {
    /// What a page costs at most, in events and sections looked at.
    private static let lookedAtMax = 10_000
    /// And in events, of which each may be anywhere in memory.
    private static let eventsLookedAtMax = 2_000

    /// The tenant's events of this shard.
    func events(of tenant: ShortText, _ filter: EventFilter, at now: Milliseconds) -> EventPage {
        var page = EventPage(views: [], next: nil)
        var last = ShortText.empty
        var (events, lookedAt) = (0, 0)
        guard let order = orders[tenant] else { return page }
        let slots = slots
        let id = { (slot: UInt32) in slots[Int(slot)].details.id }
        order.visit(after: filter.after, id: id) { slot in
            guard page.views.count < filter.limit, events < Self.eventsLookedAtMax, lookedAt < Self.lookedAtMax else {
                page.next = last
                return false
            }
            events += 1
            last = slots[Int(slot)].details.id
            if filter.allows(slots[Int(slot)], &lookedAt) {
                page.views.append(slots[Int(slot)].eventView(at: now, &lookedAt))
            }
            return true
        }
        return page
    }
}
