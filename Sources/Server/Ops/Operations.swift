import Engine
import Postgres
import Synchronization
import WAL

/// What the server says of itself: `/health`, `/ready`, `/metrics`, `/openapi.json`.
final class Operations: Sendable {
    /// One answer to an operator or a machine.
    struct Page: Sendable {
        var status = HTTPStatus.ok
        var contentType = ContentType.json
        var body: String
    }

    private let isReady = Atomic<Bool>(false)
    private let openAPI: String
    let streams: StreamAllowance
    let streamMemory = StreamMemory()
    /// Those among them that read the log.
    let feedStreams = StreamAllowance(limit: FeedStreams.listenersMax)
    /// With more events than these, metrics show none by itself.
    private let metricsEventsMax: Int
    /// How the books in Postgres stand, for `/ready` and metrics; nil where none are written.
    let books: (@Sendable () -> PostgresBooks.Standing)?
    /// Nil where connections are not encrypted.
    let security: (any ConnectionSecurity)?

    /// - Parameters:
    ///   - streamsMax: streams of all connections at a time.
    ///   - metricsEventsMax: events whose places are shown one by one in metrics; 0 for none.
    ///   - books: on any thread, without waiting.
    init(
        openAPI: String,
        streamsMax: Int = StreamAllowance.defaultLimit,
        metricsEventsMax: Int = Operations.metricsEventsMaxDefault,
        books: (@Sendable () -> PostgresBooks.Standing)? = nil,
        security: (any ConnectionSecurity)? = nil
    ) {
        self.openAPI = openAPI
        self.metricsEventsMax = metricsEventsMax
        self.books = books
        self.security = security
        streams = StreamAllowance(limit: streamsMax)
    }

    /// Four series an event: enough for a house with a season on sale, and little for Prometheus to keep.
    static let metricsEventsMaxDefault = 100

    func setReady(_ value: Bool) { isReady.store(value, ordering: .releasing) }

    /// - Parameter fronts: of all loops.
    func answer(_ operation: Operation, _ engine: Engine, _ fronts: [LoopFront]) async -> Page {
        switch operation {
        case .health: return Page(body: #"{"status":"alive"}"#)
        case .ready: return ready(engine)
        case .metrics:
            let sample = await MetricsSample(engine, fronts, self, eventsMax: metricsEventsMax)
            let text = MetricsText(sample, version: Holdfast.configuration.version)
            return Page(contentType: .metrics, body: text.text)
        case .openAPI: return Page(body: openAPI)
        }
    }

    private func ready(_ engine: Engine) -> Page {
        let isServing = isReady.load(ordering: .acquiring)
        let room = engine.log.room
        let isReady = isServing && room.state == .enough
        let status = isReady ? "ready" : isServing ? "storage full" : "not ready"
        let free = room.freeBytes.map { "\($0)" } ?? "null"
        let body =
            #"{"status":"\#(status)","last_position":\#(engine.log.lastPosition),"#
            + #""durable_position":\#(engine.log.durablePosition),"storage":{"state":"\#(room.state)","#
            + #""free_bytes":\#(free),"needed_bytes":\#(room.neededBytes),"resume_bytes":\#(room.resumeBytes)},"#
            + #""postgres":\#(books?().json ?? "null")}"#
        return Page(status: isReady ? .ok : .serviceUnavailable, body: body)
    }
}

extension ResponseWriter {
    mutating func write(_ page: Operations.Page, _ reply: borrowing ReplyContext) -> Range<Int> {
        begin(page.status, page.contentType)
        echo(reply)
        if page.status == .serviceUnavailable { header("Retry-After", 1) }
        beginBody()
        bytes.append(page.body)
        return end(omitBody: reply.isHead)
    }
}
