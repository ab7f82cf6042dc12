import Loop
import NIOCore
import Synchronization

@testable import Server

/// What reached the executors, for tests on other threads.
final class ExecutorCounts: Sendable {
    let executed = Atomic<Int>(0)
    let refused = Atomic<Int>(0)
    let closed = Atomic<Int>(0)
    fileprivate let executors = Mutex<[NIOLoopBound<EchoExecutor>]>([])
}

/// Answers with the path and the body. Some paths are special: `/hold/…` is answered only when `/release` comes, the
/// newest first; `/large` has a body of the size its query says; `/close` closes.
final class EchoExecutor: RequestExecutor {
    private let eventLoop: any EventLoop
    private let counts: ExecutorCounts
    private var held: [(Connection, UInt32, String)] = []
    private var writer = ResponseWriter()

    init(_ eventLoop: any EventLoop, _ counts: ExecutorCounts) {
        self.eventLoop = eventLoop
        self.counts = counts
    }

    func execute(_ request: HTTPRequest, bytes: UnsafeRawBufferPointer, on connection: Connection, sequence: UInt32) {
        counts.executed.add(1, ordering: .sequentiallyConsistent)
        let path = text(bytes[request.path])
        if path.hasPrefix("/hold/") { return held.append((connection, sequence, path)) }
        if path == "/release" { release() }
        let size = Int(text(bytes[request.query])) ?? 0
        let body = path == "/large" ? String(repeating: "x", count: size) : path + " " + text(bytes[request.body])
        answer(connection, sequence, body, close: path == "/close", omitBody: request.method == .head)
    }

    func requestRefused(_ rejection: HTTPRejection, on connection: Connection) {
        counts.refused.add(1, ordering: .sequentiallyConsistent)
    }

    func connectionClosed(_ connection: Connection) {
        counts.closed.add(1, ordering: .sequentiallyConsistent)
    }

    func release() {
        let released = held
        held = []
        // In a turn of its own, as a shard would.
        let turn = NIOLoopBound((self, released), eventLoop: eventLoop)
        eventLoop.execute {
            let (executor, released) = turn.value
            for (connection, sequence, path) in released.reversed() {
                executor.answer(connection, sequence, path, close: false, omitBody: false)
            }
        }
    }

    private func answer(_ connection: Connection, _ sequence: UInt32, _ body: String, close: Bool, omitBody: Bool) {
        writer.removeAll()
        writer.begin(.ok, .text)
        writer.beginBody()
        writer.bytes.append(body)
        let range = writer.end(omitBody: omitBody)
        writer.bytes.withBytes(in: range) { connection.answer(sequence, $0, close: close) }
    }
}

/// A listener with echo executors, on threads of its own.
struct EchoServer {
    let listener: Listener
    let counts: ExecutorCounts

    static func run<R>(
        _ limits: ConnectionLimits = ConnectionLimits(),
        threads: Int = 1,
        identity: TLSIdentity? = nil,
        _ body: (EchoServer) async throws -> R
    ) async throws -> R {
        let loops = try (0..<threads).map { try RingLoop.start(number: $0) }
        var configuration = Listener.Configuration()
        configuration.port = 0
        configuration.connection = limits
        configuration.security = identity
        let counts = ExecutorCounts()
        let listener = try await Listener.start(eventLoops: loops, configuration: configuration) {
            let executor = EchoExecutor($0, counts)
            let bound = NIOLoopBound(executor, eventLoop: $0)
            counts.executors.withLock { $0.append(bound) }
            return executor
        }
        let result = try await body(EchoServer(listener: listener, counts: counts))
        await listener.drain(timeout: .seconds(1))
        for loop in loops { loop.stop() }
        return result
    }

    private init(listener: Listener, counts: ExecutorCounts) {
        self.listener = listener
        self.counts = counts
    }

    /// Answers what is held, as `/release` does, without a request.
    func release() {
        for executor in counts.executors.withLock({ $0 }) {
            executor.eventLoop.execute { executor.value.release() }
        }
    }

    func connect(receiveBufferBytes: Int32? = nil) throws -> LoopbackClient {
        try LoopbackClient(port: listener.port, receiveBufferBytes: receiveBufferBytes)
    }
}
