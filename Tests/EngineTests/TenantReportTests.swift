import Foundation
import NIOCore
import NIOPosix
import Synchronization
import Testing
import WAL

@testable import Engine
@testable import ReferenceModel

/// Reports over all events of a tenant, on several shards, against what the log's records add up to; also after starts
/// from a snapshot, from the log alone, and on another number of shards.
@Suite(.timeLimit(.minutes(1))) struct TenantReportTests {
    private static let tenants: [ShortText] = ["shop", "rival"]
    private static let currencies: [ShortText] = ["EUR", "JPY"]
    private static let venues: [ShortText] = [.empty, "hall", "park"]
    private static let customers: [ShortText] = ["ada", "ben", "cleo"]

    /// A folder for a log, removed with the test.
    private struct Folder: ~Copyable {
        let path = FileManager.default.temporaryDirectory.path + "/tenant-report-\(UInt64.random(in: 0 ... .max))"
        deinit { try? FileManager.default.removeItem(atPath: path) }

        func log(shards: Int) throws -> WriteAheadLog {
            var options = Engine.logOptions(shards: shards)
            options.spareSegments = 0
            options.segmentBytes = 4 << 20
            return try WriteAheadLog.open(folder: path, options: options, device: SynchronousDevice())
        }

        /// What the log's records add up to, by event.
        func recount() throws -> [EventKey: LogRecount] {
            let log = try WriteAheadLog.openReadOnly(folder: path, device: SynchronousDevice())
            var recounts: [EventKey: LogRecount] = [:]
            _ = try log.replay(from: LogPosition(1)) { _, payload in
                let record = try EventRecord(payload)
                recounts[record.event, default: LogRecount()].take(record)
            }
            try log.close()
            return recounts
        }

        func removeSnapshots() throws {
            for file in try FileManager.default.contentsOfDirectory(atPath: path) where file.hasPrefix("snap-") {
                try FileManager.default.removeItem(atPath: path + "/" + file)
            }
        }
    }

    private final class Time: Sendable {
        let microseconds = Atomic<Int64>(1_800_000_000_000_000)
        var clock: EngineClock { EngineClock(system: { self.microseconds.load(ordering: .relaxed) }, monotonic: { 0 }) }
        func pass(hours: Int) { microseconds.add(Int64(hours) * 3_600_000_000, ordering: .relaxed) }
    }

    private struct Event {
        let tenant: ShortText
        let details: EventDetails
        var key: EventKey { EventKey(tenant: tenant, event: details.id) }
    }

    private static func run<R>(
        _ folder: borrowing Folder,
        shards: Int,
        _ time: Time,
        _ body: (Engine) async throws -> R
    ) async throws -> R {
        let loops = MultiThreadedEventLoopGroup(numberOfThreads: shards)
        let log = try folder.log(shards: shards)
        let all = Array(loops.makeIterator())
        let (engine, _) = try await Engine.start(log: log, loops: all, clock: time.clock) {
            Issue.record("the log failed: \($0)")
        }
        let result = try await body(engine)
        try await engine.stop()
        try await loops.shutdownGracefully()
        return result
    }

    @Test func theyAreWhatTheLogAddsUpTo() async throws {
        let folder = Folder()
        let time = Time()
        var random = SeededRandom(seed: 21)
        let events = try await Self.run(folder, shards: 3, time) { engine in
            let events = try await Self.create(24, in: engine)
            for event in events { try await Self.sell(event, in: engine, &random, time) }
            // What is due ends; what begins now stays, since no more time passes.
            try await Task.sleep(for: .milliseconds(100))
            for event in events where random.chance(50) { _ = try await Self.reserve(event, in: engine, &random) }
            return events
        }
        let recounts = try folder.recount()
        #expect(Set(events.map { $0.key.shard(of: 3) }).count == 3)
        for (shards, withSnapshot) in [(3, true), (1, true), (2, false)] {
            if !withSnapshot { try folder.removeSnapshots() }
            try await Self.run(folder, shards: shards, time) { engine in
                for tenant in Self.tenants {
                    let mine = events.filter { $0.tenant == tenant }
                    try await TenantComparison(engine, tenant, mine.map { ($0.details, recounts[$0.key]!) }).check()
                }
                let nobody = try await engine.dashboard(of: "nobody")
                #expect(nobody.events.isEmpty && nobody.revenue.isEmpty)
                let other = events.first { $0.tenant == "shop" }!.key
                await #expect(throws: EngineError.rejected(.eventNotFound)) {
                    _ = try await engine.sales(of: other, tenant: "rival")
                }
            }
        }
    }

    /// No turn looks at more than its share, and none of the events is left out or counted twice.
    @Test func manyEventsAreAddedUpInSlices() async throws {
        let folder = Folder()
        let count = 3 * Shard.reportWorkPerTurn
        try await Self.run(folder, shards: 2, Time()) { engine in
            try await withThrowingTaskGroup(of: Void.self) { group in
                for number in 0..<count {
                    let details = EventDetails(id: ShortText("event-\(number)")!, name: "Event", currency: "EUR")
                    group.addTask { _ = try await engine.createEvent(details, by: Caller(tenant: "shop")) }
                }
                try await group.waitForAll()
            }
            let dashboard = try await engine.dashboard(of: "shop")
            #expect(dashboard.events == [.draft: UInt64(count)])
            var slices: [UInt64] = []
            for shard in engine.shards {
                var last: ShortText? = .empty
                while let after = last {
                    let slice = await shard.sum(Dashboard(today: 0), of: "shop", after: after)
                    slices.append(slice.sum.events[.draft] ?? 0)
                    last = slice.last
                }
            }
            #expect(slices.reduce(0, +) == UInt64(count))
            #expect(slices.count > 2 && slices.allSatisfy { $0 <= UInt64(Shard.reportWorkPerTurn) })
        }
    }

    private static func create(_ count: Int, in engine: Engine) async throws -> [Event] {
        for (tenant, venue) in tenants.flatMap({ tenant in venues.map { (tenant, $0) } }) where !venue.isEmpty {
            let details = VenueDetails(id: venue, name: "Venue", maximumCapacity: 10_000)
            let key = EventKey(tenant: tenant, event: .empty)
            try await submit(.createVenue(details), about: key, in: engine, tenant)
        }
        var events: [Event] = []
        for number in 0..<count {
            let tenant = tenants[number % 2]
            var details = EventDetails(
                id: ShortText("event-\(number)")!,
                name: "Event \(number)",
                currency: currencies[number / 2 % 2]
            )
            details.venue = venues[number % 3]
            let event = Event(tenant: tenant, details: details)
            let caller = Caller(tenant: tenant)
            _ = try await engine.createEvent(details, by: caller)
            let section = SectionDetails(id: ShortText("floor-\(number)")!, name: "Floor", total: 1_000)
            _ = try await engine.addSection(section, to: event.key, by: caller)
            var tier = PriceTierDetails(name: "Full", basePrice: Int64(1_000 + number))
            tier.serviceFee = 33
            tier.taxBasisPoints = 770
            _ = try await engine.addTier(tier, to: event.key, by: caller)
            try await engine.publish(event.key, by: caller)
            events.append(event)
        }
        return events
    }

    /// Some orders, some of them refunded, some reservations given back or left to expire, over some hours.
    private static func sell(
        _ event: Event,
        in engine: Engine,
        _ random: inout SeededRandom,
        _ time: Time
    ) async throws {
        for _ in 0..<random.below(12) {
            let (id, caller) = try await reserve(event, in: engine, &random)
            switch random.below(4) {
            case 0: _ = try await engine.release(id, by: caller)
            case 1: break
            default:
                _ = try await engine.confirm(id, paymentReference: "payment", by: caller)
                guard random.chance(40) else { continue }
                time.pass(hours: random.below(2))
                try await refund(id, ticket: 0, in: engine, caller)
            }
        }
        if random.chance(50) { time.pass(hours: 1 + random.below(20)) }
    }

    private static func reserve(
        _ event: Event,
        in engine: Engine,
        _ random: inout SeededRandom
    ) async throws -> (HoldID, Caller) {
        let customer = random.one(of: customers)
        let caller = Caller(tenant: event.tenant, customer: customer)
        let line = ReserveRequest.Line(section: 0, quantity: UInt32(1 + random.below(4)))
        let request = ReserveRequest(customer: customer, first: line)
        let hold = try await engine.reserve(request, in: event.key, by: caller)
        return (HoldID(event: event.key, reference: hold.reference, secret: hold.secret), caller)
    }

    private static func refund(_ id: HoldID, ticket: UInt32, in engine: Engine, _ caller: Caller) async throws {
        try await submit(.refund(id, tickets: [ticket], restock: true), about: id.event, in: engine, caller.tenant)
    }

    private static func submit(
        _ command: Command,
        about event: EventKey,
        in engine: Engine,
        _ tenant: ShortText
    ) async throws {
        let context = CommandContext(tenant: tenant, now: 0, random: (0, 0))
        let tag = ReplyTag(loop: 0, connection: 0, sequence: 0)
        let submission = Submission(event: event, work: .command(command), context: context, tag: tag)
        _ = try await engine.shard(of: event).submit(submission)
    }
}

/// A tenant's reports, held against the recounts of its events.
private struct TenantComparison {
    let engine: Engine
    let tenant: ShortText
    let events: [(details: EventDetails, recount: LogRecount)]

    init(_ engine: Engine, _ tenant: ShortText, _ events: [(EventDetails, LogRecount)]) {
        self.engine = engine
        self.tenant = tenant
        self.events = events
    }

    func check() async throws {
        try await checkSales()
        try await checkDays()
        try await checkVenues()
        try await checkDashboard()
        try await checkCustomers()
    }

    private static func total(_ recounts: some Sequence<LogRecount>) -> LogRecount.Day {
        recounts.reduce(into: LogRecount.Day()) {
            $0.orders += $1.total.orders
            LogRecount.add($1.total.sums, to: &$0.sums)
        }
    }

    private func recounts(_ isIncluded: (EventDetails) -> Bool) -> [LogRecount] {
        events.filter { isIncluded($0.details) }.map(\.recount)
    }

    private func checkSales() async throws {
        let sales = try await engine.sales(of: tenant).currencies
        #expect(Set(sales.keys) == Set(events.map(\.details.currency)))
        for (currency, sales) in sales {
            let mine = recounts { $0.currency == currency }
            #expect(sales.events == UInt64(mine.count))
            #expect(ReportComparison.day(sales.total) == Self.total(mine))
            #expect(Set(sales.days.keys.map(Int.init)) == Set(mine.flatMap(\.days.keys)))
        }
    }

    /// Each day by itself.
    private func checkDays() async throws {
        for day in Set(events.flatMap(\.recount.days.keys)) {
            let sales = try await engine.sales(of: tenant, days: Int64(day)...Int64(day)).currencies
            for (currency, sales) in sales {
                var expected = LogRecount.Day()
                for recount in recounts({ $0.currency == currency }) {
                    expected.orders += recount.days[day]?.orders ?? 0
                    LogRecount.add(recount.days[day]?.sums ?? .init(), to: &expected.sums)
                }
                #expect(ReportComparison.day(sales.total) == expected)
            }
        }
    }

    private func checkVenues() async throws {
        let all = try await engine.salesByVenue(of: tenant)
        let (page, hasMore) = all.page(200)
        #expect(page.map(\.id) == ["hall", "park"] && !hasMore)
        #expect(try await engine.salesByVenue(of: tenant, after: "hall").page(200).venues.map(\.id) == ["park"])
        #expect(all.page(1).hasMore)
        for (venue, sales) in page {
            #expect(sales.events == UInt64(recounts { $0.venue == venue }.count))
            let alone = try await engine.sales(atVenue: venue, tenant: tenant)
            for (currency, sums) in sales.currencies {
                let mine = recounts { $0.venue == venue && $0.currency == currency }
                #expect(ReportComparison.day(sums.total) == Self.total(mine))
                #expect(alone.currencies[currency]?.total == sums.total)
            }
        }
        await #expect(throws: EngineError.rejected(.venueNotFound)) {
            _ = try await engine.sales(atVenue: "nowhere", tenant: tenant)
        }
    }

    private func checkDashboard() async throws {
        let dashboard = try await engine.dashboard(of: tenant)
        #expect(dashboard.events == [.published: UInt64(events.count)])
        #expect(Int(dashboard.openHolds) == events.reduce(0) { $0 + $1.recount.open })
        let whole = Self.total(events.map(\.recount))
        #expect(Int(dashboard.tickets.sold) == whole.sums.tickets)
        #expect(Int(dashboard.tickets.refunded) == whole.sums.refundedTickets)
        let today = Int(dashboard.today)
        #expect(
            Int(dashboard.tickets.soldToday) == events.reduce(0) { $0 + ($1.recount.days[today]?.sums.tickets ?? 0) }
        )
        let ranked = events.filter { $0.recount.total.sums.tickets > 0 }.sorted {
            let (left, right) = ($0.recount.total.sums.tickets, $1.recount.total.sums.tickets)
            return left == right ? $0.details.id.precedes($1.details.id) : left > right
        }
        #expect(dashboard.topEvents.map(\.id) == ranked.prefix(Dashboard.topEventsMax).map(\.details.id))
        for (currency, revenue) in dashboard.revenue {
            #expect(ReportComparison.day(revenue.all) == Self.total(recounts { $0.currency == currency }))
        }
    }

    private func checkCustomers() async throws {
        for customer in ["ada", "ben", "cleo", "nobody"] as [ShortText] {
            let insight = try await engine.insight(into: customer, tenant: tenant)
            let known = events.filter { $0.recount.customers[customer].map { $0 != .init() } ?? false }
            #expect(insight.events == UInt64(known.count))
            for currency in Set(events.map(\.details.currency)) {
                var expected = LogRecount.Customer()
                for recount in recounts({ $0.currency == currency }) {
                    guard let one = recount.customers[customer] else { continue }
                    expected.orders += one.orders
                    expected.openHolds += one.openHolds
                    expected.openPlaces += one.openPlaces
                    LogRecount.add(one.sums, to: &expected.sums)
                }
                let found = insight.currencies[currency] ?? CustomerSales()
                #expect(Int(found.orders) == expected.orders && Int(found.openHolds) == expected.openHolds)
                #expect(Int(found.openPlaces) == expected.openPlaces)
                #expect(ReportComparison.sums(found.sums) == expected.sums)
            }
        }
    }
}
