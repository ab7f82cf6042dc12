/// Why Postgres did not do what it was asked to.
public enum PostgresError: Error, Equatable, Sendable {
    /// The URL can't be understood.
    case badURL(String)
    /// There is no connection, or there is none any more.
    case unreachable(String)
    /// A statement was refused; `state` is its SQLSTATE.
    case refused(state: String, message: String)
    /// Nothing came within the statement's time.
    case timedOut(seconds: Int)
    /// The database has another schema than this program writes.
    case schema(String)
    /// The database has the books of another log, or of another history of this one.
    case foreignBooks(String)
    /// What was read back is not what was written.
    case damaged(String)
    /// The program stops.
    case stopped
}

extension PostgresError: CustomStringConvertible {
    public var description: String {
        switch self {
        case .badURL(let message): "the Postgres URL can't be used: \(message)"
        case .unreachable(let message): "Postgres can't be reached: \(Self.remedy(message) ?? message)"
        case .refused(let state, let message):
            "Postgres refused a statement (\(state)): \(message)" + (Self.advice(state).map { ". \($0)" } ?? "")
        case .timedOut(let seconds): "Postgres gave no answer within \(seconds) s"
        case .schema(let message), .foreignBooks(let message), .damaged(let message): message
        case .stopped: "the program stops"
        }
    }

    /// What to do about an SQLSTATE that says it.
    private static func advice(_ state: String) -> String? {
        switch state {
        case "42501": "Give the user of the URL the right to it, or run holdfast migrate as the schema's owner"
        case "42P01", "3F000", "42703": "Run holdfast migrate --postgres URL"
        case "53100": "The database's disk is full: the sale goes on, and the books follow when there is room"
        case "57014": "It took longer than a statement may"
        case "25006": "The database is read-only: give the URL of the primary"
        default: nil
        }
    }

    /// libpq says why a connection was refused in words only.
    private static func remedy(_ message: String) -> String? {
        if message.contains("password authentication failed") || message.contains("no password supplied") {
            return "\(message). Give the right password in the URL, in PGPASSWORD or in ~/.pgpass"
        }
        if message.contains("certificate verify failed") {
            return
                "\(message). The server's certificate is not signed by what sslrootcert names: give the certificate of the "
                + "authority that signed it"
        }
        if message.contains("database") && message.contains("does not exist") {
            return "\(message). Make it: createdb, or CREATE DATABASE"
        }
        return nil
    }
}
