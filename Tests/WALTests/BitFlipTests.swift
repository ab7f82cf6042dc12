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

    @Test func manifest() throws {
        let written = try WrittenLog(batches: [2, 3], isCovered: true)
        for bit in stride(from: 0, to: Manifest.fileBytes * 8, by: 7) {
            written.device.flipBit(bit, of: "/log/MANIFEST")
            defer { written.device.flipBit(bit, of: "/log/MANIFEST") }
            try #require(try written.device.recover().found == records(1...5), "bit \(bit)")
        }
    }

    /// A damaged snapshot is passed over for the one before, and the log from there gives the same records.
    @Test func snapshot() throws {
        let device = try deviceWithTwoSnapshots()
        let path = "/log/\(LogFolder.snapshotName(20))"
        let count = try #require(device.contents(of: path)).count
        for bit in stride(from: 0, to: count * 8, by: 61) {
            device.flipBit(bit, of: path)
            defer { device.flipBit(bit, of: path) }
            let log = try WriteAheadLog.openReadOnly(folder: "/log", device: device)
            defer { try? log.close() }
            try #require(log.snapshotPosition == LogPosition(10), "bit \(bit)")
            try #require(try log.snapshotRecords() == records(1...10).map(\.payload))
            try #require(try log.replayAll(from: 11).found == records(11...25))
            try #require(log.notices.count == 1)
        }
    }

    private func deviceWithTwoSnapshots() throws -> SimulatedDevice {
        let device = SimulatedDevice()
        let log = try WriteAheadLog.open(folder: "/log", options: .small, device: device)
        _ = try log.replayAll()
        let observer = Observer()
        try log.start(observer)
        for (first, last) in [(1, 10), (11, 20)] as [(UInt64, UInt64)] {
            #expect(log.waitUntilDurable(try log.append(first...last), observer))
            try log.writeSnapshot(at: last)
        }
        try log.append(21...25)
        try log.close()
        return device
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
