import WAL

/// What a shard works on with every command.
///
/// It stands behind a pointer, so that the actor's accesses aren't checked for overlaps at run time, one by one: they
/// can't overlap, because nothing here calls back into the shard.
struct ShardTables: ~Copyable {
    private(set) var slots: ContiguousArray<EventInventory> = []
    private var index = FlatIndex()
    var records = RecordBuffer()
    var wheel: DeadlineWheel
    /// Events that were called off and may still have live holds.
    var cancelled = CancelledEvents()
    var counters = ShardCounters()
    /// Slots for holds, and answers kept for retries, of all events.
    private(set) var holdSlots = 0
    private(set) var idempotencyKeys = 0
    /// Places of all events.
    private(set) var stock = StockSums()
    /// Holds that are neither confirmed nor ended, of all events.
    var openHolds: UInt64 = 0
    /// The tenants' events by id; not their own inventories.
    private(set) var orders: [ShortText: EventOrder] = [:]
    private(set) var eventCount = 0
    var watches = WatchMarks()

    init(now: Milliseconds) { wheel = DeadlineWheel(now: now) }

    @inline(__always)
    func slot(of event: EventKey) -> Int? {
        index.find(event.rawValue) { slots[Int($0)].key == event }.map { Int($0) }
    }

    /// - Returns: the event's slot.
    mutating func add(_ event: EventInventory) -> Int {
        index.insert(event.key.rawValue, UInt32(slots.count))
        slots.append(event)
        if !event.isOfTenant {
            eventCount += 1
            orders[event.tenant, default: EventOrder()].add(UInt32(slots.count - 1)) { [slots] in
                slots[Int($0)].details.id
            }
        }
        holdSlots += event.holdSlotCount
        idempotencyKeys += event.idempotencyCount
        stock += event.stock
        openHolds += event.openHoldCount
        return slots.count - 1
    }

    /// Changes an event, and keeps count of what all of them have.
    @inline(__always)
    mutating func change(_ slot: Int, _ body: (inout EventInventory) -> Void) {
        holdSlots -= slots[slot].holdSlotCount
        let before = slots[slot].stock
        body(&slots[slot])
        holdSlots += slots[slot].holdSlotCount
        stock.replace(before, by: slots[slot].stock)
        if watches.isAny { watches.note(slot) }
    }

    /// The same for what changes answers kept for retries and nothing else.
    @inline(__always)
    mutating func keepAnswer(_ slot: Int, _ body: (inout EventInventory) -> Void) {
        idempotencyKeys -= slots[slot].idempotencyCount
        body(&slots[slot])
        idempotencyKeys += slots[slot].idempotencyCount
    }

    /// When the entry's hold must expire; nil when it has ended.
    func deadline(_ entry: DeadlineWheel.Entry) -> Milliseconds? {
        slots[Int(entry.event)].deadline(entry.hold, generationMask: DeadlineWheel.Entry.generationMask)
    }

    mutating func advance(to now: Milliseconds) {
        wheel.advance(to: now) { [slots] in
            slots[Int($0.event)].deadline($0.hold, generationMask: DeadlineWheel.Entry.generationMask)
        }
    }

    mutating func noteEnded() {
        wheel.noteEnded { [slots] in
            slots[Int($0.event)].deadline($0.hold, generationMask: DeadlineWheel.Entry.generationMask)
        }
    }
}
