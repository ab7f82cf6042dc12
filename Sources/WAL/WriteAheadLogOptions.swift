extension WriteAheadLog {
    /// What can be set about a log. The values may differ from one start to the next.
    public struct Options: Sendable, Equatable {
        /// Bytes of a segment file: 64 KiB … 4 GiB, a multiple of 4096, and at least one batch and a block.
        public var segmentBytes = 64 << 20

        /// The most one batch takes on the disk, header included: 8 KiB … 1 MiB, a multiple of 4096.
        /// A record may have up to `batchBytesMax - 136` bytes.
        public var batchBytesMax = 1 << 20

        /// From this many waiting bytes on, `append` answers `LogError.saturated`: 64 KiB … 256 MiB. The call that
        /// crosses the limit is still taken, so memory is bounded by twice this and the largest call.
        public var pendingBytesMax = 8 << 20

        /// Segments kept ready, filled with zeros, in front of the one in use: 0 … 16. With 0 the log's own thread
        /// makes each segment when it needs it, and everybody waits for that. Old segments that a snapshot sets free
        /// are kept for use again up to four times this number, and removed beyond it.
        public var spareSegments = 2

        /// The longest a batch waits for more records while the log is busy: 0 … 10,000 µs after the batch before.
        /// An idle log never waits.
        public var paceMicroseconds = 500

        /// After this long without records an empty batch is written, the proof that the last one was answered:
        /// 1 … 60,000 ms.
        public var idleCoverMilliseconds = 50

        /// Snapshots kept, and with them the log from the oldest of them: 1 … 8.
        public var snapshotsKept = 2

        /// Bytes of segments that are kept although no snapshot needs them any more, for readers of the running log: 0 … 1
        /// PiB. They are let go of, oldest first, before the log says that it is short of room.
        public var keptBytes = 0

        /// Bytes that the log wants to have for itself beside the next snapshot, spares that are ready included: with
        /// less `room` says that it is short. Nil: nobody looks, and the log finds out when a write fails.
        public var reserveBytes: Int?

        /// Bytes of the newest batches that are kept in memory for readers of the running log, from the first reader on:
        /// 0 … 256 MiB.
        public var tailBytesMax = 4 << 20

        /// For golden files: fixes what is otherwise random (the log's identity, the salts).
        var fixedRandom: UInt64?

        var sparesMax: Int { 4 * spareSegments }

        public init() {}

        /// The first rule that is broken, for a message.
        var problem: String? {
            let block = LogFormat.blockBytes
            if !(8192...LogFormat.batchBytesMax).contains(batchBytesMax) || batchBytesMax % block != 0 {
                return "batchBytesMax must be 8192 … 1048576 and a multiple of 4096, not \(batchBytesMax)"
            }
            if !(65536...(4 << 30)).contains(segmentBytes) || segmentBytes % block != 0
                || segmentBytes < batchBytesMax + block
            {
                return "segmentBytes must be 65536 … 4294967296, a multiple of 4096 and at least batchBytesMax + 4096, "
                    + "not \(segmentBytes)"
            }
            if !(65536...(256 << 20)).contains(pendingBytesMax) {
                return "pendingBytesMax must be 65536 … 268435456, not \(pendingBytesMax)"
            }
            if !(0...16).contains(spareSegments) { return "spareSegments must be 0 … 16, not \(spareSegments)" }
            if !(0...10_000).contains(paceMicroseconds) {
                return "paceMicroseconds must be 0 … 10000, not \(paceMicroseconds)"
            }
            if !(1...60_000).contains(idleCoverMilliseconds) {
                return "idleCoverMilliseconds must be 1 … 60000, not \(idleCoverMilliseconds)"
            }
            if !(1...LogFormat.snapshotsMax).contains(snapshotsKept) {
                return "snapshotsKept must be 1 … \(LogFormat.snapshotsMax), not \(snapshotsKept)"
            }
            if !(0...(1 << 50)).contains(keptBytes) {
                return "keptBytes must be 0 … 1125899906842624, not \(keptBytes)"
            }
            if !(0...(256 << 20)).contains(tailBytesMax) {
                return "tailBytesMax must be 0 … 268435456, not \(tailBytesMax)"
            }
            return nil
        }
    }
}
