import Testing

@testable import Engine
@testable import ReferenceModel

/// The bounds of what is kept for reports.
@Suite struct SalesLedgerTests {
    private static func line(_ quantity: UInt32 = 1) -> HoldLine {
        let lock = PriceLock(
            tierVersion: 1,
            unitPrice: 1_000,
            serviceFee: 0,
            facilityFee: 0,
            taxBasisPoints: 0,
            lockedAt: 0
        )
        return HoldLine(section: 0, quantity: quantity, tier: 0, lock: lock)
    }

    private static func ledger(selling days: some Sequence<Int>) -> SalesLedger {
        var ledger = SalesLedger()
        for day in days {
            let amounts = ledger.sell(line(UInt32(1 + day % 3)))
            ledger.order(UInt32(1 + day % 3), amounts, at: Milliseconds(day) * 86_400_000 + 1)
        }
        return ledger
    }

    /// In whatever order the days come, the latest are kept apart and the others are added up.
    @Test func thereAreNoMoreDaysThanTheLimit() {
        let days = Array(10_000..<11_500)
        var random = SeededRandom(seed: 4)
        let expected = Self.ledger(selling: days)
        #expect(expected.days.count == SalesLedger.daysMax + 1)
        #expect(expected.days.first?.day == DaySales.earlier)
        #expect(expected.days[1].day == 11_500 - Int64(SalesLedger.daysMax))
        #expect(expected.total.orders == 1_500)
        #expect(expected.hours.count == SalesLedger.hoursMax)
        for order in [days.reversed(), days.shuffled(using: &random)] {
            let ledger = Self.ledger(selling: order)
            #expect(ledger.days == expected.days)
            #expect(ledger.hours == expected.hours)
        }
    }

    @Test func sumsGoBeyondSixtyFourBits() {
        var ledger = SalesLedger()
        var line = Self.line(1_000)
        line.lock!.unitPrice = InventoryLimits.priceMax
        line.lock!.serviceFee = InventoryLimits.priceMax
        line.lock!.taxBasisPoints = 10_000
        for _ in 0..<50_000 {
            let amounts = ledger.sell(line)
            ledger.order(line.quantity, amounts, at: 0)
        }
        #expect(ledger.total.sums.sold.total == 50_000 * 1_000 * 4 * Int128(InventoryLimits.priceMax))
        #expect(ledger.total.sums.sold.total > Int128(Int64.max))
    }

    /// The list of those who bought most is the same as sorting everybody, also with customers who come again, ties, and
    /// orders that cost nothing.
    @Test func topCustomersAreThoseOfAFullSort() {
        var random = SeededRandom(seed: 8)
        var customers = CustomerTable()
        var totals: [UInt32: Int128] = [:]
        var top = TopBuyers()
        for _ in 0..<5_000 {
            let number = random.below(400)
            let customer = customers.join(ShortText("c\(number * 7_919 % 400)")!)
            totals[customer, default: 0] += Int128(random.one(of: [0, 0, 100, 100, 250]))
            top.rank(.init(customer: customer, orders: 1, tickets: 1, total: totals[customer]!), customers)
        }
        let all = totals.map { TopBuyers.Buyer(customer: $0.key, orders: 1, tickets: 1, total: $0.value) }
        let sorted = all.sorted { TopBuyers.isBefore($0, $1, customers) }
        #expect(Array(top.buyers) == Array(sorted.prefix(TopBuyers.countMax)))
    }
}
