/// Starts the log's thread and carries its end to the callers.
enum LogThread {
    struct Setup: Sendable {
        let pending: PendingRecords
        let store: SegmentStore
        let options: WriteAheadLog.Options
        let watermark: Watermark
        let tail: LogTail
        let counters: LogCounters
        let segment: (file: any DeviceFile, header: SegmentHeader)
        let onDurable: @Sendable (LogPosition) -> Void
        let onFailure: @Sendable (LogError) -> Void

        /// The last record of the log when it was started.
        var start: LogPosition { LogPosition(segment.header.start.nextPosition - 1) }
    }

    /// Returns when the thread is ready to write; throws what kept it from getting ready.
    static func start(_ setup: Setup) throws(LogError) -> JoinableThread {
        try JoinableThread.start(name: "holdfast-log") { () throws(LogError) in
            // Made here because an io_uring belongs to the thread that made it.
            let writer = try LogWriter(setup)
            setup.pending.accept()
            return writer
        } run: {
            run($0, setup)
        }
    }

    private static func run(_ writer: LogWriter, _ setup: Setup) {
        while step(writer, setup, isPatient: true) {}
    }

    /// - Returns: false when the log has ended: because it was stopped, or because it failed.
    fileprivate static func step(_ writer: LogWriter, _ setup: Setup, isPatient: Bool) -> Bool {
        do throws(LogError) {
            if try writer.step(isPatient: isPatient) { return true }
            setup.pending.finished()
        } catch {
            let poison = setup.pending.fail(error)
            setup.onFailure(poison)
        }
        return false
    }
}

/// The work of the log's threads for a caller that does it itself, piece by piece, with other things in between.
///
/// What a simulation drives is the code that the threads run. Used by one thread at a time.
package final class LogSteps {
    private let writer: LogWriter
    private let setup: LogThread.Setup
    private var isOver = false
    private var preparesSpares = true
    private var canMakeSpares: Bool

    init(_ setup: LogThread.Setup) throws(LogError) {
        self.setup = setup
        canMakeSpares = setup.options.spareSegments > 0
        writer = try LogWriter(setup)
        setup.pending.accept()
    }

    /// Takes what waits, or writes one batch; with nothing to do, proves that the last batch was answered.
    /// - Returns: false when the log has ended, because it was closed or failed.
    @discardableResult
    package func write() -> Bool {
        isOver = isOver || !LogThread.step(writer, setup, isPatient: false)
        return !isOver
    }

    /// Looks at the room, and makes one of the spare segments that are missing.
    package func prepareSpare() {
        if preparesSpares { preparesSpares = setup.store.prepare(canMake: &canMakeSpares) }
    }

    /// What closing does in place of waiting for the thread. The log must have been told to stop.
    func finish() { while write() {} }
}
