/// Starts the log's thread and carries its end to the callers.
enum LogThread {
    struct Setup: Sendable {
        let pending: PendingRecords
        let store: SegmentStore
        let options: WriteAheadLog.Options
        let watermark: Watermark
        let segment: (file: any DeviceFile, header: SegmentHeader)
        let onDurable: @Sendable (LogPosition) -> Void
        let onFailure: @Sendable (LogError) -> Void
    }

    /// Returns when the thread is ready to write; throws what kept it from getting ready.
    static func start(_ setup: Setup) throws(LogError) -> JoinableThread {
        let readiness = Readiness()
        let thread = try JoinableThread(name: "holdfast-log") {
            do throws(LogError) {
                // Made here because an io_uring belongs to the thread that made it.
                let writer = try LogWriter(setup)
                setup.pending.accept()
                readiness.set(nil)
                run(writer, setup)
            } catch {
                readiness.set(error)
            }
        }
        if let error = readiness.wait() {
            thread.join()
            throw error
        }
        return thread
    }

    private static func run(_ writer: LogWriter, _ setup: Setup) {
        do throws(LogError) {
            try writer.run()
            setup.pending.finished()
        } catch {
            let poison = setup.pending.fail(error)
            setup.onFailure(poison)
        }
    }
}

/// One answer from a new thread to the one that started it. `@unchecked Sendable`: guarded by `monitor`.
private final class Readiness: @unchecked Sendable {
    private let monitor = Monitor()
    private var isSet = false
    private var error: LogError?

    func set(_ error: LogError?) {
        monitor.withLock {
            self.error = error
            isSet = true
        }
        monitor.signal()
    }

    func wait() -> LogError? {
        monitor.withLock {
            while !isSet { _ = monitor.wait(until: nil) }
            return error
        }
    }
}
