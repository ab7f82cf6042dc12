/// `holdfast_reports`, which may read the books and nothing else.
///
/// Apart from the versions of the schema, because a role belongs to the whole server: it may be made, or given away, later
/// than they are, and by somebody else.
enum ReportingRole {
    /// Makes the role where it is missing, and lets it read everything in the books, now and later. Repeating it changes
    /// nothing.
    /// - Returns: why the role can't be used; nil when it can.
    static func grant(_ connection: PostgresConnection) throws(PostgresError) -> String? {
        do throws(PostgresError) {
            if try connection.rows("SELECT 1 FROM pg_roles WHERE rolname = 'holdfast_reports'").isEmpty {
                try connection.run("CREATE ROLE holdfast_reports NOLOGIN")
            }
        } catch .refused(let state, _) where state == "42501" {
            return
                "the role holdfast_reports is missing, and this user may not make it: let somebody who may say "
                + "CREATE ROLE holdfast_reports, and run holdfast migrate again"
        } catch .refused(let state, _) where state == "42710" || state == "23505" {
            // Somebody else has made it meanwhile.
        }
        do throws(PostgresError) {
            try connection.run(
                """
                GRANT USAGE ON SCHEMA holdfast TO holdfast_reports;
                GRANT SELECT ON ALL TABLES IN SCHEMA holdfast TO holdfast_reports;
                ALTER DEFAULT PRIVILEGES IN SCHEMA holdfast GRANT SELECT ON TABLES TO holdfast_reports
                """
            )
        } catch .refused(let state, let message) where state == "42501" {
            return
                "holdfast_reports can't read all of the books: \(message). Run holdfast migrate as the schema's owner"
        }
        let hidden = try connection.rows(
            """
            SELECT count(*) FROM pg_class WHERE relnamespace = 'holdfast'::regnamespace AND relkind IN ('r', 'v')
                AND NOT has_table_privilege('holdfast_reports', oid, 'SELECT')
            """
        )
        guard hidden.first?[0] == "0" else {
            return "holdfast_reports can't read all of the books. Run holdfast migrate as the schema's owner"
        }
        return nil
    }
}
