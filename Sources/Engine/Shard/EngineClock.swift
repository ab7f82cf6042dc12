import Glibc
import Synchronization

/// The engine's time: it follows the system's clock forwards, and never back.
///
/// When the system's clock is set back, or is behind the last record at a start, the engine goes on from where it was at
/// the pace of the machine's monotonic clock. So a reservation always lasts as long as it was promised to, and no price,
/// deadline or sales window comes round twice. What the engine shows as the time is then ahead of the system's clock,
/// until that has caught up. A clock that is set forward is believed at once: the deadlines that it passes have passed.
public final class EngineClock: Sendable {
    /// 2200-01-01T00:00:00Z. A system's clock that is further on, or before 1970, is not believed: a reservation has no
    /// room for such times.
    public static let latest: Milliseconds = 7_258_118_400_000

    private let system: @Sendable () -> Int64
    private let monotonic: @Sendable () -> Int64
    /// What the engine's time is ahead of the monotonic clock, in microseconds. It only grows.
    private let offset: Atomic<Int64>

    /// - Parameters:
    ///   - system: microseconds since 1970; may be set to anything at any moment.
    ///   - monotonic: microseconds since any moment; never steps back.
    public init(
        system: @escaping @Sendable () -> Int64 = { EngineClock.read(CLOCK_REALTIME) },
        monotonic: @escaping @Sendable () -> Int64 = { EngineClock.read(CLOCK_BOOTTIME) }
    ) {
        self.system = system
        self.monotonic = monotonic
        offset = Atomic(.min / 2)
        _ = now()
    }

    /// Milliseconds since 1970.
    public func now() -> Milliseconds {
        // The system's first: what passes between the two readings must not look like a step forwards.
        let believed = min(max(system(), 0), Self.latest * 1_000)
        let elapsed = monotonic()
        var ahead = offset.load(ordering: .relaxed)
        if believed - elapsed > ahead { ahead = offset.max(believed - elapsed, ordering: .relaxed).newValue }
        return (elapsed + ahead) / 1_000
    }

    /// What the engine's time is ahead of the system's clock, in milliseconds: 0 but for a clock that was set back.
    public var aheadMilliseconds: Milliseconds { now() - min(now(), max(0, system() / 1_000)) }

    /// Goes on behind the last record.
    /// - Returns: by how many milliseconds the system's clock is behind it; 0 when all is well.
    func goOn(from last: Milliseconds) -> Milliseconds {
        let behind = last - now()
        guard behind > 0 else { return 0 }
        offset.max(last * 1_000 - monotonic(), ordering: .relaxed)
        return behind
    }

    @inlinable
    static func read(_ clock: clockid_t) -> Int64 {
        var time = timespec()
        clock_gettime(clock, &time)
        return Int64(time.tv_sec) * 1_000_000 + Int64(time.tv_nsec) / 1_000
    }
}
