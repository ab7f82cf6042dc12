import Engine
import WAL

/// As of where the books are: the one row of `holdfast.watermark`.
package struct Watermark: Equatable, Sendable {
    package let log: String
    package let position: LogPosition
    /// Of the record at `position`, see `WriteAheadLog.origin(of:)`. Nil where the log began behind it, and in books from
    /// before version 3 of the schema.
    package let origin: UInt64?
    /// The log that the books followed before a restore gave them to `log`, until that has written for the first time; the
    /// origin is of this one then.
    package let former: String?

    package init(log: String, position: LogPosition, origin: UInt64?, former: String? = nil) {
        self.log = log
        self.position = position
        self.origin = origin
        self.former = former
    }

    /// - Parameter isLocked: keeps others from moving it until the transaction's end.
    /// - Returns: nil for books that nothing was written into.
    package static func read(_ connection: PostgresConnection, isLocked: Bool) throws(PostgresError) -> Watermark? {
        let rows = try connection.rows(
            "SELECT log, position, origin, former_log FROM holdfast.watermark" + (isLocked ? " FOR UPDATE" : "")
        )
        guard let row = rows.first else { return nil }
        guard let log = row[0], let position = row[1].flatMap({ UInt64($0) }) else {
            throw .damaged("the watermark of the books can't be read")
        }
        return Watermark(
            log: log,
            position: LogPosition(position),
            origin: row[2].flatMap { UInt64($0, radix: 16) },
            former: row[3]
        )
    }

    /// What the state's digest was when it was written down last.
    static func digest(_ connection: PostgresConnection) throws(PostgresError) -> (LogPosition, UInt64)? {
        let row = try connection.rows("SELECT digest_position, digest FROM holdfast.watermark").first
        guard let position = row?[0].flatMap({ UInt64($0) }) else { return nil }
        return row?[1].flatMap { UInt64($0, radix: 16) }.map { (LogPosition(position), $0) }
    }

    /// Moves the watermark here from where `old` is, inside a transaction that has it locked.
    /// - Parameter digest: of the state at `position`; nil leaves what is known of an earlier one.
    func replace(
        _ old: Watermark?,
        decidedAt: Milliseconds?,
        digest: UInt64?,
        _ connection: PostgresConnection
    ) throws(PostgresError) {
        let time = decidedAt.map { "'epoch'::timestamptz + \($0) * interval '1 ms'" } ?? "NULL"
        var values = [
            ("log", "'\(log)'"), ("position", "\(position.rawValue)"), ("former_log", "NULL"),
            ("origin", origin.map { "'\(String($0, radix: 16))'" } ?? "NULL"), ("flushed_at", "clock_timestamp()"),
        ]
        if let digest {
            values += [("digest", "'\(String(digest, radix: 16))'"), ("digest_position", "\(position.rawValue)")]
        }
        if old == nil {
            values.append(("decided_at", time))
            let (names, texts) = (values.map(\.0), values.map(\.1))
            try connection.run(
                "INSERT INTO holdfast.watermark (\(names.joined(separator: ", "))) "
                    + "VALUES (\(texts.joined(separator: ", ")))"
            )
        } else {
            values.append(("decided_at", "coalesce(\(time), decided_at)"))
            let changes = values.map { "\($0.0) = \($0.1)" }
            try connection.run("UPDATE holdfast.watermark SET \(changes.joined(separator: ", "))")
        }
    }
}
