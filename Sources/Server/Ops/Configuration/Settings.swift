import Auth
import Foundation
import Logging
import Postgres

/// The server's settings: each from the command line, else from the environment (`HOLDFAST_PORT`), else from the
/// configuration file (`{"holdfast": {"port": 8080}}`), else its default. docs/CONFIGURATION.md has them all.
struct Settings: Sendable {
    var data: String
    var host: String
    var port: Int
    var shards: Int
    var snapshotSeconds: Int
    var snapshotRecords: Int
    var segmentMib: Int
    var logKeptMib: Int
    var connectionsMax: Int
    var streamsMax: Int
    /// Events that metrics show one by one.
    var metricsEventsMax: Int
    /// Whether changes without an Idempotency-Key are refused.
    var requiresIdempotencyKeys: Bool
    /// Nil where the log's own measure is to be taken.
    var diskReserveBytes: Int?
    /// The file of the keys that tokens are verified with; nil where none are asked for.
    var tokenKeys: String?
    var tokenRules: TokenRules
    /// Nil where connections are not encrypted.
    var tls: TLSFiles?
    var rateLimits: RateLimitSettings
    /// Nil where no books are to be written.
    var books: PostgresBooks.Options?
    var logging: LoggingSettings
    /// Every setting as it is used, and where it came from.
    var effective: [SettingsReader.Effective]

    /// - Throws: `ConfigurationError` for whatever is wrong with a setting, whereever it came from.
    init(
        _ options: SettingsOptions,
        cores: Int,
        variables: [String: String] = ProcessInfo.processInfo.environment
    ) async throws {
        var reader = try await SettingsReader(config: options.config, variables: variables)
        guard let data = try await reader.text(.data, options.data) else {
            throw ConfigurationError("There is no data folder: give --data FOLDER, or set HOLDFAST_DATA")
        }
        self.data = data
        // Those with a default are never nil.
        snapshotSeconds = try await reader.number(.snapshotSeconds, options.snapshotSeconds)!
        snapshotRecords = try await reader.number(.snapshotRecords, options.snapshotRecords)!
        segmentMib = try await reader.number(.segmentMib, options.segmentMib)!
        logKeptMib = try await reader.number(.logKeptMib, options.logKeptMib)!
        diskReserveBytes = try await reader.number(.diskReserveMib, options.diskReserveMib).map { $0 << 20 }
        host = try await reader.text(.host, options.host)!
        port = try await reader.number(.port, options.port)!
        shards = try await reader.number(.shards, options.shards) ?? max(1, min(64, cores))
        connectionsMax = try await reader.number(.connectionsMax, options.connectionsMax)!
        streamsMax = try await reader.number(.streamsMax, options.streamsMax)!
        metricsEventsMax = try await reader.number(.metricsEventsMax, options.metricsEventsMax)!
        requiresIdempotencyKeys = try await reader.flag(
            .requireIdempotencyKeys,
            options.requireIdempotencyKeys ? true : nil
        )
        tokenKeys = try await reader.text(.tokenKeys, options.tokenKeys)
        tokenRules = TokenRules(
            issuer: try await reader.text(.tokenIssuer, options.tokenIssuer),
            audience: try await reader.text(.tokenAudience, options.tokenAudience),
            leewaySeconds: try await reader.number(.tokenLeewaySeconds, options.tokenLeewaySeconds)!
        )
        tls = try await TLSFiles(options.tls, &reader)
        rateLimits = try await RateLimitSettings(options.rateLimits, &reader)
        books = try await PostgresBooks.Options(options.books, &reader)
        logging = try await LoggingSettings(options.logging, &reader)
        effective = reader.effective
        try refuseContradictions(reader)
    }

    // MARK: - Settings that don't go together

    private func refuseContradictions(_ reader: SettingsReader) throws {
        if tokenKeys == nil {
            for setting in [Setting.tokenIssuer, .tokenAudience, .tokenLeewaySeconds] where reader.isGiven(setting) {
                throw ConfigurationError(
                    "\(reader.place(of: setting)) is set, but there are no keys: give --token-keys, too"
                )
            }
            guard isLoopback else {
                throw ConfigurationError(
                    "\(reader.place(of: .host)) is \(host), which is not a loopback address. Without tokens anybody who "
                        + "reaches the port may do anything, so holdfast listens at 127.0.0.1 or ::1 only; give "
                        + "--token-keys FILE, or put it behind your own service"
                )
            }
        }
        if reader.isGiven(.streamsMax), reader.isGiven(.connectionsMax), streamsMax > connectionsMax {
            throw ConfigurationError(
                "\(reader.place(of: .streamsMax)) is \(streamsMax), more than \(reader.place(of: .connectionsMax)), which "
                    + "is \(connectionsMax): each stream is a connection"
            )
        }
        try logging.refuseContradictions(reader)
    }

    /// Whether only this machine reaches the server.
    var isLoopback: Bool {
        if host == "::1" || host == "localhost" { return true }
        let parts = host.split(separator: ".", omittingEmptySubsequences: false).map { UInt8($0) }
        return parts.count == 4 && parts.allSatisfy { $0 != nil } && parts[0] == 127
    }
}

/// What is written to the log, and how.
struct LoggingSettings: Sendable {
    var format: LogLineFormat
    var level: Logger.Level
    var requests: LoggedRequests
    var requestsPerSecond: Int

    init(_ options: LoggingOptions, _ reader: inout SettingsReader) async throws {
        // Each is one of its setting's choices.
        format = LogLineFormat(rawValue: try await reader.text(.logFormat, options.logFormat)!)!
        level = Logger.Level(rawValue: try await reader.text(.logLevel, options.logLevel)!)!
        requests = LoggedRequests(rawValue: try await reader.text(.logRequests, options.logRequests)!)!
        requestsPerSecond = try await reader.number(.loggedRequestsPerSecond, options.loggedRequestsPerSecond)!
    }

    func refuseContradictions(_ reader: SettingsReader) throws {
        if requests == .none, reader.isGiven(.loggedRequestsPerSecond) {
            throw ConfigurationError(
                "\(reader.place(of: .loggedRequestsPerSecond)) is set, but no requests are logged: give --log-requests, too"
            )
        }
        if requests != .none, level > .info {
            throw ConfigurationError(
                "\(reader.place(of: .logRequests)) is \(requests.rawValue), but requests are logged at the level info and "
                    + "\(reader.place(of: .logLevel)) is \(level.rawValue)"
            )
        }
    }
}
