import Glibc
import Testing

@testable import WAL

/// Files that format version 1 wrote: they must be read as they were meant, and written again byte for byte.
///
/// A change that breaks this breaks every log that exists. It then needs a new format version and new files beside
/// these, which stay. `HOLDFAST_WRITE_GOLDEN_FILES=1` writes them.
@Suite struct GoldenFileTests {
    private static let names = [
        "MANIFEST", LogFolder.segmentName(1), LogFolder.segmentName(2), LogFolder.snapshotName(5),
    ]

    private static var fixtures: String {
        let here = #filePath.split(separator: "/", omittingEmptySubsequences: false)
        return here.dropLast(2).joined(separator: "/") + "/Fixtures/log-version-1"
    }

    /// Two sessions, batches of one and of two blocks, a covering batch, a snapshot of two records.
    private func write() throws -> SimulatedDevice {
        let device = SimulatedDevice()
        var options = WriteAheadLog.Options.small
        for session in 0..<2 as Range<UInt64> {
            options.fixedRandom = 0x1111_1111_1111_1111 &* (session + 1)
            let log = try WriteAheadLog.open(folder: "/log", options: options, device: device)
            _ = try log.replayAll()
            let observer = Observer()
            try log.start(observer)
            let first = session * 6 + 1
            #expect(observer.wait(until: try log.append(first...first + 4)))
            #expect(observer.wait(until: try log.append(first + 5...first + 5, length: 5000)))
            if session == 1 {
                let snapshot = try log.beginSnapshot(at: LogPosition(5))
                var buffer = RecordBuffer()
                for position in 1...2 as ClosedRange<UInt64> {
                    buffer.beginRecord()
                    payload(position, length: 33).withUnsafeBytes { buffer.write(bytes: $0) }
                    buffer.endRecord()
                }
                try snapshot.append(buffer)
                try snapshot.finish()
            }
            try log.close()
        }
        return device
    }

    private func stored(_ name: String) throws -> [UInt8] {
        let path = "\(Self.fixtures)/\(name)"
        let file = try IOUringDevice().open(path, .read)
        defer { file.close() }
        var bytes = [UInt8](repeating: 0, count: try file.byteCount())
        let count = try bytes.withUnsafeMutableBytes { try file.read(into: $0, at: 0) }
        return Array(bytes[..<count])
    }

    /// A stored segment as it was: with the zeros up to the size that its header says.
    private func whole(_ name: String) throws -> [UInt8] {
        let bytes = try stored(name)
        guard LogFolder.segmentNumber(name) != nil else { return bytes }
        let byteCount: UInt64 = bytes.withUnsafeBytes { $0.integer(at: 80) }
        return bytes + [UInt8](repeating: 0, count: Int(byteCount) - bytes.count)
    }

    /// Segments are stored without the zeros behind their last batch.
    private func trimmed(_ bytes: [UInt8]) -> [UInt8] {
        let used = bytes.lastIndex { $0 != 0 }.map { $0 + 1 } ?? 0
        return Array(bytes[..<LogFormat.roundedUpToBlock(used)])
    }

    @Test func writesTheSameBytes() throws {
        let device = try write()
        let isWriting = getenv("HOLDFAST_WRITE_GOLDEN_FILES") != nil
        for name in Self.names {
            let bytes = trimmed(try #require(device.contents(of: "/log/\(name)")))
            if isWriting { try store(bytes, as: name) }
            let stored = try stored(name)
            let isManifest = name == "MANIFEST"
            let (written, golden) = isManifest ? (withoutOrigins(bytes), withoutOrigins(stored)) : (bytes, stored)
            let difference = zip(written, golden).enumerated().first { $1.0 != $1.1 }?.offset
            #expect(difference == nil && written.count == golden.count, "\(name) differs at \(difference ?? -1)")
        }
        #expect(device.paths.filter { !$0.hasSuffix("LOCK") } == Self.names.sorted().map { "/log/\($0)" })
    }

    /// A manifest without what was written first into bytes that had been reserved, and without the checksums over it. A build
    /// that doesn't know it passes over it.
    private func withoutOrigins(_ manifest: [UInt8]) -> [UInt8] {
        var manifest = manifest
        for slot in stride(from: 0, to: manifest.count, by: LogFormat.blockBytes) {
            for offset in 200..<208 + 16 * Manifest.originsMax { manifest[slot + offset] = 0 }
            for offset in 4_092..<4_096 { manifest[slot + offset] = 0 }
        }
        return manifest
    }

    /// Both openings' segments, and none in a manifest of before.
    @Test func theManifestHasTheOriginsOfSegments() throws {
        func origins(_ bytes: [UInt8]) throws -> [UInt64] {
            try bytes.withUnsafeBytes { try Manifest.newest(in: $0, file: "MANIFEST") }.origins.map(\.first)
        }
        let written = try #require(try write().contents(of: "/log/MANIFEST"))
        #expect(try origins(written) == [1, 7])
        #expect(try origins(stored("MANIFEST")) == [])
    }

    private func store(_ bytes: [UInt8], as name: String) throws {
        let descriptor = creat("\(Self.fixtures)/\(name)", 0o644)
        #expect(descriptor >= 0 && Glibc.write(descriptor, bytes, bytes.count) == bytes.count)
        close(descriptor)
    }

    @Test func readsTheStoredFiles() throws {
        let device = SimulatedDevice()
        try device.createFolder("/log")
        for name in Self.names + ["LOCK"] {
            device.setContents(of: "/log/\(name)", to: name == "LOCK" ? [] : try whole(name))
        }
        let (found, summary) = try device.recover()
        let short = records(1...5) + records(6...6, length: 5000)
        #expect(found == short + records(7...11) + records(12...12, length: 5000))
        #expect(summary.tail == .clean)
        #expect(summary.batchCount == 6)
        let log = try WriteAheadLog.openReadOnly(folder: "/log", device: device)
        #expect(log.snapshotPosition == LogPosition(5))
        #expect(try log.snapshotRecords() == records(1...2, length: 33).map(\.payload))
    }

    /// Fields at their documented offsets, read without this module's own code.
    @Test func fieldsStandWhereTheDocumentSays() throws {
        let segment = try stored(LogFolder.segmentName(2))
        func field(_ offset: Int, _ size: Int) -> UInt64 {
            segment[offset..<offset + size].reversed().reduce(0) { $0 << 8 | UInt64($1) }
        }
        #expect(Array(segment[0..<8]) == Array("HFWALSEG".utf8))
        #expect(field(8, 2) == 1 && field(10, 2) == 1)
        #expect(field(32, 8) == 2, "number")
        #expect(field(48, 8) == 2, "epoch")
        #expect(field(56, 8) == 4, "first batch: two with records and one that covers came before")
        #expect(field(64, 8) == 7, "first position")
        #expect(field(80, 8) == 65536, "size")
        #expect(Array(segment[4096..<4100]) == Array("HFBH".utf8))
        #expect(field(4096 + 24, 8) == field(40, 8), "salt")
        #expect(field(4096 + 40, 8) == 4, "batch number")
        #expect(field(4096 + 48, 8) == 7, "first position")
        #expect(field(4096 + 56, 8) == 3, "durable batch")
        #expect(field(4096 + 64, 8) == field(72, 8), "checksum of the batch before")
        #expect(field(4096 + 72, 4) == 5, "records")
        #expect(field(4096 + 76, 4) == 5 * 32, "bytes of records")
        #expect(field(4096 + 128, 4) == 24, "length of the first record")
        #expect(Array(segment[4096 + 136..<4096 + 160]) == payload(7))
    }
}
