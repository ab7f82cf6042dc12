import NIOCore
import NIOPosix

/// Accepts connections and spreads them over the event loops, each with an executor of its own.
final class Listener: Sendable {
    struct Configuration: Sendable {
        var host = "127.0.0.1"
        /// 0 lets the system choose.
        var port = 8080
        /// Connections the system keeps waiting to be accepted.
        var backlog: Int32 = 1024
        var connection = ConnectionLimits()
    }

    /// The port it listens on.
    let port: Int
    private let channel: any Channel
    private let loops: [LoopConnections]
    private let count: ConnectionCount

    private init(channel: any Channel, loops: [LoopConnections], count: ConnectionCount) {
        self.channel = channel
        self.loops = loops
        self.count = count
        port = channel.localAddress?.port ?? 0
    }

    /// Connections that are open.
    var connectionCount: Int { count.value }

    /// Binds and begins to accept.
    /// - Parameters:
    ///   - group: its loops run the connections; stays the caller's.
    ///   - executor: called once for each loop, on it.
    static func start(
        group: MultiThreadedEventLoopGroup,
        configuration: Configuration,
        executor: @escaping @Sendable (any EventLoop) -> any RequestExecutor
    ) async throws -> Listener {
        let count = ConnectionCount()
        var loops: [LoopConnections] = []
        for eventLoop in group.makeIterator() {
            let loop = try await eventLoop.submit {
                let loop = LoopConnections(
                    eventLoop: eventLoop,
                    executor: executor(eventLoop),
                    limits: configuration.connection,
                    count: count
                )
                loop.startTimer()
                return loop
            }.get()
            loops.append(loop)
        }
        let channel = try await bootstrap(group, configuration, loops)
            .bind(host: configuration.host, port: configuration.port).get()
        return Listener(channel: channel, loops: loops, count: count)
    }

    /// Stops accepting, lets every connection finish, and closes those that have not by the deadline.
    func drain(timeout: TimeAmount) async {
        try? await channel.close().get()
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

    private static func bootstrap(
        _ group: MultiThreadedEventLoopGroup,
        _ configuration: Configuration,
        _ loops: [LoopConnections]
    ) -> ServerBootstrap {
        ServerBootstrap(group: group)
            .serverChannelOption(.backlog, value: configuration.backlog)
            .serverChannelOption(.socketOption(.so_reuseaddr), value: 1)
            .childChannelOption(.tcpOption(.tcp_nodelay), value: 1)
            .childChannelOption(.allowRemoteHalfClosure, value: true)
            // Every channel keeps a buffer of this size: small while idle, large under a large body.
            .childChannelOption(
                .recvAllocator,
                value: AdaptiveRecvByteBufferAllocator(minimum: 1024, initial: 2048, maximum: 65_536)
            )
            .childChannelInitializer { channel in
                channel.eventLoop.makeCompletedFuture {
                    guard let loop = loops.first(where: { $0.eventLoop === channel.eventLoop }) else {
                        preconditionFailure("a connection on a loop of another group")
                    }
                    try channel.pipeline.syncOperations.addHandler(Connection(loop: loop))
                }
            }
    }
}
