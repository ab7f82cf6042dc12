import Engine

/// The machine's clocks: one that always goes on, and the system's, which somebody may set.
///
/// Beside them the time that the engine should have, worked out a second time. `@unchecked Sendable`: nothing of a
/// simulation leaves its thread.
final class SimulatedTime: @unchecked Sendable {
    /// Microseconds since the machine was started.
    private(set) var monotonic: Int64 = 1_000_000
    /// What the system's clock is ahead of that.
    private var systemOffset: Int64 = 1_800_000_000_000_000
    /// What the engine's time is ahead of that: the most it has ever been while somebody looked.
    private var engineOffset: Int64 = 0

    var system: Int64 { monotonic + systemOffset }

    var engineNow: Milliseconds { (monotonic + engineOffset) / 1_000 }

    /// A new process knows nothing of the one before.
    func restart() { engineOffset = systemOffset }

    /// The new process has found records up to this time.
    func goOn(from last: Milliseconds) { engineOffset = max(engineOffset, last * 1_000 - monotonic) }

    /// The engine looks at the system's clock.
    func readSystem() -> Int64 {
        engineOffset = max(engineOffset, systemOffset)
        return system
    }

    func pass(milliseconds: Milliseconds) { monotonic += milliseconds * 1_000 }

    func setSystem(ahead milliseconds: Milliseconds) { systemOffset += milliseconds * 1_000 }
}
