// What the sums of a snapshot must be for `apply` to go on with them: in order, within the event's catalogue, and far from
// where adding to them would stop the program. That they are the holds' sums is for `checkSales` to find out.

extension EventInventory {
    /// As `isClockTime` has it.
    private static let clockTimeMax: Int64 = 1 << 43 - 1
    private static let beyondCounting: StaticString = "sums for reports beyond all counting"

    func contradiction(restoring totals: SalesTotals) -> StaticString? {
        guard holds.count == 0, !sales.isRestored else { return "sums for reports in the wrong place" }
        let counts = [totals.orders, totals.released, totals.expired, totals.endedBefore]
        guard counts.allSatisfy(Self.isCount), totals.hours.count <= SalesLedger.hoursMax,
            totals.hours.allSatisfy({
                (0...Self.clockTimeMax / 3_600_000).contains($0.hour) && Self.isCount($0.orders)
                    && Self.isCount($0.tickets) && Self.isAmount($0.total)
            }),
            zip(totals.hours, totals.hours.dropFirst()).allSatisfy({ $0.hour < $1.hour })
        else { return Self.beyondCounting }
        return nil
    }

    func contradiction(restoring sums: [SalesSums], of group: SalesGroup) -> StaticString? {
        guard holds.count == 0, sales.isRestored else { return "sums for reports in the wrong place" }
        let (known, most) =
            switch group {
            case .section: (sales.sections.count, sections.count)
            case .tier: (sales.tiers.count, tiers.count)
            }
        guard known + sums.count <= most else { return "sums for reports of what there is not" }
        return sums.allSatisfy(Self.isCountable) ? nil : Self.beyondCounting
    }

    func contradiction(restoring days: [DaySales]) -> StaticString? {
        guard holds.count == 0, sales.isRestored else { return "sums for reports in the wrong place" }
        // Two entries stand for more than a day.
        guard sales.days.count + days.count <= SalesLedger.daysMax + 2,
            days.allSatisfy({
                $0.day <= Self.clockTimeMax / 86_400_000 && Self.isCount($0.orders) && Self.isCountable($0.sums)
            })
        else { return Self.beyondCounting }
        let last = sales.days.last.map { [$0.day] } ?? []
        let all = last + days.map(\.day)
        return zip(all, all.dropFirst()).allSatisfy { $0 < $1 } ? nil : "days for reports out of order"
    }

    private static func isCount(_ count: UInt64) -> Bool { count >> 60 == 0 }
    private static func isAmount(_ amount: Int128) -> Bool { amount >= 0 && amount >> 112 == 0 }

    private static func isCountable(_ sums: SalesSums) -> Bool {
        isCount(sums.tickets) && isCount(sums.refundedTickets) && isCountable(sums.sold) && isCountable(sums.refunded)
    }

    private static func isCountable(_ amounts: SalesAmounts) -> Bool {
        isAmount(amounts.base) && isAmount(amounts.serviceFee) && isAmount(amounts.facilityFee) && isAmount(amounts.tax)
    }
}
