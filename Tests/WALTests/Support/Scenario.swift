import Testing

@testable import WAL

/// The life of a log in small: two sessions, rotation, snapshots, old segments let go, a clean stop in between.
///
/// It runs until something fails and remembers what was promised, for a comparison with what recovery finds.
struct Scenario {
    var options = WriteAheadLog.Options.small
    /// Payloads of this length make a batch of four records take one block and a segment 15 of them.
    var length = 700
    var appendsPerSession = 18
    var recordsPerAppend: UInt64 = 4
    /// Called whenever something more was promised: an append became durable, a snapshot finished, a session ended.
    var onPromise: ((Outcome) -> Void)?

    struct Outcome {
        /// Everything up to here was reported durable.
        var acknowledged: UInt64 = 0
        /// Everything up to here was handed to the log.
        var appended: UInt64 = 0
        /// The last snapshot whose `finish` returned.
        var snapshot: UInt64 = 0
        var error: LogError?
        /// What snapshots failed with while the log went on.
        var snapshotErrors: [LogError] = []
        var failuresHeard: [LogError] = []
        /// After the failure something was accepted or acknowledged.
        var actedAfterFailure = false
    }

    func run(on device: SimulatedDevice) -> Outcome {
        var outcome = Outcome()
        do {
            try session(on: device, &outcome)
            try session(on: device, &outcome)
        } catch {
            outcome.error = error
        }
        return outcome
    }

    private func session(on device: SimulatedDevice, _ outcome: inout Outcome) throws(LogError) {
        let log = try WriteAheadLog.open(folder: WrittenLog.folder, options: options, device: device)
        let observer = Observer()
        let before = outcome.acknowledged
        do throws(LogError) {
            try replay(log)
            try log.start(observer)
            try work(log, observer, &outcome)
            try log.close()
        } catch {
            outcome.acknowledged = max(before, log.durablePosition.rawValue)
            outcome.failuresHeard += observer.failures
            if !observer.failures.isEmpty { outcome.actedAfterFailure = actsAfterFailure(log) }
            try? log.close()
            throw error
        }
        outcome.acknowledged = log.durablePosition.rawValue
        outcome.failuresHeard += observer.failures
        onPromise?(outcome)
    }

    private func replay(_ log: WriteAheadLog) throws(LogError) {
        do {
            try log.readSnapshot { _ in }
            _ = try log.replay(from: LogPosition((log.snapshotPosition?.rawValue ?? 0) + 1)) { _, _ in }
        } catch let error as LogError {
            throw error
        } catch {
            preconditionFailure("\(error)")
        }
    }

    private func work(_ log: WriteAheadLog, _ observer: Observer, _ outcome: inout Outcome) throws(LogError) {
        for turn in 1...appendsPerSession {
            let first = log.lastPosition.rawValue + 1
            outcome.appended = max(outcome.appended, first + recordsPerAppend - 1)
            let position = try log.append(first...first + recordsPerAppend - 1, length: length)
            guard log.waitUntilDurable(position, observer) else {
                throw observer.failures.first ?? .misused("an append never became durable")
            }
            outcome.acknowledged = position.rawValue
            onPromise?(outcome)
            if turn % 6 == 0 { trySnapshot(log, &outcome) }
        }
    }

    /// A snapshot that fails may cost itself only; whether the log goes on shows with the next append.
    private func trySnapshot(_ log: WriteAheadLog, _ outcome: inout Outcome) {
        do throws(LogError) {
            try snapshot(log, &outcome)
            onPromise?(outcome)
        } catch {
            outcome.snapshotErrors.append(error)
        }
    }

    /// The content stands for the state: the position is enough to recognise it.
    private func snapshot(_ log: WriteAheadLog, _ outcome: inout Outcome) throws(LogError) {
        let position = log.durablePosition
        let snapshot = try log.beginSnapshot(at: position)
        var buffer = RecordBuffer()
        for _ in 0..<3 {
            buffer.beginRecord()
            buffer.write(position.rawValue)
            buffer.endRecord()
        }
        try snapshot.append(buffer)
        try snapshot.finish()
        outcome.snapshot = position.rawValue
    }

    private func actsAfterFailure(_ log: WriteAheadLog) -> Bool {
        let watermark = log.durablePosition
        let isRefused = logError { try log.append([1]) }?.isPoisoned == true
        return !isRefused || log.durablePosition != watermark
    }

    /// Recovers and compares: all that was acknowledged is there, nothing that was never appended, nothing changed.
    ///
    /// - Returns: what is wrong; nil when nothing is.
    func problem(with outcome: Outcome, on device: SimulatedDevice) -> String? {
        do {
            let log = try WriteAheadLog.open(folder: WrittenLog.folder, options: options, device: device)
            defer { try? log.close() }
            let start = log.snapshotPosition?.rawValue ?? 0
            if start < outcome.snapshot { return "the snapshot at \(outcome.snapshot) is gone" }
            let expected = [UInt8](littleEndian: start)
            if start > 0, try log.snapshotRecords() != [expected, expected, expected] {
                return "the snapshot at \(start) is not the one that was written"
            }
            let (found, summary) = try log.replayAll(from: start + 1)
            let last = summary.lastPosition.rawValue
            if last < outcome.acknowledged { return "acknowledged up to \(outcome.acknowledged), found up to \(last)" }
            if last > outcome.appended { return "appended up to \(outcome.appended), found up to \(last)" }
            let whole = last > start ? records(start + 1...last, length: length) : []
            if found != whole { return "the records from \(start + 1) are not those that were appended" }
            return nil
        } catch {
            return "recovery refused: \(error)"
        }
    }
}

extension [UInt8] {
    init(littleEndian value: UInt64) { self = Swift.withUnsafeBytes(of: value.littleEndian) { [UInt8]($0) } }
}
