import Engine
import Postgres
import Synchronization
import WAL

/// What the server says of itself: `/health`, `/ready`, `/metrics`, `/openapi.json`, `/docs`.
final class Operations: Sendable {
    /// One answer to an operator or a machine.
    struct Page: Sendable {
        var status = HTTPStatus.ok
        var contentType = ContentType.json
        var body: String
        /// Of what stays the same as long as the server runs; nil for what changes with every look.
        var entityTag: UInt64?
        /// What a browser may load beside the page; empty where nobody browses.
        var securityPolicy = ""
    }

    private let isReady = Atomic<Bool>(false)
    private let pages: StaticPages
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
    /// Nil where nothing is limited.
    let rateLimits: RateLimits?

    /// - Parameters:
    ///   - openAPI: the text of `/openapi.json`, of which `/docs` is made.
    ///   - style: the style sheet of `/docs`.
    ///   - streamsMax: streams of all connections at a time.
    ///   - metricsEventsMax: events whose places are shown one by one in metrics; 0 for none.
    ///   - books: on any thread, without waiting.
    ///   - rateLimits: whose refusals are shown; nil without limits.
    init(
        openAPI: String,
        style: String = "",
        streamsMax: Int = StreamAllowance.defaultLimit,
        metricsEventsMax: Int = Operations.metricsEventsMaxDefault,
        books: (@Sendable () -> PostgresBooks.Standing)? = nil,
        security: (any ConnectionSecurity)? = nil,
        rateLimits: RateLimits? = nil
    ) {
        pages = StaticPages(document: openAPI, style: style)
        self.metricsEventsMax = metricsEventsMax
        self.books = books
        self.security = security
        self.rateLimits = rateLimits
        streams = StreamAllowance(limit: streamsMax)
    }

    /// Four series an event: enough for a house with a season on sale, and little for Prometheus to keep.
    static let metricsEventsMaxDefault = 100

    /// Of the program.
    static let version = "0.1.0"

    func setReady(_ value: Bool) { isReady.store(value, ordering: .releasing) }

    /// - Parameter fronts: of all loops.
    func answer(_ operation: Operation, _ engine: Engine, _ fronts: [LoopFront]) async -> Page {
        switch operation {
        case .health: return Page(body: #"{"status":"alive"}"#)
        case .ready: return ready(engine)
        case .metrics:
            let sample = await MetricsSample(engine, fronts, self, eventsMax: metricsEventsMax)
            let text = MetricsText(sample, version: Self.version)
            return Page(contentType: .metrics, body: text.text)
        case .openAPI: return pages.openAPI
        case .docs: return pages.docs
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
        if let tag = page.entityTag, reply.known.contains(tag) {
            begin(.notModified)
            writeFields(of: page, reply)
            return end()
        }
        begin(page.status, page.contentType)
        writeFields(of: page, reply)
        if page.status == .serviceUnavailable { header("Retry-After", 1) }
        beginBody()
        bytes.append(page.body)
        return end(omitBody: reply.isHead)
    }

    private mutating func writeFields(of page: Operations.Page, _ reply: borrowing ReplyContext) {
        echo(reply)
        if let tag = page.entityTag {
            header("ETag", "\"\(tag)\"")
            header("Cache-Control", "no-cache")
        }
        guard !page.securityPolicy.isEmpty else { return }
        header("Content-Security-Policy", page.securityPolicy)
        header("X-Content-Type-Options", "nosniff")
        header("Referrer-Policy", "no-referrer")
    }
}
