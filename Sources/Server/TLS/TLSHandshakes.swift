import Loop
import NIOCore

/// The encrypted connections of one loop: takes their handshakes on by turns, for a moment in each, so that the sale goes
/// on while however many clients connect.
final class TLSHandshakes: LoopSecurity {
    /// In a turn; the step that is under way then is finished. The longest has a signature in it.
    static let nanosecondsPerTurn: Int64 = 1_000_000

    let eventLoop: RingLoop
    let identity: TLSIdentity
    private var queue: [TLSStream] = []
    private var queueHead = 0
    /// For what is handed to the handlers, which are done with it when they return.
    private var incoming = ByteBuffer()
    private var outgoing = ByteBuffer()

    init(_ eventLoop: RingLoop, _ identity: TLSIdentity) {
        self.eventLoop = eventLoop
        self.identity = identity
    }

    func secure(_ socket: SocketStream) -> any ByteStream { TLSStream(socket, self) }

    /// The stream has a step to take. Each waits for one at a time.
    func add(_ stream: TLSStream) { queue.append(stream) }

    func endTurn() {
        guard !queue.isEmpty else { return }
        let deadline = NIODeadline.now() + .nanoseconds(Self.nanosecondsPerTurn)
        repeat {
            let stream = queue[queueHead]
            queueHead += 1
            stream.takeStep()
        } while queueHead < queue.count && NIODeadline.now() < deadline
        if queueHead == queue.count {
            queue.removeAll(keepingCapacity: queueHead <= 1_024)
            queueHead = 0
        } else if queueHead >= 1_024 {
            queue.removeFirst(queueHead)
            queueHead = 0
        }
        // Another turn at once, but sockets have theirs in between.
        if !queue.isEmpty { eventLoop.submit {} }
    }

    /// The bytes as a buffer, valid until the next call.
    func wrapIncoming(_ bytes: UnsafeRawBufferPointer) -> ByteBuffer {
        incoming.clear(minimumCapacity: bytes.count)
        incoming.writeBytes(bytes)
        return incoming
    }

    func wrapOutgoing(_ bytes: UnsafeRawBufferPointer) -> ByteBuffer {
        outgoing.clear(minimumCapacity: bytes.count)
        outgoing.writeBytes(bytes)
        return outgoing
    }
}
