import Testing
import WAL

@testable import Engine

/// A disk that doesn't keep up.
@Suite struct SaturationTests {
    @Test func workIsRefusedBeforeItIsDecidedUntilTheLogHasRoom() throws {
        let time = SimulatedTime()
        let process = try SimulatedProcess(on: SimulatedDevice(), shards: 1, time: time, random: 1)
        defer { process.end() }
        var details = EventDetails(id: "gala", name: "Gala", currency: "EUR")
        details.attributes = "\"a\":\"" + String(repeating: "x", count: InventoryLimits.attributesBytesMax - 6) + "\""
        #expect(Self.perform(.createEvent(details), on: process).isAnswered)

        var accepted = 1
        while Self.perform(.updateEvent(details, expectedVersion: nil), on: process).isAnswered { accepted += 1 }
        let pending = process.log.pendingBytes
        #expect(pending > Shard.Limits.pendingBytesMax)
        #expect(pending <= Shard.Limits.pendingBytesMax + details.attributes.utf8.count + 1_024)
        #expect(process.log.lastPosition == LogPosition(UInt64(accepted)), "what was refused left no trace")

        while process.log.durablePosition < process.log.lastPosition { process.steps.write() }
        #expect(process.log.pendingBytes == 0)
        #expect(Self.perform(.publishEvent, on: process).isAnswered)
    }

    private static func perform(_ command: Command, on process: SimulatedProcess) -> Outcome {
        let shard = process.engine.shards[0]
        let key = EventKey(tenant: "shop", event: "gala")
        let context = CommandContext(tenant: "shop", now: 0, random: (1, 2))
        return process.loops[0].enter {
            shard.onLoop.beginTurn()
            defer { _ = shard.onLoop.endTurn() }
            return shard.onLoop.decide(key, .command(command), context).outcome
        }
    }
}

extension Outcome {
    /// Decided; else the log was saturated, which is the only other thing that can come here.
    fileprivate var isAnswered: Bool {
        switch self {
        case .answer(.rejected(let rejection)): fatalError("\(rejection)")
        case .answer: true
        case .unavailable(.logSaturated): false
        default: fatalError("\(self)")
        }
    }
}
