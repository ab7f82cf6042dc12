// What reports show of one event: copies of the running sums, with the names of what they are sums of.

/// Days since 1970-01-01, UTC, both included.
public typealias DayRange = ClosedRange<Int64>

/// What an event has sold.
public struct EventSales: Sendable {
    public struct OfSection: Equatable, Sendable {
        public let id: ShortText
        public let name: String
        public let counts: SectionCounts
        public let sums: SalesSums
    }

    public struct OfTier: Equatable, Sendable {
        public let number: TierNumber
        public let name: String
        public let sums: SalesSums
    }

    public let key: EventKey
    public let event: EventView
    /// Of the days that were asked for; of all time where none were.
    public let total: OrderSums
    /// Ascending, those that saw a sale or a refund.
    public let days: [DaySales]
    /// Of the days before those that are kept apart, added up; nil where there are none, and where days were asked for.
    public let earlier: DaySales?
    /// Refunds that are in no day: an earlier build has noted them without.
    public let undatedRefunds: SalesSums
    /// A page of the sections and of the tiers; empty where days were asked for, whose sums are not kept by these.
    public let sections: [OfSection]
    public let tiers: [OfTier]
    /// Where the next page begins, when there is one.
    public let next: Int?
    /// The latest hours in which something was sold, ascending.
    public let hours: [HourSales]
    public let holds: HoldCounts
}

/// What has become of an event's reservations, all there ever were.
public struct HoldCounts: Equatable, Sendable {
    public var placed: UInt64
    public var open: UInt64
    public var confirmed: UInt64
    public var released: UInt64
    public var expired: UInt64
    /// Released or expired under an earlier build, which didn't keep count.
    public var endedBefore: UInt64
}

/// What a customer has of an event, or of several.
public struct CustomerSales: Equatable, Sendable {
    public var orders: UInt64 = 0
    public var sums = SalesSums()
    public var openHolds: UInt64 = 0
    /// Places in the open reservations.
    public var openPlaces: UInt64 = 0

    public init() {}

    static func += (left: inout CustomerSales, right: CustomerSales) {
        left.orders += right.orders
        left.sums += right.sums
        left.openHolds += right.openHolds
        left.openPlaces += right.openPlaces
    }
}

/// A customer of the list of those who bought most.
public struct TopCustomer: Equatable, Sendable {
    public let id: ShortText
    public let orders: UInt64
    public let tickets: UInt64
    /// Minor units, fees and tax included, refunds not taken off.
    public let total: Int128
}

extension EventInventory {
    /// - Parameters:
    ///   - start: sections and tiers from this number on; not looked at where days are asked for.
    ///   - limit: of each.
    public func salesReport(days range: DayRange?, start: Int, limit: Int) -> EventSales {
        let dated = sales.days.filter { $0.day > DaySales.earlier && range?.contains($0.day) ?? true }
        let isWhole = range == nil
        let shown = isWhole ? start..<min(start + limit, max(sections.count, tiers.count, start)) : 0..<0
        return EventSales(
            key: key,
            event: eventView,
            total: isWhole ? sales.total : dated.reduce(into: OrderSums()) { $0 += $1 },
            days: Array(dated),
            earlier: isWhole ? sales.days.first { $0.day == DaySales.earlier } : nil,
            undatedRefunds: sales.days.first { $0.day == DaySales.undated }?.sums ?? SalesSums(),
            sections: shown.clamped(to: 0..<sections.count).map { sectionSales($0) },
            tiers: shown.clamped(to: 0..<tiers.count).map { tierSales($0) },
            next: isWhole && shown.upperBound < max(sections.count, tiers.count) ? shown.upperBound : nil,
            hours: Array(sales.hours),
            holds: holdCounts
        )
    }

    private func sectionSales(_ number: Int) -> EventSales.OfSection {
        let section = sections[number]
        let sums = number < sales.sections.count ? sales.sections[number] : SalesSums()
        return .init(id: section.details.id, name: section.details.name, counts: section.counts, sums: sums)
    }

    private func tierSales(_ number: Int) -> EventSales.OfTier {
        let sums = number < sales.tiers.count ? sales.tiers[number] : SalesSums()
        return .init(number: TierNumber(number), name: tiers[number].details.name, sums: sums)
    }

    public var holdCounts: HoldCounts {
        HoldCounts(
            placed: holds.placed,
            open: openHoldCount,
            confirmed: sales.orders,
            released: sales.released,
            expired: sales.expired,
            endedBefore: sales.endedBefore
        )
    }

    /// What the customer has of this event; nil for one it doesn't know.
    ///
    /// Looks at the customer's live and confirmed reservations, at most `InventoryLimits.holdsPerCustomerMax`.
    /// - Returns: also how many these are.
    public func customerSales(_ id: ShortText) -> (sales: CustomerSales, holds: Int)? {
        guard let customer = customers.find(id) else { return nil }
        var found = CustomerSales()
        var slot = customers[customer].firstHold
        while slot != HoldSlab.none {
            add(slot, to: &found)
            slot = holds[slot].next
        }
        return (found, Int(customers[customer].holds))
    }

    private func add(_ slot: UInt32, to found: inout CustomerSales) {
        let order = holds.order(slot)
        if order == nil { found.openHolds += 1 } else { found.orders += 1 }
        var refunded = (order?.refunded ?? [])[...]
        var first: UInt32 = 0
        for index in 0..<holds[slot].lineCount {
            let line = holds.line(slot, index)
            guard order != nil else {
                found.openPlaces += UInt64(line.quantity)
                continue
            }
            found.sums += SalesSums(line)
            let mine = refunded.prefix { $0 < first + line.quantity }
            refunded = refunded.dropFirst(mine.count)
            found.sums += SalesSums(refunded: mine.map { $0 - first }, of: line)
            first += line.quantity
        }
    }

    /// The customers who have bought most, at most `TopBuyers.countMax`.
    public func topCustomers(limit: Int) -> [TopCustomer] {
        buyers.buyers.prefix(limit).map {
            TopCustomer(id: customers.id($0.customer), orders: $0.orders, tickets: $0.tickets, total: $0.total)
        }
    }
}
