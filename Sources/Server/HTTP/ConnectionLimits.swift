/// How much one connection may ask for, and for how long. Times are kept to one `timeoutCheckIntervalMs`, never short.
struct ConnectionLimits: Sendable {
    var request = RequestLimits()
    /// Requests of one connection that are not answered yet; at the limit it is not read any further.
    var requestsInFlightMax: UInt32 = 64
    /// Answer bytes not handed to the system yet; from there on no further request is executed.
    var unsentBytesPause = 64 * 1024
    /// Answer bytes a peer may leave unread before its connection is closed; beyond the largest single answer.
    var unsentBytesMax = 24 * 1024 * 1024
    /// Answer bytes that all connections of a loop may have unsent before each of them is read no further until its own
    /// are gone. Peers that don't read can't make more wait than this, and what was in flight.
    var unsentBytesPauseOfLoop = 64 * 1024 * 1024
    /// Bytes that the large requests of one loop's connections may take together, bodies and answers.
    var largeRequestBytesMax = 128 * 1024 * 1024
    /// Without any request.
    var idleTimeoutMs: Int64 = 60_000
    /// From the beginning of a connection to the end of its TLS handshake.
    var handshakeTimeoutMs: Int64 = 10_000
    /// From the first byte of a request to its last.
    var requestTimeoutMs: Int64 = 10_000
    /// Without progress of a peer that has answers to read.
    var writeStallTimeoutMs: Int64 = 10_000
    /// Without anything sent on a stream; then a comment is.
    var streamHeartbeatMs: Int64 = 15_000
    /// A stream's client that has vanished, from the first byte that it has not acknowledged.
    var streamPeerTimeoutMs: Int64 = 30_000
    /// Bytes of streams' events, of the whole server, that clients have not read yet; those that have read for the longest
    /// time are closed beyond it.
    var streamBytesMax = 256 * 1024 * 1024
    /// How long a closed connection still reads, so that the peer gets the last answer rather than a reset.
    var lingerTimeoutMs: Int64 = 2_000
    /// How often a server that stops looks for connections without a request: one that has been without for so long is
    /// closed, at the latest after twice the time.
    var drainCheckIntervalMs: Int64 = 250
    /// How often connections look at the clock.
    var timeoutCheckIntervalMs: Int64 = 1_000
    /// Connections of the whole server; one more is told 503 and closed.
    var connectionsMax = 16_384
}
