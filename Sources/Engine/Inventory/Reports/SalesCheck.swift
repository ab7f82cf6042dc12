// The sums for reports, held against the holds: what a snapshot says of them, and what they have become.

extension EventInventory {
    /// Whether the days of all refunds are known, and what became of every hold.
    public var areSalesDated: Bool { sales.isDated && sales.endedBefore == 0 }

    /// Adds up every hold again; empty when the ledger says the same. The days of refunds stand nowhere else.
    func checkSales() -> [String] {
        var recount = SalesRecount()
        for slot in 0..<UInt32(holds.count) { recount.add(holdState(slot)) }
        return (recount.differences(from: sales, placed: holds.placed) + checkBuyers()).map {
            "event \(details.id), reports: \($0)"
        }
    }

    private func checkBuyers() -> [String] {
        var all: [TopBuyers.Buyer] = []
        for customer in Set((0..<UInt32(holds.count)).map { holds[$0].customer }) where customer != CustomerTable.none {
            let buyer = buyerSum(customer)
            if buyer.orders > 0 { all.append(buyer) }
        }
        all.sort { TopBuyers.isBefore($0, $1, customers) }
        guard !all.prefix(TopBuyers.countMax).elementsEqual(buyers.buyers) else { return [] }
        return ["top customers: \(buyers.buyers), but the orders add up to \(all.prefix(TopBuyers.countMax))"]
    }
}

/// The sums of all holds, in the plainest way.
struct SalesRecount {
    private(set) var live: UInt64 = 0
    private(set) var orders: UInt64 = 0
    private(set) var ended: UInt64 = 0
    private(set) var sections: [SectionNumber: SalesSums] = [:]
    private(set) var tiers: [TierNumber: SalesSums] = [:]
    /// Without refunds.
    private(set) var days: [Int64: DaySales] = [:]
    private(set) var hours: [Int64: HourSales] = [:]
    private(set) var refunds = SalesSums()

    mutating func add(_ hold: HoldState) {
        // Each use of a slot before this one ended.
        ended += UInt64(hold.reference.generation)
        switch hold.status {
        case .held: live += 1
        case .released, .expired: ended += 1
        case .confirmed: if let order = hold.order?.state { add(hold, order) }
        }
    }

    private mutating func add(_ hold: HoldState, _ order: OrderState) {
        orders += 1
        let day = DaySales.number(of: order.confirmedAt)
        let hour = HourSales.number(of: order.confirmedAt)
        days[day, default: DaySales(day: day)].orders += 1
        hours[hour, default: HourSales(hour: hour)].orders += 1
        let refunded = Set(order.refunded)
        var ticket: UInt32 = 0
        for index in 0..<hold.lineCount {
            let line = hold[line: index]
            let tickets = ticket..<ticket + line.quantity
            let sold = SalesSums(line)
            let back = SalesSums(refunded: tickets.filter(refunded.contains).map { $0 - ticket }, of: line)
            var both = sold
            both += back
            refunds += back
            sections[line.section, default: SalesSums()] += both
            if let tier = line.tier { tiers[tier, default: SalesSums()] += both }
            days[day]!.sums += sold
            hours[hour]!.tickets += sold.tickets
            hours[hour]!.total += sold.sold.total
            ticket = tickets.upperBound
        }
    }

    func differences(from ledger: SalesLedger, placed: UInt64) -> [String] {
        var found: [String] = []
        func compare<T: Equatable>(_ what: String, _ counted: T, _ recounted: T) {
            if counted != recounted { found.append("\(what): \(counted), but the holds add up to \(recounted)") }
        }
        compare("orders", ledger.orders, orders)
        compare("ended reservations", ledger.released + ledger.expired + ledger.endedBefore, ended)
        compare("reservations", placed, live + orders + ended)
        for number in 0..<max(ledger.sections.count, Int(sections.keys.max() ?? 0) + 1) {
            let sums = number < ledger.sections.count ? ledger.sections[number] : SalesSums()
            compare("section \(number)", sums, sections[SectionNumber(number)] ?? SalesSums())
        }
        for number in 0..<max(ledger.tiers.count, Int(tiers.keys.max() ?? 0) + 1) {
            let sums = number < ledger.tiers.count ? ledger.tiers[number] : SalesSums()
            compare("price tier \(number)", sums, tiers[TierNumber(number)] ?? SalesSums())
        }
        for hour in ledger.hours { compare("hour \(hour.hour)", hour, hours[hour.hour] ?? HourSales(hour: hour.hour)) }
        compareDays(ledger.days, compare)
        return found
    }

    /// Days that have no entry of their own are in that of earlier ones.
    private func compareDays(_ counted: ContiguousArray<DaySales>, _ compare: (String, DaySales, DaySales) -> Void) {
        let own = Set(counted.map(\.day))
        var earlier = DaySales(day: DaySales.earlier)
        for (day, sales) in days where !own.contains(day) { earlier += sales }
        var sumOfRefunds = SalesSums()
        var found = DaySales(day: DaySales.earlier)
        for day in counted {
            sumOfRefunds += day.sums.refundsOnly
            if day.day == DaySales.earlier { found += day.withoutRefunds }
            guard day.day > DaySales.earlier else { continue }
            compare("day \(day.day)", day.withoutRefunds, days[day.day] ?? DaySales(day: day.day))
        }
        compare("earlier days", found, earlier)
        var counted = DaySales(day: 0)
        var recounted = DaySales(day: 0)
        counted.sums = sumOfRefunds
        recounted.sums = refunds
        compare("refunds of all days", counted, recounted)
    }
}

extension SalesSums {
    var refundsOnly: SalesSums {
        var sums = SalesSums()
        sums.refundedTickets = refundedTickets
        sums.refunded = refunded
        return sums
    }
}

extension DaySales {
    var withoutRefunds: DaySales {
        var sales = self
        sales.sums.refundedTickets = 0
        sales.sums.refunded = SalesAmounts()
        return sales
    }
}
