/// Where the chunks of a stream come from. Everything is called on the connection's loop.
protocol StreamSource: AnyObject {
    /// All that was sent is with the kernel: another chunk may be sent.
    func streamIsReady(_ connection: Connection)
    /// The stream has ended: the client is gone or does not read, or the server ends it. The last call.
    func streamHasEnded(_ connection: Connection)
}

/// What a request says of the stream that it asks for.
struct StreamTerms: Equatable, Sendable {
    /// By HTTP/1.1's chunked coding, else until the connection is closed.
    var isChunked = true
    /// For how long the client may listen, in milliseconds; nil for as long as it likes.
    var durationMs: Int64?
    /// The key that the client's token was verified with; nil where there is none. The client may listen while it is one of
    /// the server's `StreamKeys`.
    var key: UInt64?
}

/// The keys of tokens that are accepted now. Called on every loop.
protocol StreamKeys: Sendable {
    /// Another number where the keys may be others.
    var generation: UInt64 { get }
    func has(_ key: UInt64) -> Bool
}

/// The body of an answer that goes on, on its connection: at most one chunk with the kernel and one behind it.
///
///     awaited (asked for, not answered) → flowing → ending (nothing new is taken) → ended
///       ↘ refused: an ordinary answer instead
final class StreamBody {
    enum Phase { case awaited, flowing, ending, ended }

    /// Handed to the kernel at once, so that a peer that reads slowly can be told from one that doesn't read at all.
    private static let sliceBytesMax = 32 * 1_024

    let source: any StreamSource
    let isChunked: Bool
    /// The tick of the loop at which the server ends it.
    let endTick: Int64
    /// As in `StreamTerms`.
    let key: UInt64?
    /// The generation of keys that still had it.
    var keyGeneration: UInt64?
    private(set) var phase = Phase.awaited
    /// Of the chunk that is being sent, where it counts.
    var held: HeldChunk?
    /// Whether it is among those that are told that they live.
    var isHeartbeatDue = false
    private var current: StreamChunk?
    /// Of `current`: what the kernel has not been given.
    private var rest = UnsafeRawBufferPointer(start: nil, count: 0)
    private var next: StreamChunk?

    init(source: any StreamSource, isChunked: Bool, endTick: Int64, key: UInt64? = nil) {
        self.source = source
        self.isChunked = isChunked
        self.endTick = endTick
        self.key = key
    }

    func begin() { if phase == .awaited { phase = .flowing } }

    /// Whether nothing waits to be sent, so that a chunk may be added.
    var isReady: Bool { phase == .flowing && current == nil && next == nil }

    /// Whether a chunk, or a part of one, is with the kernel.
    var isSending: Bool { current != nil }

    func add(_ chunk: StreamChunk) {
        precondition(isReady, "a chunk for a stream that takes none")
        next = chunk
    }

    /// Takes nothing more. What was added before is sent, then the end of the body.
    /// - Parameter last: what is to be sent before the end, where there is room for it.
    func end(last: StreamChunk? = nil) {
        guard phase != .ending, phase != .ended else { return }
        phase = .ending
        if next == nil { next = last }
    }

    /// The bytes to hand to the kernel now; nil where there are none.
    func nextSlice() -> UnsafeRawBufferPointer? {
        if current == nil { takeNext() }
        guard current != nil else { return nil }
        let slice = UnsafeRawBufferPointer(rebasing: rest.prefix(Self.sliceBytesMax))
        rest = UnsafeRawBufferPointer(rebasing: rest[slice.count...])
        return slice
    }

    private func takeNext() {
        if let chunk = next {
            next = nil
            current = chunk
            rest = chunk.bytes(isChunked: isChunked)
        } else if phase == .ending {
            phase = .ended
            guard isChunked else { return }
            current = .end
            rest = StreamChunk.end.bytes(isChunked: true)
        }
    }

    /// The kernel has taken the slice.
    func sliceIsSent() { if rest.isEmpty { current = nil } }
}
