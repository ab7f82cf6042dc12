@testable import Engine

/// What reports show, with ordinary and extreme numbers, for the tests of the codec.
extension CodecSamples {
    static var salesSums: SalesSums {
        var sums = SalesSums()
        sums.tickets = .max
        sums.sold = SalesAmounts(Amounts(base: 1, serviceFee: 2, facilityFee: 3, tax: 4))
        sums.refundedTickets = 5
        sums.refunded.base = 1 << 100
        return sums
    }

    static func salesDay(_ day: Int64) -> DaySales {
        var sales = DaySales(day: day)
        sales.orders = 7
        sales.sums = salesSums
        return sales
    }

    static var salesTotals: SalesTotals {
        var totals = SalesTotals()
        totals.orders = 1
        totals.released = 2
        totals.expired = .max
        totals.endedBefore = 3
        var hour = HourSales(hour: 500_000)
        hour.orders = 4
        hour.tickets = 5
        hour.total = 1 << 90
        totals.hours = [hour, HourSales(hour: 500_001)]
        return totals
    }
}
