import Synchronization

@testable import Engine

/// The time of a server under test, to be set by hand. It starts at 2026-11-21T12:00:00.000Z.
final class SettableTime: Sendable {
    static let noon: Milliseconds = 1_795_262_400_000

    private let time = Atomic<Milliseconds>(noon)

    var now: Milliseconds {
        get { time.load(ordering: .relaxed) }
        set { time.store(newValue, ordering: .relaxed) }
    }

    /// For one start of a server; the next one needs another.
    func clock() -> EngineClock { EngineClock(system: { self.now * 1_000 }, monotonic: { 0 }) }
}
