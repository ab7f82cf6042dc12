import Engine
import Glibc
import Logging
import WAL

/// Writes lines to a descriptor from a thread of its own: whoever has something to say never waits for who reads it.
///
/// Lines that find no room are counted, and how many there were is said as soon as there is some again.
// Sound because everything mutable is touched with the monitor's lock held.
final class LogOutput: @unchecked Sendable {
    /// Bytes that may wait.
    static let waitingBytesMax = 1 << 20

    private let descriptor: Int32
    private let line: LogLine
    private let monitor = Monitor()
    private var waiting: [UInt8] = []
    private var leftOut = 0
    private var isWriting = false

    /// - Parameter descriptor: stays the caller's; of a pipe that nobody reads any more only if SIGPIPE is ignored.
    /// - Throws: when there can be no more threads.
    init(descriptor: Int32, format: LogLineFormat) throws(LogError) {
        self.descriptor = descriptor
        line = LogLine(format: format)
        try JoinableThread(name: "holdfast-say") { self.run() }.detach()
    }

    func write(_ level: Logger.Level, _ message: String, _ metadata: Logger.Metadata) {
        let bytes = line.render(level, message, metadata, epochMilliseconds: Engine.systemClock())
        monitor.withLock {
            if waiting.count + bytes.count > Self.waitingBytesMax { leftOut += 1 } else { waiting += bytes }
        }
        monitor.signal()
    }

    /// Waits until everything is written, or for as long as the reader may take.
    func flush(waitingMilliseconds: Int = 1_000) {
        for _ in 0..<waitingMilliseconds {
            let isDone = monitor.withLock { waiting.isEmpty && leftOut == 0 && !isWriting }
            if isDone { return }
            usleep(1_000)
        }
    }

    private func run() {
        while true {
            let bytes = monitor.withLock {
                isWriting = false
                while waiting.isEmpty && leftOut == 0 { monitor.wait() }
                isWriting = true
                return take()
            }
            writeAll(bytes)
        }
    }

    /// What waits, and behind it what did not find room.
    private func take() -> [UInt8] {
        var bytes: [UInt8] = []
        swap(&bytes, &waiting)
        guard leftOut > 0 else { return bytes }
        let metadata: Logger.Metadata = ["left_out": .stringConvertible(leftOut)]
        leftOut = 0
        bytes += line.render(
            .warning,
            "lines of the log were left out: they are read too slowly",
            metadata,
            epochMilliseconds: Engine.systemClock()
        )
        return bytes
    }

    private func writeAll(_ bytes: [UInt8]) {
        var written = 0
        while written < bytes.count {
            let count = bytes.withUnsafeBytes { Glibc.write(descriptor, $0.baseAddress! + written, $0.count - written) }
            if count >= 0 {
                written += count
            } else if errno == EAGAIN {
                var event = pollfd(fd: descriptor, events: Int16(POLLOUT), revents: 0)
                poll(&event, 1, 1_000)
            } else if errno != EINTR {
                // Nobody reads any more; there is nowhere to say so.
                return
            }
        }
    }
}

/// What the program's loggers write to.
struct OutputLogHandler: LogHandler {
    let output: LogOutput
    var logLevel: Logger.Level
    var metadata: Logger.Metadata = [:]
    var metadataProvider: Logger.MetadataProvider?

    init(output: LogOutput, level: Logger.Level) {
        self.output = output
        logLevel = level
    }

    subscript(metadataKey key: String) -> Logger.Metadata.Value? {
        get { metadata[key] }
        set { metadata[key] = newValue }
    }

    func log(event: LogEvent) {
        var all = metadata
        if let provided = metadataProvider?.get() { all.merge(provided) { $1 } }
        if let own = event.metadata { all.merge(own) { $1 } }
        if let error = event.error { all["error"] = "\(error)" }
        output.write(event.level, "\(event.message)", all)
    }
}
