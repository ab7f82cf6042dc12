import Glibc
import Testing

@testable import WAL

/// Which files a reader has open: one that the log has let go of takes its room on the disk as long as somebody has it.
@Suite struct ReaderFilesTests {
    /// Files of the folder that are removed and open.
    static func removedFilesOpen(in folder: String) throws -> [String] {
        let list = try #require(opendir("/proc/self/fd"))
        defer { closedir(list) }
        var found: [String] = []
        while let entry = readdir(list) {
            let name = withUnsafePointer(to: entry.pointee.d_name) {
                $0.withMemoryRebound(to: CChar.self, capacity: 256) { String(cString: $0) }
            }
            var link = [UInt8](repeating: 0, count: 4_096)
            let count = link.withUnsafeMutableBytes { readlink("/proc/self/fd/\(name)", $0.baseAddress!, 4_096) }
            guard count > 0 else { continue }
            let target = String(decoding: link[..<count], as: UTF8.self)
            if target.hasPrefix(folder + "/"), target.hasSuffix(" (deleted)") { found.append(target) }
        }
        return found
    }

    /// A reader that has an old segment open which is then removed.
    private func withReaderOfRemoved(_ body: (any RecordReader, WriteAheadLog) throws -> Void) throws {
        let folder = TemporaryFolder()
        let log = try WriteAheadLog.open(folder: folder.path, options: .small, device: SynchronousDevice())
        _ = try log.replayAll()
        let observer = Observer()
        try log.start(observer)
        var next: UInt64 = 1
        func write() throws {
            for _ in 0..<20 {
                let position = try log.append(next...next + 9, length: 700)
                next += 10
                #expect(log.waitUntilDurable(position, observer))
            }
        }
        try write()
        // What was written before is not in memory: nothing is kept there before somebody reads.
        let reader = try log.makeReader()
        #expect(try reader.page(from: 1, bytesMax: 1) == [1])
        #expect(try Self.removedFilesOpen(in: folder.path).isEmpty)
        for _ in 0..<3 {
            try write()
            try log.writeSnapshot(at: log.durablePosition.rawValue)
        }
        #expect(log.oldestPosition > LogPosition(200))
        #expect(try Self.removedFilesOpen(in: folder.path).count == 1, "the test's own reader")
        try body(reader, log)
        #expect(try Self.removedFilesOpen(in: folder.path).isEmpty)
        #expect(try reader.page(from: log.oldestPosition.rawValue, bytesMax: 1) == [log.oldestPosition.rawValue])
        reader.rest()
        try log.close()
    }

    @Test func whoFollowsTheEndHoldsNoRemovedFile() throws {
        try withReaderOfRemoved { reader, log in
            let last = log.durablePosition.rawValue
            let page = try reader.page(from: last)
            #expect(page == [last])
        }
    }

    @Test func whoRestsHoldsNoFile() throws { try withReaderOfRemoved { reader, _ in reader.rest() } }
}
