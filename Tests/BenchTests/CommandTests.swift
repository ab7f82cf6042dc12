import Foundation
import Synchronization
import Testing

@testable import Bench

/// Every command as a user gives it, for a moment, against a small server whose honesty is known.
@Suite(.timeLimit(.minutes(2))) struct CommandTests {
    private func with<Outcome>(
        _ desk: TicketDesk = TicketDesk(),
        _ body: (ServerUnderTest, _ target: String) throws -> Outcome
    ) throws -> Outcome {
        let server = try LoopbackServer(respond: desk.respond)
        defer { server.stop() }
        let endpoint = try Endpoint(address: "127.0.0.1", port: server.port)
        return try body(
            ServerUnderTest(endpoint: endpoint, processIdentifier: getpid()),
            "http://127.0.0.1:\(server.port)"
        )
    }

    private static let short = ["--connections", "4", "--duration", "0.2", "--warmup", "0.05"]

    private func value(_ name: String, _ report: BenchReport) throws -> Double {
        try #require(report.figures.first { $0.name == name }, "\(report.figures.map(\.name))").value
    }

    @Test func aFlashSaleSellsEveryTicketOnce() throws {
        let report = try with { server, target in
            try FlashCommand.parse(["--target", target, "--buyers", "400", "--stock", "50", "-c", "8"]).measure(server)
        }
        #expect(report.complaints == [])
        #expect(report.stock?.sold == 50 && report.stock?.available == 0 && report.stock?.reserved == 0)
        #expect(try value("got a ticket and paid", report) == 50)
        #expect(try value("refused", report) == 350)
        let (held, paid) = (try value("last ticket held after", report), try value("last ticket paid after", report))
        let told = try value("everybody told after", report)
        #expect(held > 0 && paid > 0 && held <= told && paid <= told)
        let call = try #require(report.phases[0].calls.first { $0.name == "reserve" })
        #expect(call.answers == 400 && call.succeededLatencyMicroseconds != nil && call.otherLatencyMicroseconds != nil)
        let curves = ReportCharts(report: report).charts[0].drawable.map(\.name)
        #expect(curves == ["reserve, succeeded", "reserve, other", "price-lock", "confirm"])
    }

    /// Its own count looks sound: only the buyers' answers give it away.
    @Test func aFlashSaleFindsOutAServerThatOversells() throws {
        let report = try with(TicketDesk(oversells: true)) { server, target in
            try FlashCommand.parse(["--target", target, "--buyers", "60", "--stock", "50", "-c", "8"]).measure(server)
        }
        #expect(report.complaints.contains { $0.contains("OVERSOLD: 60 buyers") }, "\(report.complaints)")
    }

    @Test func aFlashSaleFindsOutAServerThatKeepsTickets() throws {
        let report = try with(TicketDesk(soldLie: -1)) { server, target in
            try FlashCommand.parse(["--target", target, "--buyers", "60", "--stock", "5", "-c", "8"]).measure(server)
        }
        #expect(report.complaints.contains { $0.contains("4 sold of 5, although") }, "\(report.complaints)")
    }

    @Test func aMixedDayHasEveryCall() throws {
        let report = try with { server, target in
            let command = try MixedCommand.parse(["--target", target] + Self.short)
            return try SaleRun(mode: "mixed", plan: command.load.plan, stock: command.stock)
                .run(SaleMix(command.mix), server)
        }
        #expect(report.complaints == [])
        #expect(report.phases.map(\.phase) == ["throughput", "latency"])
        let names = report.phases[0].calls.filter { $0.succeeded > 0 }.map(\.name)
        #expect(Set(names) == Set(SaleScenario.Call.allCases.map(\.name)))
    }

    @Test func onlyConfirmsAreMeasuredAndEachHoldIsPaidOnce() throws {
        let report = try with { server, target in
            try ConfirmCommand.parse(["--target", target, "--holds", "300", "-c", "4", "--warmup", "0"])
                .measure(server)
        }
        #expect(report.complaints == [])
        #expect(report.phases.count == 2 && report.phases.allSatisfy { $0.calls.map(\.name) == ["confirm"] })
        #expect(report.stock?.sold == 300 && report.stock?.reserved == 0)
        #expect(report.remarks.count == 1)
    }

    @Test func aLookAtTheWindowSellsNothing() throws {
        let report = try with { server, target in
            try AvailabilityCommand.parse(["--target", target, "--closed"] + Self.short).measure(server)
        }
        #expect(report.complaints == [] && report.phases.count == 1)
        #expect(report.phases[0].calls[0].succeeded > 0)
        #expect(report.stock?.sold == 0 && report.stock?.reserved == 0)
    }

    @Test func oneEventTakesTurnsWithMany() throws {
        let report = try with { server, target in
            try HotCommand.parse(["--target", target, "--spread", "3", "--rounds", "2"] + Self.short).measure(server)
        }
        #expect(report.complaints == [])
        #expect(
            report.phases.map(\.phase) == [
                "one event, round 1", "3 events, round 1", "one event, round 2", "3 events, round 2",
                "one event, latency", "3 events, latency",
            ]
        )
        #expect(report.stock?.sectionsChecked == 4)
        let ratio = try value("one event, median", report) / value("3 events, median", report)
        #expect(try abs(value("one event to 3 events", report) - ratio) < 1e-9)
    }

    /// A server that takes four requests at a time and turns the others away, half of them without a time.
    @Test func anOverloadCountsWhoIsTurnedAway() throws {
        let desk = TicketDesk()
        let underWay = Atomic(0)
        let turnedAway = Atomic(0)
        let server = try LoopbackServer { method, path, request in
            let isReserve = path.hasSuffix("/reserve")
            defer { if isReserve { underWay.subtract(1, ordering: .relaxed) } }
            if isReserve, underWay.add(1, ordering: .relaxed).newValue > 4 {
                let hasTime = turnedAway.add(1, ordering: .relaxed).newValue % 2 == 0
                return .json(status: 503, headers: hasTime ? "Retry-After: 1\r\n" : "", #"{"code":"SATURATED"}"#)
            }
            if isReserve { usleep(2_000) }
            return desk.respond(method, path, request)
        }
        defer { server.stop() }
        let endpoint = try Endpoint(address: "127.0.0.1", port: server.port)
        let command = try OverloadCommand.parse([
            "--target", "http://127.0.0.1:\(server.port)", "--connections", "24", "--light-connections", "4",
            "--duration", "0.5", "--light-duration", "1.5",
        ])
        let report = try command.measure(ServerUnderTest(endpoint: endpoint, processIdentifier: getpid()))
        #expect(report.phases.map(\.phase) == ["capacity", "light, before", "overload", "light, after"])
        #expect(report.stock?.isSound == true)
        #expect(try value("turned away with 503 or 429", report) > 0)
        #expect(try value("  without Retry-After", report) > 0)
        #expect(report.faults == ["the server turned buyers away without Retry-After"])
        #expect(try value("sent", report) > value("accepted", report))
        #expect(try value("server resident, during, the most", report) > 0)
    }

    @Test func idleConnectionsAreAskedAgain() throws {
        let report = try with { server, target in
            try IdleCommand.parse(["--target", target, "-c", "20", "--duration", "0.2"]).measure(server)
        }
        #expect(report.complaints == [])
        #expect(try value("idle connections", report) == 20)
        #expect(try value("  that answered afterwards", report) == 20)
        #expect(try value("live requests answered beside them", report) > 0)
        #expect(report.figures.contains { $0.name == "server resident for each" })
    }

    @Test func anIdleConnectionThatWasClosedIsFoundOut() throws {
        let desk = TicketDesk()
        let asked = Atomic(0)
        let server = try LoopbackServer { method, path, request in
            // The first ten asked are the idle ones; then one of them is hung up on.
            if path == "/health", asked.add(1, ordering: .relaxed).newValue == 13 { return .hangUp }
            return desk.respond(method, path, request)
        }
        defer { server.stop() }
        let target = "http://127.0.0.1:\(server.port)"
        let command = try IdleCommand.parse(["--target", target, "-c", "10", "--duration", "0.1"])
        let endpoint = try Endpoint(url: target)
        let report = try command.measure(ServerUnderTest(endpoint: endpoint, processIdentifier: nil))
        #expect(report.faults == ["1 idle connections were closed"])
        #expect(report.remarks.count == 1, "without a process there is no memory to report")
    }

    @Test func listenersHearOfTheSaleBesideThem() throws {
        let desk = TicketDesk()
        let server = try LoopbackServer { method, path, request in
            guard path.hasSuffix("/availability/stream") else { return desk.respond(method, path, request) }
            return .json(status: 200, "id: 1\nevent: state\ndata:{}\n\nid: 2\nevent: change\ndata:{}\n\n")
        }
        defer { server.stop() }
        let target = "http://127.0.0.1:\(server.port)"
        let command = try ListenersCommand.parse(["--target", target, "-l", "7", "--rounds", "2"] + Self.short)
        let report = try command.measure(ServerUnderTest(endpoint: Endpoint(url: target), processIdentifier: getpid()))
        #expect(report.complaints == [])
        #expect(report.phases.count == 4)
        #expect(try value("7 listeners to nobody", report) > 0)
        #expect(try value("changes heard by each, a second", report) > 0)
    }

    @Test func listenersThatHearNothingAreFoundOut() throws {
        let report = try with { server, target in
            try ListenersCommand.parse(["--target", target, "-l", "3", "--rounds", "1"] + Self.short).measure(server)
        }
        #expect(report.faults == ["3 listeners heard of no change in round 1"])
    }

    @Test func growthMeasuresEverySizeAndKeepsIt() throws {
        let desk = TicketDesk()
        let (report, sold) = try with(desk) { server, target in
            let command = try GrowthCommand.parse([
                "--target", target, "--holds", "2,40", "--events", "1,7", "--duration", "0.1", "--warmup", "0", "-c",
                "4",
            ])
            let sizes =
                try command.holds.values.map { try command.measure(server, events: 1, holds: $0, axis: .holds) }
                + command.events.values.map { try command.measure(server, events: $0, holds: 0, axis: .events) }
            return (GrowthCommand.report(sizes, target: target), desk.counts)
        }
        #expect(report.complaints == [])
        #expect(report.phases.map(\.phase) == ["2 live holds", "40 live holds", "1 event", "7 events"])
        #expect(report.charts.count == 4)
        #expect(report.charts.allSatisfy { $0.drawable.first?.points.count == 2 })
        // All sections there are: one for each size of the holds, one for each event. Give or take those that were
        // reserved when the time was over, as many are held as were made beforehand.
        #expect(sold.sections == 2 + 1 + 7)
        #expect(42...(42 + 4 * 4) ~= sold.reserved)
    }

    @Test(arguments: [
        ["reserve"], ["reserve", "--target", "http://127.0.0.1:1", "--server-binary", "x"],
        ["reserve", "--target", "http://127.0.0.1:1", "--closed", "--rate", "5"],
        ["reserve", "--target", "http://127.0.0.1:1", "--connections", "0"],
        ["reserve", "--target", "http://127.0.0.1:1", "--stock", "10000001"],
        ["reserve", "--target", "http://127.0.0.1:1", "--load-share", "1.5"],
        ["mixed", "--target", "http://127.0.0.1:1", "--mix", "steal=1"],
        ["confirm", "--target", "http://127.0.0.1:1", "--holds", "50", "--stock", "10"],
        ["hot", "--target", "http://127.0.0.1:1", "--spread", "1"],
        ["flash", "--target", "http://127.0.0.1:1", "--stock", "7", "--sections", "2"],
        ["overload", "--target", "http://127.0.0.1:1", "--factor", "0.5"],
        ["growth", "--target", "http://127.0.0.1:1", "--holds", "10,5"],
        ["listeners", "--target", "http://127.0.0.1:1", "--listeners", "0"],
        ["books", "--target", "http://127.0.0.1:1"], ["books", "--server-binary", "x", "--rounds", "0"],
        ["books", "--server-binary", "x", "--mix", "steal=1"],
        ["log", "--waiting", "0"], ["log", "--device", "tape"],
    ])
    func optionsThatMakeNoSenseAreRefused(arguments: [String]) {
        #expect(throws: (any Error).self) { try BenchCommand.parseAsRoot(arguments) }
    }

    @Test(arguments: [
        "sale", "flash", "mixed", "hot", "overload", "idle", "listeners", "growth", "reserve", "confirm",
        "availability", "static",
    ])
    func theDefaultsMakeSense(command: String) throws {
        _ = try BenchCommand.parseAsRoot([command, "--target", "http://127.0.0.1:8080"])
    }
}

@Suite struct CalmTests {
    private func timeline(_ slow: [UInt64]) -> [Timeline.Sample] {
        slow.enumerated().map { index, slow in
            Timeline.Sample(
                endSeconds: Double(index + 1) / 10,
                lengthSeconds: 0.1,
                answers: 200,
                succeeded: 200,
                slow: slow
            )
        }
    }

    private let calm = Calm(p99Nanoseconds: 1_000_000)

    @Test func oneSlowWindowIsNotCalm() {
        let calmOnes = [UInt64](repeating: 2, count: 10)
        #expect(calm.secondsUntil(timeline(calmOnes)) == 0)
        #expect(calm.secondsUntil(timeline([200, 3] + calmOnes)).map { abs($0 - 0.2) < 1e-9 } == true)
        // It had been calm for less than a second when it got slow again.
        #expect(calm.secondsUntil(timeline([0, 0, 0, 90] + calmOnes)).map { abs($0 - 0.4) < 1e-9 } == true)
        #expect(calm.secondsUntil(timeline(Array(calmOnes.dropLast()))) == nil)
        #expect(calm.secondsUntil([]) == nil)
    }
}
