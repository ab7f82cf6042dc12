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
        do throws(LogError) {
            try writer.run()
            setup.pending.finished()
        } catch {
            let poison = setup.pending.fail(error)
            setup.onFailure(poison)
        }
    }
}
