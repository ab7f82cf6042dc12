/// Copies a log into another folder while its server goes on writing it. Asks nothing of the server and changes nothing.
///
/// Snapshots keep their content for as long as they are open. A segment may be taken for another use at any time; that
/// begins with another header, before anything else in it changes. So a segment's batches were read whole if the header
/// is still the same afterwards, and every batch is checked on the way as recovery does. When one was taken, all begins
/// again, and soon with the newest snapshot only: what that needs is kept for two more snapshots.
///
/// Everything answered before the copy began is in it: it ends with the last whole batch, read after that.
public final class LogBackup {
    public struct Result: Sendable, Equatable {
        /// Positions, newest first.
        public var snapshots: [UInt64] = []
        public var segmentCount = 0
        /// Position of the last record; that of the newest snapshot when no record is behind it.
        public var lastPosition: UInt64 = 0
        public var byteCount = 0
        /// How often something was taken away meanwhile.
        public var retries = 0
    }

    /// What was being copied has gone: not an error, all begins again.
    private struct Gone: Error {}

    private static let attemptsMax = 20
    /// From this attempt on older snapshots and what only they need are left out.
    private static let attemptsWithEverything = 2

    private let source: LogFolder
    private let target: LogFolder
    private let random = RandomSource(fixed: nil)
    private let buffer = AlignedBuffer(byteCount: 4 << 20)

    /// - Parameter target: an empty folder.
    public init(from source: String, to target: String, device: any LogDevice) {
        self.source = LogFolder(path: source, device: device)
        self.target = LogFolder(path: target, device: device)
    }

    /// - Throws: `LogError.corrupt` when the log is damaged, `system` for what the system refused, `LogRefusal` when there
    ///   is no room or snapshots follow each other faster than they can be copied.
    public func run() throws -> Result {
        for attempt in 0..<Self.attemptsMax {
            do {
                var result = try copyAll(newestOnly: attempt >= Self.attemptsWithEverything)
                result.retries = attempt
                return result
            } catch is Gone {
                try target.removeLogFiles()
            } catch LogError.system(_, let path, let errno) where errno == Self.noSuchFile && isOurs(path) {
                try target.removeLogFiles()
            }
        }
        throw LogRefusal(
            "\(source.path) let go of what was being copied \(Self.attemptsMax) times: snapshots follow each other faster "
                + "than they can be copied. Set --snapshot-seconds and --snapshot-records higher"
        )
    }

    /// A file that was in the folder when it was listed. Nobody takes away the manifest.
    private func isOurs(_ path: String) -> Bool {
        path.hasPrefix(source.path + "/") && path != source.path(of: LogFolder.manifestName)
    }

    private func copyAll(newestOnly: Bool) throws -> Result {
        let manifest = try ManifestFile.read(in: source)
        let names = try source.list()
        var result = Result()
        var snapshots: [Manifest.Snapshot] = []
        for position in names.compactMap(LogFolder.snapshotPosition).sorted(by: >) {
            guard let bytes = try copySnapshot(position, manifest.identity, isNeeded: snapshots.isEmpty) else {
                continue
            }
            snapshots.append(.init(position: position, fileBytes: bytes))
            if newestOnly { break }
        }
        let first = newestOnly ? (snapshots.first?.position ?? 0) + 1 : 1
        let end = try copySegments(names, first, manifest.identity, &result)
        try seal(end, snapshots, manifest)
        result.snapshots = snapshots.map(\.position)
        result.byteCount += snapshots.reduce(0) { $0 + Int($1.fileBytes) }
        result.lastPosition = end.point.nextPosition - 1
        return result
    }

    // MARK: Snapshots

    /// - Returns: its bytes; nil for an older one that is damaged or gone.
    private func copySnapshot(_ position: UInt64, _ identity: LogIdentity, isNeeded: Bool) throws -> UInt64? {
        let name = LogFolder.snapshotName(position)
        do {
            try target.requireRoom(for: try source.byteCount(of: name))
            let bytes = try source.copy(name, to: target)
            let reader = try SnapshotReader(in: target, position: position, identity: identity)
            defer { reader.close() }
            try reader.verify()
            return bytes
        } catch LogError.corrupt {
            try target.remove(name)
            return nil
        } catch LogError.system(_, _, let errno) where errno == Self.noSuchFile && !isNeeded {
            return nil
        }
    }

    private static let noSuchFile: Int32 = 2

    // MARK: Segments

    /// Where the copy ends.
    private struct End {
        var point: ChainPoint
        var header: SegmentHeader
        var oldestSegment: UInt64
    }

    private func copySegments(
        _ names: [String],
        _ first: UInt64,
        _ identity: LogIdentity,
        _ result: inout Result
    ) throws -> End {
        var numbers = names.compactMap(LogFolder.segmentNumber).sorted()
        var headers: [SegmentHeader] = []
        for number in numbers { headers.append(try readHeader(number, identity)) }
        guard let index = headers.lastIndex(where: { $0.start.nextPosition <= first }) ?? headers.indices.first else {
            throw LogRefusal("\(source.path) has no log yet")
        }
        headers.removeFirst(index)
        var end = End(point: headers[0].start, header: headers[0], oldestSegment: headers[0].number)
        var next = 0
        while next < headers.count {
            end.header = headers[next]
            let copy = try SegmentCopy(of: headers[next], from: source, to: target, at: end.point, buffer)
            defer { copy.close() }
            while true {
                let successor = next + 1 < headers.count ? headers[next + 1] : nil
                if try copy.advance(until: successor) { break }
                guard successor == nil else { throw try copy.isGone() ? Gone() : copy.damage("it ends too early") }
                // The end, unless the log has gone on in another segment meanwhile.
                numbers = try source.list().compactMap(LogFolder.segmentNumber).filter { $0 > headers[next].number }
                    .sorted()
                for number in numbers { headers.append(try readHeader(number, identity)) }
                if !numbers.isEmpty { continue }
                if try copy.isAtEnd() { break }
            }
            end.point = copy.point
            result.byteCount += try copy.finish()
            if try copy.isGone() { throw Gone() }
            result.segmentCount += 1
            next += 1
        }
        return end
    }

    private func readHeader(_ number: UInt64, _ identity: LogIdentity) throws -> SegmentHeader {
        let header = try source.segmentHeader(number)
        guard header.number == number && header.identity == identity else { throw Gone() }
        return header
    }

    // MARK: The end

    /// Says in an empty segment where the log ends, so that nothing before it can be taken for a torn write, and makes
    /// everything durable.
    private func seal(_ end: End, _ snapshots: [Manifest.Snapshot], _ manifest: Manifest) throws(LogError) {
        let header = SegmentHeader(
            identity: manifest.identity,
            number: end.header.number + 1,
            salt: random.next(),
            epoch: end.header.epoch + 1,
            start: end.point,
            segmentBytes: LogFormat.blockBytes
        )
        let segment = SealedSegment(header)
        let bytes = segment.makeBytes()
        try target.createWhole(LogFolder.segmentName(header.number), UnsafeRawBufferPointer(bytes.bytes))
        var sealed = Manifest(identity: manifest.identity)
        sealed.generation = 1
        sealed.epoch = header.epoch
        sealed.newestSegment = header.number
        sealed.oldestSegment = end.oldestSegment
        sealed.snapshots = Array(snapshots.prefix(LogFormat.snapshotsMax))
        sealed.origins = manifest.origins
        try ManifestFile.replace(with: sealed, in: target)
    }
}

/// One segment on its way into another folder: header and whole batches, nothing behind them.
private final class SegmentCopy {
    private(set) var point: ChainPoint

    private let header: SegmentHeader
    private let source: any DeviceFile
    private let copy: any DeviceFile
    private let folder: LogFolder
    private let buffer: AlignedBuffer
    private var window: FileWindow
    private var offset = LogFormat.blockBytes

    init(
        of header: SegmentHeader,
        from folder: LogFolder,
        to target: LogFolder,
        at point: ChainPoint,
        _ buffer: AlignedBuffer
    ) throws {
        self.header = header
        self.point = point
        self.folder = folder
        self.buffer = buffer
        let name = LogFolder.segmentName(header.number)
        source = try folder.open(name, .read)
        window = try FileWindow(source, buffer: buffer)
        try target.requireRoom(for: window.byteCount)
        copy = try target.open(name, .create)
        guard point == header.start else { throw damage("it does not continue the segment before it") }
    }

    func close() {
        source.close()
        copy.close()
    }

    /// Copies whole batches.
    /// - Returns: true when the log goes on with the successor; false at something that is not a whole batch.
    func advance(until successor: SegmentHeader?) throws -> Bool {
        // What was read of the end before may have been written since.
        window = try FileWindow(source, buffer: buffer)
        while true {
            if let successor, point.nextBatch == successor.start.nextBatch {
                guard point == successor.start else { throw damage("the next segment does not continue it") }
                return true
            }
            guard let (batch, bytes) = try window.wholeBatch(at: offset, of: header) else { return false }
            if let contradiction = batch.contradiction(to: point) ?? batch.problem(ofRecordsIn: bytes) {
                throw damage(contradiction)
            }
            try copy.write(bytes, at: offset)
            point = batch.end
            offset += bytes.count
        }
    }

    /// Whether the log ends here: no later batch says that the one that is not whole was durable.
    /// - Throws: `LogError.corrupt` when it does not, and the batch is still not whole.
    func isAtEnd() throws -> Bool {
        do {
            window = try FileWindow(source, buffer: buffer)
            if try window.wholeBatch(at: offset, of: header) != nil { return false }
            _ = try TailRule(header: header, window: window).end(bad: point, at: offset)
            return true
        } catch LogError.corrupt(let file, let offset, let reason) {
            // Both may have been written between the two looks.
            window = try FileWindow(source, buffer: buffer)
            if try window.wholeBatch(at: self.offset, of: header) != nil { return false }
            // What is left of it in the file bears no witness when the file is another's by now.
            if try isGone() { return true }
            throw LogError.corrupt(file: file, offset: offset, reason: reason)
        }
    }

    /// The file was taken for another use: what was read last may be of that.
    func isGone() throws -> Bool {
        let block = AlignedBuffer(byteCount: LogFormat.blockBytes)
        let count = try source.read(into: block.bytes, at: 0)
        let bytes = UnsafeRawBufferPointer(block.bytes).part(0..<count)
        return (try? SegmentHeader(reading: bytes, file: source.path)) != header
    }

    /// Makes the copy durable, and what it was made from: a copy must not know more than the log will after a crash.
    /// - Returns: bytes of the copy.
    func finish() throws -> Int {
        try source.sync()
        var shorter = header
        shorter.segmentBytes = UInt64(offset)
        let block = AlignedBuffer(byteCount: LogFormat.blockBytes)
        shorter.write(to: block.bytes)
        try copy.write(UnsafeRawBufferPointer(block.bytes), at: 0)
        try copy.sync()
        return offset
    }

    func damage(_ reason: String) -> LogError {
        .corrupt(file: folder.path(of: LogFolder.segmentName(header.number)), offset: offset, reason: reason)
    }
}

extension LogFolder {
    func byteCount(of name: String) throws(LogError) -> Int {
        let file = try open(name, .read)
        defer { file.close() }
        return try file.byteCount()
    }

    func segmentHeader(_ number: UInt64) throws(LogError) -> SegmentHeader {
        let file = try open(Self.segmentName(number), .read)
        defer { file.close() }
        let block = AlignedBuffer(byteCount: LogFormat.blockBytes)
        let count = try file.read(into: block.bytes, at: 0)
        return try SegmentHeader(reading: UnsafeRawBufferPointer(block.bytes).part(0..<count), file: file.path)
    }

    func requireRoom(for byteCount: Int) throws {
        let free = try device.freeBytes(of: path)
        guard free >= byteCount else {
            throw LogRefusal("\(byteCount) bytes are needed and the filesystem of \(path) has \(free); free some space")
        }
    }

    /// Everything but the lock.
    func removeLogFiles() throws(LogError) {
        for name in try list() where name != Self.lockName { try remove(name) }
        try sync()
    }
}
