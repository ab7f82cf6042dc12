import Foundation
import Testing
import WAL

@testable import Bench

/// A real log on a real disk, for a moment.
@Suite(.timeLimit(.minutes(2))) struct LogLoadTests {
    @Test(arguments: ["io_uring", "synchronous"])
    func everyRecordIsCountedOnce(device: String) throws {
        let folder = try TemporaryFolder.make()
        defer { TemporaryFolder.remove(folder) }
        let command = try LogCommand.parse([
            "--device", device, "--waiting", "1,64", "--duration", "0.2", "--warmup", "0", "--record-bytes", "100",
        ])
        let report = try command.measure(folder)
        #expect(report.complaints == [])
        #expect(report.phases.map(\.phase) == ["1 waiting", "64 waiting"])
        let committed = report.phases.reduce(0) { $0 + $1.calls[0].answers }
        let log = try WriteAheadLog.openReadOnly(folder: folder + "/log", device: SynchronousDevice())
        var found: UInt64 = 0
        _ = try log.replay(from: LogPosition(1)) { _, payload in
            #expect(payload.count == 100)
            found += 1
        }
        // Beside those that were counted, at most as many as waited when the time was over.
        #expect(committed > 65 && (committed...(committed + 65)).contains(found), "\(committed) of \(found)")
        #expect(report.charts.allSatisfy { $0.drawable.first?.points.count == 2 })
    }
}
