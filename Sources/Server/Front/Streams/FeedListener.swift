import Engine

/// One client that listens to the feed. Its connection keeps it, and it its connection, until one lets go.
final class FeedListener: StreamSource {
    enum State { case waiting, reading, sending, ended }

    let connection: Connection
    let sequence: UInt32
    let request: FeedStreamRequest
    private let streams: FeedStreams
    var state = State.waiting
    var place: FeedPlace
    /// The last position that the client was told.
    var told: UInt64
    /// Whether there was nothing behind `place` when it was read.
    var isAtEnd = false
    /// Whether its head has been answered.
    var hasBegun = false
    /// What was read and waits for the connection.
    var chunk: StreamChunk?

    init(_ request: FeedStreamRequest, _ connection: Connection, _ sequence: UInt32, _ streams: FeedStreams) {
        self.request = request
        self.connection = connection
        self.sequence = sequence
        self.streams = streams
        place = request.place
        told = request.place.after ?? 0
    }

    func streamIsReady(_ connection: Connection) { streams.goOn(self) }

    func streamHasEnded(_ connection: Connection) { streams.remove(self) }
}
