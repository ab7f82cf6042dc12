/// Writes one snapshot: the records that rebuild the state as of one position.
///
/// Used by one thread at a time. Until `finish` returns the folder's recovery does not depend on it; a writer that is
/// dropped or cancelled leaves nothing. `@unchecked Sendable` because a caller may hand it from thread to thread,
/// whole.
public final class SnapshotWriter: @unchecked Sendable {
    /// The position the snapshot stands for.
    public let position: LogPosition

    private let store: SegmentStore
    private let log: PendingRecords
    private let watermark: Watermark
    private let temporary: String
    private let file: any DeviceFile
    private let header: SnapshotHeader
    private let buffer = AlignedBuffer(byteCount: LogFormat.batchBytesMax)
    /// Bytes and records gathered for the chunk that is next.
    private var chunkPayload = 0
    private var chunkRecords = 0
    private var chunkCount: UInt64 = 0
    private var recordCount: UInt64 = 0
    private var chain: UInt32 = 0
    private var offset = LogFormat.blockBytes
    private var isOver = false

    /// The place for one snapshot was reserved by the caller; from here on this writer gives it back.
    init(at position: LogPosition, store: SegmentStore, log: PendingRecords, watermark: Watermark) throws(LogError) {
        self.position = position
        self.store = store
        self.log = log
        self.watermark = watermark
        header = SnapshotHeader(identity: store.identity, position: position.rawValue, salt: store.randomSalt())
        temporary = LogFolder.snapshotName(position.rawValue) + LogFolder.temporarySuffix
        do throws(LogError) {
            file = try store.folder.open(temporary, .create)
        } catch {
            store.endSnapshot()
            throw error
        }
    }

    deinit { cancel() }

    private static let payloadMax = LogFormat.batchBytesMax - ChunkHeader.byteCount

    /// Adds every record of the buffer, in order.
    /// - Throws: what the device answered; the snapshot is cancelled then, the log goes on.
    public func append(_ records: borrowing RecordBuffer) throws(LogError) {
        guard !isOver else { throw LogError.misused("a snapshot was finished or cancelled and then appended to") }
        let largest = records.largestPayloadBytes
        guard RecordFrames.frameBytes(payloadBytes: largest) <= Self.payloadMax else {
            throw LogError.recordTooLarge(bytes: largest, limitBytes: Self.payloadMax - RecordBuffer.frameHeaderBytes)
        }
        do throws(LogError) {
            try records.withBytes { bytes throws(LogError) in try add(bytes) }
        } catch {
            cancel()
            throw error
        }
    }

    private func add(_ bytes: UnsafeRawBufferPointer) throws(LogError) {
        var done = 0
        while done < bytes.count {
            let run = RecordRun(in: bytes, from: done, limit: Self.payloadMax - chunkPayload)
            if run.count == 0 {
                try writeChunk()
                continue
            }
            let start = ChunkHeader.byteCount + chunkPayload
            UnsafeMutableRawBufferPointer(rebasing: buffer.bytes[start...])
                .copyMemory(from: bytes.part(done..<done + run.byteCount))
            chunkPayload += run.byteCount
            chunkRecords += run.count
            done += run.byteCount
        }
    }

    private func writeChunk() throws(LogError) {
        guard chunkRecords > 0 else { return }
        var chunk = ChunkHeader(
            salt: header.salt,
            number: chunkCount,
            previousChecksum: chain,
            count: chunkRecords,
            payloadBytes: chunkPayload
        )
        let bytes = UnsafeMutableRawBufferPointer(rebasing: buffer.bytes[0..<chunk.chunkBytes])
        chunk.seal(into: bytes)
        try file.write(UnsafeRawBufferPointer(bytes), at: offset)
        offset += bytes.count
        chain = chunk.headerChecksum
        chunkCount += 1
        recordCount += UInt64(chunkRecords)
        chunkPayload = 0
        chunkRecords = 0
    }

    /// Makes the snapshot durable and part of the log, then lets go of what only older ones needed.
    ///
    /// - Throws: `LogError.misused` when the log is not durable up to the snapshot's position; what the device
    ///   answered otherwise. Most failures cost only the snapshot, or keep older files a while longer: the log goes on.
    ///   A failed sync of the folder or write of the manifest stops it, because the folder's state is unknown then.
    public func finish() throws(LogError) {
        guard !isOver else { throw LogError.misused("a snapshot was finished or cancelled twice") }
        guard watermark.position >= position else {
            throw LogError.misused("a snapshot at \(position) while the log is durable up to \(watermark.position)")
        }
        if let failure = log.failure {
            cancel()
            throw failure
        }
        do throws(LogError) {
            try writeChunk()
            try writeEnds()
            try store.folder.rename(temporary, to: LogFolder.snapshotName(position.rawValue))
        } catch {
            cancel()
            throw error
        }
        isOver = true
        defer { store.endSnapshot() }
        do throws(LogError) {
            try store.syncFolder()
            try store.add(.init(position: position.rawValue, fileBytes: UInt64(offset)))
        } catch {
            if let failure = store.failure { log.fail(failure) }
            throw error
        }
    }

    private func writeEnds() throws(LogError) {
        let trailer = SnapshotTrailer(
            header: header,
            chunkCount: chunkCount,
            recordCount: recordCount,
            fileBytes: offset + LogFormat.blockBytes,
            lastChunkChecksum: chain
        )
        let block = UnsafeMutableRawBufferPointer(rebasing: buffer.bytes[0..<LogFormat.blockBytes])
        trailer.write(to: block)
        try file.write(UnsafeRawBufferPointer(block), at: offset)
        offset += LogFormat.blockBytes
        header.write(to: block)
        try file.write(UnsafeRawBufferPointer(block), at: 0)
        try file.sync()
        file.close()
    }

    /// Gives up: removes what was written. Does nothing after `finish`.
    public func cancel() {
        guard !isOver else { return }
        isOver = true
        file.close()
        // What can't be removed now is removed at the next start, by its name.
        try? store.folder.remove(temporary)
        store.endSnapshot()
    }
}
