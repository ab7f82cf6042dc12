/// What a shard has done since it started.
public struct ShardCounters: Equatable, Sendable {
    public var commands: UInt64 = 0
    /// Commands refused by the rules of the sale.
    public var rejections: UInt64 = 0
    public var replays: UInt64 = 0
    public var placed: UInt64 = 0
    public var confirmed: UInt64 = 0
    public var released: UInt64 = 0
    public var expired: UInt64 = 0
    public var ticketsSold: UInt64 = 0
    public var ticketsRefunded: UInt64 = 0
    /// Tickets let in: each once, however often it is shown.
    public var ticketsScanned: UInt64 = 0
    public var refusedBusy: UInt64 = 0
    public var refusedForRoom: UInt64 = 0

    public init() {}

    public static func += (left: inout ShardCounters, right: ShardCounters) {
        left.commands += right.commands
        left.rejections += right.rejections
        left.replays += right.replays
        left.placed += right.placed
        left.confirmed += right.confirmed
        left.released += right.released
        left.expired += right.expired
        left.ticketsSold += right.ticketsSold
        left.ticketsRefunded += right.ticketsRefunded
        left.ticketsScanned += right.ticketsScanned
        left.refusedBusy += right.refusedBusy
        left.refusedForRoom += right.refusedForRoom
    }
}

/// A shard at one moment, in running numbers: to ask for it costs the same with one event and with a million.
public struct ShardStatistics: Equatable, Sendable {
    public var counters = ShardCounters()
    /// Of all events, whatever their status.
    public var stock = StockSums()
    public var openHolds: UInt64 = 0
    public var events = 0
    /// Slots for holds: live, sold, and ended ones that are still answered for.
    public var holdSlots = 0
    /// Answers kept for retries.
    public var idempotencyKeys = 0
    /// Callers of the `async` API that wait for the log.
    public var waiters = 0

    public init() {}

    public static func += (left: inout ShardStatistics, right: ShardStatistics) {
        left.counters += right.counters
        left.stock += right.stock
        left.openHolds += right.openHolds
        left.events += right.events
        left.holdSlots += right.holdSlots
        left.idempotencyKeys += right.idempotencyKeys
        left.waiters += right.waiters
    }
}

/// An event's stock, and whose it is.
public struct EventStock: Equatable, Sendable {
    public var tenant: ShortText
    public var event: ShortText
    public var stock: StockSums
}

extension Shard {
    public func statistics() -> ShardStatistics {
        var statistics = ShardStatistics()
        statistics.counters = tables.pointee.counters
        statistics.stock = tables.pointee.stock
        statistics.openHolds = tables.pointee.openHolds
        statistics.events = tables.pointee.eventCount
        statistics.holdSlots = tables.pointee.holdSlots
        statistics.idempotencyKeys = tables.pointee.idempotencyKeys
        statistics.waiters = waiters.count
        return statistics
    }

    /// The stock of every event, when there are so few of them.
    /// - Parameter limit: the most that are looked at; nil for a shard that has more.
    public func eventStocks(limit: Int) -> [EventStock]? {
        guard tables.pointee.eventCount <= limit else { return nil }
        let tables = tables
        let id = { (slot: UInt32) in tables.pointee.slots[Int(slot)].details.id }
        var stocks: [EventStock] = []
        // Each tenant here has an event at least, so this is bounded as well.
        for order in tables.pointee.orders.values {
            order.visit(after: .empty, id: id) { slot in
                let event = tables.pointee.slots[Int(slot)]
                stocks.append(EventStock(tenant: event.tenant, event: event.details.id, stock: event.stock))
                return true
            }
        }
        return stocks
    }

    /// Counts what a decision has done.
    func count(_ fact: Fact, _ slot: Int) {
        switch fact {
        case .holdPlaced: tables.pointee.countPlaced()
        case .holdConfirmed(let hold, _):
            tables.pointee.counters.confirmed += 1
            tables.pointee.counters.ticketsSold += UInt64(tables.pointee.slots[slot].quantity(inSlot: hold.slot))
            tables.pointee.openHolds &-= 1
        case .holdReleased:
            tables.pointee.counters.released += 1
            tables.pointee.openHolds &-= 1
        case .holdExpired:
            tables.pointee.counters.expired += 1
            tables.pointee.openHolds &-= 1
        case .ticketsRefunded(_, let tickets, _): tables.pointee.counters.ticketsRefunded += UInt64(tickets.count)
        case .ticketCheckedIn: tables.pointee.counters.ticketsScanned += 1
        default: break
        }
    }
}

extension ShardTables {
    @inline(__always)
    mutating func countPlaced() {
        counters.placed += 1
        openHolds += 1
    }
}

extension EventInventory {
    /// Tickets of all lines of the hold in the slot.
    func quantity(inSlot slot: UInt32) -> UInt32 {
        (0..<holds[slot].lineCount).reduce(0) { $0 + holds.place(slot, $1).quantity }
    }
}

extension Shard {
    /// Bytes waiting in the log from which on commands are refused.
    public static var pendingBytesMax: Int { Limits.pendingBytesMax }
    /// What a slot for a hold takes in the first place; what hangs on it comes on top.
    public static var holdSlotBytes: Int { MemoryLayout<PackedHold>.stride }
}
