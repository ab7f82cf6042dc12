/// The customers who have bought most of an event: kept, because nobody may walk all of them to find out.
///
/// What a customer has bought only grows, refunds being apart. So it is enough to compare whoever buys with the last of
/// the list. The list is a function of the orders, whatever their order: it isn't in snapshots, and comes from the holds.
struct TopBuyers: Sendable {
    struct Buyer: Equatable, Sendable {
        let customer: UInt32
        var orders: UInt64
        var tickets: UInt64
        /// Minor units, fees and tax included, refunds not taken off.
        var total: Int128
    }

    static let countMax = 100
    /// Sums of customers who came again, kept so as not to walk their reservations at each order.
    private static let returningMax = 4_096

    /// By total, the highest first, and by id where that is the same.
    private(set) var buyers: ContiguousArray<Buyer> = []
    private var returning: [UInt32: Buyer] = [:]

    func returning(_ customer: UInt32) -> Buyer? { returning[customer] }

    mutating func keep(_ buyer: Buyer) {
        if returning.count >= Self.returningMax, returning[buyer.customer] == nil { returning.removeAll() }
        returning[buyer.customer] = buyer
    }

    /// Whether the buyer is far from the list: what is nearly always so of a large event.
    @inline(__always)
    func isBelow(_ buyer: Buyer) -> Bool {
        buyers.count == Self.countMax && buyer.total < buyers[buyers.count - 1].total
    }

    /// Puts a buyer who has just bought where they belong.
    mutating func rank(_ buyer: Buyer, _ customers: borrowing CustomerTable) {
        if buyers.count == Self.countMax {
            let last = buyers[buyers.count - 1]
            guard last.customer == buyer.customer || Self.isBefore(buyer, last, customers) else { return }
        }
        if let known = buyers.firstIndex(where: { $0.customer == buyer.customer }) {
            buyers.remove(at: known)
        } else if buyers.count == Self.countMax {
            buyers.removeLast()
        }
        var place = buyers.count
        while place > 0, Self.isBefore(buyer, buyers[place - 1], customers) { place -= 1 }
        buyers.insert(buyer, at: place)
    }

    @inline(__always)
    static func isBefore(_ left: Buyer, _ right: Buyer, _ customers: borrowing CustomerTable) -> Bool {
        if left.total != right.total { return left.total > right.total }
        return customers.id(left.customer).precedes(customers.id(right.customer))
    }
}

extension EventInventory {
    /// Counts the order that a hold has become, which is in its customer's chain, for the list of top buyers.
    mutating func countBuyer(_ slot: UInt32) {
        let customer = holds[slot].customer
        guard customer != CustomerTable.none, let order = bought(slot) else { return }
        var buyer = TopBuyers.Buyer(customer: customer, orders: 1, tickets: order.tickets, total: order.total)
        if customers[customer].holds > 1 {
            if let known = buyers.returning(customer) {
                buyer.orders += known.orders
                buyer.tickets += known.tickets
                buyer.total += known.total
            } else {
                buyer = talliedBuyer(customer) ?? buyerSum(customer)
            }
            buyers.keep(buyer)
        }
        if buyers.isBelow(buyer) { return }
        let customers = customers
        buyers.rank(buyer, customers)
    }

    /// The customer's orders, added up: at most `InventoryLimits.holdsPerCustomerMax` reservations are looked at.
    func buyerSum(_ customer: UInt32) -> TopBuyers.Buyer {
        var buyer = TopBuyers.Buyer(customer: customer, orders: 0, tickets: 0, total: 0)
        var slot = customers[customer].firstHold
        while slot != HoldSlab.none {
            if let order = bought(slot) {
                buyer.orders += 1
                buyer.tickets += order.tickets
                buyer.total += order.total
            }
            slot = holds[slot].next
        }
        return buyer
    }

    func bought(_ slot: UInt32) -> (tickets: UInt64, total: Int128)? {
        guard let total = holds.orderTotal(slot) else { return nil }
        var tickets: UInt64 = 0
        for index in 0..<holds[slot].lineCount { tickets += UInt64(holds.place(slot, index).quantity) }
        return (tickets, Int128(total))
    }
}
