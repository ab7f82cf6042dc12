import ArgumentParser
import Auth
import Dispatch
import Engine
import Glibc
import Logging
import Loop
import NIOCore
import WAL

/// `holdfast serve`: recover, listen, sell; on SIGTERM or SIGINT drain, snapshot, exit 0.
struct Serve: AsyncParsableCommand {
    static let configuration = CommandConfiguration(abstract: "Serve the sale over HTTP.")

    @OptionGroup var options: SettingsOptions

    func run() async throws {
        LoggingSystem.bootstrap(StreamLogHandler.standardError)
        let logger = Logger(label: "holdfast")
        let settings = try await Settings(options, cores: System.coreCount)
        let stop = StopSignal()
        do {
            try await serve(settings, logger, stop)
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

    private func serve(_ settings: Settings, _ logger: Logger, _ stop: StopSignal) async throws {
        let keyRing = try await keyRing(settings)
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
            // Nothing can be acknowledged any more; a restart finds out what is durable.
            Glibc.exit(70)
        }
        report(found, settings, logger)

        let operations = Operations(
            openAPI: String(decoding: PackageResources.openapi_json, as: UTF8.self),
            streamsMax: settings.streamsMax
        )
        let fronts = loops.indices.map {
            LoopFront(
                number: $0,
                loop: loops[$0],
                engine: engine,
                router: Router(),
                operations: operations,
                keyRing: keyRing
            )
        }
        for front in fronts { await front.connect(to: fronts) }
        var configuration = Listener.Configuration()
        configuration.host = settings.host
        configuration.port = settings.port
        configuration.streamMemory = operations.streamMemory
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
        let listener = try await Listener.start(eventLoops: loops, configuration: configuration) { loop in
            fronts.first { $0.loop === loop }!
        }
        operations.setReady(true)
        logger.info("listening at http://\(settings.host):\(listener.port)")

        let watch = StorageWatch(log: log, logger: logger)
        let keys = Task { await readKeys(keyRing, logger) }
        let snapshots = Task { await takeSnapshots(engine, settings, watch, logger) }
        await stop.wait()
        logger.info("stopping: finishing requests, then a last snapshot")
        operations.setReady(false)
        snapshots.cancel()
        keys.cancel()
        await listener.drain(timeout: .seconds(10))
        if let error = try await engine.stop() {
            logger.warning("no last snapshot was taken, the next start replays the log instead: \(error)")
        }
        logger.info("stopped; everything is durable up to position \(log.durablePosition)")
        for loop in loops { loop.stop() }
    }

    private func keyRing(_ settings: Settings) async throws -> TokenKeyRing? {
        guard let file = settings.tokenKeys else { return nil }
        do {
            return try await TokenKeyRing(file: file, rules: settings.tokenRules)
        } catch let error as TokenKeyError {
            throw ValidationError("The keys of tokens in \(file) can't be used: \(error)")
        }
    }

    /// Reads the keys of tokens again whenever their file is another one.
    private func readKeys(_ ring: TokenKeyRing?, _ logger: Logger) async {
        guard let ring else { return }
        while !Task.isCancelled {
            try? await Task.sleep(for: .seconds(1))
            do {
                if try await ring.reload() { logger.notice("the keys of tokens were read again") }
            } catch {
                logger.error("the keys of tokens could not be read again, those from before stay: \(error)")
            }
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
