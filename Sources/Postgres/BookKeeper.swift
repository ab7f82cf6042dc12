import Engine
import WAL

/// Writes the books: follows the log with a state of its own, and brings what has changed to Postgres, one transaction a
/// flush. For one thread.
///
/// Invariants:
/// - The transaction that moves the watermark holds everything between its old and its new position, and nothing else: the
///   records of the log, and the rows of the state at the new position.
/// - It moves the watermark only from where the keeper has seen it, under a lock: a flush that comes twice, or late,
///   changes nothing.
/// - What has changed is found by reading the log from the watermark on, at every attempt, so nothing has to be kept for
///   a database that is away.
final class BookKeeper {
    private let source: BooksSource
    private let recordsMax: UInt64
    private let journalBytesMin: Int
    private let interruption: Interruption
    private let reader: any RecordReader
    private var connection: PostgresConnection?
    /// The watermark as of the last flush or the beginning of the connection; nil in empty books.
    private var watermark: Watermark?
    /// Nil before the first connection, and when it is to be made anew.
    private var state: BookState?
    private var mirror = MirrorSize()
    /// The books are to be written from the state, whatever is there: of another log, or from before what the log has.
    private var isResynchronizing = false
    /// Until a row was there that can't be: somebody else has written into the tables.
    private var copiesNewRows = true

    /// What a flush did.
    struct Report {
        var position = LogPosition.zero
        var records: UInt64 = 0
        var rows = 0
        var isResynchronization = false
    }

    /// - Parameters:
    ///   - recordsMax: of the log, in one flush.
    ///   - journalBytesMin: of the engine's own records, before events are written anew.
    init(
        _ source: BooksSource,
        recordsMax: Int,
        journalBytesMin: Int = 16 << 20,
        interruption: Interruption
    ) throws {
        self.source = source
        self.recordsMax = UInt64(recordsMax)
        self.journalBytesMin = journalBytesMin
        self.interruption = interruption
        reader = try source.log.makeReader()
    }

    var isConnected: Bool { connection != nil }

    /// Where the books are, as far as is known.
    var position: LogPosition { isForeign ? .zero : watermark?.position ?? .zero }

    /// The books are of another log, or of another history of this one, and are written over with the next flush.
    private var isForeign = false
    private var isLast = false

    /// The state's digest, as of `position` after a flush.
    var digest: UInt64 { state?.digest ?? 0 }

    // MARK: - The connection

    /// Begins to write through the connection.
    /// - Parameter mayReplace: whether the books of another log, or of another history of this one, are written over.
    /// - Throws: `foreignBooks` where they are such, and may not be.
    func attach(_ connection: PostgresConnection, mayReplace: Bool) throws(PostgresError) {
        try BookWriter.prepare(connection)
        let found = try Watermark.read(connection, isLocked: false)
        let contradiction = found.flatMap { BooksContradiction(of: $0, to: source) }
        if let contradiction, !mayReplace { throw .foreignBooks("\(contradiction)") }
        mirror = try MirrorSize(of: connection)
        isForeign = contradiction != nil
        isResynchronizing = isForeign
        watermark = found
        self.connection = connection
    }

    func detach() { connection = nil }

    /// Whether the database is there and still has the last flush, while there is nothing to flush.
    func look() throws(PostgresError) {
        guard let connection else { throw .unreachable("there is no connection") }
        guard try Watermark.read(connection, isLocked: false) == watermark else { throw Self.moved }
    }

    private static let moved = PostgresError.foreignBooks("somebody else has moved the watermark of the books")

    // MARK: - A flush

    /// Brings the books up to what is durable, or `recordsMax` records nearer to it. Nothing has happened when it throws,
    /// or it isn't known: then the next connection sees it.
    /// - Parameter isLast: writes the state's digest down, too, as it is done now and then.
    func flush(isLast: Bool = false) throws -> Report {
        self.isLast = isLast
        guard let connection else { throw PostgresError.unreachable("there is no connection") }
        // Between flushes no file of the log is held, or it would take room when the log has let go of it.
        defer { reader.rest() }
        if isResynchronizing { return try resynchronize(connection) }
        do {
            return try follow(connection)
        } catch LogError.gone {
            // The log has let go of what the books need next.
            return try resynchronize(connection)
        }
    }

    private func follow(_ connection: PostgresConnection) throws -> Report {
        let from = position
        // Somebody else may have brought the books further than this state.
        if state.map({ $0.position < from }) ?? true { state = firstState(from) }
        // What is read below is marked below.
        state!.clearMarks()
        let durable = source.log.durablePosition
        let limit = min(durable, LogPosition(from.rawValue + recordsMax))
        let end = max(limit, max(state!.position, state!.reach))
        try waitUntilDurable(end)
        guard end > from else { return try leaveDigest(connection) }
        return try inTransaction(connection, to: end) { writer throws in
            let decidedAt = try take(LogPosition(from.rawValue + 1), through: end, isJournaled: true, &writer)
            try writeRows(&writer)
            let mirror = self.mirror.adding(writer.journalBytes, marks: state!.marks)
            let isDue = mirror.isDue(beyond: journalBytesMin)
            pendingMirror = try isDue ? writeBase(mirror.events, connection) : mirror
            return decidedAt
        }
    }

    /// Of books that have everything, at the end.
    private func leaveDigest(_ connection: PostgresConnection) throws -> Report {
        guard isLast, position > .zero, state!.position == position, digestPosition != position else {
            return Report(position: position)
        }
        return try inTransaction(connection, to: position) { _ in
            pendingMirror = mirror
            return nil
        }
    }

    /// From the log's beginning there is nothing to copy.
    private func firstState(_ from: LogPosition) -> BookState {
        if from == .zero, source.log.oldestPosition.rawValue <= 1 { return BookState() }
        return source.waitForEvents()
    }

    /// Writes everything from the state, because nobody knows what the books have of it.
    private func resynchronize(_ connection: PostgresConnection) throws -> Report {
        state = source.waitForEvents()
        let end = max(state!.position, state!.reach)
        try waitUntilDurable(end)
        isResynchronizing = true
        var report = try inTransaction(connection, to: end) { writer throws in
            if isForeign { try removeAll(connection) }
            let first = LogPosition(state!.position.rawValue + 1)
            let copied = state!.position
            let decidedAt = try take(first, through: end, isJournaled: false, &writer)
            state!.markWhole()
            try writeRows(&writer)
            pendingMirror = try writeBase(nil, connection)
            try connection.run(
                "INSERT INTO holdfast.resynchronisations (at, from_position, to_position) "
                    + "VALUES (clock_timestamp(), \(min(position, copied).rawValue), \(copied.rawValue))"
            )
            return decidedAt ?? state!.keys.compactMap { state!.event($0)?.lastCommandAt }.max()
        }
        report.isResynchronization = true
        isResynchronizing = false
        isForeign = false
        return report
    }

    /// Reads the log, applies it, and gathers what of it goes into the books as it is.
    /// - Returns: when the last record was decided.
    private func take(
        _ first: LogPosition,
        through end: LogPosition,
        isJournaled: Bool,
        _ writer: inout BookWriter
    ) throws -> Milliseconds? {
        var next = first
        var decidedAt: Milliseconds?
        while next <= end {
            guard !interruption.isInterrupted else { throw PostgresError.stopped }
            let before = next
            next = try reader.read(from: next, bytesMax: 1 << 20) { position, payload in
                let record = try EventRecord(payload)
                try state!.take(payload, record, at: position)
                if isJournaled { writer.journal(payload, at: position) }
                // Nothing is in the books from behind the watermark.
                writer.audit(record, at: position, of: state!.names(of: record.event), isNew: isJournaled)
                decidedAt = record.at
                try writer.sendIfFull()
                return position < end
            }
            guard next > before else { throw PostgresError.damaged("the log ends before position \(end)") }
        }
        writer.endJournal()
        return decidedAt
    }

    private func writeRows(_ writer: inout BookWriter) throws(PostgresError) {
        for (key, marks) in state!.marks.sorted(by: { $0.key.rawValue < $1.key.rawValue }) {
            guard let event = state!.event(key) else { continue }
            try writer.write(event, marks)
            try writer.sendIfFull()
        }
        try writer.send()
    }

    private func waitUntilDurable(_ position: LogPosition) throws(PostgresError) {
        while source.log.durablePosition < position {
            guard !interruption.isInterrupted else { throw .stopped }
            interruption.sleep(milliseconds: 1)
        }
    }

    // MARK: - The transaction

    /// What `mirror` becomes when the transaction is committed.
    private var pendingMirror = MirrorSize()
    /// The transaction writes events anew, which costs more than the state's digest does.
    private var isDigestDue = false
    /// Where this keeper wrote a digest last.
    private var digestPosition: LogPosition?

    private func inTransaction(
        _ connection: PostgresConnection,
        to end: LogPosition,
        _ body: (inout BookWriter) throws -> Milliseconds?
    ) throws -> Report {
        try connection.run("BEGIN")
        do {
            let found = try Watermark.read(connection, isLocked: true)
            guard found == watermark else { throw Self.moved }
            var writer = BookWriter(connection, copiesNewRows: copiesNewRows)
            isDigestDue = isLast && end >= source.log.durablePosition
            let decidedAt = try body(&writer)
            let new = Watermark(log: source.identity, position: end, origin: source.origin(end))
            try new.replace(watermark, decidedAt: decidedAt, digest: isDigestDue ? digest : nil, connection)
            try connection.run("COMMIT")
            let report = Report(
                position: end,
                records: end.rawValue - min(end, position).rawValue,
                rows: writer.rowCount
            )
            watermark = new
            mirror = pendingMirror
            if isDigestDue { digestPosition = end }
            return report
        } catch {
            try? connection.run("ROLLBACK")
            // A key that is there twice: the next attempt writes over what has it.
            if case .refused(state: "23505", _)? = error as? PostgresError { copiesNewRows = false }
            throw error
        }
    }

    /// Row by row: a reader who began before goes on seeing what it saw, and nobody waits for it.
    private func removeAll(_ connection: PostgresConnection) throws(PostgresError) {
        // A statement for a whole table, with all that refers to it, may take longer than a flush.
        try connection.allowing(seconds: 3_600) { () throws(PostgresError) in
            // Those that refer first.
            for table in BookTable.allCases.reversed() { try connection.run("DELETE FROM holdfast.\(table.name)") }
            try connection.run("DELETE FROM holdfast.resynchronisations")
        }
    }

    // MARK: - What an engine can be started from

    /// Writes events as snapshots have them, and lets go of the journal, whose records are all in them.
    /// - Parameter keys: nil for all of them.
    private func writeBase(_ keys: Set<EventKey>?, _ connection: PostgresConnection) throws(PostgresError) -> MirrorSize
    {
        isDigestDue = true
        if let keys {
            let list = keys.map { "\(Int64(bitPattern: $0.rawValue))" }.joined(separator: ",")
            _ = try connection.rows(
                "DELETE FROM holdfast_state.base WHERE event_key = ANY ($1::bigint[])",
                ["{\(list)}"]
            )
        } else {
            try connection.run("DELETE FROM holdfast_state.base")
        }
        try connection.run("DELETE FROM holdfast_state.journal")
        var rows = CopyText()
        var buffer = RecordBuffer(capacity: 512 << 10)
        for key in keys.map({ Array($0) }) ?? state!.keys {
            var part = 0
            try state!.event(key)?.writeSnapshot(asOf: state!.position, into: &buffer) { buffer throws(PostgresError) in
                rows.value(key)
                rows.value(part)
                rows.value(state!.position.rawValue)
                buffer.withBytes {
                    rows.value(bytes: $0)
                    rows.value(crc32c($0))
                }
                rows.endRow()
                part += 1
                buffer.removeAll()
                if rows.bytes.count > BookWriter.bytesMax { try send(&rows, connection) }
            }
        }
        try send(&rows, connection)
        var mirror = try MirrorSize(of: connection)
        mirror.events = []
        return mirror
    }

    private func send(_ rows: inout CopyText, _ connection: PostgresConnection) throws(PostgresError) {
        guard rows.rowCount > 0 else { return }
        try connection.copy(into: "holdfast_state.base (event_key, part, position, records, checksum)", rows.bytes)
        rows.removeAll()
    }
}

/// How much of the engine's own records Postgres has, to see when events are to be written anew.
private struct MirrorSize {
    var baseBytes = 0
    var journalBytes = 0
    /// Events with records in the journal; nil where nobody has counted.
    var events: Set<EventKey>?

    init() {}

    init(of connection: PostgresConnection) throws(PostgresError) {
        let row = try connection.rows(
            """
            SELECT (SELECT coalesce(sum(octet_length(records)), 0) FROM holdfast_state.base),
                (SELECT coalesce(sum(octet_length(records)), 0) FROM holdfast_state.journal)
            """
        ).first
        baseBytes = row?[0].flatMap { Int($0) } ?? 0
        journalBytes = row?[1].flatMap { Int($0) } ?? 0
    }

    func adding(_ bytes: Int, marks: [EventKey: BookMarks]) -> MirrorSize {
        var sum = self
        sum.journalBytes += bytes
        sum.events?.formUnion(marks.keys)
        return sum
    }

    /// Only when the journal has grown to their size, so that all of it costs at most as much again as the journal does.
    func isDue(beyond journalBytesMin: Int) -> Bool { journalBytes > max(journalBytesMin, baseBytes) }
}

extension BookWriter {
    /// What has happened, for the organiser. Kept refusals change nothing and aren't there.
    fileprivate mutating func audit(
        _ record: EventRecord,
        at position: LogPosition,
        of names: (tenant: ShortText, event: ShortText)?,
        isNew: Bool
    ) {
        guard !record.facts.isEmpty, let names else { return }
        row(.audit, isNew: isNew) { row in
            row.value(position.rawValue)
            row.value(record.event)
            row.value(names.tenant)
            row.value(orNull: names.event)
            row.value(at: record.at)
            row.value(orNull: record.whoAsked)
            row.value(words: record.facts.map(\.action))
            let hold = record.facts.lazy.compactMap(\.hold).first
            row.value(hold?.slot)
            row.value(hold?.generation)
        }
    }
}
