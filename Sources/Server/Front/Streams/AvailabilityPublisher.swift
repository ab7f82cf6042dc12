import Engine
import NIOCore
import WAL

/// The events of one loop's shard that somebody watches, on any loop: looks after their changes four times a second, and
/// tells each loop with listeners once, when what it tells is durable.
///
///     shard: changed → round (a quarter of a second): what has changed, by section → held → durable → news to the loops
///
/// The next round begins when the last one is told: what happens meanwhile is told with it, so nothing piles up.
final class AvailabilityPublisher {
    static let roundInterval = TimeAmount.milliseconds(250)
    /// Sections compared in one turn of the loop; at least one event is.
    private static let turnSectionsMax = 20_000

    private struct Watched {
        var homes: [AvailabilityWatch] = []
        /// What the homes have been told.
        var known: ContiguousArray<SectionCounts> = []
    }

    private let shard: Shard
    private var watched: [EventKey: Watched] = [:]
    /// Loops that have not been told the state yet.
    private var asked: ContiguousArray<AvailabilityWatch> = []
    /// Changed events that the round has not come to.
    private var due: [EventKey] = []
    private var nextRound = NIODeadline.uptimeNanoseconds(0)
    /// What was told in the last round is durable with this.
    private var roundPosition = LogPosition.zero
    private var releasedPosition = LogPosition.zero
    /// News that are not durable yet, in the order in which they will be.
    private var held: ContiguousArray<AvailabilityNews> = []

    init(shard: Shard) { self.shard = shard }

    // MARK: - Who watches

    func watch(_ watch: AvailabilityWatch) { asked.append(watch) }

    func unwatch(_ watch: AvailabilityWatch) {
        asked.removeAll { $0 == watch }
        guard let index = watched[watch.event]?.homes.firstIndex(of: watch) else { return }
        watched[watch.event]!.homes.remove(at: index)
        guard watched[watch.event]!.homes.isEmpty else { return }
        watched[watch.event] = nil
        shard.assumeIsolated { $0.unwatch(watch.event) }
    }

    /// - Returns: how many sections were looked at.
    private func begin(_ watch: AvailabilityWatch) -> Int {
        guard shard.assumeIsolated({ $0.watch(watch.event, tenant: watch.tenant) }) else {
            held.append(AvailabilityNews(watch: watch, content: .noEvent, position: .zero))
            return 0
        }
        var all: ContiguousArray<SectionCounts> = []
        let (sections, position) = changes(of: watch.event, since: &all)
        // Other loops hear of what is new in this with the next round.
        watched[watch.event, default: Watched(known: all)].homes.append(watch)
        let id = shard.assumeIsolated { $0.id(of: watch.event) } ?? .empty
        held.append(AvailabilityNews(watch: watch, content: .state(event: id, sections), position: position))
        return all.count
    }

    // MARK: - Turns

    /// Looks after changes when it is time to. To be called at the end of every turn; every 2 ms there is one.
    func run() {
        var sectionsLeft = Self.turnSectionsMax
        while sectionsLeft > 0, !asked.isEmpty { sectionsLeft -= begin(asked.removeFirst()) + 1 }
        guard !watched.isEmpty else { return }
        if due.isEmpty { beginRound() }
        while sectionsLeft > 0, let event = due.popLast() { sectionsLeft -= publish(event) + 1 }
    }

    private func beginRound() {
        guard roundPosition <= releasedPosition else { return }
        let now = NIODeadline.now()
        guard now >= nextRound else { return }
        nextRound = now + Self.roundInterval
        due = shard.assumeIsolated { $0.takeChangedEvents() }
    }

    /// - Returns: how many sections were looked at.
    private func publish(_ event: EventKey) -> Int {
        guard let homes = watched[event]?.homes else { return 0 }
        let (sections, position) = changes(of: event, since: &watched[event]!.known)
        guard !sections.isEmpty else { return watched[event]!.known.count }
        roundPosition = position
        for watch in homes {
            held.append(AvailabilityNews(watch: watch, content: .changes(sections), position: position))
        }
        return watched[event]!.known.count
    }

    private func changes(
        of event: EventKey,
        since known: inout ContiguousArray<SectionCounts>
    ) -> (sections: [SectionAvailability], position: LogPosition) {
        shard.assumeIsolated { $0.changes(of: event, since: &known) }
    }

    /// Sends what has become durable.
    func release(through position: LogPosition, _ outboxes: inout [[LoopMessage]]) {
        releasedPosition = position
        guard let first = held.first, first.position <= position else { return }
        let count = held.firstIndex { $0.position > position } ?? held.count
        for news in held[..<count] { outboxes[news.watch.home].append(.availability(.news(news))) }
        held.removeFirst(count)
    }
}
