import Engine
import WAL

/// One event's stock as a loop knows it, and the loop's clients that listen to it. What they are told is rendered once
/// and shared.
///
/// A change makes a new revision. A sweep brings the listeners to it, some a turn: those that had the revision before
/// get what has changed, those that have none or were too slow for one get the whole state. Changes that come during a
/// sweep wait for its end, so a revision has one content for everybody.
final class AvailabilityChannel {
    let watch: AvailabilityWatch
    private(set) var listeners: ContiguousArray<AvailabilityListener> = []
    /// Nothing is known before the first.
    private(set) var revision: UInt64 = 0

    private var event: ShortText = .empty
    private var position = LogPosition.zero
    private var sections: ContiguousArray<SectionAvailability> = []
    private var pending: [SectionNumber: SectionAvailability] = [:]
    private var pendingPosition = LogPosition.zero

    /// Of this revision: the whole state, once somebody needs it, and what is not in the one before.
    private var state: StreamChunk?
    private var changes: StreamChunk?

    /// Whether it is among those whose listeners are being told.
    var isInTurn = false
    private var due: ContiguousArray<AvailabilityListener> = []
    private var dueNext = 0

    init(_ watch: AvailabilityWatch) { self.watch = watch }

    var sectionCount: Int { sections.count }
    var isSweeping: Bool { dueNext < due.count }

    // MARK: - Listeners

    func add(_ listener: AvailabilityListener) {
        listener.index = listeners.count
        listeners.append(listener)
    }

    func remove(_ listener: AvailabilityListener) {
        guard let last = listeners.popLast(), last !== listener else { return }
        last.index = listener.index
        listeners[listener.index] = last
    }

    /// Tells a listener what it does not know, if its connection takes it now; else it asks again when it does.
    func tell(_ listener: AvailabilityListener) {
        guard listener.toldRevision != revision, listener.connection.isStreamReady else { return }
        if let changes, listener.toldRevision == revision - 1, revision > 1 {
            listener.connection.send(changes)
        } else {
            listener.connection.send(wholeState())
        }
        listener.toldRevision = revision
    }

    private func wholeState() -> StreamChunk {
        if let state { return state }
        let chunk = StreamChunk(capacity: 128 + 128 * sections.count) {
            $0.availabilityEvent("state", position, event, sections)
        }
        state = chunk
        return chunk
    }

    // MARK: - News

    /// What the event's loop answers to the watch.
    func begin(_ event: ShortText, _ sections: [SectionAvailability], at position: LogPosition) {
        self.event = event
        self.sections = ContiguousArray(sections)
        self.position = position
        revision = 1
        beginSweep()
    }

    /// What has changed since the news before, in the order of the numbers.
    func take(_ news: [SectionAvailability], at position: LogPosition) {
        guard isSweeping else { return apply(news, at: position) }
        for section in news { pending[section.number] = section }
        pendingPosition = position
    }

    private func applyPending() {
        guard !pending.isEmpty else { return }
        let news = pending.values.sorted { $0.number < $1.number }
        pending.removeAll(keepingCapacity: true)
        apply(news, at: pendingPosition)
    }

    private func apply(_ news: [SectionAvailability], at position: LogPosition) {
        var changed: ContiguousArray<SectionAvailability> = []
        for section in news {
            let number = Int(section.number)
            if number == sections.count {
                sections.append(section)
            } else if sections[number] != section {
                sections[number] = section
            } else {
                continue
            }
            changed.append(section)
        }
        guard !changed.isEmpty else { return }
        self.position = position
        revision += 1
        state = nil
        changes = StreamChunk(capacity: 128 + 128 * changed.count) {
            $0.availabilityEvent("change", position, event, changed)
        }
        beginSweep()
    }

    // MARK: - Sweeps

    private func beginSweep() {
        due = listeners
        dueNext = 0
    }

    /// Brings listeners to this revision.
    /// - Parameter listenersMax: as many at most.
    /// - Returns: how many were looked at.
    func sweep(_ listenersMax: Int, _ visit: (AvailabilityListener) -> Void) -> Int {
        let end = min(due.count, dueNext + listenersMax)
        let count = end - dueNext
        while dueNext < end {
            visit(due[dueNext])
            dueNext += 1
        }
        guard !isSweeping else { return count }
        due = []
        dueNext = 0
        applyPending()
        return count
    }
}
