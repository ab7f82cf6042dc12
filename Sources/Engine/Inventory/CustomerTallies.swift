/// What customers with many reservations have, added up, so that no command has to walk all of them: a box office sells
/// thousands under one name, and each sale asks for the limit per customer.
///
/// A walk over a few reservations costs less than sums for everybody would in memory. So a customer gets a tally with the
/// `holdsMin`th reservation, which takes one bounded walk, and `apply` keeps it from then on; it goes when few are left. It
/// counts every tier, with a limit or without, so that a limit set later counts the past too. It follows from the holds: it
/// is in no snapshot and no digest, and `checkTallies` adds up the holds again.
struct CustomerTallies: Sendable {
    /// With so many live and confirmed reservations a customer has a tally.
    static let holdsMin: UInt16 = 32
    /// With fewer than these no more. Half as many, so that who comes and goes at the limit isn't counted anew each time.
    static let holdsKept: UInt16 = 16

    struct Tally: Sendable {
        /// The customer's number. Of an entry not in use: the next such entry.
        fileprivate(set) var customer: UInt32
        /// Of each price tier the tickets that are held or owned; refunded ones don't count. Ascending, and never 0.
        private(set) var tiers: ContiguousArray<(tier: TierNumber, tickets: UInt32)> = []
        private(set) var orders: UInt64 = 0
        /// Sold with the orders, refunds not taken off; `total` in minor units.
        private(set) var ticketsSold: UInt64 = 0
        private(set) var total: Int128 = 0

        fileprivate init(customer: UInt32) { self.customer = customer }

        func tickets(of tier: TierNumber) -> UInt32 {
            let place = place(of: tier)
            return place < tiers.count && tiers[place].tier == tier ? tiers[place].tickets : 0
        }

        mutating func add(_ tickets: UInt32, of tier: TierNumber) {
            guard tickets > 0 else { return }
            let place = place(of: tier)
            if place == tiers.count || tiers[place].tier != tier { tiers.insert((tier, 0), at: place) }
            tiers[place].tickets += tickets
        }

        mutating func remove(_ tickets: UInt32, of tier: TierNumber) {
            guard tickets > 0 else { return }
            let place = place(of: tier)
            precondition(place < tiers.count && tiers[place].tier == tier, "tickets that were never counted")
            tiers[place].tickets -= tickets
            if tiers[place].tickets == 0 { tiers.remove(at: place) }
        }

        mutating func addOrder(tickets: UInt64, total: Int128) {
            orders += 1
            ticketsSold += tickets
            self.total += total
        }

        /// Where the tier stands, or would.
        private func place(of tier: TierNumber) -> Int {
            var (low, high) = (0, tiers.count)
            while low < high {
                let middle = (low + high) / 2
                if tiers[middle].tier < tier { low = middle + 1 } else { high = middle }
            }
            return low
        }
    }

    private static let none = UInt32.max

    private var tallies = PagedArray<Tally>()
    private var index = FlatIndex()
    private var firstFree = CustomerTallies.none

    /// Customers who have one.
    var count: Int { index.count }

    func number(of customer: UInt32) -> UInt32? {
        if index.count == 0 { return nil }
        var search = index.search(Self.hash(customer))
        while let number = index.next(&search) {
            if tallies[Int(number)].customer == customer { return number }
        }
        return nil
    }

    subscript(number: UInt32) -> Tally {
        get { tallies[Int(number)] }
        _modify { yield &tallies[Int(number)] }
    }

    /// - Precondition: the customer has none.
    mutating func add(_ customer: UInt32) -> UInt32 {
        let tally = Tally(customer: customer)
        let number: UInt32
        if firstFree != Self.none {
            number = firstFree
            firstFree = tallies[Int(number)].customer
            tallies[Int(number)] = tally
        } else {
            number = UInt32(tallies.count)
            tallies.append(tally)
        }
        index.insert(Self.hash(customer), number)
        return number
    }

    mutating func remove(_ number: UInt32) {
        index.remove(Self.hash(tallies[Int(number)].customer), number)
        tallies[Int(number)] = Tally(customer: firstFree)
        firstFree = number
    }

    /// Memory set aside.
    var byteCount: Int { tallies.byteCount + index.byteCount }

    /// Numbers in a row would stand in a row: the index takes them by bits that have to be anything.
    private static func hash(_ customer: UInt32) -> UInt64 { (UInt64(customer) &* 0x9e37_79b9_7f4a_7c15) >> 32 }
}

// MARK: - Counting

extension EventInventory {
    /// Counts a hold that has just come into its customer's chain.
    mutating func tallyJoined(_ slot: UInt32, _ customer: UInt32) {
        let holds = customers[customer].holds
        guard holds >= CustomerTallies.holdsKept else { return }
        if let number = tallies.number(of: customer) { return tally(slot, in: number) }
        guard holds >= CustomerTallies.holdsMin else { return }
        let number = tallies.add(customer)
        var slot = customers[customer].firstHold
        while slot != HoldSlab.none {
            tally(slot, in: number)
            slot = self.holds[slot].next
        }
    }

    /// Takes a hold off that has just left its customer's chain, live until then.
    mutating func tallyLeft(_ slot: UInt32, _ customer: UInt32) {
        guard let number = tallyNumber(of: customer, holds: customers[customer].holds + 1) else { return }
        guard customers[customer].holds >= CustomerTallies.holdsKept else { return tallies.remove(number) }
        for index in 0..<holds[slot].lineCount {
            guard let tier = holds.tier(slot, index) else { continue }
            tallies[number].remove(holds.place(slot, index).quantity, of: tier)
        }
    }

    /// Moves a live hold's line, which is about to be priced by `tier`.
    mutating func tallyLock(_ slot: UInt32, _ index: Int, _ tier: TierNumber) {
        guard let number = tallyNumber(ofSlot: slot) else { return }
        let quantity = holds.place(slot, index).quantity
        if let old = holds.tier(slot, index) { tallies[number].remove(quantity, of: old) }
        tallies[number].add(quantity, of: tier)
    }

    /// Counts the order that a live hold has become.
    mutating func tallyOrder(_ slot: UInt32) {
        guard let number = tallyNumber(ofSlot: slot), let order = bought(slot) else { return }
        tallies[number].addOrder(tickets: order.tickets, total: order.total)
    }

    /// Takes refunded tickets off.
    /// - Parameter tickets: ascending, none of them refunded before.
    mutating func tallyRefund(_ tickets: [UInt32], _ slot: UInt32) {
        guard let number = tallyNumber(ofSlot: slot) else { return }
        var rest = tickets[...]
        var end: UInt32 = 0
        for index in 0..<holds[slot].lineCount where !rest.isEmpty {
            end += holds.place(slot, index).quantity
            let ofLine = rest.prefix { $0 < end }
            if let tier = holds.tier(slot, index) { tallies[number].remove(UInt32(ofLine.count), of: tier) }
            rest = rest.dropFirst(ofLine.count)
        }
    }

    /// The tally of a customer in whose chain there are so many holds: most have few, and aren't looked for.
    private func tallyNumber(of customer: UInt32, holds: UInt16) -> UInt32? {
        holds >= CustomerTallies.holdsKept ? tallies.number(of: customer) : nil
    }

    private func tallyNumber(ofSlot slot: UInt32) -> UInt32? {
        let customer = holds[slot].customer
        guard customer != CustomerTable.none else { return nil }
        return tallyNumber(of: customer, holds: customers[customer].holds)
    }

    private mutating func tally(_ slot: UInt32, in number: UInt32) {
        var end: UInt32 = 0
        for index in 0..<holds[slot].lineCount {
            let first = end
            end += holds.place(slot, index).quantity
            guard let tier = holds.tier(slot, index) else { continue }
            tallies[number].add(end - first - holds.refundedCount(slot, first..<end), of: tier)
        }
        if let order = bought(slot) { tallies[number].addOrder(tickets: order.tickets, total: order.total) }
    }
}

// MARK: - Asking

extension EventInventory {
    /// Tickets of the tier that the customer holds or owns; refunded ones don't count.
    ///
    /// Walks fewer than `CustomerTallies.holdsMin` reservations, whatever the customer has.
    /// - Parameter except: a hold of the customer's whose lines don't count; `HoldSlab.none` for none.
    func ticketsOf(_ customer: UInt32, tier: TierNumber, except: UInt32) -> UInt32 {
        if let number = tallyNumber(of: customer, holds: customers[customer].holds) {
            let tickets = tallies[number].tickets(of: tier)
            return except == HoldSlab.none ? tickets : tickets - ticketsOf(slot: except, tier: tier)
        }
        return walkedTicketsOf(customer, tier: tier, except: except)
    }

    private func walkedTicketsOf(_ customer: UInt32, tier: TierNumber, except: UInt32) -> UInt32 {
        var tickets: UInt32 = 0
        var slot = customers[customer].firstHold
        while slot != HoldSlab.none {
            if slot != except { tickets += ticketsOf(slot: slot, tier: tier) }
            slot = holds[slot].next
        }
        return tickets
    }

    private func ticketsOf(slot: UInt32, tier: TierNumber) -> UInt32 {
        var tickets: UInt32 = 0
        var end: UInt32 = 0
        for index in 0..<holds[slot].lineCount {
            let first = end
            end += holds.place(slot, index).quantity
            if holds.tier(slot, index) == tier { tickets += end - first - holds.refundedCount(slot, first..<end) }
        }
        return tickets
    }

    /// What the customer has bought, where it is added up.
    func talliedBuyer(_ customer: UInt32) -> TopBuyers.Buyer? {
        guard let number = tallyNumber(of: customer, holds: customers[customer].holds) else { return nil }
        let tally = tallies[number]
        return TopBuyers.Buyer(customer: customer, orders: tally.orders, tickets: tally.ticketsSold, total: tally.total)
    }
}

// MARK: - Checking

extension EventInventory {
    /// Walks every customer's holds again; empty when the tallies say the same, and whoever has many has one.
    func checkTallies() -> [String] {
        var broken: [String] = []
        var found = 0
        let named = Set((0..<UInt32(holds.count)).map { holds[$0].customer }).subtracting([CustomerTable.none])
        for customer in named {
            guard let number = tallies.number(of: customer) else {
                if customers[customer].holds >= CustomerTallies.holdsMin {
                    broken.append("customer \(customer): many holds and no tally")
                }
                continue
            }
            found += 1
            let tally = tallies[number]
            if talliedBuyer(customer) != buyerSum(customer) { broken.append("customer \(customer): orders miscounted") }
            for tier in 0..<TierNumber(tiers.count) {
                let tickets = walkedTicketsOf(customer, tier: tier, except: HoldSlab.none)
                if tally.tickets(of: tier) != tickets {
                    broken.append("customer \(customer): \(tickets) tickets of tier \(tier) miscounted")
                }
            }
        }
        if found != tallies.count { broken.append("\(tallies.count) tallies for \(found) customers") }
        return broken
    }
}
