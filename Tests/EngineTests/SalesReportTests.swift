import Testing
import WAL

@testable import Engine
@testable import ReferenceModel

/// Reports from memory against the same counted from the log's facts.
@Suite struct SalesReportTests {
    private static let events = 20

    private static func run(_ seed: UInt64, _ number: Int, steps: Int = 400) throws -> ModelRun {
        var run = try ModelRun(seed: seed, number: number)
        for step in 0..<steps {
            try run.step()
            // Over days, so that there are some to tell apart.
            if step % 25 == 24 { run.passTime(Milliseconds(1 + step % 40) * 3_600_000) }
        }
        return run
    }

    static func recount(_ records: some Sequence<[UInt8]>) throws -> LogRecount {
        var recount = LogRecount()
        for record in records { recount.take(try EventRecord(bytes: record)) }
        return recount
    }

    @Test(arguments: ModelTests.seeds)
    func everyReportIsWhatTheLogAddsUpTo(seed: UInt64) throws {
        var sold = 0
        var refunded = 0
        for number in 0..<Self.events {
            let run = try Self.run(seed, number)
            let recount = try Self.recount(run.subject.records)
            let live = run.subject.inventory
            try ReportComparison(live, recount).check()
            try ReportComparison(live.restoredFromSnapshot(), recount).check()
            var replay = ModelReplay(shards: 1)
            for record in run.subject.records { try replay.apply(record) }
            try ReportComparison(#require(replay.event(run.model.key)), recount).check()
            sold += recount.total.sums.tickets
            refunded += recount.total.sums.refundedTickets
        }
        #expect(sold > 200 && refunded > 30, "\(sold) sold and \(refunded) refunded show little")
    }

    @Test func theSaleGoesOnBehindASnapshot() throws {
        for number in 0..<5 {
            var run = try Self.run(3, number)
            let before = run.subject.records
            try run.continueFromSnapshot()
            for _ in 0..<200 { try run.step() }
            let recount = try Self.recount(before + run.subject.records)
            try ReportComparison(run.subject.inventory, recount).check()
            #expect(run.subject.inventory.checkInvariants() == [])
        }
    }

    /// A snapshot of a build without reports has the holds alone. All that they tell is as counted; the days of refunds
    /// and what became of holds whose slots were used again are not.
    @Test func aSnapshotWithoutSumsGivesWhatItsHoldsTell() throws {
        for number in 0..<Self.events {
            let run = try Self.run(5, number)
            let live = run.subject.inventory
            let old = try live.restoredFromOldSnapshot()
            #expect(old.checkInvariants() == [])
            #expect(old.digest(.withoutSales) == live.digest(.withoutSales))
            let (counted, rebuilt) = (live.wholeReport, old.wholeReport)
            #expect(rebuilt.total == counted.total)
            #expect(rebuilt.sections == counted.sections)
            #expect(rebuilt.tiers == counted.tiers)
            #expect(rebuilt.hours == counted.hours)
            let days = counted.days.map(\.withoutRefunds).filter { $0.orders > 0 }
            #expect(rebuilt.days == days)
            #expect(rebuilt.undatedRefunds == counted.total.sums.refundsOnly)
            let (all, known) = (counted.holds, rebuilt.holds)
            #expect(known.placed == all.placed && known.confirmed == all.confirmed && known.open == all.open)
            #expect(known.released + known.expired + known.endedBefore == all.released + all.expired)
            // What it writes itself leads to the same again.
            #expect(try old.restoredFromSnapshot().digest() == old.digest())
        }
    }

    @Test func theDigestHasTheSums() throws {
        let run = try Self.run(9, 0)
        var other = run.subject.inventory
        other.sales.end(.released)
        #expect(other.digest() != run.subject.inventory.digest())
        #expect(other.checkInvariants() != [])
    }
}

extension EventInventory {
    var wholeReport: EventSales { salesReport(days: nil, start: 0, limit: .max / 2) }

    /// Rebuilt from the facts that a build without reports would have written, with the digest it would have written.
    func restoredFromOldSnapshot() throws -> EventInventory {
        var recovery = Recovery()
        func restore(_ body: (inout RecordBuffer) -> Void) throws {
            var buffer = RecordBuffer(capacity: 4_096)
            buffer.beginRecord()
            buffer.write(key.rawValue)
            buffer.write(UInt64(1))
            body(&buffer)
            buffer.endRecord()
            try buffer.withLastPayload { try recovery.restore($0) }
        }
        try visitSnapshotFacts { fact in
            guard fact.extent == .withoutSales else { return }
            try restore { buffer in
                buffer.write(false)
                fact.encode(into: &buffer)
            }
        }
        try restore { buffer in
            buffer.write(true)
            buffer.write(digest(.withoutSales))
        }
        return try #require(recovery.events[key])
    }
}

/// An event's reports, held against a recount.
struct ReportComparison {
    let event: EventInventory
    let recount: LogRecount

    init(_ event: EventInventory, _ recount: LogRecount) {
        self.event = event
        self.recount = recount
    }

    func check() throws {
        checkSums()
        checkHolds()
        checkRanges()
        checkCustomers()
    }

    static func sums(_ sums: SalesSums) -> LogRecount.Sums {
        func money(_ amounts: SalesAmounts) -> LogRecount.Money {
            LogRecount.Money(base: amounts.base, fees: amounts.fees, tax: amounts.tax)
        }
        return LogRecount.Sums(
            tickets: Int(sums.tickets),
            sold: money(sums.sold),
            refundedTickets: Int(sums.refundedTickets),
            refunded: money(sums.refunded)
        )
    }

    private static func day(_ day: DaySales) -> LogRecount.Day {
        LogRecount.Day(orders: Int(day.orders), sums: sums(day.sums))
    }

    static func day(_ total: OrderSums) -> LogRecount.Day {
        LogRecount.Day(orders: Int(total.orders), sums: sums(total.sums))
    }

    private func checkSums() {
        let report = event.wholeReport
        #expect(Self.day(report.total) == recount.total)
        #expect(report.sections.count == event.sectionCount)
        for (number, section) in report.sections.enumerated() {
            #expect(Self.sums(section.sums) == recount.sections[SectionNumber(number)] ?? .init())
        }
        for tier in report.tiers { #expect(Self.sums(tier.sums) == recount.tiers[tier.number] ?? .init()) }
        #expect(Dictionary(uniqueKeysWithValues: report.days.map { (Int($0.day), Self.day($0)) }) == recount.days)
        #expect(report.undatedRefunds == SalesSums() && report.earlier == nil)
        let hours = report.hours.map {
            (Int($0.hour), LogRecount.Hour(orders: Int($0.orders), tickets: Int($0.tickets), total: $0.total))
        }
        let latest = recount.hours.keys.sorted().suffix(SalesLedger.hoursMax)
        #expect(Dictionary(uniqueKeysWithValues: hours) == recount.hours.filter { latest.contains($0.key) })
    }

    private func checkHolds() {
        let holds = event.holdCounts
        #expect(Int(holds.placed) == recount.placed)
        #expect(Int(holds.confirmed) == recount.orders)
        #expect(Int(holds.released) == recount.released)
        #expect(Int(holds.expired) == recount.expired)
        #expect(Int(holds.open) == recount.open)
        #expect(holds.endedBefore == 0)
    }

    /// Every stretch between two of the first days.
    private func checkRanges() {
        let days = recount.days.keys.sorted().prefix(8)
        for (index, first) in days.enumerated() {
            for last in days[index...] {
                var expected = LogRecount.Day()
                for day in first...last {
                    guard let sales = recount.days[day] else { continue }
                    expected.orders += sales.orders
                    LogRecount.add(sales.sums, to: &expected.sums)
                }
                let report = event.salesReport(days: Int64(first)...Int64(last), start: 0, limit: 10)
                #expect(Self.day(report.total) == expected)
                #expect(report.sections.isEmpty && report.tiers.isEmpty)
            }
        }
    }

    private func checkCustomers() {
        for (id, expected) in recount.customers {
            let found = event.customerSales(id)?.sales ?? CustomerSales()
            #expect(Int(found.orders) == expected.orders)
            #expect(Int(found.openHolds) == expected.openHolds)
            #expect(Int(found.openPlaces) == expected.openPlaces)
            #expect(Self.sums(found.sums) == expected.sums)
        }
        let ranked = recount.customers.filter { $0.value.orders > 0 }.sorted {
            let (left, right) = ($0.value.sums.sold.total, $1.value.sums.sold.total)
            return left == right ? $0.key.precedes($1.key) : left > right
        }
        let top = event.topCustomers(limit: .max)
        #expect(top.map(\.id) == ranked.prefix(TopBuyers.countMax).map(\.key))
        for (customer, expected) in zip(top, ranked) {
            #expect(customer.total == expected.value.sums.sold.total)
            #expect(
                Int(customer.orders) == expected.value.orders && Int(customer.tickets) == expected.value.sums.tickets
            )
        }
    }
}
