import Testing

@testable import WAL

/// Folders of a later program: refused by name and version when this one can't read them, and nothing is touched.
@Suite struct VersionTests {
    private static let snapshot = "/log/\(LogFolder.snapshotName(10))"
    private static let segment = WrittenLog.segmentPath(1)

    /// A place that carries the two version fields, and how to seal it again.
    enum Place: CaseIterable {
        case segmentHeader, batch, manifestNewest, manifestBoth, snapshotHeader, chunk, trailer

        var path: String {
            switch self {
            case .segmentHeader, .batch: VersionTests.segment
            case .manifestNewest, .manifestBoth: "/log/MANIFEST"
            case .snapshotHeader, .chunk, .trailer: VersionTests.snapshot
            }
        }

        func setVersions(_ bytes: inout [UInt8], writer: UInt16, reader: UInt16) {
            func put(_ block: UnsafeMutableRawBufferPointer, at offset: Int) {
                block.put(writer, at: offset)
                block.put(reader, at: offset + 2)
            }
            let end = bytes.count - LogFormat.blockBytes
            switch self {
            case .segmentHeader, .snapshotHeader: reseal(&bytes, blockAt: 0) { put($0, at: 8) }
            case .batch: reseal(&bytes, batchAt: 4096) { put($0, at: 4) }
            case .manifestNewest: reseal(&bytes, blockAt: newestSlot(bytes)) { put($0, at: 8) }
            case .manifestBoth: for slot in [0, 4096] { reseal(&bytes, blockAt: slot) { put($0, at: 8) } }
            case .chunk:
                reseal(&bytes, chunkAt: 4096) { put($0, at: 4) }
                let checksum: UInt32 = bytes.withUnsafeBytes { $0.integer(at: 4096 + 60) }
                reseal(&bytes, blockAt: end) { $0.put(checksum, at: 72) }
            case .trailer: reseal(&bytes, blockAt: end) { put($0, at: 8) }
            }
        }

        private func newestSlot(_ bytes: [UInt8]) -> Int {
            bytes.withUnsafeBytes { $0.integer(at: 32, as: UInt64.self) > $0.integer(at: 4096 + 32) } ? 0 : 4096
        }
    }

    /// One segment, a snapshot of one chunk, leftovers of an earlier crash and a file that isn't ours.
    private func folder() throws -> SimulatedDevice {
        let device = SimulatedDevice()
        let log = try WriteAheadLog.open(folder: "/log", options: .small, device: device)
        _ = try log.replayAll()
        let observer = Observer()
        try log.start(observer)
        #expect(log.waitUntilDurable(try log.append(1...10), observer))
        try log.writeSnapshot(at: 10)
        #expect(log.waitUntilDurable(try log.append(11...12), observer))
        try log.close()
        for name in ["\(LogFolder.spareName(7)).tmp", "\(LogFolder.snapshotName(11)).tmp", "notes.txt"] {
            device.setContents(of: "/log/\(name)", to: [1, 2, 3])
        }
        return device
    }

    @Test(arguments: Place.allCases)
    func newerIsRefusedAndNothingIsTouched(place: Place) throws {
        let device = try folder()
        var bytes = try #require(device.contents(of: place.path))
        place.setVersions(&bytes, writer: 12, reader: 9)
        device.setContents(of: place.path, to: bytes)
        let before = device.everything
        let expected = LogError.unsupportedVersion(file: place.path, version: 12, readerVersion: 9)
        #expect(logError { _ = try device.readEverything() } == expected)
        #expect(logError { try device.appendInNewSession() } == expected)
        #expect(device.everything == before)
        for word in [place.path, "12", "9", "up to 1", "Nothing was changed"] { #expect("\(expected)".contains(word)) }
    }

    /// A newer program that says older ones may read its files is believed, in every frame.
    @Test(arguments: Place.allCases)
    func newerThatCanBeReadIsRead(place: Place) throws {
        let device = try folder()
        var bytes = try #require(device.contents(of: place.path))
        place.setVersions(&bytes, writer: 12, reader: 1)
        device.setContents(of: place.path, to: bytes)
        // The next batch repeats the checksum of the one that was changed.
        if place == .batch { device.rechain(place.path, batchAt: 4096, next: 8192) }
        let read = try device.readEverything()
        #expect(read.snapshot == records(1...10).map(\.payload))
        #expect(read.found == records(11...12))
        #expect(read.notices.isEmpty)
        #expect(try device.appendInNewSession() == 13)
        #expect(!device.paths.contains { $0.hasSuffix(".tmp") })
        #expect(device.contents(of: "/log/notes.txt") == [1, 2, 3])
    }
}

extension SimulatedDevice {
    /// Everything that a start would read, the snapshot as well.
    func readEverything() throws -> (snapshot: [[UInt8]], found: [Found], summary: ReplaySummary, notices: [String]) {
        let log = try WriteAheadLog.openReadOnly(folder: WrittenLog.folder, device: self)
        defer { try? log.close() }
        let snapshot = try log.snapshotRecords()
        let (found, summary) = try log.replayAll(from: (log.snapshotPosition?.rawValue ?? 0) + 1)
        return (snapshot, found, summary, log.notices)
    }

    /// Puts the checksum of a batch that was changed into the next, and so on to the end.
    func rechain(_ path: String, batchAt first: Int, next second: Int) {
        var bytes = contents(of: path)!
        let sums: (UInt32, UInt32) = bytes.withUnsafeBytes { ($0.integer(at: first + 124), $0.integer(at: first + 80)) }
        reseal(&bytes, batchAt: second) { $0.put(UInt64(sums.0) << 32 | UInt64(sums.1), at: 64) }
        setContents(of: path, to: bytes)
        let third = second + 4096
        let isBatch = bytes.withUnsafeBytes { $0.integer(at: third, as: UInt32.self) == BatchHeader.magic }
        if isBatch { rechain(path, batchAt: second, next: third) }
    }
}
