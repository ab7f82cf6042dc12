import Testing

@testable import WAL

/// One bit turned anywhere: refused, or recovered as if nothing had happened, never a wrong record.
@Suite struct BitFlipTests {
    private static let used = 4 * LogFormat.blockBytes

    /// The last batch is empty and covers the ones before: everything in front of it was answered.
    @Test(arguments: 0..<4)
    func everyBitOfACoveredLog(block: Int) throws {
        let written = try WrittenLog(batches: [2, 3], isCovered: true)
        let expected = records(1...5)
        let path = WrittenLog.segmentPath(1)
        // The same log in a file that ends with it: less to scan for each of the many bits.
        written.device.shrink(path, to: Self.used)
        #expect(try written.device.recover().found == expected)
        let coverStart = 3 * LogFormat.blockBytes
        for bit in block * LogFormat.blockBytes * 8..<(block + 1) * LogFormat.blockBytes * 8 {
            written.device.flipBit(bit, of: path)
            defer { written.device.flipBit(bit, of: path) }
            if bit / 8 < coverStart {
                let error = logError { _ = try written.device.recover() }
                guard error?.isCorrupt == true else {
                    Issue.record("bit \(bit) of an answered batch: \(String(describing: error))")
                    return
                }
            } else {
                try #require(try written.device.recover().found == expected, "bit \(bit)")
            }
        }
    }

    /// Nothing stands behind the last batch: damage to it is a tear, by the rule; damage before it is refused.
    @Test func lastBatchWithoutCover() throws {
        let written = try WrittenLog(batches: [2, 3, 2], isCovered: false)
        let path = WrittenLog.segmentPath(1)
        written.device.shrink(path, to: Self.used)
        let lastStart = 3 * LogFormat.blockBytes
        for bit in stride(from: 0, to: Self.used * 8, by: 37) {
            written.device.flipBit(bit, of: path)
            defer { written.device.flipBit(bit, of: path) }
            if bit / 8 < lastStart {
                try #require(logError { _ = try written.device.recover() }?.isCorrupt == true, "bit \(bit)")
            } else {
                try #require(try written.device.recover().found == records(1...5), "bit \(bit)")
            }
        }
    }

    // MARK: A whole folder

    /// Every byte of every file of a folder with two segments and two snapshots, one bit each. Both segments are read,
    /// as the newest snapshot stands inside the first; nothing stands behind the last batch.
    @Test(arguments: DamagedFolder.files)
    func everyByteOfAFolder(file: String) throws {
        let folder = try DamagedFolder()
        var random = SimulatedRandom(seed: 7)
        var seen: [FolderTruth.Verdict: Int] = [:]
        let path = "/log/\(file)"
        for offset in 0..<folder.truth.files[path]!.count {
            let verdict = folder.truth.verdict(on: path, at: offset)
            seen[verdict, default: 0] += 1
            try folder.flip(bit: offset * 8 + random.below(8), of: path, expect: verdict)
        }
        #expect(seen == folder.expectedCounts(of: path))
    }

    /// The same for every field by its name, every bit of it: none is outside a checksum.
    @Test(arguments: Frame.all)
    func everyFieldByName(frame: Frame) throws {
        let folder = try DamagedFolder()
        let path = "/log/\(frame.file)"
        var next = 0
        for field in frame.fields {
            #expect(field.offset == next, "\(frame.name): \(field.name) leaves a gap or overlaps")
            next = field.offset + field.byteCount
            let bits = field.byteCount * 8
            // All bits of what has a meaning, some of what is only filled up.
            for bit in stride(from: 0, to: bits, by: max(1, bits / 256)) {
                let offset = frame.offset + field.offset
                let verdict = folder.truth.verdict(on: path, at: offset)
                #expect(verdict.name == frame.outcome, "\(frame.name): \(field.name)")
                try folder.flip(bit: offset * 8 + bit, of: path, expect: verdict)
            }
        }
        #expect(next == frame.byteCount, "\(frame.name) is named to its end")
    }
}

/// Two sessions with a batch of three records each time: records 1 to 6 and a covering batch in segment 1, 7 to 12 in
/// segment 2 without one; snapshots at 3 and at 5.
final class DamagedFolder {
    static let files = [
        "MANIFEST", LogFolder.segmentName(1), LogFolder.segmentName(2), LogFolder.snapshotName(3),
        LogFolder.snapshotName(5),
    ]

    let device: SimulatedDevice
    let truth: FolderTruth

    init() throws {
        let working = SimulatedDevice()
        var killed: SimulatedDevice?
        var next: UInt64 = 1
        for session in 1...2 {
            let log = try WriteAheadLog.open(folder: "/log", options: .small, device: working)
            _ = try log.replayAll(from: (log.snapshotPosition?.rawValue ?? 0) + 1)
            let observer = Observer()
            try log.start(observer)
            for _ in 1...2 {
                #expect(observer.wait(until: try log.append(next...next + 2)))
                next += 3
            }
            try log.writeSnapshot(at: session == 1 ? 3 : 5)
            if session == 1 { try log.close() } else { killed = working.copy() }
        }
        device = try #require(killed)
        // The files end a block behind what is used: less to look through.
        device.shrink("/log/\(LogFolder.segmentName(1))", to: 5 * 4096)
        device.shrink("/log/\(LogFolder.segmentName(2))", to: 4 * 4096)
        truth = FolderTruth(device)
        let clean = StartResult(device, length: 24) { records(1...$0).map(\.payload) }
        #expect(clean.matches(.harmless, acknowledged: 12), "\(clean)")
    }

    func flip(bit: Int, of path: String, expect verdict: FolderTruth.Verdict) throws {
        device.flipBit(bit, of: path)
        defer { device.flipBit(bit, of: path) }
        let result = StartResult(device, length: 24) { records(1...$0).map(\.payload) }
        try #require(result.matches(verdict, acknowledged: 12), "bit \(bit) of \(path), \(verdict): \(result)")
    }

    /// How many bytes of a file have which outcome, by hand.
    func expectedCounts(of path: String) -> [FolderTruth.Verdict: Int] {
        switch path {
        case "/log/MANIFEST": [.harmless: 8192]
        // Header, two batches and the covering one, which the next segment continues; nothing in the block behind.
        case WrittenLog.segmentPath(1): [.refused(path: path): 4 * 4096, .harmless: 4096]
        // Header and first batch; the last batch is the documented limit.
        case WrittenLog.segmentPath(2): [.refused(path: path): 2 * 4096, .cut(last: 9): 4096, .harmless: 4096]
        // The older snapshot: header and trailer are looked at, the chunk is not.
        case "/log/\(LogFolder.snapshotName(3))": [.passedOver: 2 * 4096, .harmless: 4096]
        default: [.passedOver: 3 * 4096]
        }
    }
}

extension WriteAheadLog {
    /// A snapshot whose content is every record up to `position`.
    func writeSnapshot(at position: UInt64, length: Int = 24) throws {
        let snapshot = try beginSnapshot(at: LogPosition(position))
        var buffer = RecordBuffer()
        for record in records(1...position, length: length) {
            buffer.beginRecord()
            record.payload.withUnsafeBytes { buffer.write(bytes: $0) }
            buffer.endRecord()
        }
        try snapshot.append(buffer)
        try snapshot.finish()
    }
}
