import Engine
import WAL

extension PostgresBooks {
    /// The log that books are to follow.
    public enum FollowedLog: Equatable, Sendable {
        case existing(identity: String)
        case new
        /// A server has it.
        case notToBeRead
    }

    /// Whether books could be written now: the server answers, lets the user in, has the schema, takes changes, and has no
    /// other log's books. Changes nothing, and ends within some 10 s a host and as much again for the questions.
    ///
    /// - Returns: what to tell the operator.
    /// - Throws: what is in the way.
    public static func check(_ options: Options, log: FollowedLog) throws(PostgresError) -> String {
        let connection = try PostgresConnection(url: options.url, interruption: Interruption(), statementSeconds: 5)
        let place = try connection.rows(
            "SELECT current_user, current_database(), current_setting('server_version'), current_setting('transaction_read_only')"
        )
        let (user, database, version) = (place.first?[0] ?? "", place.first?[1] ?? "", place.first?[2] ?? "")
        let answer = "Postgres \(version), database \(database), user \(user)"
        guard place.first?[3] == "off" else {
            throw .refused(state: "25006", message: "\(answer): it takes no changes")
        }
        let found = try Migrations.found(connection)
        if options.migrates {
            try Migrations.requireKnown(found)
            guard found == Migrations.all.count else {
                return "\(answer); the start brings the schema from version \(found) to \(Migrations.all.count)"
            }
        }
        try Migrations.require(connection)
        try requireRights(connection, user)
        let books = try checkWatermark(connection, options, log)
        return "\(answer), version \(found) of the schema, \(books)"
    }

    private static func requireRights(_ connection: PostgresConnection, _ user: String) throws(PostgresError) {
        let tables =
            BookTable.allCases.map { "holdfast.\($0.name)" } + ["holdfast_state.base", "holdfast_state.journal"]
        for table in tables + ["holdfast.watermark"] {
            let rights = "INSERT, UPDATE, DELETE, SELECT".split(separator: ", ").map {
                "has_table_privilege('\(table)', '\($0)')"
            }
            let row = try connection.rows("SELECT \(rights.joined(separator: " AND "))")
            guard row.first?[0] == "t" else {
                throw .refused(state: "42501", message: "\(user) may not write \(table)")
            }
        }
    }

    private static func checkWatermark(
        _ connection: PostgresConnection,
        _ options: Options,
        _ log: FollowedLog
    ) throws(PostgresError) -> String {
        guard let watermark = try Watermark.read(connection, isLocked: false) else { return "without books yet" }
        let own: String
        switch log {
        case .notToBeRead: return "with the books of log \(watermark.log) up to position \(watermark.position)"
        case .existing(watermark.log): return "with its books up to position \(watermark.position)"
        case .existing(let identity): own = identity
        case .new: own = "a new one"
        }
        guard options.replaces else {
            throw .foreignBooks(
                "the database has the books of another log (\(watermark.log), up to position \(watermark.position)) and this "
                    + "one is \(own): give the URL of this log's own database, or --postgres-replace to write over them"
            )
        }
        return
            "with the books of another log (\(watermark.log), up to position \(watermark.position)), which are written over"
    }
}
