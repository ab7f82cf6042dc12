import Foundation
import NIOCore
import NIOPosix
import Synchronization
import Testing
import WAL

@testable import Engine

/// The log read back while a sale goes on: whole, in order, to whom it belongs, across every kind of end.
@Suite(.timeLimit(.minutes(1))) struct FeedTests {
    static let tenants: [ShortText] = ["north", "south"]

    /// What a feed gave of a record, or the log has.
    struct Entry: Equatable, Sendable {
        let position: UInt64
        let record: EventRecord

        init(_ record: FeedRecord) {
            position = record.position.rawValue
            self.record = record.record
        }

        init(_ position: LogPosition, _ record: EventRecord) {
            self.position = position.rawValue
            self.record = record
        }
    }

    /// A sale of its own folder, loops and engine.
    struct Sale<Device: LogDevice> {
        let engine: Engine
        let device: Device

        init(
            _ device: Device,
            _ folder: String = "/sale",
            on loops: [any EventLoop],
            keptBytes: Int = 1 << 30
        ) async throws {
            var options = Engine.logOptions(shards: loops.count)
            // So small that files follow each other all the time.
            options.batchBytesMax = 16 << 10
            options.segmentBytes = 64 << 10
            options.spareSegments = folder == "/sale" ? 1 : 0
            options.snapshotsKept = 1
            options.reserveBytes = nil
            options.keptBytes = keptBytes
            options.tailBytesMax = 40_000
            self.device = device
            let log = try WriteAheadLog.open(folder: folder, options: options, device: device)
            (engine, _) = try await Engine.start(log: log, loops: loops) { _ in }
        }

        func makeEvent(_ number: Int, of tenant: ShortText) async throws -> EventKey {
            let caller = Caller(tenant: tenant)
            let id = ShortText("event-\(number)")!
            _ = try await engine.createEvent(EventDetails(id: id, name: "Event", currency: "EUR"), by: caller)
            let event = EventKey(tenant: tenant, event: id)
            let section = SectionDetails(id: ShortText("floor-\(number)")!, name: "Floor", total: 40)
            _ = try await engine.addSection(section, to: event, by: caller)
            _ = try await engine.addTier(PriceTierDetails(name: "Full", basePrice: 1_000), to: event, by: caller)
            try await engine.publish(event, by: caller)
            return event
        }

        /// Reserves, and then confirms, releases or leaves it.
        func buy(_ turn: Int, _ event: EventKey, of tenant: ShortText) async {
            let customer = ShortText("buyer-\(turn % 7)")!
            let caller = Caller(tenant: tenant, customer: customer)
            let request = ReserveRequest(customer: customer, first: .init(section: 0, quantity: 1))
            guard let hold = try? await engine.reserve(request, in: event, by: caller) else { return }
            let id = HoldID(event: event, reference: hold.reference, secret: hold.secret)
            switch turn % 3 {
            case 0: _ = try? await engine.confirm(id, paymentReference: "payment \(turn)", by: caller)
            case 1: _ = try? await engine.release(id, by: Caller(tenant: tenant))
            default: break
            }
        }

        /// Both tenants' sales at the same time.
        func run(_ turns: Int, _ events: [EventKey]) async {
            await withTaskGroup(of: Void.self) { group in
                for (index, event) in events.enumerated() {
                    group.addTask {
                        for turn in 0..<turns { await buy(turn, event, of: tenants[index % tenants.count]) }
                    }
                }
            }
        }

        func makeEvents() async throws -> [EventKey] {
            var events: [EventKey] = []
            for number in 0..<6 { events.append(try await makeEvent(number / 2, of: tenants[number % 2])) }
            return events
        }
    }

    static func onLoops(_ body: ([any EventLoop]) async throws -> Void) async throws {
        let group = MultiThreadedEventLoopGroup(numberOfThreads: 2)
        do { try await body(Array(group.makeIterator())) } catch {
            try await group.shutdownGracefully()
            throw error
        }
        try await group.shutdownGracefully()
    }

    /// Everything with facts that a folder's log has of a tenant's events.
    static func logged(_ device: SimulatedDevice, _ tenant: ShortText) throws -> [Entry] {
        let log = try WriteAheadLog.openReadOnly(folder: "/sale", device: device.copy())
        let own = Set((0..<6).map { EventKey(tenant: tenant, event: ShortText("event-\($0)")!) })
        var entries: [Entry] = []
        _ = try log.replay(from: log.oldestPosition) { position, payload in
            let record = try EventRecord(payload)
            if own.contains(record.event), !record.facts.isEmpty { entries.append(Entry(position, record)) }
        }
        return entries
    }

    /// Pages from `after` to the end as it is now.
    static func read(
        _ engine: Engine,
        _ tenant: ShortText,
        after: UInt64 = 0,
        event: EventKey? = nil,
        recordsMax: Int = 7,
        scannedBytesMax: Int = 3_000
    ) async throws -> (entries: [Entry], next: UInt64) {
        var request = LogFeed.Request(tenant: tenant, event: event, after: LogPosition(after))
        request.recordsMax = recordsMax
        request.scannedBytesMax = scannedBytesMax
        var entries: [Entry] = []
        while true {
            let page = try await engine.feed.page(request)
            #expect(page.records.count <= recordsMax)
            entries += page.records.map(Entry.init)
            request.after = page.next
            if page.isAtEnd { return (entries, page.next.rawValue) }
        }
    }

    @Test func aFeedIsTheFactsOfItsTenantInTheOrderOfTheLog() async throws {
        try await Self.onLoops { loops in
            let device = SimulatedDevice()
            let sale = try await Sale(device, on: loops)
            let events = try await sale.makeEvents()
            let followers = Self.tenants.map { tenant in
                Task { try await Self.follow(sale.engine, tenant, until: "the end") }
            }
            await sale.run(25, events)
            for tenant in Self.tenants { try await Self.sayTheEnd(sale.engine, tenant) }
            var seen: [[Entry]] = []
            for follower in followers { seen.append(try await follower.value) }
            for (index, tenant) in Self.tenants.enumerated() {
                let expected = try Self.logged(device, tenant)
                #expect(expected.count > 100)
                #expect(seen[index] == expected, "a follower that was there from the beginning")
                #expect(try await Self.read(sale.engine, tenant).entries == expected)
                let ofEvent = try await Self.read(sale.engine, tenant, event: events[index])
                #expect(ofEvent.entries == expected.filter { $0.record.event == events[index] })
                let foreign = try await Self.read(sale.engine, tenant, event: events[1 - index])
                #expect(foreign.entries.isEmpty, "another tenant's event")
            }
            #expect(Set(seen[0].map(\.position)).isDisjoint(with: seen[1].map(\.position)))
            #expect(device.paths.count { $0.hasPrefix("/sale/wal-") } > 2)
            try await sale.engine.stop()
        }
    }

    /// Follows until a record renames an event to `name`.
    static func follow(_ engine: Engine, _ tenant: ShortText, after: UInt64 = 0, until name: String) async throws
        -> [Entry]
    {
        var entries: [Entry] = []
        var next = after
        while true {
            let (more, end) = try await read(engine, tenant, after: next)
            entries += more
            next = end
            for case .eventUpdated(let details) in more.flatMap(\.record.facts) where details.name == name {
                return entries
            }
            #expect(await engine.feed.followers.more(after: LogPosition(next)))
        }
    }

    static func sayTheEnd(_ engine: Engine, _ tenant: ShortText) async throws {
        let details = EventDetails(id: "event-0", name: "the end", currency: "EUR")
        let event = EventKey(tenant: tenant, event: "event-0")
        let context = CommandContext(tenant: tenant, now: 0, random: (0, 0))
        let command = Command.updateEvent(details, expectedVersion: nil)
        let tag = ReplyTag(loop: 0, connection: 0, sequence: 0)
        let submission = Submission(event: event, work: .command(command), context: context, tag: tag)
        _ = try await engine.shard(of: event).submit(submission)
    }

    @Test func itGoesOnAfterARestartAndAfterTheProcessWasKilled() async throws {
        try await Self.onLoops { loops in
            let first = try await Sale(SimulatedDevice(), on: loops)
            let events = try await first.makeEvents()
            await first.run(8, events)
            var seen = try await Self.read(first.engine, "north")
            await first.run(8, events)
            try await first.engine.stop()

            let second = try await Sale(first.device, on: loops)
            let rest = try await Self.read(second.engine, "north", after: seen.next)
            seen = (seen.entries + rest.entries, rest.next)
            #expect(try seen.entries == Self.logged(second.device, "north"))
            // In the middle of it the power goes.
            async let sale: Void = second.run(12, events)
            try await Task.sleep(for: .milliseconds(15))
            let more = try await Self.read(second.engine, "north", after: seen.next)
            seen = (seen.entries + more.entries, more.next)
            let survivor = second.device.crash()
            await sale
            await #expect(throws: LogError.self, "its threads end, although the log had failed") {
                _ = try await second.engine.stop()
            }

            let third = try await Sale(survivor, on: loops)
            await third.run(2, events)
            let last = try await Self.read(third.engine, "north", after: seen.next)
            #expect(
                try seen.entries + last.entries == Self.logged(survivor, "north"),
                "no gap, nothing twice, nothing lost"
            )
            try await third.engine.stop()
        }
    }

    @Test func whatTheLogHasLetGoOfIsGone() async throws {
        try await Self.onLoops { loops in
            let sale = try await Sale(SimulatedDevice(), on: loops, keptBytes: 0)
            let events = try await sale.makeEvents()
            let early = try await Self.read(sale.engine, "south").next
            for _ in 0..<4 {
                await sale.run(12, events)
                try await sale.engine.snapshot()
            }
            let oldest = sale.engine.feed.oldestPosition
            #expect(oldest.rawValue > early + 1)
            await #expect(throws: FeedError.gone(oldest: oldest)) {
                try await Self.read(sale.engine, "south", after: early)
            }
            let rest = try await Self.read(sale.engine, "south", after: oldest.rawValue - 1)
            #expect(try rest.entries == Self.logged(sale.device, "south"))
            try await sale.engine.stop()
            await #expect(throws: FeedError.busy) { try await Self.read(sale.engine, "south") }
            #expect(
                await sale.engine.feed.followers.more(after: .init(.max)),
                "nobody waits for an engine that has stopped"
            )
        }
    }

    @Test func damageIsAnErrorAndNotTheEnd() async throws {
        try await Self.onLoops { loops in
            let sale = try await Sale(SimulatedDevice(), on: loops)
            await sale.run(10, try await sale.makeEvents())
            try #require(sale.device.paths.contains("/sale/wal-00000000000000000002"))
            sale.device.flipBit(8 * (4096 + 300), of: "/sale/wal-00000000000000000001")
            let error = await #expect(throws: FeedError.self) { try await Self.read(sale.engine, "north") }
            guard case .unreadable(let reason)? = error else {
                Issue.record("\(String(describing: error))")
                return
            }
            #expect(reason.contains("wal-00000000000000000001"))
            try await sale.engine.stop()
        }
    }

    /// The next batch may be the last for hours: nobody waits for another one because readers are busy.
    @Test func whoWaitsIsWokenHoweverBusyReadersAre() async throws {
        try await Self.onLoops { loops in
            let sale = try await Sale(SimulatedDevice(), on: loops)
            let pool = ReadPool(log: sale.engine.log)
            let followers = LogFollowers(durable: LogPosition(1), pool: pool)
            let gate = DispatchSemaphore(value: 0)
            for _ in 0..<ReadPool.threadsMax { #expect(pool.submit { _ in gate.wait() }) }
            // Also when the threads have taken theirs.
            for _ in 0..<3 {
                while pool.submit({ _ in }) {}
                try await Task.sleep(for: .milliseconds(30))
            }
            let woken = Atomic(false)
            _ = followers.onMore(after: LogPosition(1)) { woken.store(true, ordering: .relaxed) }
            followers.advance(to: LogPosition(2))
            for _ in 0..<ReadPool.threadsMax { gate.signal() }
            for _ in 0..<2_000 where !woken.load(ordering: .relaxed) { try await Task.sleep(for: .milliseconds(1)) }
            let isWoken = woken.load(ordering: .relaxed)
            #expect(isWoken)
            pool.end()
            try await sale.engine.stop()
        }
    }

    /// A thread that reads for nobody lets go of its file, which the log may have removed.
    @Test func nobodyHoldsRemovedFilesForLong() async throws {
        let folder = FileManager.default.temporaryDirectory.appending(path: "holdfast-\(UUID().uuidString)").path
        defer { try? FileManager.default.removeItem(atPath: folder) }
        func removedFilesOpen() throws -> Int {
            try FileManager.default.contentsOfDirectory(atPath: "/proc/self/fd").count {
                let target = try? FileManager.default.destinationOfSymbolicLink(atPath: "/proc/self/fd/\($0)")
                return target?.hasPrefix(folder) == true && target?.hasSuffix(" (deleted)") == true
            }
        }
        try await Self.onLoops { loops in
            let sale = try await Sale(SynchronousDevice(), folder, on: loops, keptBytes: 0)
            let events = try await sale.makeEvents()
            await sale.run(20, events)
            _ = try await Self.read(sale.engine, "south", recordsMax: 1_000, scannedBytesMax: 1_000_000)
            for _ in 0..<6 {
                await sale.run(12, events)
                try await sale.engine.snapshot()
            }
            #expect(sale.engine.feed.oldestPosition > LogPosition(1))
            for _ in 0..<80 where try removedFilesOpen() > 0 { try await Task.sleep(for: .milliseconds(50)) }
            #expect(try removedFilesOpen() == 0)
            try await sale.engine.stop()
        }
    }

    @Test func whoWaitsIsWokenOnceOrGivesUp() async throws {
        try await Self.onLoops { loops in
            let sale = try await Sale(SimulatedDevice(), on: loops)
            let followers = sale.engine.feed.followers
            let woken = Atomic(0)
            let position = sale.engine.feed.durablePosition
            let ticket = followers.onMore(after: position) { woken.add(1, ordering: .relaxed) }
            if let ticket { followers.cancel(ticket) }
            _ = followers.onMore(after: position) { woken.add(10, ordering: .relaxed) }
            let waiting = Task { await followers.more(after: position) }
            let never = Task { await followers.more(after: LogPosition(1 << 60)) }
            _ = try await sale.makeEvents()
            #expect(await waiting.value)
            never.cancel()
            #expect(await never.value)
            for _ in 0..<1_000 where woken.load(ordering: .relaxed) == 0 { try await Task.sleep(for: .milliseconds(1)) }
            #expect(woken.load(ordering: .relaxed) == 10)
            _ = followers.onMore(after: position) { woken.add(100, ordering: .relaxed) }
            #expect(woken.load(ordering: .relaxed) == 110, "what is there already wakes at once")
            try await sale.engine.stop()
        }
    }
}
