import Engine

/// The clients of one loop that listen to events' stock, by event: asks each event's loop for it once, and passes on what
/// that one tells.
final class AvailabilityStreams {
    /// Events whose listeners are told in one turn of the loop.
    private static let turnChannelsMax = 64
    /// Sections of all events that this loop's clients listen to.
    private static let sectionsMax = 500_000
    /// What the kernel keeps of a stream for a client that reads slowly, twice at most.
    private static let sendBufferBytes: Int32 = 16 * 1_024

    private let number: Int
    private let shardCount: Int
    private let allowance: StreamAllowance
    private var channels: [EventKey: AvailabilityChannel] = [:]
    /// Channels whose listeners are being told.
    private var sweeping: ContiguousArray<AvailabilityChannel> = []
    private var pace = StreamPace()
    private var watchesMade: UInt64 = 0
    private var sectionCount = 0
    /// For the loops that own the events.
    private var outgoing: [AvailabilityMessage] = []
    private var writer: ResponseWriter

    init(number: Int, shardCount: Int, allowance: StreamAllowance, problems: ProblemCounts) {
        writer = ResponseWriter(capacity: 1_024, counting: problems)
        self.number = number
        self.shardCount = shardCount
        self.allowance = allowance
    }

    // MARK: - Clients

    /// Takes in a client; its stream begins, or it is told why there is none, in this turn or a later one.
    /// - Returns: false when there are as many streams as there may be: the request is to be refused.
    func open(_ request: AvailabilityStreamRequest, on connection: Connection, sequence: UInt32) -> Bool {
        guard allowance.take() else { return false }
        let listener = AvailabilityListener(request, connection, sequence, self)
        connection.awaitStream(sequence, from: listener, request.terms)
        guard let channel = channels[request.event] else {
            begin(request.event, request.tenant).add(listener)
            return true
        }
        guard channel.watch.tenant == request.tenant else {
            refuse(listener, .eventNotFound)
            return true
        }
        channel.add(listener)
        if channel.revision > 0 { goOn(listener) }
        return true
    }

    private func begin(_ event: EventKey, _ tenant: ShortText) -> AvailabilityChannel {
        watchesMade += 1
        let watch = AvailabilityWatch(event: event, tenant: tenant, home: number, number: watchesMade)
        let channel = AvailabilityChannel(watch)
        channels[event] = channel
        outgoing.append(.watch(watch))
        return channel
    }

    /// Tells a listener what it doesn't know, beginning its stream where that has not begun.
    func goOn(_ listener: AvailabilityListener) {
        guard let channel = channels[listener.request.event] else { return }
        if !listener.hasBegun { begin(listener) }
        channel.tell(listener)
    }

    private func begin(_ listener: AvailabilityListener) {
        listener.hasBegun = true
        writer.removeAll()
        writer.setDate(epochSeconds: Engine.systemClock() / 1_000)
        let head = writer.writeStreamHead(listener.request.reply, isChunked: listener.request.terms.isChunked)
        writer.bytes.withBytes(in: head) {
            listener.connection.beginStream(listener.sequence, head: $0, sendBufferBytes: Self.sendBufferBytes)
        }
    }

    private func refuse(_ listener: AvailabilityListener, _ problem: Problem) {
        allowance.giveBack()
        writer.removeAll()
        let range = writer.write(problem, listener.request.reply)
        writer.bytes.withBytes(in: range) { listener.connection.refuseStream(listener.sequence, $0) }
    }

    /// The listener's stream has ended.
    func remove(_ listener: AvailabilityListener) {
        allowance.giveBack()
        guard let channel = channels[listener.request.event] else { return }
        channel.remove(listener)
        if channel.listeners.isEmpty { end(channel) }
    }

    private func end(_ channel: AvailabilityChannel) {
        channels[channel.watch.event] = nil
        sectionCount -= channel.sectionCount
        outgoing.append(.unwatch(channel.watch))
    }

    // MARK: - News

    func take(_ news: AvailabilityNews) {
        guard let channel = channels[news.watch.event], channel.watch == news.watch else { return }
        let sectionsBefore = channel.sectionCount
        switch news.content {
        case .noEvent: return refuseAll(of: channel, .eventNotFound)
        case .state(let event, let sections):
            guard sectionCount + sections.count <= Self.sectionsMax else {
                return refuseAll(of: channel, .tooManyStreams)
            }
            channel.begin(event, sections, at: news.position)
        case .changes(let sections): channel.take(sections, at: news.position)
        }
        sectionCount += channel.sectionCount - sectionsBefore
        if channel.isSweeping, !channel.isInTurn {
            channel.isInTurn = true
            sweeping.append(channel)
        }
    }

    private func refuseAll(of channel: AvailabilityChannel, _ problem: Problem) {
        end(channel)
        for listener in channel.listeners { refuse(listener, problem) }
    }

    // MARK: - Turns

    /// Tells listeners what is new, some in each turn. To be called at the end of every turn; every 2 ms there is one.
    func run() {
        guard !sweeping.isEmpty else { return }
        var listenersLeft = pace.look(at: .now())
        var channelsLeft = Self.turnChannelsMax
        // In turns, the ones that are not done at the end: an event that never rests keeps no other from its turn.
        var taken = 0
        while listenersLeft > 0, channelsLeft > 0, taken < sweeping.count {
            let channel = sweeping[taken]
            taken += 1
            let sectionsBefore = channel.sectionCount
            let told = channel.sweep(listenersLeft, goOn)
            pace.spend(told)
            listenersLeft -= told
            channelsLeft -= 1
            if channels[channel.watch.event] === channel { sectionCount += channel.sectionCount - sectionsBefore }
            channel.isInTurn = channel.isSweeping
            if channel.isSweeping { sweeping.append(channel) }
        }
        sweeping.removeFirst(taken)
    }

    /// Passes on what is to be told to the loops that own the events.
    func send(_ outboxes: inout [[LoopMessage]]) {
        guard !outgoing.isEmpty else { return }
        for message in outgoing {
            switch message {
            case .watch(let watch), .unwatch(let watch):
                outboxes[watch.event.shard(of: shardCount)].append(.availability(message))
            case .news: preconditionFailure("news come from the loops that own the events")
            }
        }
        outgoing.removeAll(keepingCapacity: true)
    }
}
