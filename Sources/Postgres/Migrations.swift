/// The versions of the schema: each is a text that leads from the one before to it, in one transaction with its number.
package enum Migrations {
    package struct Version: Sendable {
        let name: String
        let sql: String
    }

    /// In order; the first is version 1. Never changed once released, only added to.
    package static let all = [
        Version(name: "books", sql: String(decoding: PackageResources.V1_books_sql, as: UTF8.self)),
        Version(name: "check_ins", sql: String(decoding: PackageResources.V2_check_ins_sql, as: UTF8.self)),
        Version(name: "history", sql: String(decoding: PackageResources.V3_history_sql, as: UTF8.self)),
    ]

    /// Any number, the same for everybody who migrates.
    private static let lock = 0x686f_6c64

    /// Brings the schema to this program's version.
    /// - Parameter last: the version to end with; another one for tests only.
    /// - Returns: the names of the versions that were missing.
    /// - Throws: `schema` where the database has a later version.
    package static func run(
        _ connection: PostgresConnection,
        through last: Int = all.count
    ) throws(PostgresError) -> [String] {
        try requireEncoding(connection)
        try connection.run("BEGIN; SELECT pg_advisory_xact_lock(\(lock))")
        do throws(PostgresError) {
            try connection.run(
                """
                CREATE SCHEMA IF NOT EXISTS holdfast;
                CREATE TABLE IF NOT EXISTS holdfast.migrations (
                    version integer PRIMARY KEY, name text NOT NULL, applied_at timestamptz NOT NULL DEFAULT now());
                COMMENT ON TABLE holdfast.migrations IS 'Versions of this schema.'
                """
            )
            let found = try version(connection)
            try requireKnown(found)
            for (index, version) in all.prefix(last).enumerated().dropFirst(found) {
                try connection.run(version.sql)
                try connection.run(
                    "INSERT INTO holdfast.migrations (version, name) VALUES (\(index + 1), '\(version.name)')"
                )
            }
            try connection.run("COMMIT")
            return all.prefix(last).dropFirst(found).map(\.name)
        } catch {
            try? connection.run("ROLLBACK")
            throw error
        }
    }

    /// - Throws: `schema` where it isn't this program's version.
    package static func require(_ connection: PostgresConnection) throws(PostgresError) {
        try requireEncoding(connection)
        let found = try found(connection)
        try requireKnown(found)
        guard found == all.count else {
            throw .schema(
                (found == 0
                    ? "the database has no books yet"
                    : "the books have version \(found) of the schema, \(all.count) is needed")
                    + ": run holdfast migrate --postgres URL, or serve with --postgres-migrate"
            )
        }
    }

    /// - Throws: `schema` for a version that this program doesn't know.
    static func requireKnown(_ found: Int) throws(PostgresError) {
        guard found > all.count else { return }
        throw .schema(
            "the books have version \(found) of the schema and this program knows \(all.count): a later version of holdfast "
                + "has written them, use that"
        )
    }

    private static func requireEncoding(_ connection: PostgresConnection) throws(PostgresError) {
        let encoding = try connection.rows("SHOW server_encoding").first?[0] ?? ""
        guard encoding == "UTF8" else {
            throw .schema(
                "the database has the encoding \(encoding); the books need UTF8: make it with ENCODING 'UTF8'"
            )
        }
    }

    /// - Returns: 0 where there are no books yet.
    static func found(_ connection: PostgresConnection) throws(PostgresError) -> Int {
        let exists = try connection.rows("SELECT to_regclass('holdfast.migrations')").first?[0] != nil
        return exists ? try version(connection) : 0
    }

    private static func version(_ connection: PostgresConnection) throws(PostgresError) -> Int {
        Int((try connection.rows("SELECT coalesce(max(version), 0) FROM holdfast.migrations").first?[0]) ?? "") ?? 0
    }
}
