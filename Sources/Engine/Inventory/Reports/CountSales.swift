// Where `apply` counts what reports show.

extension EventInventory {
    /// Counts a hold that has just become an order.
    mutating func countOrder(_ slot: UInt32, at time: Milliseconds) {
        var (tickets, amounts) = (UInt32(0), Amounts.zero)
        for index in 0..<holds[slot].lineCount {
            let line = holds.line(slot, index)
            amounts += sales.sell(line)
            tickets += line.quantity
        }
        sales.order(tickets, amounts, at: time)
    }

    /// Counts a hold of a snapshot.
    mutating func countRestored(_ hold: HoldState) {
        let slot = hold.reference.slot
        if hold.status == .confirmed { countBuyer(slot) }
        // The sums came before the holds, unless an earlier build wrote the snapshot.
        if !sales.isRestored { recount(slot, hold) }
    }

    /// Counts refunded tickets of an order.
    /// - Parameter day: `DaySales.undated` where it isn't known.
    mutating func countRefund(_ tickets: [UInt32], _ slot: UInt32, day: Int64) {
        var rest = tickets.sorted()[...]
        var first: UInt32 = 0
        for index in 0..<holds[slot].lineCount where !rest.isEmpty {
            let line = holds.line(slot, index)
            let end = first + line.quantity
            let count = rest.firstIndex { $0 >= end } ?? rest.endIndex
            if count > rest.startIndex {
                sales.refund(SalesSums(refunded: rest[..<count].map { $0 - first }, of: line), of: line, day: day)
            }
            rest = rest[count...]
            first = end
        }
    }

    /// Counts a hold of a snapshot that an earlier build wrote: what it has become is known, the time of its refunds and
    /// what became of those that had its slot before are not.
    private mutating func recount(_ slot: UInt32, _ state: HoldState) {
        sales.endBefore(state.reference.generation)
        switch state.status {
        case .held: break
        case .confirmed:
            guard let order = state.order?.state else { return }
            countOrder(slot, at: order.confirmedAt)
            if !order.refunded.isEmpty { countRefund(order.refunded, slot, day: DaySales.undated) }
        case .released, .expired: sales.end(state.status)
        }
    }

    /// Holds that are neither confirmed nor ended.
    public var openHoldCount: UInt64 {
        let ended = sales.orders &+ sales.released &+ sales.expired &+ sales.endedBefore
        return holds.placed > ended ? holds.placed - ended : 0
    }
}

extension SalesSums {
    /// - Parameter tickets: places in the line, none of them twice.
    init(refunded tickets: [UInt32], of line: HoldLine) {
        refundedTickets = UInt64(tickets.count)
        guard let lock = line.lock else { return }
        let shares = TicketShares(lock: lock, quantity: line.quantity)
        var sum = Amounts.zero
        for ticket in tickets { sum += shares[ticket] }
        refunded = SalesAmounts(sum)
    }
}
