import Testing

@testable import WAL

/// A log on a simulated disk, its content known: what recovery has to make of it is computed, not recorded.
struct WrittenLog {
    static let folder = "/log"

    let device: SimulatedDevice
    /// The last position of each batch with records, in order.
    let batchEnds: [UInt64]

    /// Writes one batch per count in one session.
    ///
    /// - Parameters:
    ///   - isCovered: ends with an empty batch, as after a clean stop.
    ///   - last: a record of this length follows in a batch of its own.
    init(
        batches counts: [UInt64],
        length: Int = 24,
        isCovered: Bool,
        options: WriteAheadLog.Options = .small,
        last lastLength: Int? = nil
    ) throws {
        let working = SimulatedDevice()
        let log = try WriteAheadLog.open(folder: Self.folder, options: options, device: working)
        _ = try log.replayAll()
        let observer = Observer()
        try log.start(observer)
        var last: UInt64 = 0
        var ends: [UInt64] = []
        for count in counts {
            let position = try log.append(last + 1...last + count, length: length)
            guard log.waitUntilDurable(position, observer) else { throw LogError.closed }
            last += count
            ends.append(last)
        }
        if let lastLength {
            last += 1
            guard log.waitUntilDurable(try log.append(last...last, length: lastLength), observer) else {
                throw LogError.closed
            }
            ends.append(last)
        }
        if isCovered { try log.close() }
        device = working.copy()
        batchEnds = ends
    }

    static func segmentPath(_ number: UInt64) -> String { "\(folder)/\(LogFolder.segmentName(number))" }
}

extension SimulatedDevice {
    /// What a start would find, without changing anything.
    func recover(from first: UInt64 = 1) throws -> (found: [Found], summary: ReplaySummary) {
        let log = try WriteAheadLog.openReadOnly(folder: WrittenLog.folder, device: self)
        defer { try? log.close() }
        return try log.replayAll(from: first)
    }

    /// A session that appends one record and stops; its position.
    @discardableResult
    func appendInNewSession(options: WriteAheadLog.Options = .small, isClean: Bool = true) throws -> UInt64 {
        let log = try WriteAheadLog.open(folder: WrittenLog.folder, options: options, device: self)
        let summary = try log.replayAll(from: (log.snapshotPosition?.rawValue ?? 0) + 1).summary
        let observer = Observer()
        try log.start(observer)
        let next = summary.lastPosition.rawValue + 1
        let position = try log.append(next...next)
        #expect(log.waitUntilDurable(position, observer))
        try log.close()
        return next
    }
}

/// The error of `body` when it is one of the log's.
func logError(_ body: () throws -> Void) -> LogError? {
    do {
        try body()
        return nil
    } catch {
        return error as? LogError
    }
}

extension LogError {
    var isCorrupt: Bool { if case .corrupt = self { true } else { false } }
    var isPoisoned: Bool { if case .poisoned = self { true } else { false } }
}
