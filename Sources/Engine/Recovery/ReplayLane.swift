import WAL

/// Records on their way from the reader of a start to the lane that applies them.
final class ReplayRun {
    enum Source: Int {
        case snapshot, log
    }

    /// A run is handed over when it has so many bytes; its last record may go beyond.
    static let bytesMax = 256 << 10

    var source = Source.snapshot
    /// Each record's number, then its payload.
    var records: RecordBuffer

    init(bytes: Int) { records = RecordBuffer(capacity: bytes + bytes / 4) }
}

/// What kept a record from being applied. The one that came first is told, whichever lane met its own first.
struct ReplayFailure: Error {
    let source: ReplayRun.Source
    /// The record's place in the snapshot, its position in the log.
    let number: UInt64
    let error: any Error

    func isBefore(_ other: ReplayFailure) -> Bool {
        (source.rawValue, number) < (other.source.rawValue, other.number)
    }
}

/// A part of the events, and the thread that applies their records: events know nothing of each other, so each event's
/// records in their order is all the order there is.
///
/// The reader fills runs and hands them over; at most `runsMax` are under way, then it waits. Without a thread a run is
/// applied when it is handed over.
///
/// `@unchecked Sendable`: `free`, `filled`, `isEnded` and `failure` are guarded by `monitor`; `current` is the reader's;
/// `recovery` is the thread's until the reader has joined it; a run belongs to whoever has taken it.
final class ReplayLane: @unchecked Sendable {
    private static let runsMax = 4

    private let monitor = Monitor()
    private var free: [ReplayRun]
    private var filled: [ReplayRun] = []
    private var isEnded = false
    private var failure: ReplayFailure?
    private let runBytes: Int
    private var current: ReplayRun
    private var recovery = Recovery()
    private var thread: JoinableThread?

    init(isThreaded: Bool, runBytes: Int) throws(LogError) {
        self.runBytes = runBytes
        current = ReplayRun(bytes: runBytes)
        free = isThreaded ? (1..<Self.runsMax).map { _ in ReplayRun(bytes: runBytes) } : []
        if isThreaded { thread = try JoinableThread(name: "holdfast-replay") { [self] in work() } }
    }

    // MARK: The reader

    /// - Throws: what an earlier record of this lane met.
    func append(_ payload: UnsafeRawBufferPointer, _ source: ReplayRun.Source, number: UInt64) throws(ReplayFailure) {
        if current.source != source {
            try handOver()
            current.source = source
        }
        current.records.beginRecord()
        current.records.write(number)
        current.records.write(bytes: payload)
        current.records.endRecord()
        if current.records.byteCount >= runBytes { try handOver() }
    }

    /// Ends the lane when everything is applied.
    /// - Throws: what the first record met that could not be applied.
    func finish() throws(ReplayFailure) -> Recovery {
        if monitor.withLock({ failure }) == nil { try? handOver() }
        monitor.withLock { isEnded = true }
        monitor.signal()
        thread?.join()
        thread = nil
        if let failure { throw failure }
        defer { recovery = Recovery() }
        return recovery
    }

    private func handOver() throws(ReplayFailure) {
        guard current.records.count > 0 else { return }
        guard thread != nil else { return try applyCurrent() }
        let failure = monitor.withLock {
            filled.append(current)
            monitor.signal()
            while free.isEmpty { monitor.wait() }
            current = free.removeLast()
            return self.failure
        }
        if let failure { throw failure }
    }

    private func applyCurrent() throws(ReplayFailure) {
        defer { current.records.removeAll() }
        do throws(ReplayFailure) {
            try recovery.apply(current)
        } catch {
            failure = error
            throw error
        }
    }

    // MARK: The thread

    private func work() {
        while let run = takeFilled() {
            var met: ReplayFailure?
            // Behind a failure nothing is applied, but the reader gets its runs back.
            if failure == nil { do throws(ReplayFailure) { try recovery.apply(run) } catch { met = error } }
            run.records.removeAll()
            monitor.withLock {
                free.append(run)
                if let met { failure = met }
            }
            monitor.signal()
        }
    }

    /// The next run; nil when there is none and won't be.
    private func takeFilled() -> ReplayRun? {
        monitor.withLock {
            while filled.isEmpty, !isEnded { monitor.wait() }
            return filled.isEmpty ? nil : filled.removeFirst()
        }
    }
}

extension Recovery {
    /// Records whose memory is asked for before the first of them is applied: enough for it to arrive, few enough for it
    /// to be in the cache still.
    private static let recordsAhead = 12

    mutating func apply(_ run: ReplayRun) throws(ReplayFailure) {
        try run.records.withBytes { bytes throws(ReplayFailure) in
            var frames = RecordFrames(bytes)
            var ahead = frames
            for _ in 0..<Self.recordsAhead { prefetchNext(&ahead, run.source) }
            while let frame = frames.next() {
                prefetchNext(&ahead, run.source)
                let number = frame.loadUnaligned(as: UInt64.self)
                let payload = UnsafeRawBufferPointer(rebasing: frame[MemoryLayout<UInt64>.size...])
                do {
                    switch run.source {
                    case .snapshot: try restore(payload)
                    case .log: try apply(payload, at: LogPosition(number))
                    }
                } catch {
                    throw ReplayFailure(source: run.source, number: number, error: error)
                }
            }
        }
    }

    @inline(__always)
    private func prefetchNext(_ frames: inout RecordFrames, _ source: ReplayRun.Source) {
        guard source == .log, let frame = frames.next() else { return }
        prefetch(UnsafeRawBufferPointer(rebasing: frame[MemoryLayout<UInt64>.size...]))
    }
}
