import Loop
import NIOCore

/// Accepts connections and spreads them over the event loops, each with an executor of its own.
final class Listener: Sendable {
    struct Configuration: Sendable {
        var host = "127.0.0.1"
        /// 0 lets the system choose.
        var port = 8080
        /// Refuses to listen where others than this machine reach it.
        var isLoopbackOnly = false
        /// Connections the system keeps waiting to be accepted.
        var backlog: Int32 = 1024
        var connection = ConnectionLimits()
        var streamMemory = StreamMemory()
        /// Nil where nobody needs a token.
        var streamKeys: (any StreamKeys)?
        /// A socket that listens already, to be used instead of host and port; it goes on listening when we stop.
        var inheritedDescriptor: Int32?
        /// Made once for each loop; nil where no requests are logged.
        var requestLog: (@Sendable () -> RequestLog)?
        /// Nil where connections are not encrypted.
        var security: (any ConnectionSecurity)?
    }

    /// The port it listens on.
    let port: Int
    private let loops: [LoopConnections]
    private let count: ConnectionCount

    private init(port: Int, loops: [LoopConnections], count: ConnectionCount) {
        self.port = port
        self.loops = loops
        self.count = count
    }

    /// Connections that are open.
    var connectionCount: Int { count.value }

    /// Binds and begins to accept.
    /// - Parameters:
    ///   - eventLoops: run the connections, each as many as the others; the first one accepts.
    ///   - executor: called once for each loop, on it.
    /// - Throws: `ListenError`.
    static func start(
        eventLoops: [RingLoop],
        configuration: Configuration,
        executor: @escaping @Sendable (RingLoop) -> any RequestExecutor
    ) async throws -> Listener {
        let count = ConnectionCount()
        var loops: [LoopConnections] = []
        for eventLoop in eventLoops {
            let loop = try await eventLoop.submit {
                let loop = LoopConnections(
                    eventLoop: eventLoop,
                    executor: executor(eventLoop),
                    limits: configuration.connection,
                    count: count,
                    streamMemory: configuration.streamMemory,
                    streamKeys: configuration.streamKeys,
                    requestLog: configuration.requestLog?(),
                    security: configuration.security?.onLoop(eventLoop)
                )
                loop.start()
                return loop
            }.get()
            loops.append(loop)
        }
        let spread = loops
        let port = try await eventLoops[0].submit { try listen(spread, configuration) }.get()
        return Listener(port: port, loops: loops, count: count)
    }

    /// Called on the first loop.
    private static func listen(_ loops: [LoopConnections], _ configuration: Configuration) throws -> Int {
        var next = 0
        let accepted = { (descriptor: Int32) in
            let loop = loops[next]
            next = (next + 1) % loops.count
            loop.eventLoop.execute { loop.open(descriptor) }
        }
        let socket =
            if let descriptor = configuration.inheritedDescriptor {
                try ListeningSocket(inherited: descriptor, accepted: accepted)
            } else {
                try ListeningSocket(
                    host: configuration.host,
                    port: configuration.port,
                    isLoopbackOnly: configuration.isLoopbackOnly,
                    backlog: configuration.backlog,
                    accepted: accepted
                )
            }
        loops[0].eventLoop.listen(socket)
        return socket.port
    }

    /// Stops accepting, lets every connection finish, those among them that waited to be accepted, and closes those that
    /// have not by the deadline.
    func drain(timeout: TimeAmount) async {
        for loop in loops { loop.eventLoop.execute { loop.beginDrain() } }
        let first = loops[0].eventLoop
        let hasStopped = first.makePromise(of: Void.self)
        first.execute { first.stopListening { hasStopped.succeed() } }
        try? await hasStopped.futureResult.get()
        let deadline = NIODeadline.now() + timeout
        await withTaskGroup(of: Void.self) { group in
            for loop in loops { group.addTask { await Self.drain(loop, deadline: deadline) } }
        }
    }

    private static func drain(_ loop: LoopConnections, deadline: NIODeadline) async {
        let promise = loop.eventLoop.makePromise(of: Void.self)
        let closing = loop.eventLoop.scheduleTask(deadline: deadline) { loop.closeAll() }
        loop.eventLoop.execute { loop.drain(promise) }
        try? await promise.futureResult.get()
        closing.cancel()
    }
}
