import ArgumentParser
import Auth
import Configuration
import SystemPackage

/// The server's options. Each comes from the command line, else from the environment (`HOLDFAST_PORT`), else from the
/// configuration file (a JSON object: `{"holdfast": {"port": 8080}}`), else it has its default.
struct SettingsOptions: ParsableArguments {
    @Option(help: "The folder of the log and the snapshots; made when it is missing. [HOLDFAST_DATA]")
    var data: String?

    @Option(help: "The address to listen at; without --token-keys loopback only. Default 127.0.0.1. [HOLDFAST_HOST]")
    var host: String?

    @Option(help: "The port, 0 to 65535; 0 takes a free one. Default 8080. [HOLDFAST_PORT]")
    var port: Int?

    @Option(help: "Event loops, each with a shard; 1 to 64. Default: one per core. [HOLDFAST_SHARDS]")
    var shards: Int?

    @Option(
        help: "Seconds between snapshots when something changed; 1 to 86400. Default 300. [HOLDFAST_SNAPSHOT_SECONDS]"
    )
    var snapshotSeconds: Int?

    @Option(help: "Log records after which a snapshot is taken early. Default 2000000. [HOLDFAST_SNAPSHOT_RECORDS]")
    var snapshotRecords: Int?

    @Option(
        help:
            "Size of the log's files in MiB; 2 to 4096. Files there are keep theirs. Default 64. [HOLDFAST_SEGMENT_MIB]"
    )
    var segmentMib: Int?

    @Option(
        help: """
            MiB of the log that are kept for audit and feed although no start needs them any more; they go, oldest first, \
            before room runs short. 0 to 1048576. Default 1024. [HOLDFAST_LOG_KEPT_MIB]
            """
    )
    var logKeptMib: Int?

    @Option(
        help: """
            MiB that the log wants to have for itself on its filesystem, beside the next snapshot; with less \
            nothing more is sold. 8 to 1048576. Default: the log's segment in use, its spares and what may be waiting. \
            [HOLDFAST_DISK_RESERVE_MIB]
            """
    )
    var diskReserveMib: Int?

    @Option(
        help: """
            Connections at a time; one more is told 503. 1 to 65536. Default 16384, or what the limit of open files \
            allows. [HOLDFAST_CONNECTIONS_MAX]
            """
    )
    var connectionsMax: Int?

    @Option(
        help: """
            A file with the keys of the tokens that callers need: a JWK set, a key in PEM, or a shared secret. Read again \
            when it changes. Without it anybody may do anything. [HOLDFAST_TOKEN_KEYS]
            """
    )
    var tokenKeys: String?

    @Option(help: "The issuer (iss) that tokens must name. Default: any. [HOLDFAST_TOKEN_ISSUER]")
    var tokenIssuer: String?

    @Option(help: "The audience (aud) that tokens must name. Default: any. [HOLDFAST_TOKEN_AUDIENCE]")
    var tokenAudience: String?

    @Option(
        help: """
            Seconds by which clocks may differ when a token's times are read; 0 to 60. Default 30. \
            [HOLDFAST_TOKEN_LEEWAY_SECONDS]
            """
    )
    var tokenLeewaySeconds: Int?

    @Option(
        help:
            "Streams at a time, which are connections as well; one more is told 503. 1 to 65536. Default 8192. [HOLDFAST_STREAMS_MAX]"
    )
    var streamsMax: Int?

    @Option(help: "A JSON file with any of these options under \"holdfast\". [HOLDFAST_CONFIG]")
    var config: String?
}

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
    /// Nil where the log's own measure is to be taken.
    var diskReserveBytes: Int?
    /// The file of the keys that tokens are verified with; nil where none are asked for.
    var tokenKeys: String?
    var tokenRules: TokenRules

    /// - Throws: `ValidationError` for an option out of its range, or a configuration file that can't be read.
    init(_ options: SettingsOptions, cores: Int) async throws {
        let config = try await Self.reader(options)
        func configured(_ name: String, _ key: ConfigKey) async throws -> Int? {
            // Not `int(forKey:)`, for which a value that is no number is none.
            do { return try await config.fetchInt(forKey: key) } catch {
                throw ValidationError("\(name) is not a whole number where it is configured, as \(key): \(error)")
            }
        }
        func number(_ name: String, _ option: Int?, _ key: ConfigKey, _ range: ClosedRange<Int>, _ fallback: Int)
            async throws -> Int
        {
            var value = option
            if value == nil { value = try await configured(name, key) }
            let chosen = value ?? fallback
            guard range.contains(chosen) else {
                throw ValidationError(
                    "\(name) is \(chosen); it must be from \(range.lowerBound) to \(range.upperBound)."
                )
            }
            return chosen
        }
        guard let data = options.data ?? config.string(forKey: "holdfast.data"), !data.isEmpty else {
            throw ValidationError("No data folder: give --data DIR, or set HOLDFAST_DATA.")
        }
        self.data = data
        host = options.host ?? config.string(forKey: "holdfast.host") ?? "127.0.0.1"
        port = try await number("The port", options.port, "holdfast.port", 0...65_535, 8_080)
        shards = try await number("The number of shards", options.shards, "holdfast.shards", 1...64, min(64, cores))
        snapshotSeconds = try await number(
            "The time between snapshots",
            options.snapshotSeconds,
            "holdfast.snapshot.seconds",
            1...86_400,
            300
        )
        snapshotRecords = try await number(
            "The number of records between snapshots",
            options.snapshotRecords,
            "holdfast.snapshot.records",
            1_000...1_000_000_000,
            2_000_000
        )
        segmentMib = try await number(
            "The size of the log's files",
            options.segmentMib,
            "holdfast.segment.mib",
            2...4_096,
            64
        )
        logKeptMib = try await number(
            "The log that is kept",
            options.logKeptMib,
            "holdfast.log.kept.mib",
            0...1_048_576,
            1_024
        )
        connectionsMax = try await number(
            "The number of connections",
            options.connectionsMax,
            "holdfast.connections.max",
            1...65_536,
            ConnectionLimits().connectionsMax
        )
        streamsMax = try await number(
            "The number of streams",
            options.streamsMax,
            "holdfast.streams.max",
            1...65_536,
            StreamAllowance.defaultLimit
        )
        var reserve = options.diskReserveMib
        if reserve == nil { reserve = try await configured("The disk reserve", "holdfast.disk.reserve.mib") }
        if let reserve {
            diskReserveBytes =
                try await number("The disk reserve", reserve, "holdfast.disk.reserve.mib", 8...1_048_576, 8) << 20
        }
        tokenKeys = options.tokenKeys ?? config.string(forKey: "holdfast.token.keys")
        tokenRules = TokenRules(
            issuer: options.tokenIssuer ?? config.string(forKey: "holdfast.token.issuer"),
            audience: options.tokenAudience ?? config.string(forKey: "holdfast.token.audience"),
            leewaySeconds: try await number(
                "The leeway of tokens",
                options.tokenLeewaySeconds,
                "holdfast.token.leeway.seconds",
                0...TokenRules.leewaySecondsMax,
                30
            )
        )
        guard tokenKeys != nil || (tokenRules.issuer == nil && tokenRules.audience == nil) else {
            throw ValidationError("An issuer or audience of tokens is set, but no keys: give --token-keys FILE, too.")
        }
        guard tokenKeys != nil || Self.isLoopback(host) else {
            throw ValidationError(
                "--host \(host) is not a loopback address. Without tokens anybody who reaches the port may do "
                    + "anything, so holdfast listens at 127.0.0.1 or ::1 only; give --token-keys FILE, or put it behind "
                    + "your own service."
            )
        }
    }

    private static func reader(_ options: SettingsOptions) async throws -> ConfigReader {
        let environment = EnvironmentVariablesProvider()
        let file = options.config ?? ConfigReader(provider: environment).string(forKey: "holdfast.config")
        guard let file else { return ConfigReader(provider: environment) }
        do {
            let provider = try await FileProvider<JSONSnapshot>(filePath: FilePath(file))
            return ConfigReader(providers: [environment, provider])
        } catch {
            throw ValidationError("The configuration file \(file) can't be used: \(error)")
        }
    }

    private static func isLoopback(_ host: String) -> Bool {
        if host == "::1" || host == "localhost" { return true }
        let parts = host.split(separator: ".", omittingEmptySubsequences: false).map { UInt8($0) }
        return parts.count == 4 && parts.allSatisfy { $0 != nil } && parts[0] == 127
    }
}
