import Synchronization
import WAL

/// Those who have read the log to its end and want to be woken when it goes on: by the watermark, without asking again.
public final class LogFollowers: Sendable {
    /// What a waiting follower is known by.
    public struct Ticket: Hashable, Sendable {
        fileprivate let number: UInt64
    }

    /// Followers that wait at a time.
    public static let followersMax = 65_536

    private struct State {
        var durable: LogPosition
        var waiting: [Ticket: (after: LogPosition, wake: @Sendable () -> Void)] = [:]
        var nextTicket: UInt64 = 0
        var isWaking = false
        var isClosed = false
    }

    private let state: Mutex<State>
    private let pool: ReadPool

    init(durable: LogPosition, pool: ReadPool) {
        state = Mutex(State(durable: durable))
        self.pool = pool
    }

    /// Calls `wake` once, on any thread, when something behind `after` is durable, at once where it is already, or when
    /// the log has ended. It should hand over and return.
    ///
    /// - Returns: a ticket to give up with; nil when too many wait.
    public func onMore(after: LogPosition, _ wake: @escaping @Sendable () -> Void) -> Ticket? {
        enum Place { case waits, isLate, isRefused }
        let (place, ticket): (Place, Ticket) = state.withLock { state in
            let ticket = Ticket(number: state.nextTicket)
            state.nextTicket += 1
            if state.durable > after || state.isClosed { return (.isLate, ticket) }
            guard state.waiting.count < Self.followersMax else { return (.isRefused, ticket) }
            state.waiting[ticket] = (after, wake)
            return (.waits, ticket)
        }
        if place == .isLate { wake() }
        return place == .isRefused ? nil : ticket
    }

    /// Its `wake` will not be called any more, unless it is being called now.
    public func cancel(_ ticket: Ticket) { state.withLock { _ = $0.waiting.removeValue(forKey: ticket) } }

    /// Returns when something behind `after` is durable, the log has ended, or the task is cancelled.
    ///
    /// - Returns: false when too many wait: ask again later.
    public func more(after: LogPosition) async -> Bool {
        let once = Once()
        return await withTaskCancellationHandler {
            await withCheckedContinuation { continuation in
                guard once.begin(continuation) else { return }
                guard let ticket = onMore(after: after, { once.end(true) }) else { return once.end(false) }
                once.onCancel { self.cancel(ticket) }
            }
        } onCancel: {
            once.cancel()
        }
    }

    // MARK: The log

    /// On the log's thread, once a durable batch: only the watermark is noted here, others do the waking.
    func advance(to position: LogPosition) {
        let isNeeded = state.withLock { state in
            state.durable = max(state.durable, position)
            guard !state.waiting.isEmpty, !state.isWaking else { return false }
            state.isWaking = true
            return true
        }
        // At most one such job at a time, so it may wait behind any number of reads. Here only where there is no thread:
        // there may be no next batch.
        if isNeeded, !pool.submit(isBounded: false, { _ in self.wakeWaiting() }) { wakeWaiting() }
    }

    /// The log has ended or failed: wakes everybody, and whoever comes.
    func close() {
        let all = state.withLock { state in
            state.isClosed = true
            defer { state.waiting = [:] }
            return state.waiting.values.map(\.wake)
        }
        for wake in all { wake() }
    }

    private func wakeWaiting() {
        let due = state.withLock { state in
            state.isWaking = false
            let due = state.waiting.filter { $0.value.after < state.durable }
            for ticket in due.keys { state.waiting[ticket] = nil }
            return due.values.map(\.wake)
        }
        for wake in due { wake() }
    }
}

/// A continuation that is resumed once, by whoever comes first.
private final class Once: Sendable {
    private struct State {
        var continuation: CheckedContinuation<Bool, Never>?
        var isOver = false
        var giveUp: (@Sendable () -> Void)?
    }

    private let state = Mutex(State())

    /// False, and resumed, when it was cancelled before.
    func begin(_ continuation: CheckedContinuation<Bool, Never>) -> Bool {
        let isOver = state.withLock { state in
            if !state.isOver { state.continuation = continuation }
            return state.isOver
        }
        if isOver { continuation.resume(returning: true) }
        return !isOver
    }

    func onCancel(_ giveUp: @escaping @Sendable () -> Void) {
        let isOver = state.withLock { state in
            if !state.isOver { state.giveUp = giveUp }
            return state.isOver
        }
        if isOver { giveUp() }
    }

    func end(_ value: Bool) {
        let continuation = state.withLock { state in
            defer {
                state.continuation = nil
                state.giveUp = nil
                state.isOver = true
            }
            return state.continuation
        }
        continuation?.resume(returning: value)
    }

    func cancel() {
        let giveUp = state.withLock { $0.giveUp }
        giveUp?()
        end(true)
    }
}
