import NIOCore
import NIOPosix

/// The listening socket and all connections behind it.
struct Listener: Sendable {
    private let channel: any Channel
    private let loops: [LoopConnections]

    /// The port that is listened at; chosen by the system where 0 was asked for.
    let port: Int

    /// Listens, and spreads connections over the loops of the group.
    /// - Parameter executors: one for each loop of the group, in its order.
    /// - Throws: what the system answered to bind.
    static func start(
        host: String,
        port: Int,
        group: MultiThreadedEventLoopGroup,
        limits: ConnectionLimits = ConnectionLimits(),
        executors: [any RequestExecutor & Sendable]
    ) async throws -> Listener {
        let count = ConnectionCount()
        let loops = zip(group.makeIterator(), executors).map {
            LoopConnections(eventLoop: $0, executor: $1, limits: limits, count: count)
        }
        for loop in loops { try await loop.eventLoop.submit { loop.startTimer() }.get() }
        let channel = try await ServerBootstrap(group: group)
            .serverChannelOption(.backlog, value: 4_096)
            .serverChannelOption(.socketOption(.so_reuseaddr), value: 1)
            .childChannelOption(.tcpOption(.tcp_nodelay), value: 1)
            .childChannelOption(.allowRemoteHalfClosure, value: true)
            .childChannelOption(.maxMessagesPerRead, value: 1)
            .childChannelOption(.recvAllocator, value: FixedSizeRecvByteBufferAllocator(capacity: 8 * 1_024))
            .childChannelInitializer { channel in
                channel.eventLoop.makeCompletedFuture {
                    let loop = loops.first { $0.eventLoop === channel.eventLoop }!
                    try channel.pipeline.syncOperations.addHandler(Connection(loop))
                }
            }
            .bind(host: host, port: port)
            .get()
        return Listener(channel: channel, loops: loops, port: channel.localAddress?.port ?? port)
    }

    /// Takes no more connections, answers what is in flight, closes; after `timeoutSeconds` whatever is left.
    func drain(timeoutSeconds: Int64) async throws {
        try await channel.close()
        for loop in loops {
            let promise = loop.eventLoop.makePromise(of: Void.self)
            loop.eventLoop.execute { loop.drain(promise) }
            loop.eventLoop.scheduleTask(in: .seconds(timeoutSeconds)) { loop.closeAll() }
            try await promise.futureResult.get()
        }
    }
}
