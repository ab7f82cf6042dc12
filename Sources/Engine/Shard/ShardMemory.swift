/// Bytes of memory that a shard has set aside for its events' holds and seats, by what they are for.
public struct ShardMemory: Sendable {
    public internal(set) var holds = 0
    /// Orders, and lines beyond a hold's first.
    public internal(set) var extras = 0
    public internal(set) var prices = 0
    public internal(set) var customers = 0
    public internal(set) var customerIndex = 0
    /// Answers kept for retries, and their keys.
    public internal(set) var answers = 0
    public internal(set) var answerIndex = 0
    public internal(set) var deadlines = 0
    /// Numbered seats: what they are called, and what they are.
    public internal(set) var seats = 0

    public var total: Int {
        seats + holds + extras + prices + customers + customerIndex + answers + answerIndex + deadlines
    }
}

extension Shard {
    /// Counts the memory of every event: not for every turn.
    public func memory() -> ShardMemory {
        var memory = ShardMemory()
        for event in tables.pointee.slots { event.count(into: &memory) }
        memory.deadlines = tables.pointee.wheel.byteCount
        return memory
    }
}

extension EventInventory {
    fileprivate func count(into memory: inout ShardMemory) {
        let (holds, extras, prices) = holds.byteCounts
        memory.holds += holds
        memory.extras += extras
        memory.prices += prices
        let (customers, customerIndex) = customers.byteCounts
        memory.customers += customers + tallies.byteCount
        memory.customerIndex += customerIndex
        let (answers, answerIndex) = idempotency.byteCounts
        memory.answers += answers
        memory.answerIndex += answerIndex
        memory.seats += seatMaps.reduce(0) { $0 + $1.byteCount }
    }
}
