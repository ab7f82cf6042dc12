/// All holds of an event: live ones, sold ones with their orders, and ended ones that are still answered for.
///
/// A slot is used again, under the next generation, when its hold ended some time ago. Which slot a new hold takes
/// is decided once and written in its fact; applying the fact never chooses.
struct HoldSlab: Sendable {
    struct Line: Sendable {
        var section: SectionNumber
        var quantity: UInt32
        var tier: UInt32
        var tierVersion: UInt32
        var unitPrice: Int64
        var serviceFee: Int64
        var facilityFee: Int64
        /// `notLocked` where the line has no price yet.
        var lockedAt: Milliseconds
        var taxBasisPoints: UInt32
    }

    struct Hold: Sendable {
        var secret: UInt64
        var createdAt: Milliseconds
        var expiresAt: Milliseconds
        var endedAt: Milliseconds
        var generation: UInt32
        var customer: UInt32
        /// The chain of the customer's holds while live or confirmed; the chain of ended slots after that.
        var previous: UInt32
        var next: UInt32
        var order: UInt32
        var moreLines: UInt32
        var status: HoldStatus
        var lineCount: UInt8
        var first: Line
    }

    static let none = UInt32.max
    static let notLocked = Milliseconds.min

    private var holds = PagedArray<Hold>()
    private var moreLines = PagedArray<ContiguousArray<Line>>()
    private var freeMoreLines: ContiguousArray<UInt32> = []
    private var orders = PagedArray<OrderState>()
    // Ended slots, the one that ended first at the head.
    private var endedHead = HoldSlab.none
    private var endedTail = HoldSlab.none

    var count: Int { holds.count }
    var orderCount: Int { orders.count }

    subscript(slot: UInt32) -> Hold {
        get { holds[Int(slot)] }
        _modify { yield &holds[Int(slot)] }
    }

    /// Where the next hold goes: the slot that ended first if that is long enough ago or the slab is full, else a new
    /// one; nil when every slot is taken by a live or sold hold.
    func vacancy(at now: Milliseconds) -> HoldReference? {
        if endedHead != Self.none {
            let hold = holds[Int(endedHead)]
            let isOld = now - hold.endedAt >= InventoryLimits.endedHoldKeptMilliseconds
            if isOld || holds.count >= InventoryLimits.holdsPerEventMax {
                return HoldReference(slot: endedHead, generation: hold.generation &+ 1)
            }
        }
        guard holds.count < InventoryLimits.holdsPerEventMax else { return nil }
        return HoldReference(slot: UInt32(holds.count), generation: 0)
    }

    /// The hold of this generation, whatever its status.
    func find(_ reference: HoldReference) -> Hold? {
        guard reference.slot < UInt32(holds.count) else { return nil }
        let hold = holds[Int(reference.slot)]
        return hold.generation == reference.generation ? hold : nil
    }

    mutating func place(_ hold: Hold, _ rest: [Line], at slot: UInt32) {
        var hold = hold
        if slot < UInt32(holds.count) {
            leaveEnded(slot)
            freeLines(of: slot)
        }
        hold.moreLines = keep(rest)
        if slot < UInt32(holds.count) {
            holds[Int(slot)] = hold
        } else {
            precondition(slot == UInt32(holds.count), "a hold was placed beyond the slab's end")
            holds.append(hold)
        }
    }

    /// Puts the slot at the end of those to be used again. The hold must be out of its customer's chain.
    mutating func joinEnded(_ slot: UInt32) {
        holds[Int(slot)].previous = endedTail
        holds[Int(slot)].next = Self.none
        if endedTail == Self.none { endedHead = slot } else { holds[Int(endedTail)].next = slot }
        endedTail = slot
    }

    private mutating func leaveEnded(_ slot: UInt32) {
        let hold = holds[Int(slot)]
        precondition(hold.status == .released || hold.status == .expired, "a live hold's slot was taken")
        if hold.previous == Self.none { endedHead = hold.next } else { holds[Int(hold.previous)].next = hold.next }
        if hold.next == Self.none { endedTail = hold.previous } else { holds[Int(hold.next)].previous = hold.previous }
    }

    /// Ended slots, the one that ended first at the front.
    func visitEnded(_ body: (UInt32) -> Void) {
        var slot = endedHead
        while slot != Self.none {
            body(slot)
            slot = holds[Int(slot)].next
        }
    }
}

// MARK: - Lines and orders

extension HoldSlab {
    func line(_ slot: UInt32, _ index: Int) -> Line {
        let hold = holds[Int(slot)]
        return index == 0 ? hold.first : moreLines[Int(hold.moreLines)][index - 1]
    }

    mutating func withLine(_ slot: UInt32, _ index: Int, _ body: (inout Line) -> Void) {
        if index == 0 {
            body(&holds[Int(slot)].first)
        } else {
            body(&moreLines[Int(holds[Int(slot)].moreLines)][index - 1])
        }
    }

    func order(_ number: UInt32) -> OrderState { orders[Int(number)] }

    mutating func addOrder(_ order: OrderState) -> UInt32 {
        orders.append(order)
        return UInt32(orders.count - 1)
    }

    mutating func withOrder(_ number: UInt32, _ body: (inout OrderState) -> Void) { body(&orders[Int(number)]) }

    private mutating func keep(_ rest: [Line]) -> UInt32 {
        guard !rest.isEmpty else { return Self.none }
        if let free = freeMoreLines.popLast() {
            moreLines[Int(free)] = ContiguousArray(rest)
            return free
        }
        moreLines.append(ContiguousArray(rest))
        return UInt32(moreLines.count - 1)
    }

    private mutating func freeLines(of slot: UInt32) {
        let lines = holds[Int(slot)].moreLines
        guard lines != Self.none else { return }
        moreLines[Int(lines)] = []
        freeMoreLines.append(lines)
    }
}

extension HoldSlab.Line {
    init(_ line: HoldLine) {
        self.init(
            section: line.section,
            quantity: line.quantity,
            tier: line.tier ?? HoldSlab.none,
            tierVersion: 0,
            unitPrice: 0,
            serviceFee: 0,
            facilityFee: 0,
            lockedAt: HoldSlab.notLocked,
            taxBasisPoints: 0
        )
        if let lock = line.lock, let tier = line.tier { set(lock, tier: tier) }
    }

    mutating func set(_ lock: PriceLock, tier: TierNumber) {
        self.tier = tier
        tierVersion = lock.tierVersion
        unitPrice = lock.unitPrice
        serviceFee = lock.serviceFee
        facilityFee = lock.facilityFee
        taxBasisPoints = lock.taxBasisPoints
        lockedAt = lock.lockedAt
    }

    var isLocked: Bool { lockedAt != HoldSlab.notLocked }

    var state: HoldLine {
        HoldLine(section: section, quantity: quantity, tier: tier == HoldSlab.none ? nil : tier, lock: lock)
    }

    private var lock: PriceLock? {
        guard isLocked else { return nil }
        return PriceLock(
            tierVersion: tierVersion,
            unitPrice: unitPrice,
            serviceFee: serviceFee,
            facilityFee: facilityFee,
            taxBasisPoints: taxBasisPoints,
            lockedAt: lockedAt
        )
    }
}
