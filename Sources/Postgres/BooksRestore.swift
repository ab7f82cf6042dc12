import Engine
import WAL

/// Makes a data folder from the books: the engine's own records in them, then the tail of a log that is left, if one is.
public enum BooksRestore {
    /// The state that the books lead to.
    public struct Found {
        /// Whose books they are, and as of when.
        let books: Watermark
        /// Of the log that the books followed.
        public var log: String { books.log }
        /// As of where the books are.
        public var booksPosition: LogPosition { books.position }
        /// As of where the state is: the books', or further with the tail of a log.
        public fileprivate(set) var position: LogPosition
        public fileprivate(set) var replay: CheckedReplay
    }

    /// Reads the books in one transaction, so as of one position, while a server may go on writing them.
    ///
    /// - Throws: `PostgresError`; `RecoveryError` for records that don't lead to a state.
    public static func read(url: String) throws -> Found {
        let connection = try PostgresConnection(url: url, interruption: Interruption(), statementSeconds: 600)
        try Migrations.require(connection)
        try connection.run("BEGIN ISOLATION LEVEL REPEATABLE READ READ ONLY")
        guard let watermark = try Watermark.read(connection, isLocked: false) else {
            throw PostgresError.damaged("the books are empty: nothing was ever written into this database")
        }
        var reading = Reading()
        reading.digest = try Watermark.digest(connection)
        try fetch(
            "SELECT int8send(coalesce(checksum, -1)) || records FROM holdfast_state.base ORDER BY event_key, part",
            connection
        ) { bytes in
            try visit(whole(bytes)) { try reading.replay.restore($0) }
        }
        reading.last = reading.replay.reach
        try reading.checkDigest()
        try fetch(
            "SELECT int8send(first_position) || int8send(coalesce(checksum, -1)) || records FROM holdfast_state.journal "
                + "ORDER BY first_position",
            connection
        ) { bytes in
            let first = UInt64(bigEndian: bytes.loadUnaligned(as: UInt64.self))
            try reading.take(whole(UnsafeRawBufferPointer(rebasing: bytes[8...])), from: LogPosition(first))
        }
        try connection.run("COMMIT")
        guard reading.last == watermark.position else {
            throw PostgresError.damaged(
                "the books are at position \(watermark.position), and the records in them end at \(reading.last)"
            )
        }
        return Found(
            books: watermark,
            position: watermark.position,
            replay: reading.replay
        )
    }

    private struct Reading {
        var replay = CheckedReplay()
        var last = LogPosition.zero
        /// What the state's digest was at a position.
        var digest: (at: LogPosition, value: UInt64)?

        func checkDigest() throws {
            guard let digest, digest.at == last, digest.value != replay.digest, replay.isDigestExact else {
                return
            }
            throw PostgresError.damaged(
                "the books' own records lead to another state at position \(last) than the engine had there: they were "
                    + "changed since"
            )
        }

        mutating func take(_ records: UnsafeRawBufferPointer, from first: LogPosition) throws {
            guard first.rawValue <= last.rawValue + 1 else {
                throw PostgresError.damaged(
                    "the books have no records from \(last.rawValue + 1) to \(first.rawValue - 1)"
                )
            }
            var position = first.rawValue
            try BooksRestore.visit(records) {
                try replay.apply($0, at: LogPosition(position))
                if LogPosition(position) > last {
                    last = LogPosition(position)
                    try checkDigest()
                }
                position += 1
            }
        }
    }

    /// A row's records, behind their checksum; -1 in rows of before version 3 of the schema.
    private static func whole(_ row: UnsafeRawBufferPointer) throws -> UnsafeRawBufferPointer {
        let checksum = Int64(bigEndian: row.loadUnaligned(as: Int64.self))
        let records = UnsafeRawBufferPointer(rebasing: row[8...])
        guard checksum == -1 || checksum == Int64(crc32c(records)) else {
            throw PostgresError.damaged("a row of the engine's own records is damaged: its checksum does not match")
        }
        return records
    }

    private static func visit(_ records: UnsafeRawBufferPointer, _ body: (UnsafeRawBufferPointer) throws -> Void) throws
    {
        var frames = RecordFrames(records)
        while let payload = frames.next() { try body(payload) }
        guard frames.isAtEnd else { throw PostgresError.damaged("a row of the engine's own records can't be read") }
    }

    /// Some megabytes at a time.
    private static func fetch(
        _ query: String,
        _ connection: PostgresConnection,
        _ body: (UnsafeRawBufferPointer) throws -> Void
    ) throws {
        try connection.run("DECLARE reading BINARY NO SCROLL CURSOR FOR \(query)")
        var count = 0
        repeat {
            count = 0
            try connection.bytes("FETCH 16 FROM reading") { bytes in
                count += 1
                try body(bytes)
            }
        } while count > 0
        try connection.run("CLOSE reading")
    }
}

// MARK: - The tail of a log

extension BooksRestore.Found {
    /// Goes on with what is left of the log that the books followed, as far as it continues them without a gap.
    ///
    /// - Returns: the records that came on top.
    /// - Throws: `LogRefusal` for another log, for another history of it, and for one that goes on further without joining
    ///   the books; `LogError` for a folder that can't be read.
    public mutating func goOn(with examination: LogExamination) throws -> UInt64 {
        guard let identity = examination.identity else {
            throw LogRefusal("\(examination.folder) has no log")
        }
        // The log of before, when a restore was cut, or its folder lost: nobody has written the books since.
        guard identity == log || identity == books.former else {
            throw LogRefusal("\(examination.folder) has the log \(identity), and the books are those of \(log)")
        }
        var last = examination.snapshots.first ?? 0
        try examination.readLog { place, payload in
            last = max(last, place.position)
            guard place.position == position.rawValue + 1 else { return }
            if position == booksPosition { try requireSameHistory(examination) }
            try replay.apply(payload, at: LogPosition(place.position))
            position = LogPosition(place.position)
        }
        guard last <= position.rawValue else {
            throw LogRefusal(
                "\(examination.folder) goes on to position \(last), and joins the books up to \(position) only: what is "
                    + "between is damaged, or the log no longer has it. Start from that folder itself if holdfast verify finds "
                    + "it sound, or after holdfast repair; to do with less, give what holdfast restore --until \(position) "
                    + "makes of it, or no --log at all"
            )
        }
        return position.rawValue - booksPosition.rawValue
    }

    private func requireSameHistory(_ examination: LogExamination) throws {
        guard let origin = books.origin else { return }
        guard let own = examination.origin(of: booksPosition) else {
            throw LogRefusal(
                "\(examination.folder) no longer has the record at position \(booksPosition), where the books are: nothing tells "
                    + "whether it continues them. Start from that folder itself, if holdfast verify finds it sound"
            )
        }
        guard own == origin else {
            throw LogRefusal(
                "\(examination.folder) has another history of the log than the books at position \(booksPosition): one of both "
                    + "was put back to an older state"
            )
        }
    }

    // MARK: - The folder

    /// Writes the state into a new folder as a snapshot and an empty log behind it, and makes both durable.
    ///
    /// - Returns: the identity of the new log.
    public func write(to folder: NewFolder, on device: any LogDevice) throws -> String {
        folder.release()
        var options = Engine.logOptions(shards: 1)
        options.spareSegments = 0
        options.reserveBytes = nil
        let log = try WriteAheadLog.open(folder: folder.partialPath, options: options, device: device)
        defer { try? log.close() }
        try log.begin(behind: position)
        try log.start(onDurable: { _ in }, onFailure: { _ in })
        let writer = try log.beginSnapshot(at: position)
        var buffer = RecordBuffer(capacity: 512 << 10)
        for event in replay.events {
            try event.writeSnapshot(asOf: position, into: &buffer) { buffer throws(LogError) in
                try writer.append(buffer)
                buffer.removeAll()
            }
        }
        try writer.finish()
        try log.close()
        return log.identity
    }
}

extension BooksRestore {
    /// Gives the books to the new log: from then on a server with the old one is refused by them.
    ///
    /// - Throws: `foreignBooks` when the books have moved on since they were read: the old server still runs.
    public static func handOver(url: String, from found: Found, to log: String) throws(PostgresError) {
        let connection = try PostgresConnection(url: url, interruption: Interruption())
        let rows = try connection.rows(
            "UPDATE holdfast.watermark SET log = $1, former_log = coalesce(former_log, log) "
                + "WHERE log = $2 AND position = $3::bigint RETURNING log",
            [log, found.log, "\(found.booksPosition)"]
        )
        guard rows.count == 1 else {
            throw .foreignBooks(
                "the books have moved on from position \(found.booksPosition) while they were read: a server still writes "
                    + "them. Stop it first"
            )
        }
    }
}
