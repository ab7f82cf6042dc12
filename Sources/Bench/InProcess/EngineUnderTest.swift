import Engine
import NIOCore
import NIOPosix
import Synchronization
import WAL

/// An engine of one shard in this process, with a log of its own on the disk: everything but HTTP.
///
/// Threads that it starts run on the starting thread's core; the shard's is then bound to `shardCore`.
struct EngineUnderTest {
    let engine: Engine
    let log: WriteAheadLog
    private let group: MultiThreadedEventLoopGroup

    var shard: Shard { engine.shards[0] }

    static func start(folder: String, shardCore: Int?) async throws -> EngineUnderTest {
        let group = MultiThreadedEventLoopGroup(numberOfThreads: 1)
        if let shardCore {
            try await group.next().submit { try ProcessorCore.bindCallingThread(to: shardCore) }.get()
        }
        let log = try WriteAheadLog.open(
            folder: folder,
            options: Engine.logOptions(shards: 1),
            device: IOUringDevice()
        )
        let (engine, _) = try await Engine.start(log: log, loops: [group.next()]) { error in
            ProgressLine.say("holdfast-bench: the log failed: \(error)")
        }
        return EngineUnderTest(engine: engine, log: log, group: group)
    }

    /// Runs `body` on the shard's thread, inside the shard.
    func onShard<T: Sendable>(_ body: @escaping @Sendable (isolated Shard) throws -> T) async throws -> T {
        try await shard.loop.submit { [shard] in try shard.assumeIsolated { try body($0) } }.get()
    }

    /// Ends without a snapshot: the next start has to read the log.
    func stopWithoutSnapshot() async throws {
        try log.close()
        try await group.shutdownGracefully()
    }

    /// Ends as a server does.
    func stop() async throws {
        try await engine.stop()
        try await group.shutdownGracefully()
    }
}
