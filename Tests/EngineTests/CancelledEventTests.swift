import NIOPosix
import Synchronization
import Testing
import WAL

@testable import Engine
@testable import ReferenceModel

/// An event with many live reservations is called off: they end a bounded number a turn, also after a restart.
@Suite struct CancelledEventTests {
    /// Keeps the records in memory; durable at once.
    private final class MemoryLog: CommitLog {
        private let records = Mutex<[[UInt8]]>([])

        func append(_ buffer: borrowing RecordBuffer) throws(LogError) -> LogPosition {
            let payloads = buffer.payloads
            return records.withLock {
                $0 += payloads
                return LogPosition(UInt64($0.count))
            }
        }

        var all: [[UInt8]] { records.withLock { $0 } }
        var lastPosition: LogPosition { records.withLock { LogPosition(UInt64($0.count)) } }
        var durablePosition: LogPosition { lastPosition }
        var pendingBytes: Int { 0 }
    }

    private final class NoReplies: ReplySink {
        func reply(_ tag: ReplyTag, _ outcome: Outcome, _ event: BorrowedEvent?) {}
    }

    private static let holds: UInt32 = 2_500

    /// A cancelled event with live holds of a place each, as a start finds it.
    private func event() -> EventInventory {
        let details = EventDetails(id: "gala", name: "Gala", currency: "EUR")
        var event = EventInventory(creating: .eventCreated(tenant: "shop", details, at: 1))!
        event.apply(.sectionAdded(SectionDetails(id: "floor", name: "Floor", total: Self.holds)))
        event.apply(.eventStatusChanged(.published))
        for slot in 0..<Self.holds {
            var hold = CodecSamples.plainHold
            hold.reference = HoldReference(slot: slot, generation: 0)
            event.apply(.holdPlaced(hold))
        }
        event.apply(.eventCancelled(at: CodecSamples.plainHold.createdAt + 1))
        return event
    }

    @Test func reservationsEndABoundedNumberATurn() async throws {
        let event = event()
        let log = MemoryLog()
        let group = MultiThreadedEventLoopGroup(numberOfThreads: 1)
        let shard = Shard(
            number: 0,
            loop: group.next(),
            log: log,
            directory: SectionDirectory(),
            clock: { CodecSamples.plainHold.createdAt + 2 },
            events: [event]
        )
        var left: [UInt32] = []
        for _ in 0..<4 {
            _ = await shard.perform([], sink: NoReplies())
            left.append(await shard.copy(event.key).0.counts(0).reserved)
        }
        #expect(left == [2_500 - 1_024, 2_500 - 2_048, 0, 0])
        #expect(log.all.count == Int(Self.holds))
        // Each was ended by a fact of its own, at the time of the event's end, and replay comes to the same.
        var replayed = event
        for payload in log.all {
            let record = try EventRecord(bytes: payload)
            guard case .holdReleased(_, let at) = record.facts.first, record.facts.count == 1 else {
                Issue.record("\(record)")
                return
            }
            #expect(at == event.cancelledAt)
            replayed.advance(to: record.at)
            replayed.apply(record.facts[0])
        }
        let copy = await shard.copy(event.key).0
        #expect(replayed.digest() == copy.digest())
        #expect(copy.checkInvariants() == [])
        try await group.shutdownGracefully()
    }
}
