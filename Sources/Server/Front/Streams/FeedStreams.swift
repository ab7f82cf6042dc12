import Engine
import Loop
import NIOCore

/// The clients of one loop that listen to the feed. Each reads on when what it has read is sent, so a slow one waits
/// for itself and nothing is kept for it: the log has it all.
///
///     waiting → reading (a page of the log, on another thread) → sending → waiting …
///
/// Those at the end of the log look for more twenty times a second, all at the same time; so clients of one tenant come
/// to the same places, and a page is read and rendered once for all of them.
// Sound because everything is touched on `loop` only; tasks that read pass the reference along.
final class FeedStreams: @unchecked Sendable {
    /// Listeners of the whole server: a page is read from the disk.
    static let listenersMax = 256
    private static let lookInterval = TimeAmount.milliseconds(50)
    /// Pages that are read at a time for one loop.
    private static let readsMax = 8
    /// What the kernel keeps of a stream for a client that reads slowly, twice at most.
    private static let sendBufferBytes: Int32 = 128 * 1_024
    /// Positions that a client is passed over before it is told so: what it would otherwise ask for again when it comes
    /// back, the log may have let go of by then.
    private static let passedOverMax: UInt64 = 10_000

    /// What a page is read for: those who are at the same place share it.
    private struct Group: Hashable {
        let tenant: ShortText
        let place: FeedPlace
    }

    private let loop: RingLoop
    private let engine: Engine
    private let streams: StreamAllowance
    private let allowance: StreamAllowance
    private var waiting: [FeedListener] = []
    private var reads = 0
    private var nextLook = NIODeadline.uptimeNanoseconds(0)
    /// Whether somebody who waits has more to read for certain.
    private var isUrgent = false
    private var writer: ResponseWriter

    /// - Parameters:
    ///   - streams: the places for streams of every kind.
    ///   - allowance: those for the feed among them.
    init(
        loop: RingLoop,
        engine: Engine,
        streams: StreamAllowance,
        allowance: StreamAllowance,
        problems: ProblemCounts
    ) {
        writer = ResponseWriter(capacity: 1_024, counting: problems)
        self.loop = loop
        self.engine = engine
        self.streams = streams
        self.allowance = allowance
    }

    /// Takes in a client; its stream begins, or it is told why there is none, when its first page is read.
    /// - Returns: false when there are as many streams as there may be: the request is to be refused.
    func open(_ request: FeedStreamRequest, on connection: Connection, sequence: UInt32) -> Bool {
        guard allowance.take() else { return false }
        guard streams.take() else {
            allowance.giveBack()
            return false
        }
        let listener = FeedListener(request, connection, sequence, self)
        connection.awaitStream(sequence, from: listener, request.terms)
        wait(listener)
        return true
    }

    func remove(_ listener: FeedListener) {
        listener.state = .ended
        listener.chunk = nil
        allowance.giveBack()
        streams.giveBack()
    }

    private func wait(_ listener: FeedListener) {
        listener.state = .waiting
        waiting.append(listener)
        if !listener.isAtEnd { isUrgent = true }
    }

    // MARK: - Turns

    /// Begins to read for those who wait. To be called at the end of every turn; every 2 ms there is one.
    func run() {
        guard !waiting.isEmpty, reads < Self.readsMax else { return }
        let now = NIODeadline.now()
        let isLook = now >= nextLook
        guard isLook || isUrgent else { return }
        if isLook { nextLook = now + Self.lookInterval }
        isUrgent = false
        let durable = engine.feed.durablePosition.rawValue
        var groups: [Group: [FeedListener]] = [:]
        var left: [FeedListener] = []
        for listener in waiting where listener.state == .waiting {
            let group = Group(tenant: listener.request.tenant, place: listener.place)
            let isDue = !listener.isAtEnd || isLook && durable > (listener.place.after ?? 0)
            if isDue, groups[group] != nil || reads + groups.count < Self.readsMax {
                groups[group, default: []].append(listener)
            } else {
                left.append(listener)
                if !listener.isAtEnd { isUrgent = true }
            }
        }
        waiting = left
        for (group, listeners) in groups { read(group, listeners) }
    }

    private func read(_ group: Group, _ listeners: [FeedListener]) {
        reads += 1
        for listener in listeners { listener.state = .reading }
        let readers = NIOLoopBound(listeners, eventLoop: loop)
        Task { [engine] in
            do throws(FeedFailure) {
                let page = try await FeedStreamPage(group.place, of: group.tenant, engine)
                loop.execute { self.take(page, for: readers.value) }
            } catch {
                loop.execute { self.fail(readers.value, error) }
            }
        }
    }

    private func take(_ page: FeedStreamPage, for listeners: [FeedListener]) {
        reads -= 1
        for listener in listeners where listener.state == .reading {
            if !listener.hasBegun { begin(listener) }
            listener.place = FeedPlace(after: page.next)
            listener.isAtEnd = page.isAtEnd
            listener.chunk = page.chunk
            if page.chunk == nil, page.next >= listener.told + Self.passedOverMax {
                listener.chunk = .feedPlace(page.next)
            }
            guard listener.chunk != nil else {
                wait(listener)
                continue
            }
            listener.told = page.next
            listener.state = .sending
            goOn(listener)
        }
    }

    /// The connection takes a chunk, or has sent one.
    func goOn(_ listener: FeedListener) {
        guard listener.state == .sending, listener.connection.isStreamReady else { return }
        guard let chunk = listener.chunk else { return wait(listener) }
        listener.chunk = nil
        listener.connection.send(chunk)
    }

    // MARK: - Beginning and end

    private func begin(_ listener: FeedListener) {
        listener.hasBegun = true
        writer.removeAll()
        writer.setDate(epochSeconds: Engine.systemClock() / 1_000)
        let head = writer.writeStreamHead(listener.request.reply, isChunked: listener.request.terms.isChunked)
        writer.bytes.withBytes(in: head) {
            listener.connection.beginStream(listener.sequence, head: $0, sendBufferBytes: Self.sendBufferBytes)
        }
    }

    private func fail(_ listeners: [FeedListener], _ failure: FeedFailure) {
        reads -= 1
        for listener in listeners where listener.state == .reading {
            if !listener.hasBegun {
                refuse(listener, failure.problem)
            } else if case .of(.busy) = failure {
                // Those who listen already ask again with the next look.
                listener.isAtEnd = true
                wait(listener)
            } else {
                listener.state = .sending
                listener.connection.endStream(last: .feedEnd(failure.problem))
            }
        }
    }

    private func refuse(_ listener: FeedListener, _ problem: Problem) {
        remove(listener)
        writer.removeAll()
        let range = writer.write(problem, listener.request.reply)
        writer.bytes.withBytes(in: range) { listener.connection.refuseStream(listener.sequence, $0) }
    }
}
