import Testing

@testable import Engine
@testable import ReferenceModel

/// The log is the state: replayed on any number of shards, or restored from a snapshot, it is the same.
@Suite struct ModelReplayTests {
    private static let events = 20

    private func runs(seed: UInt64, steps: Int) throws -> [ModelRun] {
        try (0..<Self.events).map { number in
            var run = try ModelRun(seed: seed, number: number)
            for _ in 0..<steps { try run.step() }
            return run
        }
    }

    /// All events' records in one global order, as the one log has them: interleaved, each event's in its order.
    private func log(of runs: [ModelRun], seed: UInt64) -> [[UInt8]] {
        var random = SeededRandom(seed: seed)
        var left = runs.map { $0.subject.records[...] }
        var log: [[UInt8]] = []
        while let index = left.indices.filter({ !left[$0].isEmpty }).randomElement(using: &random) {
            log.append(left[index].removeFirst())
        }
        return log
    }

    @Test(arguments: ModelTests.seeds)
    func replayGivesTheSameStateOnAnyNumberOfShards(seed: UInt64) throws {
        let runs = try runs(seed: seed, steps: 200)
        let live = runs.reduce(0) { $0 &+ $1.subject.inventory.digest() }
        for count in [1, 2, 7] {
            var replay = ModelReplay(shards: count)
            for record in log(of: runs, seed: seed &+ UInt64(count)) { try replay.apply(record) }
            for run in runs {
                let rebuilt = try #require(replay.event(run.model.key))
                #expect(rebuilt.digest() == run.subject.inventory.digest(), "seed \(seed), \(count) shards")
                #expect(rebuilt.checkInvariants() == [])
            }
            #expect(replay.digest == live, "seed \(seed), \(count) shards")
            #expect(replay.shards.map(\.events.count).reduce(0, +) == Self.events)
            #expect(!replay.shards.contains { $0.events.isEmpty }, "twenty events leave no shard of \(count) empty")
        }
    }

    @Test func theDigestTellsStatesApart() throws {
        var run = try ModelRun(seed: 7, number: 0)
        var seen: Set<UInt64> = [run.subject.inventory.digest()]
        for _ in 0..<300 {
            let before = run.subject.records.count
            try run.step()
            if run.subject.records.count > before {
                #expect(seen.insert(run.subject.inventory.digest()).inserted, "step \(run.steps) left no trace")
            }
        }
    }

    @Test(arguments: ModelTests.seeds)
    func aSnapshotHoldsEverythingAndTheSaleGoesOn(seed: UInt64) throws {
        for var run in try runs(seed: seed, steps: 150) {
            let digest = run.subject.inventory.digest()
            try run.continueFromSnapshot()
            #expect(run.subject.inventory.digest() == digest, "seed \(seed), event \(run.model.details.id)")
            #expect(run.subject.inventory.checkInvariants() == [])
            // The model knows nothing of the snapshot: retries with old keys and old ids must go on as before.
            for _ in 0..<150 { try run.step() }
        }
    }

    /// The original and its restored copy, given the same commands, say and do the same down to slots and secrets.
    @Test(arguments: ModelTests.seeds)
    func aRestoredCopyDecidesLikeTheOriginal(seed: UInt64) throws {
        for number in 0..<8 {
            var run = try ModelRun(seed: seed, number: number)
            for _ in 0..<200 { try run.step() }
            var copy = ModelSubject(continuing: try run.subject.inventory.restoredFromSnapshot())
            var original = run.subject
            var commands = run.commands
            for _ in 0..<100 {
                let step = commands.next(run.model)
                let answer = original.perform(step.command, step.context)
                #expect(copy.perform(step.command, step.context) == answer)
                commands.learn(answer, event: run.model.key)
            }
            #expect(copy.inventory.digest() == original.inventory.digest())
        }
    }
}
