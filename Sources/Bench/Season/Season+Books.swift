#if canImport(FoundationEssentials)
    import FoundationEssentials
#else
    import Foundation
#endif

// The books: what everybody was told against what the server reports.

extension Season {
    func close() throws {
        begin("The books")
        try compareStock()
        let report = try office.find("/api/v1/reports/sales?event_id=\(event)")["report", "data"]
        try compare("tickets sold", report["tickets_sold"], Decimal(books.ticketCount))
        try compare("paid", report["total"], books.total)
        try compare("tickets refunded", report["refunds", "tickets"], Decimal(books.refundedTickets))
        try compare("given back", report["refunds", "total"], books.refundedAmount)
        try compare("what stays", report["net"], books.total - books.refundedAmount)
        let parts = ["gross", "service_fee", "facility_fee", "tax"].reduce(Decimal(0)) {
            $0 + (report[$1].decimal ?? 0)
        }
        try expect(parts == books.total, "prices, fees and tax add up to \(parts)")
        tell("prices, fees and tax add up to the same")
        print("\nThe books add up.")
    }

    private func compare(_ what: String, _ reported: JSONText, _ told: Decimal) throws {
        try expect(reported.decimal == told, "\(what): buyers were told \(told), the report says \(reported)")
        tell("\(what): \(told)")
    }

    /// Every section's places are free, held, sold or kept; and all buyers together have as many as are sold and held.
    private func compareStock() throws {
        var sold = 0
        var reserved = 0
        for section in try office.find("/api/v1/events/\(event)/capacity")["capacity"].elements {
            func count(_ name: String) -> Int { section[name].integer ?? -1 }
            let parts = ["available", "reserved", "buffer"].map { count("\($0)_capacity") } + [count("sold_count")]
            try expect(
                parts.reduce(0, +) == count("total_capacity") && parts.allSatisfy { $0 >= 0 },
                "a section's places are \(parts) of \(count("total_capacity"))"
            )
            sold += count("sold_count")
            reserved += count("reserved_capacity")
        }
        let stays = books.ticketCount - books.restockedTickets
        try expect(sold == stays, "\(sold) places are sold, and the buyers have \(stays)")
        try expect(reserved == books.abandonedTickets, "\(reserved) places are held, not \(books.abandonedTickets)")
        tell("every place is free, held, sold or kept: \(sold) sold, \(reserved) held by those who left")
    }
}
