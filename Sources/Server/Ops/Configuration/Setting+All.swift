import Auth

/// Every setting of the server, in the order of the documentation.
extension Setting {
    static let all: [Setting] =
        storage + listening + requests + authentication + encryption + rateLimits + books
        + logging + [.config]

    // MARK: - What is kept

    static let storage: [Setting] = [
        .data, .snapshotSeconds, .snapshotRecords, .segmentMib, .logKeptMib, .diskReserveMib,
    ]

    static let data = Setting.text(
        "data",
        "folder",
        "The folder of the log and the snapshots; made when it is missing. There is no server without one."
    )
    static let snapshotSeconds = Setting.number(
        "snapshot-seconds",
        1...86_400,
        "s",
        default: 300,
        "Time between snapshots, when something has changed."
    )
    static let snapshotRecords = Setting.number(
        "snapshot-records",
        1_000...1_000_000_000,
        "records",
        default: 2_000_000,
        "Records of the log after which a snapshot is taken early."
    )
    static let segmentMib = Setting.number(
        "segment-mib",
        2...4_096,
        "MiB",
        default: 64,
        "Size of the log's files; those that are there keep theirs. Smaller ones are let go of sooner."
    )
    static let logKeptMib = Setting.number(
        "log-kept-mib",
        0...1_048_576,
        "MiB",
        default: 1_024,
        """
        How much of the log is kept for audit and feed although no start needs it any more; it goes, oldest first, before \
        room runs short.
        """
    )
    static let diskReserveMib = Setting.number(
        "disk-reserve-mib",
        8...1_048_576,
        "MiB",
        defaultIs: "three of the log's files",
        """
        What the log wants to have free for itself on its filesystem, beside the next snapshot; with less, changes are \
        refused (503 STORAGE_FULL) until there is room again.
        """
    )

    // MARK: - Where it listens

    static let listening: [Setting] = [.host, .port, .shards, .connectionsMax, .streamsMax]

    static let host = Setting.text(
        "host",
        "address",
        default: "127.0.0.1",
        "The address to listen at; without token-keys a loopback address only."
    )
    static let port = Setting.number(
        "port",
        0...65_535,
        "",
        default: 8_080,
        "The port to listen at; 0 takes a free one."
    )
    static let shards = Setting.number(
        "shards",
        1...64,
        "",
        defaultIs: "one per core",
        "Event loops, each owning a share of the events."
    )
    static let connectionsMax = Setting.number(
        "connections-max",
        1...65_536,
        "connections",
        default: ConnectionLimits().connectionsMax,
        "Connections at a time, or fewer where the limit of open files says so; one more is told 503."
    )
    static let streamsMax = Setting.number(
        "streams-max",
        1...65_536,
        "streams",
        default: StreamAllowance.defaultLimit,
        "Streams at a time, each a connection as well; one more is told 503."
    )

    // MARK: - What it asks of requests

    static let requests: [Setting] = [.requireIdempotencyKeys]

    static let requireIdempotencyKeys = Setting.flag(
        "require-idempotency-keys",
        "Whether a POST, PUT or DELETE that changes something is refused without an Idempotency-Key (428)."
    )

    // MARK: - Whom it believes

    static let authentication: [Setting] = [.tokenKeys, .tokenIssuer, .tokenAudience, .tokenLeewaySeconds]

    static let tokenKeys = Setting.text(
        "token-keys",
        "file",
        """
        A file with the keys of the tokens that callers need: a JWK set, a key in PEM, or a shared secret. Read again when it \
        changes. Without it anybody may do anything.
        """
    )
    static let tokenIssuer = Setting.text(
        "token-issuer",
        "text",
        "The issuer (iss) that tokens must name; without it any."
    )
    static let tokenAudience = Setting.text(
        "token-audience",
        "text",
        "The audience (aud) that tokens must name; without it any."
    )
    static let tokenLeewaySeconds = Setting.number(
        "token-leeway-seconds",
        0...TokenRules.leewaySecondsMax,
        "s",
        default: 30,
        "By how much clocks may differ when a token's times are read."
    )

    // MARK: - What it says

    static let logging: [Setting] = [
        .logFormat, .logLevel, .logRequests, .loggedRequestsPerSecond, .metricsEventsMax,
    ]

    static let logFormat = Setting.choice(
        "log-format",
        LogLineFormat.allCases.map(\.rawValue),
        default: LogLineFormat.text.rawValue,
        "How lines of the log are written to the standard error stream: for people, or a JSON object each."
    )
    static let logLevel = Setting.choice(
        "log-level",
        ["trace", "debug", "info", "notice", "warning", "error", "critical"],
        default: "info",
        "The least severe lines that are written."
    )
    static let logRequests = Setting.choice(
        "log-requests",
        LoggedRequests.allCases.map(\.rawValue),
        default: LoggedRequests.none.rawValue,
        "Which requests get a line of their own, at the level info; errors are those with a status from 400 on."
    )
    static let loggedRequestsPerSecond = Setting.number(
        "logged-requests-per-second",
        1...1_000_000,
        "lines/s",
        default: 1_000,
        "Lines for requests; how many were left out beyond that is said once a second."
    )

    static let metricsEventsMax = Setting.number(
        "metrics-events-max",
        0...10_000,
        "events",
        default: Operations.metricsEventsMaxDefault,
        "Events whose places are shown one by one in metrics, four series each; with more events than these none is."
    )

    // MARK: - Where all this comes from

    static let config = Setting.text(
        "config",
        "file",
        "A JSON file with any of these settings but this one: {\"holdfast\": {\"port\": 8080, \"snapshot\": {\"seconds\": 60}}}."
    )
}
