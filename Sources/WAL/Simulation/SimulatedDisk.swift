import Glibc

/// What a `SimulatedDevice` holds: files as a running program sees them, and as a crash would leave them.
struct SimulatedDisk: Sendable {
    enum NameChange: Sendable {
        case create(String, inode: Int)
        case rename(String, String, inode: Int)
        /// A folder with everything in it.
        case renameFolder(String, String)
        case remove(String)
    }

    var random: SimulatedRandom
    let sectorBytes: Int
    var inodes: [SimulatedInode] = []
    /// As programs see them.
    var names: [String: Int] = [:]
    /// As they are without the changes that no folder sync has covered.
    var durableNames: [String: Int] = [:]
    var unsyncedNames: [NameChange] = []
    var folders: Set<String> = []
    /// Count of holders, or -1 for one that is exclusive.
    var locks: [String: Int] = [:]

    var operations: [String] = []
    var faults: [Int: SimulatedDevice.Fault] = [:]
    var namedFaults: [SimulatedMatch] = []
    var holds: [SimulatedHold] = []
    var capacityBytes = Int.max
    var isPowerLost = false
    var ignoresSyncs = false
    private(set) var hasLostData = false
    /// What the operation that is being done suffers without saying so.
    private var silentFault: SimulatedDevice.Fault?

    init(seed: UInt64, sectorBytes: Int) {
        random = SimulatedRandom(seed: seed)
        self.sectorBytes = sectorBytes
    }

    // MARK: Operations and faults

    /// Counts an operation; the fault that is planned for it.
    mutating func begin(_ operation: String) -> SimulatedDevice.Fault? {
        operations.append(operation)
        var fault = faults[operations.count]
        for index in namedFaults.indices where namedFaults[index].matches(operation) {
            fault = namedFaults[index].fault
        }
        return fault
    }

    /// The hold that begins with this operation.
    mutating func takeHold(on operation: String) -> Int? {
        holds.indices.first { holds[$0].matches(operation) }
    }

    mutating func completed(_ operation: String) {
        for index in holds.indices where operation.hasPrefix(holds[index].event) { holds[index].eventsLeft -= 1 }
    }

    /// Throws when the operation is to fail; `onFault` does the part of it that happens all the same.
    mutating func suffer(
        _ fault: SimulatedDevice.Fault?,
        _ operation: String,
        _ path: String,
        _ onFault: (inout SimulatedDisk, SimulatedDevice.Fault) -> Void
    ) throws(LogError) {
        silentFault = nil
        if isPowerLost { throw LogError.system(operation: "(no power) \(operation)", path: path, errno: EIO) }
        guard let fault else { return }
        switch fault {
        case .delay: return
        case .flip, .lose, .loseSector: silentFault = fault
        case .fail(let errno):
            onFault(&self, fault)
            throw LogError.system(operation: operation, path: path, errno: errno)
        case .short:
            onFault(&self, fault)
            throw LogError.system(operation: operation, path: path, errno: operation.hasPrefix("write") ? ENOSPC : EIO)
        case .crash:
            onFault(&self, fault)
            isPowerLost = true
            throw LogError.system(operation: "(power lost) \(operation)", path: path, errno: EIO)
        }
    }

    mutating func takeSilentFault() -> SimulatedDevice.Fault? {
        defer { silentFault = nil }
        return silentFault
    }

    mutating func flipOneBit(of bytes: UnsafeMutableRawBufferPointer, below count: Int) {
        bytes[random.below(count)] ^= 1 << UInt8(random.below(8))
    }

    mutating func flipOneBit(of inode: Int, in range: Range<Int>) {
        inodes[inode].bytes[range.lowerBound + random.below(range.count)] ^= 1 << UInt8(random.below(8))
    }

    // MARK: Names

    mutating func makeInode() -> Int {
        inodes.append(SimulatedInode(bytes: [], durableCount: 0))
        return inodes.count - 1
    }

    mutating func open(_ path: String, _ access: FileAccess) throws(LogError) -> Int {
        if let inode = names[path] {
            if access == .create { inodes[inode].truncate() }
            return inode
        }
        guard access == .create else { throw LogError.system(operation: "open", path: path, errno: ENOENT) }
        let inode = makeInode()
        change(.create(path, inode: inode))
        return inode
    }

    mutating func rename(_ path: String, to newPath: String) throws(LogError) {
        guard let inode = names[path] else {
            throw LogError.system(operation: "rename", path: path, errno: ENOENT)
        }
        change(.rename(path, newPath, inode: inode))
    }

    /// The old name stays the name of an empty folder: a crash may bring its content back.
    mutating func renameFolder(_ path: String, to newPath: String) {
        folders.insert(newPath)
        change(.renameFolder(path, newPath))
    }

    mutating func remove(_ path: String) throws(LogError) {
        guard names[path] != nil else { throw LogError.system(operation: "remove", path: path, errno: ENOENT) }
        change(.remove(path))
    }

    private mutating func change(_ change: NameChange) {
        Self.apply(change, to: &names)
        unsyncedNames.append(change)
    }

    /// Not simply the names as programs see them: those that an earlier sync failed to store stay lost.
    mutating func syncNames() {
        for change in unsyncedNames { Self.apply(change, to: &durableNames) }
        unsyncedNames = []
    }

    private static func apply(_ change: NameChange, to names: inout [String: Int]) {
        switch change {
        case .create(let path, let inode): names[path] = inode
        case .remove(let path): names[path] = nil
        case .rename(let path, let newPath, let inode):
            names[path] = nil
            names[newPath] = inode
        case .renameFolder(let path, let newPath):
            for (name, inode) in names where name.hasPrefix(path + "/") {
                names[name] = nil
                names[newPath + name.dropFirst(path.count)] = inode
            }
        }
    }

    mutating func lock(_ path: String, _ mode: LockMode) throws(LogError) {
        if names[path] == nil {
            guard mode == .exclusive else { throw LogError.system(operation: "open", path: path, errno: ENOENT) }
            change(.create(path, inode: makeInode()))
        }
        let holders = locks[path] ?? 0
        guard mode == .exclusive ? holders == 0 : holders >= 0 else {
            throw LogError.locked(folder: path.split(separator: "/").dropLast().joined(separator: "/"))
        }
        locks[path] = mode == .exclusive ? -1 : holders + 1
    }

    mutating func unlock(_ path: String) {
        guard let holders = locks[path] else { return }
        locks[path] = holders > 1 ? holders - 1 : nil
    }

    // MARK: Bytes

    func hasRoom(for byteCount: Int, in inode: Int) -> Bool {
        byteCount - inodes[inode].bytes.count <= max(0, freeBytes)
    }

    /// What is left of the capacity; less than nothing when that was lowered below what is used.
    var freeBytes: Int {
        if capacityBytes == .max { return .max }
        return capacityBytes - names.values.reduce(0) { $0 + inodes[$1].bytes.count }
    }

    mutating func write(_ bytes: UnsafeRawBufferPointer, to inode: Int, at offset: Int) {
        inodes[inode].write(bytes, at: offset, sectorBytes: sectorBytes)
    }

    /// Stores all but the lost sector, or nothing; the file has the size that it would have.
    mutating func loseWrite(_ bytes: UnsafeRawBufferPointer, to inode: Int, at offset: Int, sector lost: Int?) {
        inodes[inode].grow(to: offset + bytes.count)
        for (index, start) in stride(from: 0, to: bytes.count, by: sectorBytes).enumerated() {
            let part = bytes.part(start..<min(start + sectorBytes, bytes.count))
            if lost == nil || lost == index {
                let range = offset + start..<offset + start + part.count
                hasLostData = hasLostData || !inodes[inode].bytes[range].elementsEqual(part)
            } else {
                write(part, to: inode, at: offset + start)
            }
        }
    }

    // MARK: Power loss

    /// The disk after the power came back.
    func afterPowerLoss() -> SimulatedDisk {
        var next = copied()
        next.names = durableNames
        // A file system that journals names in order brings some first part of the changes through, others any of them.
        let isOrdered = next.random.below(2) == 0
        let first = next.random.below(unsyncedNames.count + 1)
        for (index, change) in unsyncedNames.enumerated() {
            if isOrdered ? index < first : next.random.below(2) == 0 { Self.apply(change, to: &next.names) }
        }
        next.durableNames = next.names
        next.unsyncedNames = []
        // Everything, nothing, and anything in between should be common.
        let survivalPercent = [0, 50, 100][next.random.below(3)]
        for index in next.inodes.indices {
            next.inodes[index].losePower(sectorBytes: sectorBytes) { next.random.below(100) < survivalPercent }
        }
        return next
    }

    func copied() -> SimulatedDisk {
        var next = self
        next.locks = [:]
        next.operations = []
        next.faults = [:]
        next.namedFaults = []
        next.holds = []
        next.isPowerLost = false
        next.random = SimulatedRandom(seed: random.state &+ UInt64(operations.count))
        return next
    }
}

/// One file's bytes: as read, and for sectors written since the last sync, as they were before.
struct SimulatedInode: Sendable {
    var bytes: [UInt8]
    /// Bytes the file durably has; sectors beyond it have no earlier content.
    var durableCount: Int
    private var overwritten: [Int: ArraySlice<UInt8>] = [:]
    /// Sectors whose sync failed: they look written and clean, and are not on the disk.
    private var lost: [Int: ArraySlice<UInt8>] = [:]

    init(bytes: [UInt8], durableCount: Int) {
        self.bytes = bytes
        self.durableCount = durableCount
    }

    mutating func write(_ source: UnsafeRawBufferPointer, at offset: Int, sectorBytes: Int) {
        let end = offset + source.count
        for sector in offset / sectorBytes..<(end + sectorBytes - 1) / sectorBytes {
            let start = sector * sectorBytes
            if start < durableCount, overwritten[sector] == nil {
                // A copy: a slice of `bytes` would make the next write copy the whole file.
                let before = Array(bytes[start..<min(start + sectorBytes, durableCount)])[...]
                overwritten[sector] = lost.removeValue(forKey: sector) ?? before
            }
        }
        grow(to: end)
        bytes.withUnsafeMutableBytes { target in
            UnsafeMutableRawBufferPointer(rebasing: target[offset..<end]).copyMemory(from: source)
        }
    }

    mutating func grow(to count: Int) {
        if count > bytes.count { bytes += [UInt8](repeating: 0, count: count - bytes.count) }
    }

    /// As a file system does it for a file that is opened to be emptied: at once.
    mutating func truncate() { self = SimulatedInode(bytes: [], durableCount: 0) }

    mutating func sync() {
        overwritten = [:]
        durableCount = bytes.count
    }

    mutating func loseUnsynced() {
        lost.merge(overwritten) { first, _ in first }
        overwritten = [:]
    }

    mutating func losePower(sectorBytes: Int, survives: () -> Bool) {
        for (sector, before) in overwritten.sorted(by: { $0.key < $1.key }) where !survives() {
            restore(sector, before, sectorBytes)
        }
        for (sector, before) in lost { restore(sector, before, sectorBytes) }
        overwritten = [:]
        lost = [:]
        if bytes.count > durableCount {
            if !survives() { bytes.removeLast(bytes.count - durableCount) }
            for start in stride(from: durableCount, to: bytes.count, by: sectorBytes) where !survives() {
                let end = min(start + sectorBytes, bytes.count)
                bytes.replaceSubrange(start..<end, with: [UInt8](repeating: 0, count: end - start))
            }
        }
        durableCount = bytes.count
    }

    private mutating func restore(_ sector: Int, _ before: ArraySlice<UInt8>, _ sectorBytes: Int) {
        bytes.replaceSubrange(sector * sectorBytes..<sector * sectorBytes + before.count, with: before)
    }
}

/// A fault for an operation that is known by its text.
struct SimulatedMatch: Sendable {
    let prefix: String
    var remaining: Int
    let fault: SimulatedDevice.Fault

    mutating func matches(_ operation: String) -> Bool {
        guard remaining > 0, operation.hasPrefix(prefix) else { return false }
        remaining -= 1
        return remaining == 0
    }
}

/// An operation that waits for another thread's.
struct SimulatedHold: Sendable {
    let prefix: String
    var remaining: Int
    let event: String
    var eventsLeft: Int

    mutating func matches(_ operation: String) -> Bool {
        guard remaining > 0, operation.hasPrefix(prefix) else { return false }
        remaining -= 1
        return remaining == 0
    }
}

/// SplitMix64: small, and the same everywhere.
struct SimulatedRandom: Sendable {
    private(set) var state: UInt64

    init(seed: UInt64) { state = seed }

    mutating func next() -> UInt64 {
        state &+= 0x9E37_79B9_7F4A_7C15
        var mixed = state
        mixed = (mixed ^ (mixed >> 30)) &* 0xBF58_476D_1CE4_E5B9
        mixed = (mixed ^ (mixed >> 27)) &* 0x94D0_49BB_1331_11EB
        return mixed ^ (mixed >> 31)
    }

    /// 0 ..< bound.
    mutating func below(_ bound: Int) -> Int { Int(next() % UInt64(bound)) }
}
