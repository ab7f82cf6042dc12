import Synchronization
import Testing

@testable import WAL

/// Backups of a log that goes on, takes snapshots and uses its files again between any two operations of the backup.
@Suite struct LogBackupTests {
    private static let target = "/copy"
    private static let length = 700

    /// A log that is being written.
    private final class LiveLog: Sendable {
        let device = SimulatedDevice()
        private let log: WriteAheadLog
        private let observer = Observer()

        init() throws {
            var options = WriteAheadLog.Options.small
            options.spareSegments = 1
            log = try WriteAheadLog.open(folder: WrittenLog.folder, options: options, device: device)
            _ = try log.replayAll()
            try log.start(observer)
        }

        var lastPosition: UInt64 { log.lastPosition.rawValue }

        /// Two segments and two snapshots further on: nothing from before is needed, and its files are used again.
        func goOn() throws {
            for _ in 0..<2 {
                for _ in 0..<18 {
                    let next = log.lastPosition.rawValue + 1
                    let position = try log.append(next...next + 3, length: LogBackupTests.length)
                    #expect(log.waitUntilDurable(position, observer))
                }
                let snapshot = try log.beginSnapshot(at: log.durablePosition)
                var buffer = RecordBuffer()
                buffer.beginRecord()
                buffer.write(snapshot.position.rawValue)
                buffer.endRecord()
                try snapshot.append(buffer)
                try snapshot.finish()
            }
        }

        func close() throws { try log.close() }
    }

    private func backup(_ live: LiveLog, through device: any LogDevice) throws -> LogBackup.Result {
        try device.createFolder(Self.target)
        return try LogBackup(from: WrittenLog.folder, to: Self.target, device: device).run()
    }

    /// The copy has what was there before it began, and nothing but what was appended.
    private func check(_ live: LiveLog, _ result: LogBackup.Result, atLeast before: UInt64, _ note: String) throws {
        let copy = live.device.copy()
        // A reader wants the file that stands for its lock.
        copy.setContents(of: "\(Self.target)/\(LogFolder.lockName)", to: [])
        let examination = try LogExamination(folder: Self.target, device: copy)
        for position in examination.snapshots { _ = try examination.readSnapshot(at: position) { _ in } }
        try examination.readLog { _, _ in }
        #expect(examination.findings.isEmpty, "\(note): \(examination.findings)")
        let log = try WriteAheadLog.openReadOnly(folder: Self.target, device: copy)
        defer { try? log.close() }
        let start = log.snapshotPosition?.rawValue ?? 0
        #expect(try log.snapshotRecords() == (start > 0 ? [[UInt8](littleEndian: start)] : []), "\(note)")
        let (found, summary) = try log.replayAll(from: start + 1)
        let last = summary.lastPosition.rawValue
        #expect(last == result.lastPosition && last >= before && last <= live.lastPosition, "\(note)")
        #expect(found == (last > start ? records(start + 1...last, length: Self.length) : []), "\(note)")
    }

    @Test func whateverTheLogDoesBetweenTwoOperations() throws {
        var number = 1
        var (retries, hasEnded) = (0, false)
        while !hasEnded {
            let live = try LiveLog()
            try live.goOn()
            let before = live.lastPosition
            let device = InterruptedDevice(live.device, at: number) { try? live.goOn() }
            let result = try backup(live, through: device)
            try check(live, result, atLeast: before, "operation \(number)")
            retries += result.retries
            hasEnded = device.operationCount < number
            try live.close()
            number += 1
        }
        #expect(number > 15)
        // Some of these moments take away what is being copied, or nothing was tried.
        #expect(retries > 0)
    }

    @Test func aLogThatNeverWaitsIsGivenUp() throws {
        let live = try LiveLog()
        try live.goOn()
        let device = InterruptedDevice(live.device, at: nil) { try? live.goOn() }
        #expect(throws: LogRefusal.self) { try backup(live, through: device) }
        try live.close()
    }
}

/// A disk on which somebody else does something before the operation with a number, or before every one.
private final class InterruptedDevice: LogDevice {
    let name = "interrupted"
    private let disk: SimulatedDevice
    private let number: Int?
    private let interruption: @Sendable () -> Void
    private let count = Atomic(0)

    init(_ disk: SimulatedDevice, at number: Int?, _ interruption: @escaping @Sendable () -> Void) {
        self.disk = disk
        self.number = number
        self.interruption = interruption
    }

    var operationCount: Int { count.load(ordering: .relaxed) }

    func interrupt() {
        let current = count.add(1, ordering: .relaxed).newValue
        if number == nil || current == number { interruption() }
    }

    func checkAvailable() throws(LogError) { try disk.checkAvailable() }
    func createFolder(_ path: String) throws(LogError) { try disk.createFolder(path) }
    func freeBytes(of folder: String) throws(LogError) -> Int { try disk.freeBytes(of: folder) }
    func rename(_ path: String, to newPath: String) throws(LogError) { try disk.rename(path, to: newPath) }
    func remove(_ path: String) throws(LogError) { try disk.remove(path) }
    func syncFolder(_ path: String) throws(LogError) { try disk.syncFolder(path) }

    func lock(_ path: String, _ mode: LockMode) throws(LogError) -> any DeviceLock { try disk.lock(path, mode) }

    func list(_ folder: String) throws(LogError) -> [String] {
        interrupt()
        return try disk.list(folder)
    }

    func open(_ path: String, _ access: FileAccess) throws(LogError) -> any DeviceFile {
        interrupt()
        return InterruptedFile(try disk.open(path, access), self)
    }

    func makeBatchWriter(buffer: AlignedBuffer) throws(LogError) -> any BatchWriter {
        try disk.makeBatchWriter(buffer: buffer)
    }
}

private final class InterruptedFile: DeviceFile {
    private let file: any DeviceFile
    private let device: InterruptedDevice

    init(_ file: any DeviceFile, _ device: InterruptedDevice) {
        self.file = file
        self.device = device
    }

    var path: String { file.path }
    var isDirect: Bool { file.isDirect }
    func byteCount() throws(LogError) -> Int { try file.byteCount() }
    func write(_ bytes: UnsafeRawBufferPointer, at offset: Int) throws(LogError) { try file.write(bytes, at: offset) }
    func sync() throws(LogError) { try file.sync() }
    func close() { file.close() }

    func read(into bytes: UnsafeMutableRawBufferPointer, at offset: Int) throws(LogError) -> Int {
        device.interrupt()
        return try file.read(into: bytes, at: offset)
    }
}
