import WAL

/// The few threads that read the log for others, so that no loop waits for a disk.
///
/// Threads begin with the first read. Work beyond `jobsMax` is refused at once.
///
/// `@unchecked Sendable`: everything that changes is guarded by `monitor`, but a thread's reader, which is the thread's.
final class ReadPool: @unchecked Sendable {
    typealias Job = @Sendable (Result<any RecordReader, LogError>) -> Void

    static let threadsMax = 2
    /// Reads that wait for a thread.
    static let jobsMax = 256
    /// After this long without a read a thread lets go of the file that it has open.
    static let restMilliseconds = 1_000

    private let log: any CommitLog
    private let monitor = Monitor()
    private var jobs: ContiguousArray<Job> = []
    private var threads: [JoinableThread] = []
    private var idleThreads = 0
    private var isEnded = false

    init(log: any CommitLog) { self.log = log }

    /// - Parameter isBounded: false for the one job that must not be refused however much there is to do.
    /// - Returns: false when there is too much to do already, or the pool has ended: the job will not run.
    func submit(isBounded: Bool = true, _ job: @escaping Job) -> Bool {
        let isTaken = monitor.withLock {
            guard !isEnded, !isBounded || jobs.count < Self.jobsMax else { return false }
            if idleThreads <= jobs.count, threads.count < Self.threadsMax {
                if let thread = try? JoinableThread(name: "holdfast-read", { [self] in work() }) {
                    threads.append(thread)
                    idleThreads += 1
                } else if threads.isEmpty {
                    return false
                }
            }
            jobs.append(job)
            return true
        }
        if isTaken { monitor.signal() }
        return isTaken
    }

    /// Does what was taken, and nothing more. Not to be called by a job.
    func end() {
        let threads = monitor.withLock {
            isEnded = true
            defer { self.threads = [] }
            return self.threads
        }
        monitor.signal()
        for thread in threads { thread.join() }
    }

    private func work() {
        var reader: (any RecordReader)?
        while let job = nextJob(reader) {
            do throws(LogError) {
                if reader == nil { reader = try log.makeReader() }
                job(.success(reader!))
            } catch {
                job(.failure(error))
            }
            monitor.withLock { idleThreads += 1 }
        }
    }

    /// - Parameter reader: what is to rest when there is nothing to read for a while.
    private func nextJob(_ reader: (any RecordReader)?) -> Job? {
        monitor.withLock {
            if jobs.isEmpty, !isEnded, let reader {
                monitor.wait(milliseconds: Self.restMilliseconds)
                if jobs.isEmpty { reader.rest() }
            }
            while jobs.isEmpty, !isEnded { monitor.wait() }
            guard !jobs.isEmpty else { return nil }
            idleThreads -= 1
            return jobs.removeFirst()
        }
    }
}
