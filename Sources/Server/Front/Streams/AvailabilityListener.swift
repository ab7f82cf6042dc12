import Engine

/// A request for the stream of an event's stock.
struct AvailabilityStreamRequest: Sendable {
    let event: EventKey
    let tenant: ShortText
    let reply: ReplyContext
    let terms: StreamTerms
}

/// One client that listens to an event's stock. Its connection keeps it, and it its connection, until one lets go.
final class AvailabilityListener: StreamSource {
    let connection: Connection
    let sequence: UInt32
    let request: AvailabilityStreamRequest
    private let streams: AvailabilityStreams
    /// Whether its head has been answered.
    var hasBegun = false
    /// The channel's revision that it was told last; 0 before the first.
    var toldRevision: UInt64 = 0
    /// Its place among the channel's listeners.
    var index = 0

    init(
        _ request: AvailabilityStreamRequest,
        _ connection: Connection,
        _ sequence: UInt32,
        _ streams: AvailabilityStreams
    ) {
        self.request = request
        self.connection = connection
        self.sequence = sequence
        self.streams = streams
    }

    func streamIsReady(_ connection: Connection) { streams.goOn(self) }

    func streamHasEnded(_ connection: Connection) { streams.remove(self) }
}
