import ArgumentParser
import Auth
import Dispatch
import Engine
import Foundation
import Glibc
import Logging
import Loop
import NIOCore
import Postgres
import WAL

/// `holdfast serve`: recover, listen, sell; on SIGTERM or SIGINT drain, snapshot, exit 0.
struct Serve: AsyncParsableCommand {
    static let configuration = CommandConfiguration(
        abstract: "Serve the sale over HTTP.",
        discussion: """
            Each setting comes from its option, else from the environment variable in brackets, else from the configuration \
            file, else it has its default; docs/CONFIGURATION.md has them in one table.

            SIGTERM or SIGINT finishes what is in flight, writes a snapshot, and exits 0. Exit status otherwise: 1 it can't \
            start (the message says why), 64 wrong usage, 69 --check found the machine not ready, 70 the log can't be \
            written any more, 78 the settings can't be used.
            """
    )

    @OptionGroup var options: SettingsOptions

    @Flag(help: "Check settings, keys, data folder, port, kernel and books; start and change nothing.")
    var check = false

    func run() async throws {
        let settings = try await readSettings()
        if check {
            let check = await ServeCheck(settings)
            for line in check.lines { print(line) }
            throw ExitCode(check.exitCode)
        }
        let manager = try serviceManager(settings)
        // Who reads the log may go away; a sale goes on.
        signal(SIGPIPE, SIG_IGN)
        let output = try LogOutput(descriptor: STDERR_FILENO, format: settings.logging.format)
        defer { output.flush() }
        LoggingSystem.bootstrap { _ in OutputLogHandler(output: output, level: settings.logging.level) }
        let logger = Logger(label: "holdfast")
        for setting in settings.effective where setting.origin != .standard {
            logger.debug("setting", metadata: ["name": "\(setting.setting.name)", "value": "\(setting.shownValue)"])
        }
        let stop = StopSignal()
        do {
            try await serve(settings, manager, logger, output, stop)
        } catch let error as ConfigurationError {
            logger.critical("\(error)")
            throw ExitCode(ConfigurationError.exitCode)
        } catch let error as ValidationError {
            logger.critical("\(error.message)")
            throw ExitCode(ConfigurationError.exitCode)
        } catch let error as LogError {
            logger.critical("\(error)")
            throw ExitCode(1)
        } catch let error as ListenError {
            logger.critical("\(error)")
            throw ExitCode(1)
        } catch let error as RecoveryError {
            logger.critical("\(settings.data): \(error)")
            throw ExitCode(1)
        }
    }

    private func readSettings() async throws -> Settings {
        do {
            return try await Settings(options, cores: System.coreCount)
        } catch let error as ConfigurationError {
            OperatorCommand.complain("\(error)")
        } catch let error as ValidationError {
            OperatorCommand.complain(error.message)
        }
        throw ExitCode(ConfigurationError.exitCode)
    }

    private func serviceManager(_ settings: Settings) throws -> ServiceManager {
        do throws(ConfigurationError) {
            let manager = try ServiceManager(ProcessInfo.processInfo.environment)
            if let socket = manager.inheritedDescriptor, settings.tokenKeys == nil, !ListeningSocket.isLoopback(socket)
            {
                throw ConfigurationError(
                    "The socket of the service manager (LISTEN_FDS) is not at a loopback address, which wants --token-keys FILE"
                )
            }
            return manager
        } catch {
            OperatorCommand.complain("\(error)")
            throw ExitCode(ConfigurationError.exitCode)
        }
    }

    private func serve(
        _ settings: Settings,
        _ manager: ServiceManager,
        _ logger: Logger,
        _ output: LogOutput,
        _ stop: StopSignal
    ) async throws {
        let keyRing = try await keyRing(settings)
        if let keyRing { TokenKeyWatch.tell(keyRing.keys, logger) }
        let identity = try identity(settings)
        let loops = try (0..<settings.shards).map { try RingLoop.start(number: $0) }
        let log = try WriteAheadLog.open(
            folder: settings.data,
            options: Engine.logOptions(
                shards: settings.shards,
                segmentBytes: settings.segmentMib << 20,
                keptBytes: settings.logKeptMib << 20,
                reserveBytes: settings.diskReserveBytes
            ),
            device: IOUringDevice()
        )
        for notice in log.notices { logger.warning("\(notice)") }
        let (engine, found) = try await Engine.start(log: log, loops: loops) { error in
            logger.critical("\(error)")
            output.flush()
            // Nothing can be acknowledged any more; a restart finds out what is durable.
            Glibc.exit(70)
        }
        report(found, settings, logger)

        let books = try settings.books.map { try PostgresBooks(BooksSource(engine), $0) { $0.tell(logger) } }
        var standing: (@Sendable () -> PostgresBooks.Standing)?
        if let books { standing = { books.standing } }
        let rateLimits = settings.rateLimits.isEmpty ? nil : RateLimits(settings.rateLimits)
        let operations = Operations(
            openAPI: String(decoding: PackageResources.openapi_json, as: UTF8.self),
            style: String(decoding: PackageResources.docs_css, as: UTF8.self),
            streamsMax: settings.streamsMax,
            metricsEventsMax: settings.metricsEventsMax,
            books: standing,
            security: identity,
            rateLimits: rateLimits
        )
        let fronts = loops.indices.map {
            LoopFront(
                number: $0,
                loop: loops[$0],
                engine: engine,
                router: Router(requiresIdempotencyKey: settings.requiresIdempotencyKeys),
                operations: operations,
                keyRing: keyRing,
                rateLimits: rateLimits
            )
        }
        for front in fronts { await front.connect(to: fronts) }
        var configuration = Listener.Configuration()
        configuration.security = identity
        configuration.host = settings.host
        configuration.port = settings.port
        configuration.isLoopbackOnly = settings.tokenKeys == nil
        configuration.streamMemory = operations.streamMemory
        configuration.streamKeys = keyRing
        configuration.connection.connectionsMax = OpenFiles.makeRoom(forConnections: settings.connectionsMax)
        if configuration.connection.connectionsMax < settings.connectionsMax {
            logger.warning(
                """
                the limit of open files allows \(configuration.connection.connectionsMax) connections instead of \
                \(settings.connectionsMax); raise it (ulimit -n, or LimitNOFILE= of systemd) for more
                """
            )
        }
        configuration.connection.request.bodyBytesMaxOfRoute = BatchRequest.bodyBytesMax
        configuration.inheritedDescriptor = manager.inheritedDescriptor
        configuration.requestLog = requestLog(settings, logger)
        let listener = try await Listener.start(eventLoops: loops, configuration: configuration) { loop in
            fronts.first { $0.loop === loop }!
        }
        operations.setReady(true)
        let address = manager.inheritedDescriptor == nil ? settings.host : "socket of the service manager"
        logger.info("listening at \(identity == nil ? "http" : "https")://\(address):\(listener.port)")
        manager.notify("READY=1\nSTATUS=serving")
        if identity == nil, !settings.isLoopback {
            logger.warning(
                """
                connections are not encrypted: tokens can be read and used by whoever sees them pass. Put a proxy in front \
                that speaks TLS, or give --tls-certificate and --tls-key
                """
            )
        }

        let watch = StorageWatch(log: log, logger: logger)
        let hangups = Hangups()
        let keyWatch = keyRing.map { TokenKeyWatch(ring: $0, hangups: hangups, logger: logger) }
        let keys = Task { await keyWatch?.run() }
        let certificate = identity.map { CertificateWatch(identity: $0, hangups: hangups, logger: logger) }
        let certificates = Task { await certificate?.run() }
        let snapshots = Task { await takeSnapshots(engine, settings, watch, logger) }
        let watchdog = Task { await manager.keepWatchdogQuiet(loops) }
        await stop.wait()
        manager.notify("STOPPING=1\nSTATUS=finishing requests, then a last snapshot")
        logger.info("stopping: finishing requests, then a last snapshot")
        operations.setReady(false)
        snapshots.cancel()
        keys.cancel()
        certificates.cancel()
        await listener.drain(timeout: .seconds(10))
        await books?.stop()
        if let error = try await engine.stop() {
            logger.warning("no last snapshot was taken, the next start replays the log instead: \(error)")
        }
        watchdog.cancel()
        logger.info("stopped; everything is durable up to position \(log.durablePosition)")
        for loop in loops { loop.stop() }
    }

    private func requestLog(_ settings: Settings, _ logger: Logger) -> (@Sendable () -> RequestLog)? {
        let logging = settings.logging
        guard logging.requests != .none else { return nil }
        let linesMax = max(1, logging.requestsPerSecond / settings.shards)
        return { RequestLog(logger: logger, requests: logging.requests, linesMax: linesMax) }
    }

    private func keyRing(_ settings: Settings) async throws -> TokenKeyRing? {
        guard let file = settings.tokenKeys else { return nil }
        do throws(TokenKeyError) {
            return try await TokenKeyRing(file: file, rules: settings.tokenRules)
        } catch {
            throw ConfigurationError("The keys of tokens in \(file) can't be used: \(error)")
        }
    }

    private func identity(_ settings: Settings) throws -> TLSIdentity? {
        guard let files = settings.tls else { return nil }
        do { return try TLSIdentity(files) } catch {
            throw ValidationError("Connections can't be encrypted: \(error).")
        }
    }

    private func report(_ found: Engine.Found, _ settings: Settings, _ logger: Logger) {
        let start = found.snapshotPosition.map { "snapshot at \($0)" } ?? "no snapshot"
        logger.info(
            "recovered \(found.events) events from \(settings.data): \(start), \(found.replay.recordCount) records behind it"
        )
        if case .cut(let file, let offset, _) = found.replay.tail {
            logger.notice("the log's end was cut at byte \(offset) of \(file): an unfinished write, never answered")
        }
        // Less is what corrections of a clock that is kept right come to.
        if found.clockBehindMilliseconds >= 1_000 {
            logger.warning(
                """
                the system's clock is \(found.clockBehindMilliseconds) ms behind the newest record: set it right. \
                Reservations last as long as ever, but times that are shown are ahead until the clock has caught up
                """
            )
        }
    }

    private func takeSnapshots(
        _ engine: Engine,
        _ settings: Settings,
        _ watch: StorageWatch,
        _ logger: Logger
    ) async {
        var watch = watch
        var waitedSeconds = 0
        while !Task.isCancelled {
            // A snapshot lets go of the log before it: it may be what makes room.
            let hasRunShort = watch.look()
            try? await Task.sleep(for: .seconds(1))
            waitedSeconds += 1
            let records = engine.recordsSinceSnapshot
            let isDue = records >= settings.snapshotRecords || waitedSeconds >= settings.snapshotSeconds
            guard isDue || hasRunShort, records > 0 else { continue }
            waitedSeconds = 0
            do {
                try await engine.snapshot()
            } catch {
                logger.error("no snapshot was taken, the log is kept whole: \(error)")
            }
        }
    }
}

/// SIGTERM and SIGINT as something to wait for.
private struct StopSignal {
    private let signals: AsyncStream<Void>
    private let sources: [any DispatchSourceSignal]

    init() {
        let (stream, continuation) = AsyncStream.makeStream(of: Void.self, bufferingPolicy: .bufferingNewest(1))
        signals = stream
        sources = [SIGTERM, SIGINT].map { number in
            signal(number, SIG_IGN)
            let source = DispatchSource.makeSignalSource(signal: number)
            source.setEventHandler { continuation.yield() }
            source.resume()
            return source
        }
    }

    func wait() async { for await _ in signals { return } }
}
