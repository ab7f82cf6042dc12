import Engine
import Synchronization
import WAL

/// The books behind a running engine: a thread of its own that follows the log and writes to Postgres, and tries again
/// for as long as it can't. The sale never waits for it.
public final class PostgresBooks: Sendable {
    public struct Options: Sendable {
        /// `postgresql://…`, as libpq knows it.
        public var url: String
        /// From one flush to the next, when something has changed; 10 to 3,600,000.
        public var flushIntervalMilliseconds = 1_000
        /// Records after which the next flush comes at once, and that one flush brings at most; 1 or more.
        public var flushRecords = 50_000
        /// After which a statement is given up.
        public var statementSeconds = 60
        /// Whether the schema is brought to this program's version.
        public var migrates = false
        /// Whether the books of another log, or of another history of this one, are written over.
        public var replaces = false

        /// From one look at a database for which there is nothing new to the next.
        var lookIntervalMilliseconds = 5_000

        public init(url: String) { self.url = url }
    }

    /// The thread stands back for the sale: where that wants the whole core, the books get a fiftieth of it and fall
    /// behind; where it doesn't, all that is left.
    static let niceness: Int32 = 15

    /// How the books stand.
    public struct Standing: Sendable {
        public var isConnected = false
        /// Everything up to here is in the books.
        public var position = LogPosition.zero
        /// Durable records that are not in the books.
        public var lagRecords: UInt64 = 0
        /// For how long something has been missing in the books, at most; 0 while nothing is. Counts from the start of
        /// the process where nothing was written since.
        public var lagSeconds: Double = 0
        /// What is in the way; nil when all is well.
        public var problem: String?
        public var flushes: UInt64 = 0
        public var rows: UInt64 = 0
        public var failures: UInt64 = 0
        public var resynchronisations: UInt64 = 0

        public init() {}
    }

    /// Something the operator should know.
    public enum Notice: Sendable {
        /// - Parameter warning: what keeps the reporting role from reading them.
        case migrated([String], warning: String?)
        /// The books can be written again, or for the first time.
        case connected(position: LogPosition)
        case resynchronized(position: LogPosition)
        /// The database has forgotten flushes: an older backup, or a standby that had not got them, has taken its place.
        case setBack(from: LogPosition, to: LogPosition)
        /// Told once for each reason.
        case failed(String)
    }

    private struct State {
        var standing = Standing()
        var caughtUpAt = monotonicMilliseconds()
        var isEnded = false
        var thread: JoinableThread?
    }

    private let source: BooksSource
    private let options: Options
    private let onNotice: @Sendable (Notice) -> Void
    private let state = Mutex(State())
    /// Wakes the thread for its last flush.
    private let ending = Interruption()
    /// Ends whatever it waits for.
    private let cut = Interruption()

    /// - Throws: `badURL`; what kept the thread from being started.
    public init(
        _ source: BooksSource,
        _ options: Options,
        onNotice: @escaping @Sendable (Notice) -> Void = { _ in }
    ) throws {
        try PostgresConnection.check(url: options.url)
        self.source = source
        self.options = options
        self.onNotice = onNotice
        let thread = try JoinableThread(name: "holdfast-books", niceness: Self.niceness) { [self] in
            work()
            state.withLock { $0.isEnded = true }
        }
        state.withLock { $0.thread = thread }
    }

    /// - Throws: `badURL` with libpq's reason.
    public static func check(url: String) throws(PostgresError) { try PostgresConnection.check(url: url) }

    /// Brings a database's schema to this program's version.
    /// - Returns: the names of the versions that were missing, and what keeps the reporting role from reading them.
    public static func migrate(url: String) throws(PostgresError) -> (versions: [String], warning: String?) {
        let connection = try PostgresConnection(url: url, interruption: Interruption(), statementSeconds: 3_600)
        return (try Migrations.run(connection), try ReportingRole.grant(connection))
    }

    public var standing: Standing {
        let durable = source.log.durablePosition
        return state.withLock { state in
            var standing = state.standing
            standing.lagRecords = durable.rawValue - min(durable, standing.position).rawValue
            if standing.lagRecords > 0 {
                standing.lagSeconds = Double(monotonicMilliseconds() - state.caughtUpAt) / 1_000
            }
            return standing
        }
    }

    /// Ends the thread, after a last flush if the database answers in time. To be called once, before the log is closed.
    ///
    /// A thread that can't be woken, in a resolver that waits for a name server, is left to itself a second later; it ends
    /// with the call.
    @concurrent
    public func stop(withinSeconds limit: Double = 10) async {
        ending.interrupt()
        let deadline = monotonicMilliseconds() + Int(limit * 1_000)
        while !state.withLock({ $0.isEnded }), monotonicMilliseconds() < deadline + 1_000 {
            if monotonicMilliseconds() > deadline { cut.interrupt() }
            try? await Task.sleep(for: .milliseconds(5))
        }
        let (thread, isEnded) = state.withLock { ($0.thread.take(), $0.isEnded) }
        if isEnded { thread?.join() } else { thread?.detach() }
    }

    // MARK: - The thread

    private func work() {
        var backoff = Backoff()
        var keeper: BookKeeper?
        var mayReplace = options.replaces
        while !cut.isInterrupted {
            do {
                if keeper == nil {
                    keeper = try BookKeeper(source, recordsMax: options.flushRecords, interruption: cut)
                }
                var isNew = false
                if !keeper!.isConnected {
                    try connect(keeper!, mayReplace)
                    isNew = true
                }
                let isLast = ending.isInterrupted
                let begin = keeper!.position
                try flush(keeper!, isLast: isLast)
                // A connection alone means little: what is in the way may be a row that the database doesn't take.
                if isNew { recover(from: begin) }
                mayReplace = false
                backoff = Backoff()
                if isLast, keeper!.position >= source.log.durablePosition { return }
                if !isLast { try rest(keeper!) }
            } catch {
                keeper?.detach()
                fail(error)
                if ending.isInterrupted { return }
                ending.sleep(milliseconds: backoff.next())
            }
        }
    }

    private func connect(_ keeper: BookKeeper, _ mayReplace: Bool) throws {
        if options.migrates { try migrate() }
        let connection = try PostgresConnection(
            url: options.url,
            interruption: cut,
            statementSeconds: options.statementSeconds
        )
        try Migrations.require(connection)
        let before = keeper.position
        try keeper.attach(connection, mayReplace: mayReplace)
        if keeper.position < before { onNotice(.setBack(from: before, to: keeper.position)) }
        state.withLock { state in
            state.standing.isConnected = true
            state.standing.position = keeper.position
        }
    }

    /// By a connection of its own, which may take as long as large tables do.
    private func migrate() throws(PostgresError) {
        let connection = try PostgresConnection(url: options.url, interruption: cut, statementSeconds: 3_600)
        let names = try Migrations.run(connection)
        guard !names.isEmpty else { return }
        onNotice(.migrated(names, warning: try ReportingRole.grant(connection)))
    }

    private func recover(from position: LogPosition) {
        state.withLock { $0.standing.problem = nil }
        onNotice(.connected(position: position))
    }

    private func flush(_ keeper: BookKeeper, isLast: Bool) throws {
        let began = monotonicMilliseconds()
        let durable = source.log.durablePosition
        let report = try keeper.flush(isLast: isLast)
        state.withLock { state in
            state.standing.position = keeper.position
            state.standing.rows += UInt64(report.rows)
            if report.rows > 0 { state.standing.flushes += 1 }
            if report.isResynchronization { state.standing.resynchronisations += 1 }
            if keeper.position >= durable { state.caughtUpAt = began }
        }
        if report.isResynchronization { onNotice(.resynchronized(position: report.position)) }
    }

    /// Waits for the next flush's time, or for so many records. Meanwhile it looks now and then whether the books are still
    /// there: nobody is to read for hours from a database that has gone back, only because nothing is sold.
    private func rest(_ keeper: BookKeeper) throws {
        let position = keeper.position
        let until = monotonicMilliseconds() + options.flushIntervalMilliseconds
        var nextLook = monotonicMilliseconds() + options.lookIntervalMilliseconds
        while !ending.isInterrupted {
            let now = monotonicMilliseconds()
            let behind = source.log.durablePosition.rawValue - min(source.log.durablePosition, position).rawValue
            if behind == 0 { state.withLock { $0.caughtUpAt = now } }
            if behind >= UInt64(options.flushRecords) || (now >= until && behind > 0) { return }
            if now >= nextLook {
                try keeper.look()
                nextLook = now + options.lookIntervalMilliseconds
            }
            // Looks again now and then: a wake-up for every batch would cost the log's thread something.
            ending.sleep(milliseconds: min(50, max(1, now < until ? until - now : 50)))
        }
    }

    private func fail(_ error: any Error) {
        guard !cut.isInterrupted else { return }
        let text = "\(error)"
        let isNew = state.withLock { state in
            defer {
                state.standing.isConnected = false
                state.standing.problem = text
                state.standing.failures += 1
            }
            return state.standing.problem != text
        }
        if isNew { onNotice(.failed(text)) }
    }
}

/// Longer from time to time, and never the same for all who wait for one database.
private struct Backoff {
    private var milliseconds = 125

    mutating func next() -> Int {
        milliseconds = min(30_000, milliseconds * 2)
        return Int.random(in: milliseconds / 2...milliseconds)
    }
}
