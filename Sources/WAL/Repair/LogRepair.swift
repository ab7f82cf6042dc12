/// Changes a folder that no server will start from, so that one will. Keeps a copy of every file that it changes.
public final class LogRepair {
    /// What is wrong with the folder, as `verify` sees it, under the lock that this holds.
    public let examination: LogExamination

    private let folder: LogFolder
    private let lock: any DeviceLock
    private let random: RandomSource

    /// Takes the folder for this process.
    ///
    /// - Throws: `locked` when a server has it, `system` when there is no such folder.
    public convenience init(folder: String, device: any LogDevice) throws(LogError) {
        try self.init(folder: folder, device: device, random: RandomSource(fixed: nil))
    }

    init(folder: String, device: any LogDevice, random: RandomSource) throws(LogError) {
        self.folder = LogFolder(path: folder, device: device)
        self.random = random
        // Before the lock, which would make its file.
        _ = try device.list(folder)
        lock = try device.lock(self.folder.path(of: LogFolder.lockName), .exclusive)
        do throws(LogError) {
            examination = try LogExamination(self.folder, lock: nil)
        } catch {
            lock.release()
            throw error
        }
    }

    deinit { lock.release() }

    /// - Throws: `LogRefusal` when it can't be done, `LogError` for what the system refused.
    public func plan(_ wish: RepairWish) throws -> RepairPlan {
        try RepairPlanner(log: examination.log, random: random).plan(wish)
    }

    /// Makes the changes, each durably before the next.
    ///
    /// - Parameter copy: a folder to be made, for the files as they were; nil keeps none.
    /// - Throws: `LogRefusal` when there is no room or `copy` is there already: nothing was changed. `LogError` for what
    ///   the system refused; the same repair can be done again then.
    public func apply(_ plan: RepairPlan, copyTo copy: String?) throws {
        if let copy { try keepCopies(of: plan.changedFiles + plan.filesGivenUp, in: copy) }
        for step in plan.steps { try folder.perform(step) }
    }

    // MARK: Copies

    private func keepCopies(of names: [String], in path: String) throws {
        let device = folder.device
        if let found = try? device.list(path), !found.isEmpty {
            throw LogRefusal("\(path) is there already; move it away, or wait a second")
        }
        var byteCount = LogFormat.batchBytesMax
        for name in names { byteCount += LogFormat.roundedUpToBlock(try folder.byteCount(of: name)) }
        try folder.requireRoom(for: byteCount)
        try device.createFolder(path)
        let copies = LogFolder(path: path, device: device)
        for name in names { try folder.copy(name, to: copies) }
        try copies.sync()
    }
}

extension LogFolder {
    /// Makes one change, durably.
    func perform(_ step: RepairPlan.Step) throws(LogError) {
        switch step {
        case .remove(let name):
            try remove(name)
            try sync()
        case .writeAgain(let batch): try batch.writeAgain(in: self)
        case .seal(let segment):
            let buffer = segment.makeBytes()
            let bytes = UnsafeRawBufferPointer(buffer.bytes).part(0..<segment.byteCount)
            try createWhole(LogFolder.segmentName(segment.header.number), bytes)
        case .cutHead(let name, let header, let offset): try cutHead(of: name, header, offset)
        case .header(let name, let header): try write(header, to: name)
        case .manifest(let manifest): try ManifestFile.replace(with: manifest, in: self)
        }
    }

    private func write(_ header: SegmentHeader, to name: String) throws(LogError) {
        let file = try open(name, .update)
        defer { file.close() }
        let block = AlignedBuffer(byteCount: LogFormat.blockBytes)
        header.write(to: block.bytes)
        try file.write(UnsafeRawBufferPointer(block.bytes), at: 0)
        try file.sync()
    }

    private func cutHead(of name: String, _ header: SegmentHeader, _ offset: Int) throws(LogError) {
        let temporary = name + LogFolder.temporarySuffix
        var header = header
        header.segmentBytes = try copy(name, from: offset, to: self, as: temporary, at: LogFormat.blockBytes)
        try write(header, to: temporary)
        try rename(temporary, to: name)
        try sync()
    }

    /// Copies a file, or its rest from `offset` on, durably but for the name; what is left of its last block is zeros.
    ///
    /// - Returns: bytes of the copy.
    @discardableResult
    func copy(
        _ name: String,
        from offset: Int = 0,
        to target: LogFolder,
        as newName: String? = nil,
        at start: Int = 0
    ) throws(LogError) -> UInt64 {
        let source = try open(name, .read)
        defer { source.close() }
        let copy = try target.open(newName ?? name, .create)
        defer { copy.close() }
        let buffer = AlignedBuffer(byteCount: 1 << 20)
        if start > 0 {
            buffer.bytes.zero(0..<start)
            try copy.write(UnsafeRawBufferPointer(buffer.bytes).part(0..<start), at: 0)
        }
        var done = 0
        while true {
            let count = try source.read(into: buffer.bytes, at: offset + done)
            let rounded = LogFormat.roundedUpToBlock(count)
            buffer.bytes.zero(count..<rounded)
            if count > 0 { try copy.write(UnsafeRawBufferPointer(buffer.bytes).part(0..<rounded), at: start + done) }
            done += rounded
            if count < buffer.bytes.count { break }
        }
        try copy.sync()
        return UInt64(start + done)
    }
}

extension ManifestFile {
    /// Puts a file with this one generation in the place of the manifest.
    static func replace(with manifest: Manifest, in folder: LogFolder) throws(LogError) {
        let buffer = AlignedBuffer(byteCount: Manifest.fileBytes)
        buffer.bytes.zero(0..<buffer.bytes.count)
        let slot = manifest.slotOffset
        manifest.write(to: UnsafeMutableRawBufferPointer(rebasing: buffer.bytes[slot..<slot + LogFormat.blockBytes]))
        try folder.createWhole(LogFolder.manifestName, UnsafeRawBufferPointer(buffer.bytes))
    }
}
