/// All holds of an event: live ones, sold ones with their orders, and ended ones that are still answered for.
///
/// A slot is used again, under the next generation, when its hold ended some time ago. Which slot a new hold takes
/// is decided once and written in its fact; applying the fact never chooses.
struct HoldSlab: Sendable {
    /// A line beyond a hold's first.
    struct Line: Sendable {
        let section: SectionNumber
        let quantity: UInt32
        var price: UInt32
        var lockedAt: Milliseconds
    }

    /// What not every hold has.
    private struct Extra: Sendable {
        var lines: ContiguousArray<Line> = []
        var order: OrderState?
        var seats: ContiguousArray<SeatRun> = []
    }

    /// Slots to be used again, the one that ended first at the head, chained by `next`.
    private struct Ended: Sendable {
        var head = HoldSlab.none
        var tail = HoldSlab.none
    }

    static let none = PackedHold.none

    private var holds = PagedArray<PackedHold>()
    private var extras = PagedArray<Extra>()
    private var freeExtras: ContiguousArray<UInt32> = []
    private var prices = PriceTable()
    private var ended = Ended()
    /// Ended slots that answers kept for retries are made from, and that stay for as long as those.
    private var endedAnswered = Ended()

    /// Holds ever placed: of each slot its hold and those before it. Counts itself, whatever the holds come from.
    private(set) var placed: UInt64 = 0

    var count: Int { holds.count }

    subscript(slot: UInt32) -> PackedHold {
        @inline(__always) get { holds[Int(slot)] }
        @inline(__always) _modify { yield &holds[Int(slot)] }
    }

    /// Where the next hold goes: a slot that ended long enough ago, else a new one, else any ended one that no answer
    /// needs; nil when there is none.
    func vacancy(at now: Milliseconds) -> HoldReference? {
        if let old = vacancy(endedAnswered, before: now - InventoryLimits.idempotencyKeptMilliseconds) { return old }
        if let old = vacancy(ended, before: now - InventoryLimits.endedHoldKeptMilliseconds + 1) { return old }
        if holds.count < InventoryLimits.holdsPerEventMax {
            return HoldReference(slot: UInt32(holds.count), generation: 0)
        }
        return vacancy(ended, before: .max)
    }

    private func vacancy(_ chain: Ended, before limit: Milliseconds) -> HoldReference? {
        guard chain.head != Self.none else { return nil }
        let hold = holds[Int(chain.head)]
        guard hold.endedAt < limit else { return nil }
        return HoldReference(slot: chain.head, generation: hold.generation &+ 1)
    }

    /// The hold of this generation, whatever its status.
    @inline(__always)
    func find(_ reference: HoldReference) -> PackedHold? {
        guard reference.slot < UInt32(holds.count) else { return nil }
        let hold = holds[Int(reference.slot)]
        return hold.generation == reference.generation ? hold : nil
    }

    /// Whether the reference is to an earlier hold in a slot that is in use.
    func hasHad(_ reference: HoldReference) -> Bool {
        guard reference.slot < UInt32(holds.count) else { return false }
        return (1..<1 << 31).contains(holds[Int(reference.slot)].generation &- reference.generation)
    }

    /// Begins to load the hold; any reference will do.
    @inline(__always)
    func prefetch(_ reference: HoldReference) {
        if reference.slot < UInt32(holds.count) { holds.prefetch(Int(reference.slot)) }
    }

    /// Makes an ended hold's slot free for `place`; gives the number of the customer whom it no longer names.
    mutating func vacate(_ slot: UInt32) -> UInt32 {
        let hold = holds[Int(slot)]
        leaveEnded(slot, hold)
        prices.leave(hold.price)
        if hold.extra != PackedHold.noExtra {
            for line in extras[Int(hold.extra)].lines { prices.leave(line.price) }
            extras[Int(hold.extra)] = Extra()
            freeExtras.append(hold.extra)
        }
        return hold.customer
    }

    /// Puts a hold into a vacated slot, or at the slab's end.
    mutating func place(_ state: HoldState, customer: UInt32) {
        let slot = state.reference.slot
        let hold = PackedHold(state, customer: customer, price: prices.join(state.first))
        if slot < UInt32(holds.count) {
            holds[Int(slot)] = hold
            placed += 1
        } else {
            precondition(slot == UInt32(holds.count), "a hold was placed beyond the slab's end")
            holds.append(hold)
            placed += UInt64(hold.generation) + 1
        }
        if !state.rest.isEmpty { addLines(state.rest, to: slot) }
        if state.hasSeats { extras[extra(of: slot)].seats = ContiguousArray(state.seats) }
        if let order = state.order { setOrder(order.state, of: slot) }
    }

    /// Memory set aside, by what it is for.
    var byteCounts: (holds: Int, extras: Int, prices: Int) {
        (holds.byteCount, extras.byteCount + freeExtras.capacity * 4, prices.byteCount)
    }
}

// MARK: - Ended slots

extension HoldSlab {
    /// Puts the slot at the end of those to be used again. The hold must be out of its customer's chain.
    mutating func joinEnded(_ slot: UInt32) {
        if holds[Int(slot)].isAnswered {
            Self.join(&endedAnswered, slot, &holds)
        } else {
            Self.join(&ended, slot, &holds)
        }
    }

    private static func join(_ chain: inout Ended, _ slot: UInt32, _ holds: inout PagedArray<PackedHold>) {
        holds[Int(slot)].next = none
        if chain.tail == none { chain.head = slot } else { holds[Int(chain.tail)].next = slot }
        chain.tail = slot
    }

    private mutating func leaveEnded(_ slot: UInt32, _ hold: PackedHold) {
        if hold.isAnswered { Self.leave(&endedAnswered, slot, hold) } else { Self.leave(&ended, slot, hold) }
    }

    private static func leave(_ chain: inout Ended, _ slot: UInt32, _ hold: PackedHold) {
        precondition(chain.head == slot, "a slot was taken that is not the next to be used again")
        chain.head = hold.next
        if hold.next == none { chain.tail = none }
    }

    /// Whether the slot is at the head of its chain, where alone it may be taken from.
    func isNextToBeUsed(_ slot: UInt32) -> Bool {
        (holds[Int(slot)].isAnswered ? endedAnswered : ended).head == slot
    }

    /// Whether the slot of an ended hold is in one of the two chains.
    func isEndedSlot(_ slot: UInt32) -> Bool {
        let hold = holds[Int(slot)]
        return hold.hasEnded && (hold.next != Self.none || ended.tail == slot || endedAnswered.tail == slot)
    }

    /// Ended slots, in each of the two chains the one that ended first at the front.
    func visitEnded(_ body: (UInt32) -> Void) {
        for chain in [endedAnswered, ended] {
            var slot = chain.head
            while slot != Self.none {
                body(slot)
                slot = holds[Int(slot)].next
            }
        }
    }
}

// MARK: - Lines and orders

extension HoldSlab {
    /// Section and quantity of a line.
    @inline(__always)
    func place(_ slot: UInt32, _ index: Int) -> (section: SectionNumber, quantity: UInt32) {
        let hold = holds[Int(slot)]
        if index == 0 { return (hold.section, hold.quantity) }
        let line = extras[Int(hold.extra)].lines[index - 1]
        return (line.section, line.quantity)
    }

    /// The line as facts and answers carry it.
    func line(_ slot: UInt32, _ index: Int) -> HoldLine {
        let hold = holds[Int(slot)]
        if index == 0 { return prices.line(hold.section, hold.quantity, hold.price, lockedAt: hold.lockedAt) }
        let line = extras[Int(hold.extra)].lines[index - 1]
        return prices.line(line.section, line.quantity, line.price, lockedAt: line.lockedAt)
    }

    /// The tier of a line's price; nil where the line names none.
    func tier(_ slot: UInt32, _ index: Int) -> TierNumber? {
        let hold = holds[Int(slot)]
        let price = index == 0 ? hold.price : extras[Int(hold.extra)].lines[index - 1].price
        return price == PriceTable.none ? nil : prices[price].tier
    }

    mutating func lock(_ slot: UInt32, _ index: Int, _ tier: TierNumber, _ lock: PriceLock) {
        let price = prices.join(HoldLine(section: 0, quantity: 0, tier: tier, lock: lock))
        let extra = Int(holds[Int(slot)].extra)
        prices.leave(index == 0 ? holds[Int(slot)].price : extras[extra].lines[index - 1].price)
        if index == 0 {
            holds[Int(slot)].price = price
            holds[Int(slot)].lockedAt = lock.lockedAt
        } else {
            extras[extra].lines[index - 1].price = price
            extras[extra].lines[index - 1].lockedAt = lock.lockedAt
        }
    }

    /// The order that the hold has become.
    func order(_ slot: UInt32) -> OrderState? {
        let extra = holds[Int(slot)].extra
        return extra == PackedHold.noExtra ? nil : extras[Int(extra)].order
    }

    /// The order's total, without a copy of the order.
    func orderTotal(_ slot: UInt32) -> Int64? {
        let extra = holds[Int(slot)].extra
        return extra == PackedHold.noExtra ? nil : extras[Int(extra)].order?.total
    }

    /// How many of an order's tickets in the range are refunded; 0 for a hold that is no order.
    func refundedCount(_ slot: UInt32, _ tickets: Range<UInt32>) -> UInt32 {
        let extra = holds[Int(slot)].extra
        guard extra != PackedHold.noExtra, extras[Int(extra)].order != nil else { return 0 }
        return extras[Int(extra)].order!.refundedCount(tickets)
    }

    /// The numbered seats of all lines.
    func seats(_ slot: UInt32) -> [SeatRun] {
        let extra = holds[Int(slot)].extra
        return extra == PackedHold.noExtra ? [] : Array(extras[Int(extra)].seats)
    }

    func seatRunCount(_ slot: UInt32) -> Int {
        let extra = holds[Int(slot)].extra
        return extra == PackedHold.noExtra ? 0 : extras[Int(extra)].seats.count
    }

    mutating func setOrder(_ order: OrderState, of slot: UInt32) { extras[extra(of: slot)].order = order }

    mutating func changeOrder(of slot: UInt32, _ body: (inout OrderState) -> Void) {
        body(&extras[Int(holds[Int(slot)].extra)].order!)
    }

    /// The numbered seat of a line's place, counted from 0; nil where the line has none.
    func seat(_ slot: UInt32, line: Int, place: UInt32) -> UInt32? {
        let extra = holds[Int(slot)].extra
        guard extra != PackedHold.noExtra else { return nil }
        var rest = place
        for run in extras[Int(extra)].seats where Int(run.line) == line {
            if rest < UInt32(run.count) { return run.first + rest }
            rest -= UInt32(run.count)
        }
        return nil
    }

    private mutating func addLines(_ rest: [HoldLine], to slot: UInt32) {
        var lines: ContiguousArray<Line> = []
        for line in rest {
            let price = prices.join(line)
            let lockedAt = line.lock?.lockedAt ?? 0
            lines.append(Line(section: line.section, quantity: line.quantity, price: price, lockedAt: lockedAt))
        }
        extras[extra(of: slot)].lines = lines
    }

    /// Where the slot keeps what not every hold has, made if need be.
    private mutating func extra(of slot: UInt32) -> Int {
        let known = holds[Int(slot)].extra
        if known != PackedHold.noExtra { return Int(known) }
        if let free = freeExtras.popLast() {
            holds[Int(slot)].extra = free
            return Int(free)
        }
        extras.append(Extra())
        holds[Int(slot)].extra = UInt32(extras.count - 1)
        return extras.count - 1
    }
}
