import Glibc
import Synchronization
import Testing

@testable import WAL

/// Readers on threads of their own, while the log is written, changes files, uses them again and lets go of them.
@Suite struct LogFollowingTests {
    private struct Seen: Sendable {
        var records: UInt64 = 0
        var gaps = 0
        var problem: String?
    }

    private func follow(_ log: WriteAheadLog, _ isOver: Flag, dawdles: Bool) throws -> Seen {
        let reader = try log.makeReader()
        var seen = Seen()
        var next = LogPosition(1)
        while seen.problem == nil {
            let wasOver = isOver.value.load(ordering: .acquiring)
            do {
                let before = next
                var expected = next
                next = try reader.read(from: next, bytesMax: 20_000) { position, bytes in
                    if position != expected { seen.problem = "\(position) instead of \(expected)" }
                    expected.rawValue += 1
                    if !bytes.elementsEqual(payload(position.rawValue, length: 300)) {
                        seen.problem = "record \(position) is another"
                    }
                    seen.records += 1
                    return true
                }
                if next == before {
                    if wasOver { return seen }
                    usleep(200)
                } else if dawdles, seen.gaps == 0 {
                    while log.oldestPosition <= next, !isOver.value.load(ordering: .acquiring) { usleep(1_000) }
                } else if dawdles {
                    usleep(3_000)
                }
            } catch LogError.gone(let position, let oldest) {
                if position < next || oldest <= position { seen.problem = "\(position) is gone, \(oldest) is not" }
                seen.gaps += 1
                next = oldest
            } catch {
                seen.problem = "\(error)"
            }
        }
        return seen
    }

    /// - Returns: what the readers saw: two that keep up, and one that doesn't.
    private func run(_ device: any LogDevice, _ folder: String, records count: UInt64) throws -> ([Seen], UInt64) {
        var options = WriteAheadLog.Options.small
        options.spareSegments = 1
        options.snapshotsKept = 1
        options.tailBytesMax = 30_000
        options.idleCoverMilliseconds = 1
        let log = try WriteAheadLog.open(folder: folder, options: options, device: device)
        _ = try log.replayAll()
        let observer = Observer()
        try log.start(observer)
        let isOver = Flag()
        let results = Results()
        let threads = try (0..<3).map { number in
            try JoinableThread(name: "follower") {
                do {
                    results.add(number, try self.follow(log, isOver, dawdles: number == 2))
                } catch {
                    results.add(number, Seen(problem: "\(error)"))
                }
            }
        }
        var next: UInt64 = 1
        while next < count {
            let end = min(count, next + 19)
            let position = try log.append(next...end, length: 300)
            next = end + 1
            if end % 15 == 0 { guard log.waitUntilDurable(position, observer) else { break } }
            if end % 400 == 0 { try log.writeSnapshot(at: log.durablePosition.rawValue) }
        }
        #expect(log.waitUntilDurable(log.lastPosition, observer))
        isOver.value.store(true, ordering: .releasing)
        for thread in threads { thread.join() }
        let last = log.durablePosition.rawValue
        try log.close()
        return (results.all, last)
    }

    private func check(_ seen: [Seen], _ last: UInt64) {
        #expect(seen.count == 3)
        for reader in seen {
            #expect(reader.problem == nil)
            #expect(reader.records <= last && (reader.gaps > 0 || reader.records == last))
        }
        #expect(seen.contains { $0.gaps > 0 }, "nobody was overtaken: the test shows nothing")
    }

    @Test func simulated() throws {
        let device = SimulatedDevice()
        let (seen, last) = try run(device, "/log", records: 4_000)
        check(seen, last)
        #expect(device.operations.contains { $0.hasPrefix("rename /log/wal-") }, "files are used again")
    }

    @Test func onTheRealDevice() throws {
        let folder = TemporaryFolder()
        let (seen, last) = try run(IOUringDevice(), folder.path, records: 4_000)
        check(seen, last)
    }

    private final class Flag: Sendable { let value = Atomic(false) }

    private final class Results: Sendable {
        private let found = Mutex<[Int: Seen]>([:])
        func add(_ number: Int, _ seen: Seen) { found.withLock { $0[number] = seen } }
        var all: [Seen] { found.withLock { found in found.keys.sorted().map { found[$0]! } } }
    }
}
