import Synchronization
import Testing

@testable import WAL

/// What is not ordered by a sync may come in any order: the log's threads among each other, and the sectors of one
/// write at a crash.
@Suite struct ReorderingTests {
    /// The log's thread changes to a new segment while the spares' thread makes the next file and another thread writes
    /// a snapshot that lets an old segment go: for every operation of the two others it is tried that this operation
    /// comes only after a given one of the log's, for each of those. Then the power fails.
    @Test(arguments: [
        "open (create) /log/spare-", "write 65536 at 0 /log/spare-", "sync /log/spare-", "rename /log/spare-",
        "open (create) /log/snap-", "write 4096 at 4096 /log/snap-", "write 4096 at 0 /log/snap-", "sync /log/snap-",
        "rename /log/snap-", "sync folder", "write 4096 at 0 /log/MANIFEST", "write 4096 at 4096 /log/MANIFEST",
        "remove /log/snap-", "rename /log/wal-",
    ])
    func threadsInAnyOrder(held: String) throws {
        let events = [
            "write batch", "sync batch", "open (update) /log/spare-", "write 4096 at 0 /log/spare-",
            "rename /log/spare-", "sync folder", "sync /log/MANIFEST", "open (update) /log/wal-",
        ]
        var reordered = 0
        for (index, event) in events.enumerated() {
            for occurrence in 1...2 {
                let device = SimulatedDevice(seed: UInt64(index * 2 + occurrence))
                let promise = try rotateWhileSnapshotting(device) { device in
                    device.hold(held, at: occurrence, until: event, at: occurrence)
                }
                let name = "\(held) \(occurrence) behind \(event)"
                check(promise, on: device.crash(), name)
                if let late = promise.index(of: held, occurrence), let early = promise.index(of: event, occurrence) {
                    reordered += late > early ? 1 : 0
                }
            }
        }
        #expect(reordered >= 2, "\(held) was hardly ever late")
    }

    /// The same with delays drawn from the seed on every operation, and the power failing somewhere in between.
    @Test(arguments: 1...60)
    func delaysEverywhere(seed: UInt64) throws {
        var random = SimulatedRandom(seed: seed)
        let device = SimulatedDevice(seed: seed, sectorBytes: seed % 2 == 0 ? 512 : 4096)
        let promise = try rotateWhileSnapshotting(device) { device in
            for number in 1...200 {
                let delay = UInt32(random.below(4) == 0 ? random.below(2000) : 0)
                if delay > 0 { device.plan(.delay(microseconds: delay), atOperation: device.operationCount + number) }
            }
            if seed % 3 != 0 { device.plan(.crash, atOperation: device.operationCount + 1 + random.below(120)) }
        }
        check(promise, on: device.crash(), "seed \(seed)")
    }

    private struct Promise {
        var acknowledged: UInt64 = 0
        var appended: UInt64 = 0
        var snapshot: UInt64 = 0
        /// What the device was asked for after the plan was made.
        var operations: ArraySlice<String> = []

        func index(of operation: String, _ occurrence: Int) -> Int? {
            operations.indices.filter { operations[$0].hasPrefix(operation) }.dropFirst(occurrence - 1).first
        }
    }

    /// Two segments and a snapshot in each; then further segments and a third snapshot at the same time, which lets the
    /// first snapshot and the first segment go.
    private func rotateWhileSnapshotting(
        _ device: SimulatedDevice,
        _ plan: (SimulatedDevice) -> Void
    ) throws -> Promise {
        var options = WriteAheadLog.Options.small
        options.spareSegments = 1
        let log = try WriteAheadLog.open(folder: "/log", options: options, device: device)
        _ = try log.replayAll()
        let observer = Observer()
        try log.start(observer)
        var promise = Promise()
        for _ in 1...22 {
            let next = promise.appended + 1
            #expect(observer.wait(until: try log.append(next...next + 3, length: 700)))
            promise.appended += 4
            if promise.appended % 40 == 0 {
                try log.writeSnapshot(at: promise.appended)
                promise.snapshot = promise.appended
            }
        }
        promise.acknowledged = promise.appended
        let snapshotPosition = promise.appended
        plan(device)
        let planned = device.operationCount
        let finished = Mutex(UInt64(0))
        let snapshotter = try JoinableThread(name: "snapshotter") {
            if (try? log.writeSnapshot(at: snapshotPosition)) != nil { finished.withLock { $0 = snapshotPosition } }
        }
        for _ in 1...24 {
            let next = promise.appended + 1
            promise.appended += 4
            guard let last = try? log.append(next...next + 3, length: 700), observer.wait(until: last) else { break }
        }
        snapshotter.join()
        promise.acknowledged = max(promise.acknowledged, log.durablePosition.rawValue)
        promise.snapshot = max(promise.snapshot, finished.withLock { $0 })
        promise.operations = device.operations[planned...]
        // No clean stop: the power fails with everything as it stands.
        if device.isPowerLost { try? log.close() } else { device.plan(.crash, atOperation: device.operationCount + 1) }
        return promise
    }

    private func check(_ promise: Promise, on device: SimulatedDevice, _ name: String) {
        let result = StartResult(device, length: 700) { records(1...$0, length: 24).map(\.payload) }
        #expect(result.error == nil && result.problem == nil && result.notices.isEmpty, "\(name): \(result)")
        #expect(
            result.last >= promise.acknowledged && result.last <= promise.appended,
            "\(name): \(result), \(promise)"
        )
        #expect(
            device.paths.last { $0.contains("/snap-") && !$0.hasSuffix(".tmp") }.map { UInt64($0.suffix(20))! } ?? 0
                >= promise.snapshot,
            "\(name)"
        )
    }

    // MARK: Sectors

    /// The last batch is on its way when the power fails: every subset of its sectors may have come through, on a file
    /// of zeros and on one that was used before. Whole or gone, never something else, and never refused.
    @Test(arguments: [512, 4096], [false, true])
    func everySubsetOfTheLastWrite(sectorBytes: Int, isUsedBefore: Bool) throws {
        // Sectors of 512 bytes: one block, eight of them. Of 4096: a batch of five.
        let length = sectorBytes == 512 ? 700 : 4 * 4096
        var options = WriteAheadLog.Options.small
        options.batchBytesMax = 32 << 10
        let before = try WrittenLog(batches: [2], length: 700, isCovered: false, options: options)
        let path = WrittenLog.segmentPath(1)
        let start = 2 * LogFormat.blockBytes
        let batch = try lastBatch(length: length, options)
        let earlier =
            isUsedBefore
            ? try earlierUse(of: before, byteCount: batch.count) : [UInt8](repeating: 0, count: batch.count)
        let sectors = batch.count / sectorBytes
        var wholes = 0
        for subset in 0..<1 << sectors {
            var content = earlier
            for sector in 0..<sectors where subset >> sector & 1 == 1 {
                let range = sector * sectorBytes..<(sector + 1) * sectorBytes
                content.replaceSubrange(range, with: batch[range])
            }
            let device = before.device.copy()
            var bytes = try #require(device.contents(of: path))
            bytes.replaceSubrange(start..<start + content.count, with: content)
            device.setContents(of: path, to: bytes)
            let (found, summary) = try device.recover()
            let isWhole = content == batch
            wholes += isWhole ? 1 : 0
            #expect(found.count == (isWhole ? 3 : 2), "sectors \(String(subset, radix: 2))")
            #expect(found.prefix(2) == records(1...2, length: 700)[...])
            #expect(summary.lastPosition == LogPosition(isWhole ? 3 : 2))
        }
        #expect(wholes >= 1)
        #expect(wholes < 1 << sectors)
    }

    /// The bytes of a batch with record 3, as the log writes it.
    private func lastBatch(length: Int, _ options: WriteAheadLog.Options) throws -> [UInt8] {
        let written = try WrittenLog(batches: [2], length: 700, isCovered: false, options: options, last: length)
        let bytes = try #require(written.device.contents(of: WrittenLog.segmentPath(1)))
        let end =
            2 * LogFormat.blockBytes
            + BatchHeader.batchBytes(payloadBytes: RecordFrames.frameBytes(payloadBytes: length))
        return Array(bytes[2 * LogFormat.blockBytes..<end])
    }

    /// What an earlier use of the file left at that place: a batch of the same log, whole, under another salt.
    private func earlierUse(of written: WrittenLog, byteCount: Int) throws -> [UInt8] {
        var bytes = try #require(written.device.contents(of: WrittenLog.segmentPath(1)))
        reseal(&bytes, batchAt: 4096) { $0.put(UInt64(99), at: 24) }
        let one = Array(bytes[4096..<8192])
        return Array((0..<byteCount / 4096).map { _ in one }.joined())
    }

    /// The manifest's new slot comes through in any part: the other slot counts then, and all is there.
    @Test func everySubsetOfAManifestWrite() throws {
        let device = SimulatedDevice()
        #expect(Scenario().run(on: device).error == nil)
        let truth = FolderTruth(device)
        let path = "/log/MANIFEST"
        let whole = try #require(device.contents(of: path))
        let generations: (UInt64, UInt64) = whole.withUnsafeBytes { ($0.integer(at: 32), $0.integer(at: 4096 + 32)) }
        let newest = generations.0 > generations.1 ? 0 : 4096
        for subset in 0..<256 {
            var bytes = whole
            for sector in 0..<8 where subset >> sector & 1 == 0 {
                // What stood there is the generation before the last: any other content will do.
                for index in newest + sector * 512..<newest + sector * 512 + 512 { bytes[index] ^= 0x21 }
            }
            device.setContents(of: path, to: bytes)
            let result = StartResult(device, length: 700) { Array(repeating: [UInt8](littleEndian: $0), count: 3) }
            #expect(result.matches(.harmless, acknowledged: 144), "sectors \(String(subset, radix: 2)): \(result)")
        }
        #expect(truth.newestSnapshot == 144)
    }
}
