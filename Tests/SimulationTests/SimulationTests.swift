import Foundation
import Testing

@testable import Engine

/// The whole engine in one thread, thousands of times, with everything that can go wrong.
///
/// `HOLDFAST_SEED` replays one run, `HOLDFAST_SEEDS=FROM..TO` chooses others, `HOLDFAST_STEPS` makes them longer:
/// `script/simulate` sets them. `HOLDFAST_TRACE` says how many steps of a failing run are printed.
@Suite struct SimulationTests {
    private static let environment = ProcessInfo.processInfo.environment

    private static var seeds: ClosedRange<UInt64> {
        if let seed = environment["HOLDFAST_SEED"].flatMap(UInt64.init) { return seed...seed }
        let bounds = (environment["HOLDFAST_SEEDS"] ?? "").components(separatedBy: "..").compactMap(UInt64.init)
        return bounds.count == 2 && bounds[0] <= bounds[1] ? bounds[0]...bounds[1] : 1...2_000
    }

    private static var options: Simulation.Options {
        var options = Simulation.Options()
        if let steps = environment["HOLDFAST_STEPS"].flatMap(Int.init) { options.steps = steps }
        return options
    }

    /// How many of the last steps of a failing run are printed.
    private static let traceSteps = environment["HOLDFAST_TRACE"].flatMap(Int.init) ?? 30

    @Test func thePromiseHoldsWhateverHappens() throws {
        var total = SimulationStatistics()
        var failures = 0
        RunningSeed.announceWhenStopped()
        for seed in Self.seeds where failures < 3 {
            do {
                total.add(try Self.run(seed, Self.options))
            } catch {
                Issue.record(error)
                failures += 1
            }
        }
        let reached = total.reached
        total.reached = []
        print("\(Self.seeds.count) runs: \(total)")
        guard Self.seeds.count >= 500 else { return }
        // A suite that never saw these has tested less than it claims.
        #expect(total.crashes > 0 && total.stops > 0 && total.failures > 0 && total.failedStarts > 0)
        #expect(total.lostRecords > 0 && total.snapshots > 0 && total.clockSteps > 0 && total.expiries > 0)
        #expect(total.followed > 0 && total.gone > 0)
        let missing = Self.toReach.subtracting(reached)
        #expect(missing.isEmpty, "no run came to \(missing.sorted())")
    }

    /// Every command but the clock's own, and the refusals of those that the tests of one event don't reach.
    private static let toReach: Set<String> = [
        "createEvent", "updateEvent", "publishEvent", "deleteEvent", "restoreEvent", "addSection", "updateSection",
        "addTier", "updateTier", "addSchedule", "updateSchedule", "createVenue", "updateVenue", "addSeats",
        "blockSeats", "cancelEvent", "setGate", "scan", "offerTransfer", "withdrawTransfer", "acceptTransfer",
        "reserve", "lockPrice", "extend", "confirm", "release", "refund",
        "venueNotFound", "venueExists", "venueChanged", "overVenueMaximum", "scheduleNotFound", "scheduleExists",
        "scheduleChanged", "scheduleCancelled", "scheduleEnded", "eventOver",
        "idempotencyKeyReused", "soldOut", "reservationExpired",
    ]

    /// One run; when it fails it is run again, to be read.
    private static func run(_ seed: UInt64, _ options: Simulation.Options) throws -> SimulationStatistics {
        let isUsual = options.steps == Simulation.Options().steps
        let command = "script/simulate --seed \(seed)" + (isUsual ? "" : " --steps \(options.steps)")
        RunningSeed.set(command)
        var simulation = Simulation(seed: seed, options: options)
        do {
            try simulation.run()
        } catch {
            var recorded = options
            recorded.isRecording = true
            var again = Simulation(seed: seed, options: recorded)
            try? again.run()
            throw Violation("\(command)\n\(again.trace.last(traceSteps))\n\(error)")
        }
        return simulation.statistics
    }

    @Test func theSameSeedIsTheSameRun() throws {
        for seed in 1...20 as ClosedRange<UInt64> {
            var first = Simulation(seed: seed)
            var second = Simulation(seed: seed)
            try first.run()
            try second.run()
            #expect(first.trace.hash == second.trace.hash && first.trace.count == second.trace.count)
        }
    }

    /// The checks notice what they are for.
    @Test(arguments: Simulation.Sabotage.allCases)
    func sabotageIsNoticed(_ sabotage: Simulation.Sabotage) {
        let noticed = (1...50 as ClosedRange<UInt64>).first { seed in
            var simulation = Simulation(seed: seed, options: Simulation.Options(sabotage: sabotage))
            do {
                try simulation.run()
                return false
            } catch {
                return error is Violation
            }
        }
        #expect(noticed != nil, "50 runs, and nobody noticed \(sabotage)")
    }
}
