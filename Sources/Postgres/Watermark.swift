import Engine
import WAL

/// As of where the books are: the one row of `holdfast.watermark`.
package struct Watermark: Equatable, Sendable {
    package let log: String
    package let position: LogPosition

    /// - Parameter isLocked: keeps others from moving it until the transaction's end.
    /// - Returns: nil for books that nothing was written into.
    package static func read(_ connection: PostgresConnection, isLocked: Bool) throws(PostgresError) -> Watermark? {
        let rows = try connection.rows(
            "SELECT log, position FROM holdfast.watermark" + (isLocked ? " FOR UPDATE" : "")
        )
        guard let row = rows.first else { return nil }
        guard let log = row[0], let position = row[1].flatMap({ UInt64($0) }) else {
            throw .damaged("the watermark of the books can't be read")
        }
        return Watermark(log: log, position: LogPosition(position))
    }

    /// Moves the watermark here from where `old` is, inside a transaction that has it locked.
    func replace(_ old: Watermark?, decidedAt: Milliseconds?, _ connection: PostgresConnection) throws(PostgresError) {
        let time = decidedAt.map { "'epoch'::timestamptz + \($0) * interval '1 ms'" } ?? "NULL"
        if old == nil {
            try connection.run(
                "INSERT INTO holdfast.watermark (log, position, flushed_at, decided_at) "
                    + "VALUES ('\(log)', \(position.rawValue), clock_timestamp(), \(time))"
            )
        } else {
            try connection.run(
                "UPDATE holdfast.watermark SET log = '\(log)', position = \(position.rawValue), "
                    + "flushed_at = clock_timestamp(), decided_at = coalesce(\(time), decided_at)"
            )
        }
    }
}
