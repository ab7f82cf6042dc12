@testable import WAL

/// The files of a small log: a manifest, a segment that another follows, the last one, and a snapshot.
enum LogImage {
    static let folder = "/log"

    struct File {
        var path: String
        var bytes: [UInt8]
        var isLost = false
    }

    /// A record as this reader finds it; without a position in a snapshot.
    struct Record {
        var position: UInt64?
        var payload: [UInt8]
    }

    static let sound: [File] = {
        let identity = LogIdentity(high: 0x0123_4567_89AB_CDEF, low: 0xFEDC_BA98_7654_3210)
        var point = ChainPoint()
        let first = segment(1, identity, &point, batches: [3, 1, 2], blocks: 5)
        let second = segment(2, identity, &point, batches: [1, 4, 0], blocks: 6)
        let position: UInt64 = 2
        let taken = snapshot(position, identity, chunks: [2, 1])
        var manifest = Manifest(identity: identity)
        (manifest.generation, manifest.epoch, manifest.newestSegment, manifest.oldestSegment) = (4, 2, 2, 1)
        manifest.snapshots = [Manifest.Snapshot(position: position, fileBytes: UInt64(taken.bytes.count))]
        return [manifestFile(manifest), first, second, taken]
    }()

    private static func manifestFile(_ manifest: Manifest) -> File {
        var bytes = [UInt8](repeating: 0, count: Manifest.fileBytes)
        for generation in [manifest.generation - 1, manifest.generation] {
            var manifest = manifest
            manifest.generation = generation
            write(manifest.slotOffset, LogFormat.blockBytes, of: &bytes) { manifest.write(to: $0) }
        }
        return File(path: "\(folder)/\(LogFolder.manifestName)", bytes: bytes)
    }

    private static func segment(
        _ number: UInt64,
        _ identity: LogIdentity,
        _ point: inout ChainPoint,
        batches: [Int],
        blocks: Int
    ) -> File {
        var bytes = [UInt8](repeating: 0, count: blocks * LogFormat.blockBytes)
        let header = SegmentHeader(
            identity: identity,
            number: number,
            salt: 77 + number,
            epoch: number,
            start: point,
            segmentBytes: bytes.count
        )
        write(0, LogFormat.blockBytes, of: &bytes) { header.write(to: $0) }
        var offset = LogFormat.blockBytes
        for count in batches {
            let records = records(count, from: point.nextPosition)
            var batch = BatchHeader(
                of: header,
                at: point,
                durableBatch: point.nextBatch - 1,
                count: count,
                payloadBytes: records.count
            )
            write(offset, batch.batchBytes, of: &bytes) { target in
                copy(records, to: BatchHeader.byteCount, of: target)
                batch.seal(into: target)
            }
            offset += batch.batchBytes
            point = batch.end
        }
        return File(path: "\(folder)/\(LogFolder.segmentName(number))", bytes: bytes)
    }

    private static func snapshot(_ position: UInt64, _ identity: LogIdentity, chunks: [Int]) -> File {
        let header = SnapshotHeader(identity: identity, position: position, salt: 99)
        var bytes = [UInt8](repeating: 0, count: LogFormat.blockBytes)
        write(0, LogFormat.blockBytes, of: &bytes) { header.write(to: $0) }
        var (number, previous, count) = (UInt64(0), UInt32(0), UInt64(0))
        for records in chunks {
            let payload = self.records(records, from: 1_000 + count)
            var chunk = ChunkHeader(
                salt: header.salt,
                number: number,
                previousChecksum: previous,
                count: records,
                payloadBytes: payload.count
            )
            let start = bytes.count
            bytes += [UInt8](repeating: 0, count: chunk.chunkBytes)
            write(start, chunk.chunkBytes, of: &bytes) { target in
                copy(payload, to: ChunkHeader.byteCount, of: target)
                chunk.seal(into: target)
            }
            (number, previous, count) = (number + 1, chunk.headerChecksum, count + UInt64(records))
        }
        let start = bytes.count
        bytes += [UInt8](repeating: 0, count: LogFormat.blockBytes)
        let trailer = SnapshotTrailer(
            header: header,
            chunkCount: number,
            recordCount: count,
            fileBytes: bytes.count,
            lastChunkChecksum: previous
        )
        write(start, LogFormat.blockBytes, of: &bytes) { trailer.write(to: $0) }
        return File(path: "\(folder)/\(LogFolder.snapshotName(position))", bytes: bytes)
    }

    /// Framed records whose payloads tell their positions.
    private static func records(_ count: Int, from position: UInt64) -> [UInt8] {
        var buffer = RecordBuffer(capacity: 1_024)
        for position in position..<position + UInt64(count) {
            buffer.beginRecord()
            buffer.write(position &* 0x9E37_79B9_7F4A_7C15)
            for _ in 0..<position % 3 { buffer.write(UInt8(truncatingIfNeeded: position)) }
            buffer.endRecord()
        }
        return buffer.withBytes { Array($0) }
    }

    private static func write(
        _ offset: Int,
        _ count: Int,
        of bytes: inout [UInt8],
        _ body: (UnsafeMutableRawBufferPointer) -> Void
    ) {
        bytes.withUnsafeMutableBytes { body(UnsafeMutableRawBufferPointer(rebasing: $0[offset..<offset + count])) }
    }

    private static func copy(_ bytes: [UInt8], to offset: Int, of target: UnsafeMutableRawBufferPointer) {
        UnsafeMutableRawBufferPointer(rebasing: target[offset..<offset + bytes.count]).copyBytes(from: bytes)
    }
}

// MARK: - Damage

extension LogImage.File {
    /// Gives a segment or a snapshot another number.
    mutating func rename(to number: UInt64) {
        let name = String(path.dropFirst(LogImage.folder.utf8.count + 1))
        if LogFolder.segmentNumber(name) != nil { path = "\(LogImage.folder)/\(LogFolder.segmentName(number))" }
        if LogFolder.snapshotPosition(name) != nil { path = "\(LogImage.folder)/\(LogFolder.snapshotName(number))" }
    }

    mutating func copyBlock(from offset: Int, to block: Int) {
        let size = LogFormat.blockBytes
        let source = offset / size * size
        guard source + size <= bytes.count, (block + 1) * size <= bytes.count else { return }
        bytes.replaceSubrange(block * size..<(block + 1) * size, with: Array(bytes[source..<source + size]))
    }

    /// Makes checksums, and the names of the ones before, right again, block after block.
    mutating func mend(headers: Bool, bodies: Bool, chain: Bool) {
        var previous: UInt64 = 0
        for start in stride(from: 0, to: bytes.count - bytes.count % LogFormat.blockBytes, by: LogFormat.blockBytes) {
            bytes.withUnsafeMutableBytes { bytes in
                let rest = UnsafeMutableRawBufferPointer(rebasing: bytes[start...])
                let magic = UnsafeRawBufferPointer(rest).integer(at: 0, as: UInt64.self)
                switch magic {
                case SegmentHeader.magic:
                    previous = UnsafeRawBufferPointer(rest).integer(at: 72)
                    if headers {
                        HeaderBlock.seal(UnsafeMutableRawBufferPointer(rebasing: rest[..<LogFormat.blockBytes]))
                    }
                case Manifest.magic, SnapshotHeader.magic, SnapshotTrailer.magic:
                    if headers {
                        HeaderBlock.seal(UnsafeMutableRawBufferPointer(rebasing: rest[..<LogFormat.blockBytes]))
                    }
                default:
                    if bodies { Self.mendRun(rest, chain ? previous : nil) }
                    if let run = LogImage.Run(UnsafeRawBufferPointer(rest)) { previous = run.checksum }
                }
            }
        }
    }

    private static func mendRun(_ rest: UnsafeMutableRawBufferPointer, _ previous: UInt64?) {
        guard let run = LogImage.Run(UnsafeRawBufferPointer(rest)), run.byteCount <= rest.count else { return }
        let headerBytes = run.headerBytes
        let isBatch = headerBytes == BatchHeader.byteCount
        if let previous {
            if isBatch { rest.put(previous, at: 64) } else { rest.put(UInt32(truncatingIfNeeded: previous), at: 36) }
        }
        let body = crc32c(UnsafeRawBufferPointer(rest).part(headerBytes..<run.byteCount))
        rest.put(body, at: isBatch ? 80 : 32)
        rest.put(crc32c(UnsafeRawBufferPointer(rest).part(0..<headerBytes - 4)), at: headerBytes - 4)
    }

    /// Every record in a batch or chunk whose two checksums are right, wherever it stands.
    var wholeRecords: [LogImage.Record] {
        var records: [LogImage.Record] = []
        bytes.withUnsafeBytes { bytes in
            for start in stride(from: 0, to: bytes.count, by: LogFormat.blockBytes) {
                let rest = UnsafeRawBufferPointer(rebasing: bytes[start...])
                guard let run = LogImage.Run(rest), run.isWhole(rest) else { continue }
                var position = run.firstPosition
                var frames = RecordFrames(rest.part(run.headerBytes..<run.headerBytes + run.payloadBytes))
                while let payload = frames.next() {
                    records.append(LogImage.Record(position: position, payload: Array(payload)))
                    position = position.map { $0 &+ 1 }
                }
            }
        }
        return records
    }
}

extension LogImage {
    /// A batch or a chunk, read by FORMAT.md and without trusting it.
    struct Run {
        let headerBytes: Int
        let payloadBytes: Int
        let firstPosition: UInt64?
        /// What the next one repeats.
        let checksum: UInt64
        private let bodyChecksum: UInt32

        var byteCount: Int { LogFormat.roundedUpToBlock(headerBytes + payloadBytes) }

        init?(_ bytes: UnsafeRawBufferPointer) {
            guard bytes.count >= LogFormat.blockBytes else { return nil }
            switch bytes.integer(at: 0, as: UInt32.self) {
            case BatchHeader.magic:
                headerBytes = BatchHeader.byteCount
                payloadBytes = Int(bytes.integer(at: 76, as: UInt32.self))
                firstPosition = bytes.integer(at: 48)
                bodyChecksum = bytes.integer(at: 80)
                checksum = UInt64(bytes.integer(at: 124, as: UInt32.self)) << 32 | UInt64(bodyChecksum)
            case ChunkHeader.magic:
                headerBytes = ChunkHeader.byteCount
                payloadBytes = Int(bytes.integer(at: 28, as: UInt32.self))
                firstPosition = nil
                bodyChecksum = bytes.integer(at: 32)
                checksum = UInt64(bytes.integer(at: 60, as: UInt32.self))
            default: return nil
            }
        }

        func isWhole(_ bytes: UnsafeRawBufferPointer) -> Bool {
            byteCount <= bytes.count && crc32c(bytes.part(headerBytes..<byteCount)) == bodyChecksum
                && crc32c(bytes.part(0..<headerBytes - 4)) == bytes.integer(at: headerBytes - 4, as: UInt32.self)
        }
    }
}
