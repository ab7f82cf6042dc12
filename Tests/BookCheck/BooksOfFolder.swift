import WAL

@testable import Engine
@testable import Postgres

/// The books in a database, held against the data folder that they are of.
package enum BooksOfFolder {
    /// - Precondition: no server has the folder, and its books have caught up.
    /// - Returns: what differs, at most a few lines for each event; empty when nothing does.
    package static func differences(folder: String, url: String) throws -> [String] {
        let log = try WriteAheadLog.openReadOnly(folder: folder, device: SynchronousDevice())
        defer { try? log.close() }
        var recovery = Recovery()
        let summary = try recovery.run(log)
        let connection = try PostgresConnection(url: url, interruption: Interruption())
        var found: [String] = []
        let watermark = try Watermark.read(connection, isLocked: false)
        if watermark?.position != summary.lastPosition {
            found.append(
                "the watermark is \(String(describing: watermark)), and the log ends at \(summary.lastPosition)"
            )
        }
        for key in recovery.keys {
            guard let event = recovery.event(key), !event.isTenantsOwn else { continue }
            found += try BookRowCheck(connection: connection, event: event).differences().map {
                "\(event.details.id): \($0)"
            }
        }
        return found
    }
}

/// Looks on while books are written, to be there in the middle of a flush.
package final class FlushWatch {
    private let connection: PostgresConnection

    package init(url: String) throws {
        connection = try PostgresConnection(url: url + "&application_name=watch", interruption: Interruption())
    }

    /// Returns when a flush has come through; false when none has in that time.
    package func waitForProgress(milliseconds: Int) throws -> Bool {
        let end = ContinuousClock.now + .milliseconds(milliseconds)
        let before = try Watermark.read(connection, isLocked: false)
        while ContinuousClock.now < end {
            if try Watermark.read(connection, isLocked: false) != before { return true }
        }
        return false
    }

    /// Returns when a flush is under way; false when none was seen in that time.
    package func waitForFlush(milliseconds: Int) throws -> Bool {
        let end = ContinuousClock.now + .milliseconds(milliseconds)
        while ContinuousClock.now < end {
            let rows = try connection.rows(
                // Whoever reads the watermark to move it has this lock to the end of its transaction.
                "SELECT 1 FROM pg_locks WHERE relation = to_regclass('holdfast.watermark') AND mode = 'RowShareLock'"
            )
            if !rows.isEmpty { return true }
        }
        return false
    }

    /// What can be seen now is of one position: the watermark's.
    package func contradictions() throws -> [String] {
        let rows = try connection.rows(
            """
            SELECT (SELECT coalesce(max(position), 0) <= (SELECT coalesce(max(position), 0) FROM holdfast.watermark)
                    FROM holdfast.audit),
                (SELECT coalesce(max(last_position), 0) <= (SELECT coalesce(max(position), 0) FROM holdfast.watermark)
                    FROM holdfast_state.journal),
                (SELECT count(*) FROM holdfast.sections s WHERE sold <> (
                    SELECT count(*) FROM holdfast.tickets t WHERE t.event_key = s.event_key
                    AND t.section_number = s.number AND has_place)),
                (SELECT count(*) FROM holdfast.sections s WHERE reserved <> (
                    SELECT coalesce(sum(l.quantity), 0) FROM holdfast.order_lines l
                    JOIN holdfast.reservations r USING (event_key, slot, generation)
                    WHERE l.event_key = s.event_key AND l.section_number = s.number AND r.status = 'held'))
            """
        )
        return rows == [["t", "t", "0", "0"]] ? [] : ["the books are not of one position: \(rows)"]
    }
}
