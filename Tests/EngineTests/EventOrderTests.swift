import Testing

@testable import Engine
@testable import ReferenceModel

/// Events in the order of their ids, held against sorting them.
@Suite struct EventOrderTests {
    /// Ids that come in order, in the opposite one, and in none.
    private static func ids(_ count: Int, seed: UInt64) -> [ShortText] {
        var random = SeededRandom(seed: seed)
        let numbers =
            switch seed % 3 {
            case 0: Array(0..<count)
            case 1: Array((0..<count).reversed())
            default: (0..<count).map { $0 * 7_919 % 100_003 + random.below(2) * 200_000 }
            }
        return Array(Set(numbers)).sorted { left, right in
            seed % 3 == 2 ? left * 31 % 1_009 < right * 31 % 1_009 : seed % 3 == 0 ? left < right : left > right
        }.map { ShortText("event-\(String(repeating: "0", count: 6 - String($0).count))\($0)")! }
    }

    @Test(arguments: 0..<6 as Range<UInt64>)
    func everyEventComesOnceAndInOrder(_ seed: UInt64) {
        let ids = Self.ids([0, 1, 511, 513, 2_000, 5_000][Int(seed)], seed: seed)
        let id = { (slot: UInt32) in ids[Int(slot)] }
        var order = EventOrder()
        for slot in ids.indices { order.add(UInt32(slot), id: id) }
        let sorted = ids.sorted { $0.precedes($1) }
        var found: [ShortText] = []
        order.visit(after: .empty, id: id) { slot in
            found.append(ids[Int(slot)])
            return true
        }
        #expect(found == sorted)
        // From anywhere, whether there is an event of that name or not.
        var random = SeededRandom(seed: seed)
        for _ in 0..<50 where !sorted.isEmpty {
            let place = random.below(sorted.count)
            let after = random.chance(50) ? sorted[place] : ShortText("\(sorted[place])-")!
            var next: [ShortText] = []
            order.visit(after: after, id: id) { slot in
                next.append(ids[Int(slot)])
                return next.count < 3
            }
            #expect(next == Array(sorted.filter { after.precedes($0) }.prefix(3)))
        }
    }

    private static func view(_ id: String) -> EventView {
        let details = EventDetails(id: ShortText(id)!, name: id, currency: "EUR")
        return EventView(details: details, status: .draft, version: 1, createdAt: 0)
    }

    private static func page(_ ids: [String], next: String?) -> EventPage {
        EventPage(views: ids.map(view), next: next.map { ShortText($0)! })
    }

    /// Behind where one shard has stopped nothing is shown: it may have events there that belong between the others.
    @Test func pagesOfShardsMakeOnePage() {
        func merged(_ limit: Int, _ pages: EventPage...) -> String {
            let page = EventPage(of: pages, limit: limit)
            return "\(page.views.map(\.details.id.description)) \(page.next?.description ?? "end")"
        }
        let first = Self.page(["a", "c"], next: nil)
        #expect(merged(4, first, Self.page(["b"], next: nil)) == #"["a", "b", "c"] end"#)
        #expect(merged(3, first, Self.page(["b"], next: nil)) == #"["a", "b", "c"] end"#)
        #expect(merged(2, first, Self.page(["b"], next: nil)) == #"["a", "b"] b"#)
        #expect(merged(4, first, Self.page(["b"], next: "b")) == #"["a", "b"] b"#)
        #expect(merged(4, Self.page(["c"], next: nil), Self.page([], next: "b")) == "[] b")
    }

    @Test(arguments: [
        ("gala", true), ("LA N", true), ("nacht", true), ("galanacht", false), ("ü", true), ("Gala Nächte", false),
    ])
    func aNameIsFoundByAPart(_ part: String, _ isFound: Bool) throws {
        var details = EventDetails(id: "gala", name: "Gala Nacht für alle", currency: "EUR")
        details.venue = "arena"
        let context = CommandContext(tenant: "shop", now: 1, random: (0, 0))
        let fact = Fact.eventCreated(tenant: context.tenant, details, at: 1)
        let event = try #require(EventInventory(creating: fact))
        var filter = EventFilter(limit: 1)
        filter.name = ShortText(part)!
        var lookedAt = 0
        #expect(filter.allows(event, &lookedAt) == isFound)
        #expect(lookedAt == 2)
        filter.venue = "hall"
        #expect(!filter.allows(event, &lookedAt))
    }

    /// A page looks at a bounded number of events, and says where to go on.
    @Test func aFilterThatFindsNothingEndsAllTheSame() async throws {
        var tables = ShardTables(now: 0)
        let count = 5_000
        for number in 0..<count {
            let id = ShortText("e\(String(repeating: "0", count: 5 - String(number).count))\(number)")!
            var details = EventDetails(id: id, name: "Event", currency: "EUR")
            details.venue = number == count - 1 ? "far" : .empty
            _ = tables.add(EventInventory(creating: .eventCreated(tenant: "shop", details, at: 0))!)
        }
        var filter = EventFilter(limit: 10)
        filter.venue = "far"
        var pages = 0
        var found = 0
        repeat {
            let page = tables.events(of: "shop", filter, at: 0)
            pages += 1
            found += page.views.count
            filter.after = page.next ?? .empty
        } while !filter.after.isEmpty
        #expect(found == 1)
        #expect(pages == 3)
    }
}
