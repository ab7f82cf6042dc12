import WAL

extension Recovery {
    /// Reads the whole log and returns what the log says of it.
    ///
    /// The calling thread reads and checks; the events are spread over `cores` threads that apply. The state is the same
    /// on any number of them, and so is the error.
    ///
    /// - Parameter cores: 1 to 64; with 1 the calling thread does everything.
    /// - Throws: `RecoveryError` for the first record that can't be applied, or for a log that ends before its snapshot;
    ///   else what reading the log met.
    public mutating func run(_ log: WriteAheadLog, cores: Int = Recovery.usableCores) throws -> ReplaySummary {
        try run(log, cores: cores, runBytes: ReplayRun.bytesMax)
    }

    mutating func run(_ log: WriteAheadLog, cores: Int, runBytes: Int) throws -> ReplaySummary {
        let lanes = try Self.makeLanes(cores, runBytes)
        let summary = Result { try Self.read(log, into: lanes) }
        var failures: [ReplayFailure] = []
        for lane in lanes {
            do throws(ReplayFailure) { merge(try lane.finish()) } catch { failures.append(error) }
        }
        // What was applied had been read before: a failure of the reader is a later one.
        if let first = failures.min(by: { $0.isBefore($1) }) { throw first.error }
        let found = try summary.get()
        // Going on from there would give the missing positions to other records, and the next start would pass over them.
        guard found.lastPosition >= reach else {
            throw RecoveryError.logEndsBeforeSnapshot(last: found.lastPosition, reach: reach)
        }
        return found
    }

    /// The cores that the calling thread may run on, at most 64.
    public static var usableCores: Int { min(64, JoinableThread.usableCores) }

    private static func makeLanes(_ count: Int, _ runBytes: Int) throws(LogError) -> [ReplayLane] {
        var lanes: [ReplayLane] = []
        do throws(LogError) {
            for _ in 0..<max(1, min(64, count)) {
                lanes.append(try ReplayLane(isThreaded: count > 1, runBytes: runBytes))
            }
        } catch {
            for lane in lanes { _ = try? lane.finish() }
            throw error
        }
        return lanes
    }

    private static func read(_ log: WriteAheadLog, into lanes: [ReplayLane]) throws -> ReplaySummary {
        var number: UInt64 = 0
        try log.readSnapshot { payload in
            number += 1
            try lane(of: payload, in: lanes).append(payload, .snapshot, number: number)
        }
        let start = LogPosition((log.snapshotPosition?.rawValue ?? 0) + 1)
        return try log.replay(from: start) { position, payload in
            try lane(of: payload, in: lanes).append(payload, .log, number: position.rawValue)
        }
    }

    /// The lane of the event with whose number every record begins.
    @inline(__always)
    private static func lane(of payload: UnsafeRawBufferPointer, in lanes: [ReplayLane]) -> ReplayLane {
        // A record too short for a number is refused by whichever lane has it.
        guard lanes.count > 1, payload.count >= MemoryLayout<UInt64>.size else { return lanes[0] }
        return lanes[EventKey(rawValue: payload.loadUnaligned(as: UInt64.self)).shard(of: lanes.count)]
    }
}
