/// What reports of an event are made of: running sums, so that no question has to walk the holds.
///
/// Only `apply` changes them. By section and by tier they are as many as the event has, days and hours are bounded, so a
/// report costs the same after ten sales and after ten million. Nothing here is taken back: refunds have sums of their own.
///
/// Invariants, checked against the holds by `checkSales`:
/// - the sums of the sections are those of the confirmed holds' lines at their locked prices, and so are those of the
///   tiers and the days together;
/// - holds ever placed are the live, the confirmed, the released and the expired ones, and those that only an earlier
///   build saw end.
struct SalesLedger: Sendable {
    /// Days with sums of their own, the latest ones; what comes before them is added up.
    static let daysMax = 1_024
    /// The latest hours in which something was sold; others are in their days only.
    static let hoursMax = 168

    /// Orders ever made: a confirmed hold stays one.
    private(set) var orders: UInt64 = 0
    private(set) var released: UInt64 = 0
    private(set) var expired: UInt64 = 0
    /// Ended before this ledger was kept, their slots used again since: nobody knows whether released or expired.
    private(set) var endedBefore: UInt64 = 0
    /// By number; as long as the highest that has sold.
    private(set) var sections = PagedArray<SalesSums>()
    private(set) var tiers = PagedArray<SalesSums>()
    /// Ascending.
    private(set) var days: ContiguousArray<DaySales> = []
    private(set) var hours: ContiguousArray<HourSales> = []
    /// Whether the sums came from a snapshot, so that its holds are in them.
    private(set) var isRestored = false

    /// Refunds of which the day is known, all of them: false in a data folder of an earlier build that had refunds.
    var isDated: Bool { days.first.map { $0.day != DaySales.undated } ?? true }

    /// Everything that was ever sold and refunded.
    var total: OrderSums { days.reduce(into: OrderSums()) { $0 += $1 } }
}

// MARK: - Counting

extension SalesLedger {
    /// - Returns: what the line was sold for.
    mutating func sell(_ line: HoldLine) -> Amounts {
        let amounts = Amounts(line)
        sections.extend(to: Int(line.section))
        sections[Int(line.section)].sell(line.quantity, amounts)
        if let tier = line.tier {
            tiers.extend(to: Int(tier))
            tiers[Int(tier)].sell(line.quantity, amounts)
        }
        return amounts
    }

    /// An order, whose lines were sold.
    mutating func order(_ tickets: UInt32, _ amounts: Amounts, at time: Milliseconds) {
        orders += 1
        let day = dayIndex(DaySales.number(of: time))
        days[day].orders += 1
        days[day].sums.sell(tickets, amounts)
        guard let hour = hourIndex(HourSales.number(of: time)) else { return }
        hours[hour].orders += 1
        hours[hour].tickets += UInt64(tickets)
        hours[hour].total += Int128(amounts.total)
    }

    /// Refunds, by line.
    mutating func refund(_ sums: SalesSums, of line: HoldLine, day: Int64) {
        sections.extend(to: Int(line.section))
        sections[Int(line.section)] += sums
        if let tier = line.tier {
            tiers.extend(to: Int(tier))
            tiers[Int(tier)] += sums
        }
        let day = dayIndex(day)
        days[day].sums += sums
    }

    mutating func end(_ status: HoldStatus) {
        if status == .released { released += 1 } else { expired += 1 }
    }

    /// Holds that had the slot of a restored one before it.
    mutating func endBefore(_ count: UInt32) { endedBefore += UInt64(count) }

}

extension PagedArray<SalesSums> {
    fileprivate mutating func extend(to index: Int) { while count <= index { append(SalesSums()) } }
}

// MARK: - Days and hours

extension SalesLedger {
    /// Where the day is counted: in its own entry, or in the one of earlier days when there are later ones enough. So
    /// the days that are kept are the latest, in whatever order they come.
    private mutating func dayIndex(_ day: Int64) -> Int {
        if let last = days.last, last.day == day { return days.count - 1 }
        if let known = days.lastIndex(where: { $0.day <= day }), days[known].day == day { return known }
        let isOwn = day > DaySales.earlier
        var first = days.firstIndex { $0.day > DaySales.earlier } ?? days.count
        if isOwn, days.count - first == Self.daysMax {
            if first == 0 || days[first - 1].day != DaySales.earlier {
                days.insert(DaySales(day: DaySales.earlier), at: first)
                first += 1
            }
            if day < days[first].day { return first - 1 }
            let oldest = days.remove(at: first)
            days[first - 1] += oldest
        }
        let place = days.firstIndex { $0.day > day } ?? days.count
        days.insert(DaySales(day: day), at: place)
        return place
    }

    /// Where the hour is counted; nil when there are later ones enough.
    private mutating func hourIndex(_ hour: Int64) -> Int? {
        if let last = hours.last, last.hour == hour { return hours.count - 1 }
        if let known = hours.lastIndex(where: { $0.hour <= hour }), hours[known].hour == hour { return known }
        if hours.count == Self.hoursMax {
            if hour < hours[0].hour { return nil }
            hours.removeFirst()
        }
        let place = hours.firstIndex { $0.hour > hour } ?? hours.count
        hours.insert(HourSales(hour: hour), at: place)
        return place
    }
}

// MARK: - Snapshots

/// Of a ledger, what its sections, tiers and days don't say.
public struct SalesTotals: Equatable, Sendable {
    var orders: UInt64 = 0
    var released: UInt64 = 0
    var expired: UInt64 = 0
    var endedBefore: UInt64 = 0
    var hours: [HourSales] = []
}

/// What sums are by.
public enum SalesGroup: UInt8, Sendable {
    case section = 0
    case tier = 1
}

extension SalesLedger {
    /// Few enough for a record of some ten kilobytes.
    private static let sumsPerFact = 256

    func visitFacts<E: Error>(_ body: (Fact) throws(E) -> Void) throws(E) {
        try body(
            .salesRestored(
                SalesTotals(
                    orders: orders,
                    released: released,
                    expired: expired,
                    endedBefore: endedBefore,
                    hours: Array(hours)
                )
            )
        )
        for (group, sums) in [(SalesGroup.section, sections), (.tier, tiers)] {
            for start in stride(from: 0, to: sums.count, by: Self.sumsPerFact) {
                let chunk = (start..<min(start + Self.sumsPerFact, sums.count)).map { sums[$0] }
                try body(.salesSumsRestored(group, chunk))
            }
        }
        for start in stride(from: 0, to: days.count, by: Self.sumsPerFact) {
            try body(.salesDaysRestored(Array(days[start..<min(start + Self.sumsPerFact, days.count)])))
        }
    }

    /// The ledger of a snapshot; `append` what follows.
    init(_ totals: SalesTotals) {
        orders = totals.orders
        released = totals.released
        expired = totals.expired
        endedBefore = totals.endedBefore
        hours = ContiguousArray(totals.hours)
        isRestored = true
    }

    mutating func append(_ sums: [SalesSums], _ group: SalesGroup) {
        for sums in sums { if group == .section { sections.append(sums) } else { tiers.append(sums) } }
    }

    mutating func append(_ days: [DaySales]) { self.days += days }
}
