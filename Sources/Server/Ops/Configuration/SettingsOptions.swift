import ArgumentParser

/// The server's options as the command line has them. Each may as well come from the environment or the configuration
/// file, so none has a default here.
struct SettingsOptions: ParsableArguments {
    @Option(help: Setting.data.help) var data: String?
    @Option(help: Setting.snapshotSeconds.help) var snapshotSeconds: Int?
    @Option(help: Setting.snapshotRecords.help) var snapshotRecords: Int?
    @Option(help: Setting.segmentMib.help) var segmentMib: Int?
    @Option(help: Setting.logKeptMib.help) var logKeptMib: Int?
    @Option(help: Setting.diskReserveMib.help) var diskReserveMib: Int?
    @Option(help: Setting.host.help) var host: String?
    @Option(help: Setting.port.help) var port: Int?
    @Option(help: Setting.shards.help) var shards: Int?
    @Option(help: Setting.connectionsMax.help) var connectionsMax: Int?
    @Option(help: Setting.streamsMax.help) var streamsMax: Int?
    @Flag(help: Setting.requireIdempotencyKeys.help) var requireIdempotencyKeys = false
    @Option(help: Setting.tokenKeys.help) var tokenKeys: String?
    @Option(help: Setting.tokenIssuer.help) var tokenIssuer: String?
    @Option(help: Setting.tokenAudience.help) var tokenAudience: String?
    @Option(help: Setting.tokenLeewaySeconds.help) var tokenLeewaySeconds: Int?
    @OptionGroup var tls: TLSOptions
    @OptionGroup var rateLimits: RateLimitOptions
    @OptionGroup var books: BooksOptions
    @OptionGroup var logging: LoggingOptions
    @Option(help: Setting.metricsEventsMax.help) var metricsEventsMax: Int?
    @Option(help: Setting.config.help) var config: String?
}

/// What the server says of itself, and how.
struct LoggingOptions: ParsableArguments {
    @Option(help: Setting.logFormat.help) var logFormat: String?
    @Option(help: Setting.logLevel.help) var logLevel: String?
    @Option(help: Setting.logRequests.help) var logRequests: String?
    @Option(help: Setting.loggedRequestsPerSecond.help) var loggedRequestsPerSecond: Int?
}
