import Glibc
import Testing

@testable import WAL

/// The log on the real disk, through each way of writing batches.
@Suite struct DeviceTests {
    static let devices: [@Sendable () -> any LogDevice] = [{ IOUringDevice() }, { SynchronousDevice() }]

    @Test(arguments: 0..<2)
    func roundTripAcrossSessionsAndSegments(device: Int) throws {
        let folder = TemporaryFolder()
        var options = WriteAheadLog.Options.small
        options.spareSegments = 1
        options.idleCoverMilliseconds = 1
        var next: UInt64 = 1
        for session in 0..<3 {
            let log = try WriteAheadLog.open(folder: folder.path, options: options, device: Self.devices[device]())
            let (found, summary) = try log.replayAll()
            #expect(found == (next == 1 ? [] : records(1...next - 1, length: 700)))
            #expect(summary.tail == .clean)
            #expect(summary.segmentCount >= session)
            let observer = Observer()
            try log.start(observer)
            for _ in 0..<20 {
                let position = try log.append(next...next + 9, length: 700)
                next += 10
                #expect(position == LogPosition(next - 1))
                #expect(log.waitUntilDurable(position, observer))
            }
            try log.close()
            #expect(observer.failures.isEmpty)
            #expect(observer.watermarks == observer.watermarks.sorted())
        }
    }

    @Test func snapshotOnDisk() throws {
        let folder = TemporaryFolder()
        let log = try WriteAheadLog.open(folder: folder.path, options: .small, device: IOUringDevice())
        _ = try log.replayAll()
        let observer = Observer()
        try log.start(observer)
        try log.append(1...50)
        #expect(log.waitUntilDurable(LogPosition(50), observer))
        let snapshot = try log.beginSnapshot(at: LogPosition(50))
        var buffer = RecordBuffer()
        for position in 1...5000 as ClosedRange<UInt64> {
            buffer.beginRecord()
            payload(position, length: 500).withUnsafeBytes { buffer.write(bytes: $0) }
            buffer.endRecord()
        }
        try snapshot.append(buffer)
        try snapshot.finish()
        try log.append(51...60)
        try log.close()

        let again = try WriteAheadLog.open(folder: folder.path, options: .small, device: IOUringDevice())
        #expect(again.snapshotPosition == LogPosition(50))
        #expect(try again.snapshotRecords() == records(1...5000, length: 500).map(\.payload))
        #expect(try again.replayAll(from: 51).found == records(51...60))
    }
}
