import CPostgres
import Glibc

/// One connection to Postgres, for the thread that made it. Every call waits, at most for the statement's time, and ends
/// with `stopped` when the interruption comes.
///
/// The URL goes to libpq as it is, so TLS, several hosts, services and password files are as libpq documents them.
package final class PostgresConnection {
    private var handle: OpaquePointer
    private let interruption: Interruption
    private var statementSeconds: Int
    /// For tests: called before every statement, and with true when it has succeeded; may break the connection off.
    package var onStatement: ((_ isDone: Bool) throws(PostgresError) -> Void)?

    /// - Parameters:
    ///   - url: `postgresql://…`, or libpq's `keyword=value` form.
    ///   - statementSeconds: after which the server gives up a statement; the client does a few seconds later.
    package init(url: String, interruption: Interruption, statementSeconds: Int = 60) throws(PostgresError) {
        try Self.check(url: url)
        self.interruption = interruption
        self.statementSeconds = statementSeconds
        handle = try Self.begin(url)
        try connect(url)
        let version = PQserverVersion(handle)
        guard version >= 150_000 else {
            throw .schema("the books need Postgres 15 or newer, and this is version \(version / 10_000)")
        }
        PQsetnonblocking(handle, 1)
        try beginSession()
    }

    deinit { PQfinish(handle) }

    /// What the server does when we, or the network, are gone: it ends the statement, and a transaction that rests, which
    /// would keep others from writing the books.
    private func beginSession() throws(PostgresError) {
        let settings = [
            ("statement_timeout", "'\(statementSeconds)s'"), ("lock_timeout", "'\(statementSeconds)s'"),
            // Longer, because the thread may have to wait for the sale between two statements.
            ("idle_in_transaction_session_timeout", "'\(10 * statementSeconds)s'"),
            ("client_connection_check_interval", "'1s'"), ("tcp_keepalives_idle", "10"),
            ("tcp_keepalives_interval", "5"), ("tcp_keepalives_count", "3"), ("tcp_user_timeout", "'30s'"),
            ("client_min_messages", "warning"),
        ]
        try run(settings.map { "SET \($0.0) = \($0.1)" }.joined(separator: "; "))
    }

    /// - Throws: `badURL` with the reason, and nothing of the URL: what libpq takes for a host, a port or an option may
    ///   be part of a password.
    package static func check(url: String) throws(PostgresError) {
        let encoding = "a blank, %, /, ?, @ or : in the user's name or the password is written percent-encoded"
        var reason: UnsafeMutablePointer<CChar>?
        let options = PQconninfoParse(url, &reason)
        defer {
            PQconninfoFree(options)
            PQfreemem(reason)
        }
        guard let options else {
            // libpq quotes what it doesn't understand.
            let text = reason.map { trimmed(String(cString: $0)).replacing(/".*"/, with: "…") }
            throw .badURL(text.map { "\($0) (\(encoding))" } ?? "out of memory")
        }
        var option = options
        while let keyword = option.pointee.keyword {
            if String(cString: keyword) == "port", let value = option.pointee.val {
                let ports = String(cString: value).split(separator: ",", omittingEmptySubsequences: false)
                guard ports.allSatisfy({ $0.isEmpty || (1...65_535).contains(Int($0) ?? 0) }) else {
                    throw .badURL("its port is not a number from 1 to 65535 (\(encoding))")
                }
            }
            option += 1
        }
        // Only what stands before the options can have the credentials: libpq ends them at the first @, and takes
        // everything for a host that comes before the first /.
        guard url.contains("://") else { return }
        let credentials = url.drop { $0 != ":" }.dropFirst(3).prefix { $0 != "?" }
        guard let at = credentials.firstIndex(of: "@") else { return }
        guard credentials[..<at].allSatisfy({ $0 != "/" }), credentials[at...].dropFirst().allSatisfy({ $0 != "@" })
        else { throw .badURL("it has an @ or a / where none can be (\(encoding))") }
    }

    private func connectionError() -> PostgresError {
        .unreachable(Self.trimmed(String(cString: PQerrorMessage(handle))))
    }

    private static func trimmed(_ message: String) -> String {
        message.split(separator: "\n").map { $0.drop { $0 == " " || $0 == "\t" } }.joined(separator: "; ")
    }

    // MARK: - Connecting

    /// - Parameter host: the one of the URL's hosts to go to; nil for all of them, in turn.
    private static func begin(_ url: String, _ host: PostgresHost? = nil) throws(PostgresError) -> OpaquePointer {
        // Before `dbname`, which is the URL, what it may say otherwise; behind it what it may not.
        let parameters =
            [
                ("application_name", "holdfast"), ("keepalives_idle", "10"), ("keepalives_interval", "5"),
                ("keepalives_count", "3"), ("tcp_user_timeout", "30000"), ("dbname", url), ("client_encoding", "UTF8"),
            ] + (host?.parameters ?? [])
        let keywords = parameters.map { strdup($0.0) }
        let values = parameters.map { strdup($0.1) }
        defer { for text in keywords + values { free(text) } }
        let handle = (keywords.map { UnsafePointer($0) } + [nil]).withUnsafeBufferPointer { keywords in
            (values.map { UnsafePointer($0) } + [nil]).withUnsafeBufferPointer { values in
                PQconnectStartParams(keywords.baseAddress, values.baseAddress, 1)
            }
        }
        guard let handle else { throw .unreachable("out of memory") }
        // A warning is no error, and no text for the operator's terminal.
        PQsetNoticeProcessor(handle, { _, _ in }, nil)
        return handle
    }

    /// libpq goes on to the next host when one refuses. When one keeps silent, as a machine does that has died, going on is
    /// up to whoever drives it by `poll`; so each host is asked by itself, with a time of its own.
    private func connect(_ url: String) throws(PostgresError) {
        let settings = ConnectionSettings(of: handle)
        guard settings.hosts.count > 1 else { return try connect(withinSeconds: settings.timeoutSeconds) }
        var reasons: [String] = []
        for host in settings.hosts {
            let next = try Self.begin(url, host)
            PQfinish(handle)
            handle = next
            do throws(PostgresError) {
                return try connect(withinSeconds: settings.timeoutSeconds)
            } catch .unreachable(let reason) {
                reasons.append("\(host): \(reason)")
            }
        }
        throw .unreachable(reasons.joined(separator: "; "))
    }

    private func connect(withinSeconds limit: Int) throws(PostgresError) {
        do throws(PostgresError) {
            try connect(deadline: monotonicMilliseconds() + limit * 1_000)
        } catch .timedOut {
            throw .unreachable("no answer within \(limit) s")
        }
    }

    private func connect(deadline: Int) throws(PostgresError) {
        guard PQstatus(handle) != CONNECTION_BAD else { throw connectionError() }
        var state = PGRES_POLLING_WRITING
        while state != PGRES_POLLING_OK {
            guard state != PGRES_POLLING_FAILED else { throw connectionError() }
            try wait(for: state == PGRES_POLLING_READING ? POLLIN : POLLOUT, until: deadline)
            state = PQconnectPoll(handle)
        }
    }

    /// Waits for the socket.
    private func wait(for events: Int32, until deadline: Int) throws(PostgresError) {
        while true {
            let left = deadline - monotonicMilliseconds()
            guard left > 0 else { throw .timedOut(seconds: statementSeconds) }
            var entries = [
                pollfd(fd: PQsocket(handle), events: Int16(events), revents: 0),
                pollfd(fd: interruption.descriptor, events: Int16(POLLIN), revents: 0),
            ]
            let count = poll(&entries, 2, Int32(clamping: left))
            if interruption.isInterrupted { throw .stopped }
            if count > 0, entries[0].revents != 0 { return }
            if count < 0, errno != EINTR { throw .unreachable("poll: error \(errno)") }
        }
    }
}

// MARK: - Statements

extension PostgresConnection {
    /// Runs statements without results to look at, several with semicolons between them.
    package func run(_ sql: String) throws(PostgresError) {
        try onStatement?(false)
        guard PQsendQuery(handle, sql) == 1 else { throw connectionError() }
        try finish { _ in }
        try onStatement?(true)
    }

    /// Gives the statements of a transaction that `body` runs more time than others have.
    package func allowing(seconds: Int, _ body: () throws(PostgresError) -> Void) throws(PostgresError) {
        let usual = statementSeconds
        statementSeconds = seconds
        defer { statementSeconds = usual }
        // It ends with the transaction, also where that is rolled back.
        try run("SET LOCAL statement_timeout = '\(seconds)s'")
        try body()
        try run("SET LOCAL statement_timeout = '\(usual)s'")
    }

    /// For tests: as when the network goes.
    package func breakOff() { shutdown(PQsocket(handle), Int32(SHUT_RDWR)) }

    /// Runs one statement, and gives its rows as texts.
    /// - Parameter parameters: for `$1` and so on.
    package func rows(_ sql: String, _ parameters: [String?] = []) throws(PostgresError) -> [[String?]] {
        try onStatement?(false)
        let values = parameters.map { $0.map { strdup($0)! } }
        defer { for value in values { free(value) } }
        let sent = values.map { $0.map { UnsafePointer($0) } }.withUnsafeBufferPointer {
            PQsendQueryParams(handle, sql, Int32(parameters.count), nil, $0.baseAddress, nil, nil, 0)
        }
        guard sent == 1 else { throw connectionError() }
        var rows: [[String?]] = []
        try finish { result in
            for row in 0..<PQntuples(result) {
                rows.append(
                    (0..<PQnfields(result)).map { column in
                        PQgetisnull(result, row, column) == 1 ? nil : String(cString: PQgetvalue(result, row, column))
                    }
                )
            }
        }
        try onStatement?(true)
        return rows
    }

    /// Runs one statement, and hands each row's first column to `body` as the bytes that it is made of.
    package func bytes(_ sql: String, _ body: (UnsafeRawBufferPointer) throws -> Void) throws {
        guard PQsendQueryParams(handle, sql, 0, nil, nil, nil, nil, 1) == 1 else { throw connectionError() }
        var failure: (any Error)?
        try finish { result in
            for row in 0..<PQntuples(result) where failure == nil {
                let count = Int(PQgetlength(result, row, 0))
                do {
                    try body(UnsafeRawBufferPointer(start: PQgetvalue(result, row, 0), count: count))
                } catch { failure = error }
            }
        }
        if let failure { throw failure }
    }

    /// Copies rows in COPY's text form into the table.
    package func copy(into table: String, _ rows: [UInt8]) throws(PostgresError) {
        let sql = "COPY \(table) FROM STDIN"
        let deadline = monotonicMilliseconds() + (statementSeconds + 5) * 1_000
        try onStatement?(false)
        guard PQsendQuery(handle, sql) == 1 else { throw connectionError() }
        let opened = try nextResult(deadline)
        defer { PQclear(opened) }
        guard PQresultStatus(opened) == PGRES_COPY_IN else {
            try finish { _ in }
            throw error(of: opened)
        }
        var start = 0
        while start < rows.count {
            let count = min(rows.count - start, 1 << 16)
            try put(until: deadline) {
                rows.withUnsafeBytes {
                    PQputCopyData(handle, $0.baseAddress!.assumingMemoryBound(to: CChar.self) + start, Int32(count))
                }
            }
            start += count
        }
        try put(until: deadline) { PQputCopyEnd(handle, nil) }
        try finish { _ in }
        try onStatement?(true)
    }

    private func put(until deadline: Int, _ body: () -> Int32) throws(PostgresError) {
        while true {
            switch body() {
            case 1: return
            case 0:
                // No room in libpq's buffer: the server may be waiting to be read.
                try wait(for: POLLIN | POLLOUT, until: deadline)
                guard PQconsumeInput(handle) == 1, PQflush(handle) >= 0 else { throw connectionError() }
            default: throw connectionError()
            }
        }
    }

    /// Hands all results of what was sent to `body`, and throws what the first failed one says.
    private func finish(_ body: (OpaquePointer) -> Void) throws(PostgresError) {
        let deadline = monotonicMilliseconds() + (statementSeconds + 5) * 1_000
        var failure: PostgresError?
        while let result = try nextResult(deadline) {
            defer { PQclear(result) }
            switch PQresultStatus(result) {
            case PGRES_COMMAND_OK, PGRES_EMPTY_QUERY: break
            case PGRES_TUPLES_OK: body(result)
            default: failure = failure ?? error(of: result)
            }
            guard PQstatus(handle) != CONNECTION_BAD else { break }
        }
        if let failure { throw failure }
        guard PQstatus(handle) != CONNECTION_BAD else { throw connectionError() }
    }

    private func nextResult(_ deadline: Int) throws(PostgresError) -> OpaquePointer? {
        while true {
            let left = PQflush(handle)
            guard left >= 0 else { throw connectionError() }
            if left == 0, PQisBusy(handle) == 0 { return PQgetResult(handle) }
            try wait(for: left == 1 ? POLLIN | POLLOUT : POLLIN, until: deadline)
            guard PQconsumeInput(handle) == 1 else { throw connectionError() }
        }
    }

    private func error(of result: OpaquePointer?) -> PostgresError {
        func field(_ code: Character) -> String? {
            PQresultErrorField(result, Int32(code.asciiValue!)).map { String(cString: $0) }
        }
        guard PQstatus(handle) != CONNECTION_BAD else { return connectionError() }
        let state = field("C") ?? "?????"
        // The detail of an error has whole rows, and some messages have values: names, addresses, ids of customers. They
        // are not for the log. What was refused and by which rule is told by the names.
        let tellsValues = ["22", "P0"].contains { state.hasPrefix($0) }
        let message =
            state.hasPrefix("XX")
            ? "a fault of its own, or damaged data: its log says more"
            : tellsValues ? "a value was not taken" : field("M") ?? "no reason was given"
        let names = [("schema", "s"), ("table", "t"), ("column", "c"), ("data type", "d"), ("constraint", "n")]
            .compactMap { name, code in field(Character(code)).map { "\(name) \($0)" } }
        return .refused(
            state: state,
            message: names.isEmpty ? message : "\(message) (\(names.joined(separator: ", ")))"
        )
    }
}
