import WAL

// The sums for reports as snapshots keep them. Every list is short: see `SalesLedger`.

extension Fact {
    /// The least that a digest with this fact covers.
    var extent: DigestExtent {
        switch self {
        case .salesRestored, .salesSumsRestored, .salesDaysRestored: .withSales
        case .scheduleCancellationRestored: .whole
        default: .withoutSales
        }
    }
}

extension RecordBuffer {
    mutating func write(_ amounts: SalesAmounts) {
        write(amounts.base)
        write(amounts.serviceFee)
        write(amounts.facilityFee)
        write(amounts.tax)
    }

    mutating func write(_ sums: SalesSums) {
        write(sums.tickets)
        write(sums.sold)
        write(sums.refundedTickets)
        write(sums.refunded)
    }

    mutating func write(_ sums: [SalesSums]) {
        write(UInt32(sums.count))
        for sums in sums { write(sums) }
    }

    mutating func write(_ days: [DaySales]) {
        write(UInt32(days.count))
        for day in days {
            write(day.day)
            write(day.orders)
            write(day.sums)
        }
    }

    mutating func write(_ totals: SalesTotals) {
        write(totals.orders)
        write(totals.released)
        write(totals.expired)
        write(totals.endedBefore)
        write(UInt32(totals.hours.count))
        for hour in totals.hours {
            write(hour.hour)
            write(hour.orders)
            write(hour.tickets)
            write(hour.total)
        }
    }
}

extension RecordDecoder {
    private mutating func readAmounts() throws(Malformed) -> SalesAmounts {
        var amounts = SalesAmounts()
        amounts.base = try read()
        amounts.serviceFee = try read()
        amounts.facilityFee = try read()
        amounts.tax = try read()
        return amounts
    }

    private mutating func readSums() throws(Malformed) -> SalesSums {
        var sums = SalesSums()
        sums.tickets = try read()
        sums.sold = try readAmounts()
        sums.refundedTickets = try read()
        sums.refunded = try readAmounts()
        return sums
    }

    // The counts are not believed for setting memory aside: each element is read, or the record ends.

    mutating func readSalesSums() throws(Malformed) -> [SalesSums] {
        var sums: [SalesSums] = []
        for _ in 0..<(try read(UInt32.self)) { sums.append(try readSums()) }
        return sums
    }

    mutating func readSalesDays() throws(Malformed) -> [DaySales] {
        var days: [DaySales] = []
        for _ in 0..<(try read(UInt32.self)) {
            var day = DaySales(day: try read())
            day.orders = try read()
            day.sums = try readSums()
            days.append(day)
        }
        return days
    }

    mutating func readSalesTotals() throws(Malformed) -> SalesTotals {
        var totals = SalesTotals()
        totals.orders = try read()
        totals.released = try read()
        totals.expired = try read()
        totals.endedBefore = try read()
        for _ in 0..<(try read(UInt32.self)) {
            var hour = HourSales(hour: try read())
            hour.orders = try read()
            hour.tickets = try read()
            hour.total = try read()
            totals.hours.append(hour)
        }
        return totals
    }
}
