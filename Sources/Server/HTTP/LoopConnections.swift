import Loop
import NIOCore
import Synchronization

/// The number of connections of the whole server.
final class ConnectionCount: Sendable {
    private let count = Atomic<Int>(0)

    /// The number with the one that is being added.
    func increment() -> Int { count.add(1, ordering: .relaxed).newValue }
    func decrement() { count.subtract(1, ordering: .relaxed) }
    var value: Int { count.load(ordering: .relaxed) }
}

/// The connections of one event loop, and the one timer that looks after them all.
///
/// Time is counted in ticks of that timer, so that no request reads a clock.
// Sound because everything mutable is touched on `eventLoop` only; other threads just pass the reference along.
final class LoopConnections: @unchecked Sendable {
    enum Admission { case admitted, refused, dropped }

    let eventLoop: RingLoop
    let dirtyConnections = DirtyConnections()
    let executor: any RequestExecutor
    let traffic: HTTPTraffic
    let limits: ConnectionLimits
    let largeRequests: LargeRequestBudget
    let heldChunks: HeldChunks
    let heartbeats = Heartbeats()
    /// Nil where no requests are logged.
    let requestLog: RequestLog?
    private(set) var tick: Int64 = 0
    /// Answer bytes of all connections that the kernel has not taken yet.
    var unsentBytes = 0
    /// Nil where nobody needs a token.
    let streamKeys: (any StreamKeys)?
    private let count: ConnectionCount
    /// Nil where connections are not encrypted.
    private let security: (any LoopSecurity)?
    private var connections: [ObjectIdentifier: Connection] = [:]
    private var timer: RepeatedTask?
    private var idleTimer: RepeatedTask?
    private(set) var isDraining = false
    private var whenEmpty: EventLoopPromise<Void>?

    /// - Parameter security: nil where connections are not encrypted.
    init(
        eventLoop: RingLoop,
        executor: any RequestExecutor,
        limits: ConnectionLimits,
        count: ConnectionCount,
        streamMemory: StreamMemory,
        streamKeys: (any StreamKeys)? = nil,
        requestLog: RequestLog? = nil,
        security: (any LoopSecurity)? = nil
    ) {
        self.eventLoop = eventLoop
        self.security = security
        self.executor = executor
        traffic = executor.traffic
        self.limits = limits
        self.count = count
        self.streamKeys = streamKeys
        self.requestLog = requestLog
        largeRequests = LargeRequestBudget(bytesMax: limits.largeRequestBytesMax)
        heldChunks = HeldChunks(streamMemory, bytesMax: limits.streamBytesMax)
        traffic.connections = self
    }

    /// Connections of this loop.
    var openCount: Int { connections.count }

    /// Ticks after which `milliseconds` have passed for certain: the tick that runs is not a whole one.
    func ticks(_ milliseconds: Int64) -> Int64 {
        (milliseconds + limits.timeoutCheckIntervalMs - 1) / limits.timeoutCheckIntervalMs + 1
    }

    /// - Parameter descriptor: a connected socket.
    func open(_ descriptor: Int32) {
        let socket = SocketStream(descriptor: descriptor, loop: eventLoop)
        let stream: any ByteStream = security?.secure(socket) ?? socket
        Connection(stream: stream, loop: self).open()
    }

    /// Counts a new connection. `refused` ones are answered 503 and stay until they have read it, so there is a
    /// limit to them too: beyond it they are dropped without a word.
    func add(_ connection: Connection) -> Admission {
        connections[ObjectIdentifier(connection)] = connection
        traffic.countAccepted()
        let total = count.increment()
        if total <= limits.connectionsMax { return .admitted }
        return total <= limits.connectionsMax + 64 ? .refused : .dropped
    }

    func remove(_ connection: Connection) {
        guard connections.removeValue(forKey: ObjectIdentifier(connection)) != nil else { return }
        count.decrement()
        finishIfEmpty()
    }

    /// Looks after the connections from now on: at the end of every turn, and once a tick.
    func start() {
        eventLoop.atEndOfTurn { [self] in
            security?.endTurn()
            executor.endTurn()
            // Another turn soon, but sockets have theirs in between.
            if heartbeats.run() { eventLoop.execute {} }
            heldChunks.closeStalest()
            dirtyConnections.flushAll()
            traffic.endTurn()
        }
        let interval = TimeAmount.milliseconds(limits.timeoutCheckIntervalMs)
        timer = eventLoop.scheduleRepeatedTask(initialDelay: interval, delay: interval) { [weak self] _ in
            self?.advance()
        }
    }

    /// Lets every connection finish what it has in flight, and those that are accepted yet answer one request.
    func beginDrain() {
        eventLoop.assertInEventLoop()
        isDraining = true
        for connection in Array(connections.values) { connection.drain() }
    }

    /// Lets every connection finish. To be called when no more are accepted.
    /// - Parameter promise: succeeds when the last one is closed.
    func drain(_ promise: EventLoopPromise<Void>) {
        beginDrain()
        if let earlier = whenEmpty { promise.futureResult.cascade(to: earlier) }
        whenEmpty = promise
        guard idleTimer == nil else { return finishIfEmpty() }
        let interval = TimeAmount.milliseconds(limits.drainCheckIntervalMs)
        idleTimer = eventLoop.scheduleRepeatedTask(initialDelay: interval, delay: interval) { [weak self] _ in
            guard let self else { return }
            for connection in Array(connections.values) { connection.closeIfIdle() }
        }
        finishIfEmpty()
    }

    /// Closes every connection, answered or not.
    func closeAll() {
        eventLoop.assertInEventLoop()
        for connection in Array(connections.values) { connection.close() }
    }

    private func advance() {
        tick += 1
        requestLog?.tick()
        for connection in Array(connections.values) { connection.checkTimeouts() }
    }

    private func finishIfEmpty() {
        guard connections.isEmpty, let promise = whenEmpty else { return }
        whenEmpty = nil
        timer?.cancel()
        idleTimer?.cancel()
        promise.succeed()
    }
}
