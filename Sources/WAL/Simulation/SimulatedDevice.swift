import Glibc
import Synchronization

/// A disk in memory that can fail in every way a disk can. For tests, of this module and of those above it.
///
/// Everything random comes from the seed, so a failing run can be repeated. What was written and not synced is lost in
/// a crash at the granularity of sectors, any of them; names that were changed and not synced with their folder are
/// lost too, from some point on or here and there. Every operation counts, and a `Fault` can be planned for each one.
/// Where several threads come in, operations can be held back until another thread's are done: `hold`.
public final class SimulatedDevice: LogDevice {
    /// Something that goes wrong at one operation.
    public enum Fault: Sendable, Equatable {
        /// The operation does nothing and answers this errno. A sync that fails loses what it should have synced: a
        /// later one succeeds and doesn't bring it back.
        case fail(errno: Int32)
        /// A write stores its first half and answers ENOSPC; other operations fail with EIO.
        case short
        /// A write or read goes through with one bit turned, and nobody says so. Nothing on other operations.
        case flip
        /// A write says that it succeeded and nothing of it is stored, whatever syncs follow; the file still grows. A
        /// sync says that it succeeded and what it should have made durable is gone with the power, whatever later ones
        /// do. Nothing on other operations.
        case lose
        /// The same for one sector of the write, counted from its first.
        case loseSector(Int)
        /// The power fails during this operation: it happens in part, everything after it fails.
        case crash
        /// The operation takes this much longer.
        case delay(microseconds: UInt32)
    }

    public let name = "simulated"
    let state: Mutex<SimulatedDisk>

    /// - Parameters:
    ///   - seed: decides everything random.
    ///   - sectorBytes: what is written whole or not at all: 512 or 4096.
    public init(seed: UInt64 = 1, sectorBytes: Int = 512) {
        precondition(sectorBytes == 512 || sectorBytes == 4096)
        state = Mutex(SimulatedDisk(seed: seed, sectorBytes: sectorBytes))
    }

    private init(disk: consuming sending SimulatedDisk) { state = Mutex(disk) }

    // MARK: For tests

    /// Plans what goes wrong; the first operation has number 1.
    public func plan(_ fault: Fault, atOperation number: Int) { state.withLock { $0.faults[number] = fault } }

    /// The same for the `occurrence`th operation, from now on, whose text (see `operations`) begins so: other threads'
    /// operations in between don't change which one it is.
    public func plan(_ fault: Fault, at occurrence: Int = 1, ofOperation prefix: String) {
        state.withLock { $0.namedFaults.append(SimulatedMatch(prefix: prefix, remaining: occurrence, fault: fault)) }
    }

    /// The `occurrence`th operation from now on that begins with `prefix` waits until the `ends`th one that begins with
    /// `event` is complete, or the power is lost, or for a fifth of a second: the one may need the other.
    public func hold(_ prefix: String, at occurrence: Int = 1, until event: String, at ends: Int = 1) {
        state.withLock { disk in
            disk.holds.append(SimulatedHold(prefix: prefix, remaining: occurrence, event: event, eventsLeft: ends))
        }
    }

    /// Bytes all files together may have; beyond it a write answers ENOSPC.
    public func limitCapacity(bytes: Int) { state.withLock { $0.capacityBytes = bytes } }

    /// From now on syncs report success and do nothing: what a test of durability has to notice.
    public func ignoreSyncs() { state.withLock { $0.ignoresSyncs = true } }

    /// Turns one bit of a file durably; turned twice it is as before.
    public func flipBit(_ bit: Int, of path: String) {
        state.withLock { disk in
            guard let inode = disk.names[path] else { preconditionFailure("no file \(path)") }
            disk.inodes[inode].bytes[bit / 8] ^= 1 << UInt8(bit % 8)
        }
    }

    /// Operations so far.
    public var operationCount: Int { state.withLock { $0.operations.count } }

    /// What each operation was, for messages: "write wal-… 4096 at 8192".
    public var operations: [String] { state.withLock { $0.operations } }

    /// Whether a write that was acknowledged and lost, or partly, would have changed anything.
    public var hasLostData: Bool { state.withLock { $0.hasLostData } }

    /// Whether a planned crash has happened.
    public var isPowerLost: Bool { state.withLock { $0.isPowerLost } }

    /// Takes the power away and returns the disk that the next start finds. This one fails from now on.
    public func crash() -> SimulatedDevice {
        let survivor = state.withLock { disk in
            disk.isPowerLost = true
            return disk.afterPowerLoss()
        }
        return SimulatedDevice(disk: survivor)
    }

    /// An independent disk with the same content, faults and locks forgotten: a clean stop and a copy.
    public func copy() -> SimulatedDevice { SimulatedDevice(disk: state.withLock { $0.copied() }) }

    /// Paths of all files, sorted.
    public var paths: [String] { state.withLock { $0.names.keys.sorted() } }

    public func contents(of path: String) -> [UInt8]? {
        state.withLock { disk in disk.names[path].map { disk.inodes[$0].bytes } }
    }

    /// Replaces a file's content durably, as if it had always been that.
    public func setContents(of path: String, to bytes: [UInt8]) {
        state.withLock { disk in
            let inode = disk.names[path] ?? disk.makeInode()
            disk.names[path] = inode
            disk.durableNames[path] = inode
            disk.inodes[inode] = SimulatedInode(bytes: bytes, durableCount: bytes.count)
        }
    }

    /// Removes a file durably, behind the log's back.
    public func lose(_ path: String) {
        state.withLock { disk in
            disk.names[path] = nil
            disk.durableNames[path] = nil
        }
    }

    // MARK: LogDevice

    public func checkAvailable() throws(LogError) {}

    public func createFolder(_ path: String) throws(LogError) {
        try perform("create folder", path) { disk in _ = disk.folders.insert(path) }
    }

    public func list(_ folder: String) throws(LogError) -> [String] {
        try perform("list", folder) { disk throws(LogError) in
            guard disk.folders.contains(folder) else {
                throw LogError.system(operation: "list", path: folder, errno: ENOENT)
            }
            return disk.names.keys.filter { $0.hasPrefix(folder + "/") }
                .map { String($0.dropFirst(folder.utf8.count + 1)) }.sorted()
        }
    }

    public func lock(_ path: String, _ mode: LockMode) throws(LogError) -> any DeviceLock {
        try perform("lock", path) { disk throws(LogError) in try disk.lock(path, mode) }
        return SimulatedLock(device: self, path: path)
    }

    public func open(_ path: String, _ access: FileAccess) throws(LogError) -> any DeviceFile {
        let inode = try perform("open (\(access))", path) { disk throws(LogError) in try disk.open(path, access) }
        return SimulatedFile(device: self, path: path, inode: inode)
    }

    public func rename(_ path: String, to newPath: String) throws(LogError) {
        try perform("rename", path) { disk throws(LogError) in
            if disk.folders.contains(path) { return disk.renameFolder(path, to: newPath) }
            try disk.rename(path, to: newPath)
        }
    }

    public func remove(_ path: String) throws(LogError) {
        try perform("remove", path) { disk throws(LogError) in try disk.remove(path) }
    }

    public func syncFolder(_ path: String) throws(LogError) {
        try perform("sync folder", path) { disk, fault in
            switch fault {
            case .fail, .short: disk.unsyncedNames = []
            case .crash, .flip, .lose, .loseSector, .delay: break
            }
        } _: { disk in
            if case .lose? = disk.takeSilentFault() { disk.unsyncedNames = [] } else { disk.syncNames() }
        }
    }

    /// Not counted among the operations: it is asked by the clock, and changes nothing.
    public func freeBytes(of folder: String) throws(LogError) -> Int { state.withLock { $0.freeBytes } }

    public func makeBatchWriter(buffer: AlignedBuffer) throws(LogError) -> any BatchWriter {
        SimulatedBatchWriter(buffer: buffer)
    }

    /// Counts the operation and does it, or what is planned instead.
    func perform<R>(
        _ operation: String,
        _ path: String,
        onFault: (inout SimulatedDisk, Fault) -> Void = { _, _ in },
        _ body: (inout SimulatedDisk) throws(LogError) -> R
    ) throws(LogError) -> R {
        let text = "\(operation) \(path)"
        waitWhileHeld(text)
        let fault = state.withLock { $0.begin(text) }
        // Outside the lock: other threads' operations go on meanwhile.
        if case .delay(let microseconds)? = fault { usleep(microseconds) }
        let result: Result<R, LogError> = state.withLock { disk in
            do throws(LogError) {
                try disk.suffer(fault, operation, path, onFault)
                let value = try body(&disk)
                disk.completed(text)
                return .success(value)
            } catch {
                return .failure(error)
            }
        }
        return try result.get()
    }

    private func waitWhileHeld(_ text: String) {
        guard let hold = state.withLock({ $0.takeHold(on: text) }) else { return }
        for _ in 0..<2_000 where state.withLock({ !$0.isPowerLost && $0.holds[hold].eventsLeft > 0 }) { usleep(100) }
    }
}

final class SimulatedLock: DeviceLock {
    private let device: SimulatedDevice
    private let path: String
    private let isReleased = Atomic(false)

    init(device: SimulatedDevice, path: String) {
        self.device = device
        self.path = path
    }

    deinit { release() }

    func release() {
        let isFirst = isReleased.exchange(true, ordering: .acquiringAndReleasing) == false
        if isFirst { device.state.withLock { $0.unlock(path) } }
    }
}

final class SimulatedFile: DeviceFile {
    let path: String
    let isDirect = true
    private let device: SimulatedDevice
    private let inode: Int

    init(device: SimulatedDevice, path: String, inode: Int) {
        self.device = device
        self.path = path
        self.inode = inode
    }

    func byteCount() throws(LogError) -> Int {
        try device.perform("size", path) { [inode] disk in disk.inodes[inode].bytes.count }
    }

    func read(into bytes: UnsafeMutableRawBufferPointer, at offset: Int) throws(LogError) -> Int {
        try device.perform("read", path) { [inode] disk in
            let count = max(0, min(bytes.count, disk.inodes[inode].bytes.count - offset))
            disk.inodes[inode].bytes.withUnsafeBytes { source in
                guard count > 0 else { return }
                bytes.copyMemory(from: UnsafeRawBufferPointer(rebasing: source[offset..<offset + count]))
            }
            if case .flip? = disk.takeSilentFault(), count > 0 { disk.flipOneBit(of: bytes, below: count) }
            return count
        }
    }

    func write(_ bytes: UnsafeRawBufferPointer, at offset: Int) throws(LogError) {
        try write(bytes, at: offset, as: "write")
    }

    func write(_ bytes: UnsafeRawBufferPointer, at offset: Int, as operation: String) throws(LogError) {
        let block = LogFormat.blockBytes
        precondition(
            offset % block == 0 && bytes.count % block == 0 && UInt(bitPattern: bytes.baseAddress) % UInt(block) == 0,
            "O_DIRECT would refuse \(bytes.count) bytes at \(offset)"
        )
        try device.perform("\(operation) \(bytes.count) at \(offset)", path) { [inode] disk, fault in
            switch fault {
            case .short:
                disk.write(UnsafeRawBufferPointer(rebasing: bytes[0..<bytes.count / 2]), to: inode, at: offset)
            case .crash: disk.write(bytes, to: inode, at: offset)
            case .fail, .flip, .lose, .loseSector, .delay: break
            }
        } _: { [inode, path] disk throws(LogError) in
            guard disk.hasRoom(for: offset + bytes.count, in: inode) else {
                throw LogError.system(operation: operation, path: path, errno: ENOSPC)
            }
            switch disk.takeSilentFault() {
            case .lose: disk.loseWrite(bytes, to: inode, at: offset, sector: nil)
            case .loseSector(let sector): disk.loseWrite(bytes, to: inode, at: offset, sector: sector)
            case .flip:
                disk.write(bytes, to: inode, at: offset)
                disk.flipOneBit(of: inode, in: offset..<offset + bytes.count)
            default: disk.write(bytes, to: inode, at: offset)
            }
        }
    }

    func sync() throws(LogError) { try sync(as: "sync") }

    func sync(as operation: String) throws(LogError) {
        try device.perform(operation, path) { [inode] disk, fault in
            switch fault {
            case .crash: if disk.random.next() % 4 == 0 { disk.inodes[inode].sync() }
            case .fail, .short: disk.inodes[inode].loseUnsynced()
            case .flip, .lose, .loseSector, .delay: break
            }
        } _: { [inode] disk in
            if case .lose? = disk.takeSilentFault() {
                disk.inodes[inode].loseUnsynced()
            } else if !disk.ignoresSyncs {
                disk.inodes[inode].sync()
            }
        }
    }

    func close() {}
}

/// A batch is two operations, as in a linked write and sync.
final class SimulatedBatchWriter: BatchWriter {
    private let buffer: AlignedBuffer
    private var file: SimulatedFile?

    init(buffer: AlignedBuffer) { self.buffer = buffer }

    func use(_ file: any DeviceFile) throws(LogError) {
        guard let file = file as? SimulatedFile else { preconditionFailure("a file of another device") }
        self.file = file
    }

    func writeDurably(byteCount: Int, at offset: Int) throws(LogError) {
        guard let file else { preconditionFailure("a batch before its file") }
        try file.write(
            UnsafeRawBufferPointer(rebasing: buffer.bytes[0..<byteCount]),
            at: offset,
            as: "write batch"
        )
        try file.sync(as: "sync batch")
    }
}
