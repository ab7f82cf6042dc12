import Foundation
import Synchronization
import Testing

@testable import Bench

@Suite(.timeLimit(.minutes(1))) struct LoadLoopTests {
    private func settings(_ server: LoopbackServer, connections: Int = 4, milliseconds: UInt64 = 300) throws
        -> LoadSettings
    {
        var settings = LoadSettings(endpoint: try Endpoint(address: "127.0.0.1", port: server.port))
        settings.connectionCount = connections
        settings.durationNanoseconds = milliseconds * 1_000_000
        settings.drainNanosecondsMax = 500_000_000
        return settings
    }

    private func hammer(_ settings: LoadSettings) throws -> LoadResult {
        let template = RequestTemplate(
            method: "POST",
            path: "/x",
            body: "{}",
            endpoint: settings.endpoint,
            runPrefix: "0badcafe"
        )
        var loop = try LoadLoop(scenario: StaticScenario(name: "x", templates: [template]), settings: settings)
        return try loop.run()
    }

    /// Puts a sale up, runs it, and checks the stock, as the command does.
    private func sale(_ server: LoopbackServer, stock: Int, settings: LoadSettings) throws
        -> (LoadResult, StockCheck.Outcome)
    {
        let sale = try Sale(sectionsPerEvent: 3, stockPerSection: stock, endpoint: settings.endpoint)
        let mix = try SaleMix("release=2,abandon=2,confirm=6")
        var loop = try LoadLoop(scenario: sale.scenario(mix, seed: 7), settings: settings)
        let result = try loop.run()
        return (result, try sale.check(loop.scenario.ledger))
    }

    @Test func aSaleAgainstAnHonestServerIsSound() throws {
        let desk = TicketDesk()
        let server = try LoopbackServer(respond: desk.respond)
        defer { server.stop() }
        let (result, outcome) = try sale(server, stock: 20, settings: settings(server))
        #expect(outcome.violations == [])
        #expect(outcome.sectionsChecked == 3 && outcome.total == 60)
        #expect(outcome.sold > 0 && outcome.reserved > 0 && outcome.available == 0)
        let reserve = result.calls[SaleScenario.Call.reserve.rawValue]
        #expect(reserve.errors.byCode.keys.sorted() == ["SOLD_OUT"])
        for name in ["reserve", "price-lock", "confirm", "release"] {
            #expect(result.calls.contains { $0.name == name && $0.succeeded > 0 }, "\(name)")
        }
    }

    @Test(arguments: [1, -1])
    func aServerThatLiesAboutItsSalesIsFoundOut(lie: Int) throws {
        let desk = TicketDesk(soldLie: lie)
        let server = try LoopbackServer(respond: desk.respond)
        defer { server.stop() }
        let (_, outcome) = try sale(server, stock: 1_000_000, settings: settings(server))
        #expect(!outcome.isSound)
        #expect(outcome.violations.count == 3, "each of the three sections lies: \(outcome.violations)")
    }

    @Test func aServerThatSellsMoreThanItHasIsFoundOut() throws {
        let desk = TicketDesk(soldLie: 5)
        let server = try LoopbackServer(respond: desk.respond)
        defer { server.stop() }
        let (_, outcome) = try sale(server, stock: 2, settings: settings(server))
        #expect(outcome.violations.contains { $0.contains("OVERSOLD") })
    }

    @Test func stopsAfterSoManyRequests() throws {
        let seen = Atomic(0)
        let server = try LoopbackServer { _, _, _ in
            seen.add(1, ordering: .relaxed)
            return .json(status: 200, "{}")
        }
        defer { server.stop() }
        var settings = try settings(server, milliseconds: 30_000)
        settings.requestsMax = 100
        let result = try hammer(settings)
        #expect(result.ended == 100 && result.succeeded == 100)
        #expect(seen.load(ordering: .relaxed) == 100)
    }

    @Test func warmUpIsNotCounted() throws {
        let seen = Atomic<UInt64>(0)
        let server = try LoopbackServer { _, _, _ in
            seen.add(1, ordering: .relaxed)
            return .json(status: 200, "{}")
        }
        defer { server.stop() }
        var settings = try settings(server)
        settings.warmupNanoseconds = 200_000_000
        let result = try hammer(settings)
        #expect(result.ended > 0)
        #expect(result.ended < seen.load(ordering: .relaxed))
        #expect(result.elapsedNanoseconds < 1_000_000_000)
    }

    /// The server stops for 400 ms once. In an open loop everybody who comes meanwhile feels it.
    @Test func anOpenLoopFeelsAStall() throws {
        let count = Atomic(0)
        let server = try LoopbackServer { _, _, _ in
            if count.add(1, ordering: .relaxed).newValue == 100 { usleep(400_000) }
            return .json(status: 200, "{}")
        }
        defer { server.stop() }
        var settings = try settings(server, connections: 1, milliseconds: 1000)
        settings.pace = .open(perSecond: 500, backlogMax: 10_000)
        let result = try hammer(settings)
        #expect(result.ended == 500 && result.neverSent == 0)
        // 200 of 500 arrive during the stall: the 80th percentile lies in its middle.
        #expect(result.calls[0].latencies.valueAtPercentile(80) > 100_000_000)
    }

    @Test func anArrivalThatNeverGotAConnectionIsCounted() throws {
        let server = try LoopbackServer { _, _, _ in
            usleep(20_000)
            return .json(status: 200, "{}")
        }
        defer { server.stop() }
        var settings = try settings(server, connections: 1)
        settings.pace = .open(perSecond: 1000, backlogMax: 10)
        settings.drainNanosecondsMax = 0
        let result = try hammer(settings)
        #expect(result.neverSent > 200)
        #expect(result.ended + result.neverSent == 300)
    }

    @Test func brokenConnectionsAreCountedAndReplaced() throws {
        let count = Atomic(0)
        let server = try LoopbackServer { _, _, _ in
            count.add(1, ordering: .relaxed).newValue % 10 == 0 ? .hangUp : .json(status: 200, "{}")
        }
        defer { server.stop() }
        var settings = try settings(server, milliseconds: 30_000)
        settings.requestsMax = 200
        let result = try hammer(settings)
        #expect(result.ended == 200 && result.failure == nil)
        #expect(result.calls[0].errors.byCode == [ClientError.connectionLost.rawValue: 20])
        #expect(result.reconnects == 20)
    }

    @Test func anAnswerThatNeverComesEndsTheRunAllTheSame() throws {
        let server = try LoopbackServer { _, _, _ in
            usleep(2_000_000)
            return .json(status: 200, "{}")
        }
        defer { server.stop() }
        let result = try hammer(try settings(server, connections: 3, milliseconds: 100))
        #expect(result.succeeded == 0)
        #expect(result.elapsedNanoseconds >= 600_000_000, "no answer came: the run's own length counts")
        #expect(result.calls[0].errors.byCode == [ClientError.unanswered.rawValue: 3])
        #expect(result.calls[0].latencies.min >= 500_000_000)
    }

    @Test func errorsAreCountedByTheirCode() throws {
        let server = try LoopbackServer { _, _, _ in .json(status: 429, #"{"status":429,"code":"RATE_LIMITED"}"#) }
        defer { server.stop() }
        var settings = try settings(server)
        settings.requestsMax = 50
        let result = try hammer(settings)
        #expect(result.calls[0].errors.byCode == ["RATE_LIMITED": 50])
    }

    @Test func aRefusalForNowIsCountedWithAndWithoutATime() throws {
        let count = Atomic(0)
        let server = try LoopbackServer { _, _, _ in
            let hasTime = count.add(1, ordering: .relaxed).newValue % 5 != 0
            return .json(status: 503, headers: hasTime ? "retry-after: 1\r\n" : "", #"{"code":"LOG_SATURATED"}"#)
        }
        defer { server.stop() }
        var settings = try settings(server)
        settings.requestsMax = 50
        let call = try hammer(settings).calls[0]
        #expect(call.turnedAway == 50 && call.turnedAwayWithoutTime == 10)
        #expect(call.succeeded == 0 && call.failures.totalCount == 50)
    }

    @Test func theTimelineHoldsEveryAnswer() throws {
        let server = try LoopbackServer { _, _, _ in .json(status: 200, "{}") }
        defer { server.stop() }
        var settings = try settings(server, milliseconds: 500)
        settings.sampleNanoseconds = 50_000_000
        settings.slowNanoseconds = 0
        let result = try hammer(settings)
        #expect(8...11 ~= result.timeline.count)
        let counted = result.timeline.reduce(0) { $0 + $1.answers }
        // Those that were under way at the end are in no interval.
        #expect(result.ended - 4...result.ended ~= counted)
        #expect(result.timeline.allSatisfy { $0.slow == $0.answers && $0.succeeded == $0.answers })
        #expect(zip(result.timeline, result.timeline.dropFirst()).allSatisfy { $0.endSeconds < $1.endSeconds })
    }

    @Test func aBurstEndsWhenAllAreServed() throws {
        let server = try LoopbackServer { _, _, _ in .json(status: 200, "{}") }
        defer { server.stop() }
        var settings = try settings(server, milliseconds: 30_000)
        settings.pace = .burst(count: 250)
        let result = try hammer(settings)
        #expect(result.begun == 250 && result.succeeded == 250 && result.neverSent == 0)
        #expect(result.elapsedNanoseconds < 20_000_000_000)
        // All came at the start: the last one waited for as long as the run took.
        #expect(result.calls[0].latencies.max > result.elapsedNanoseconds * 9 / 10)
    }

    @Test func aSecondLoopGoesOnWithNewKeys() throws {
        let keys = Mutex<[String]>([])
        let server = try LoopbackServer { _, _, request in
            keys.withLock { $0.append(String(request.components(separatedBy: "Idempotency-Key: ")[1].prefix(19))) }
            return .json(status: 200, "{}")
        }
        defer { server.stop() }
        let endpoint = try Endpoint(address: "127.0.0.1", port: server.port)
        let template = RequestTemplate(
            method: "POST",
            path: "/x",
            body: "{}",
            endpoint: endpoint,
            runPrefix: "0badcafe"
        )
        var plan = LoadPlan(connections: 2, openConnections: 3, warmupSeconds: 0, durationSeconds: 10)
        plan.requestsMax = 40
        plan.loops = .both(share: 0.5)
        var session = LoadSession(
            StaticScenario(name: "x", templates: [template]),
            plan,
            ServerUnderTest(endpoint: endpoint, processIdentifier: getpid())
        )
        try session.runLoops()
        #expect(session.phases.map(\.phase) == ["throughput", "latency"])
        #expect(session.phases.map(\.isOpenLoop) == [false, true])
        #expect(session.phases.map(\.connections) == [2, 3])
        #expect(session.phases.allSatisfy { $0.server != nil }, "this process is read as the server")
        #expect(keys.withLock { Set($0).count } == 80)
    }
}
