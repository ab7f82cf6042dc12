import Glibc
import Synchronization
import WAL

/// The real disk behind a gate: while it is closed no batch becomes durable.
final class GatedDevice: LogDevice {
    private let device = IOUringDevice()
    private let gate = Gate()

    final class Gate: Sendable {
        fileprivate let isClosed = Mutex(false)
    }

    func close() { gate.isClosed.withLock { $0 = true } }
    func open() { gate.isClosed.withLock { $0 = false } }

    var name: String { device.name }
    func checkAvailable() throws(LogError) { try device.checkAvailable() }
    func createFolder(_ path: String) throws(LogError) { try device.createFolder(path) }
    func list(_ folder: String) throws(LogError) -> [String] { try device.list(folder) }
    func lock(_ path: String, _ mode: LockMode) throws(LogError) -> any DeviceLock { try device.lock(path, mode) }
    func open(_ path: String, _ access: FileAccess) throws(LogError) -> any DeviceFile { try device.open(path, access) }
    func rename(_ path: String, to newPath: String) throws(LogError) { try device.rename(path, to: newPath) }
    func remove(_ path: String) throws(LogError) { try device.remove(path) }
    func syncFolder(_ path: String) throws(LogError) { try device.syncFolder(path) }
    func freeBytes(of folder: String) throws(LogError) -> Int { try device.freeBytes(of: folder) }

    func makeBatchWriter(buffer: AlignedBuffer) throws(LogError) -> any BatchWriter {
        GatedWriter(try device.makeBatchWriter(buffer: buffer), gate)
    }

    private final class GatedWriter: BatchWriter {
        private let writer: any BatchWriter
        private let gate: Gate

        init(_ writer: any BatchWriter, _ gate: Gate) {
            self.writer = writer
            self.gate = gate
        }

        func use(_ file: any DeviceFile) throws(LogError) { try writer.use(file) }

        func writeDurably(byteCount: Int, at offset: Int) throws(LogError) {
            while gate.isClosed.withLock({ $0 }) { usleep(1_000) }
            try writer.writeDurably(byteCount: byteCount, at: offset)
        }
    }
}
