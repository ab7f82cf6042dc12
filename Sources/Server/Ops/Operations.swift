import Engine
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
    private let overloads = Atomic<UInt64>(0)
    private let openAPI: String
    let streams: StreamAllowance
    let streamMemory = StreamMemory()
    /// Those among them that read the log.
    let feedStreams = StreamAllowance(limit: FeedStreams.listenersMax)

    /// - Parameter streamsMax: streams of all connections at a time.
    init(openAPI: String, streamsMax: Int = StreamAllowance.defaultLimit) {
        self.openAPI = openAPI
        streams = StreamAllowance(limit: streamsMax)
    }

    /// A request was refused because what had arrived before it waited too long already.
    func countOverload() { overloads.add(1, ordering: .relaxed) }

    func setReady(_ value: Bool) { isReady.store(value, ordering: .releasing) }

    func answer(_ operation: Operation, _ engine: Engine) async -> Page {
        switch operation {
        case .health: return Page(body: #"{"status":"alive"}"#)
        case .ready: return ready(engine)
        case .metrics: return Page(contentType: .metrics, body: await metrics(engine))
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
            + #""postgres":null}"#
        return Page(status: isReady ? .ok : .serviceUnavailable, body: body)
    }

    private func metrics(_ engine: Engine) async -> String {
        var total = ShardCounters()
        var (events, holds, keys) = (0, 0, 0)
        for shard in engine.shards {
            let statistics = await shard.statistics()
            total.commands += statistics.counters.commands
            total.rejections += statistics.counters.rejections
            total.replays += statistics.counters.replays
            total.expired += statistics.counters.expired
            total.refusedBusy += statistics.counters.refusedBusy
            total.refusedForRoom += statistics.counters.refusedForRoom
            events += statistics.events
            holds += statistics.holdSlots
            keys += statistics.idempotencyKeys
        }
        var text = ""
        func line(_ name: String, _ kind: String, _ help: String, _ value: some BinaryInteger) {
            text += "# HELP holdfast_\(name) \(help)\n# TYPE holdfast_\(name) \(kind)\nholdfast_\(name) \(value)\n"
        }
        line("commands_total", "counter", "Commands received by the shards.", total.commands)
        line("rejections_total", "counter", "Commands refused by the rules of the sale.", total.rejections)
        line("idempotent_replays_total", "counter", "Retries answered from memory.", total.replays)
        line("reservations_expired_total", "counter", "Reservations that ended at their deadline.", total.expired)
        line("busy_total", "counter", "Commands refused because the log was saturated.", total.refusedBusy)
        line(
            "overload_total",
            "counter",
            "Requests refused because more had arrived than could be answered in time.",
            overloads.load(ordering: .relaxed)
        )
        line("streams", "gauge", "Streams that clients listen to.", streams.taken)
        line("stream_bytes", "gauge", "Bytes of streams that clients have not read yet.", streamMemory.heldBytes)
        line(
            "streams_closed_total",
            "counter",
            "Streams closed because clients that read slowly kept too many bytes.",
            streamMemory.closedStreams
        )
        line("events", "gauge", "Events in memory.", events)
        line("hold_slots", "gauge", "Live, sold and recently ended reservations in memory.", holds)
        line("idempotency_keys", "gauge", "Answers kept for retries.", keys)
        line("log_last_position", "counter", "Records appended to the log.", engine.log.lastPosition.rawValue)
        line("log_durable_position", "counter", "Records that are durable.", engine.log.durablePosition.rawValue)
        line("log_pending_bytes", "gauge", "Bytes that wait to be written.", engine.log.pendingBytes)
        let room = engine.log.room
        line(
            "storage_full",
            "gauge",
            "Whether changes are refused for want of room: 0 no, 1 yes, 2 reservations don't expire in the log either.",
            room.state.rawValue
        )
        line("storage_refusals_total", "counter", "Commands refused for want of room.", total.refusedForRoom)
        line("storage_needed_bytes", "gauge", "Free bytes below which changes are refused.", room.neededBytes)
        if let free = room.freeBytes {
            line("storage_free_bytes", "gauge", "Free bytes of the data folder's filesystem.", free)
        }
        line(
            "clock_ahead_milliseconds",
            "gauge",
            "By how much the engine's time is ahead of the system's clock, which was set back.",
            engine.clock.aheadMilliseconds
        )
        return text
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
