import Engine
import Foundation
import NIOCore
import NIOPosix
import Testing
import WAL

/// The race for the last tickets through the whole engine: two loops, real tasks, a log on the disk.
@Suite(.timeLimit(.minutes(1))) struct MachineEngineRaceTests {
    private static let tenant: ShortText = "shop"

    /// A folder for a log, removed with the test.
    private struct Folder: ~Copyable {
        let path = FileManager.default.temporaryDirectory.path + "/engine-race-\(UInt64.random(in: 0 ... .max))"
        deinit { try? FileManager.default.removeItem(atPath: path) }
    }

    private static func log(in folder: String, shards: Int) throws -> WriteAheadLog {
        var options = Engine.logOptions(shards: shards)
        options.spareSegments = 0
        options.segmentBytes = 4 << 20
        return try WriteAheadLog.open(folder: folder, options: options, device: SynchronousDevice())
    }

    private enum Result: Equatable {
        case bought, soldOut
        case refused(String)
    }

    /// One event with few places on whichever shard owns it.
    private static func event(_ number: Int, places: UInt32, in engine: Engine) async throws -> EventKey {
        let id = ShortText("event-\(number)")!
        let caller = Caller(tenant: tenant)
        let view = try await engine.createEvent(EventDetails(id: id, name: "Event", currency: "EUR"), by: caller)
        let key = EventKey(tenant: tenant, event: view.details.id)
        let section = SectionDetails(id: ShortText("floor-\(number)")!, name: "Floor", total: places)
        _ = try await engine.addSection(section, to: key, by: caller)
        _ = try await engine.addTier(PriceTierDetails(name: "Full", basePrice: 1_000), to: key, by: caller)
        try await engine.publish(key, by: caller)
        return key
    }

    /// Reserves one place and pays for it, as a buyer of that name.
    private static func buy(_ event: EventKey, as name: ShortText, from engine: Engine) async -> Result {
        let caller = Caller(tenant: tenant, customer: name)
        do throws(EngineError) {
            let request = ReserveRequest(customer: name, first: .init(section: 0, quantity: 1))
            let hold = try await engine.reserve(request, in: event, by: caller)
            let id = HoldID(event: event, reference: hold.reference, secret: hold.secret)
            let sold = try await engine.confirm(id, paymentReference: "payment", amount: 1_000, by: caller)
            return sold.status == .confirmed ? .bought : .refused("\(sold.status)")
        } catch {
            if case .rejected(.soldOut) = error { return .soldOut }
            return .refused("\(error)")
        }
    }

    @Test(arguments: [(buyers: 2, places: 1), (buyers: 40, places: 7)])
    func exactlyAsManyBuyAsThereArePlaces(buyers: Int, places: Int) async throws {
        let folder = Folder()
        let loops = MultiThreadedEventLoopGroup(numberOfThreads: 2)
        let all = Array(loops.makeIterator())
        let log = try Self.log(in: folder.path, shards: all.count)
        let (engine, _) = try await Engine.start(log: log, loops: all) { Issue.record("the log failed: \($0)") }
        // Eight events, so that both shards have some.
        var events: [EventKey] = []
        for number in 0..<8 { events.append(try await Self.event(number, places: UInt32(places), in: engine)) }
        #expect(Set(events.map { $0.shard(of: 2) }) == [0, 1])
        let results = await withTaskGroup(of: (EventKey, Result).self) { group in
            for buyer in 0..<buyers {
                for event in events {
                    group.addTask { (event, await Self.buy(event, as: ShortText("buyer-\(buyer)")!, from: engine)) }
                }
            }
            return await group.reduce(into: [:]) { $0[$1.0, default: []].append($1.1) }
        }
        for event in events {
            #expect(results[event]?.count { $0 == .bought } == places)
            #expect(results[event]?.count { $0 == .soldOut } == buyers - places, "\(results[event] ?? [])")
            let caller = Caller(tenant: Self.tenant)
            guard case .section(let view) = try await engine.find(.section(0), in: event, by: caller) else {
                Issue.record("the section is gone")
                continue
            }
            #expect(view.counts.sold == UInt32(places))
            #expect(view.counts.reserved == 0)
        }
        try await engine.stop()
        try await Self.startAgain(folder.path, loops: all, events: events, sold: UInt32(places))
        try await loops.shutdownGracefully()
    }

    /// After a restart nobody's ticket is missing and none has come back.
    private static func startAgain(
        _ path: String,
        loops: [any EventLoop],
        events: [EventKey],
        sold: UInt32
    ) async throws {
        let log = try log(in: path, shards: loops.count)
        let (engine, found) = try await Engine.start(log: log, loops: loops) { Issue.record("the log failed: \($0)") }
        #expect(found.events == events.count)
        for event in events {
            #expect(await buy(event, as: "late", from: engine) == .soldOut)
        }
        try await engine.stop()
    }
}
