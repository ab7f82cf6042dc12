/// Where salts and identities come from: the system, or a fixed sequence for golden files.
final class RandomSource: @unchecked Sendable {
    // Guarded by `monitor`.
    private var fixed: UInt64?
    private let monitor = Monitor()

    init(fixed: UInt64?) { self.fixed = fixed }

    func next() -> UInt64 {
        monitor.withLock {
            guard let current = fixed else { return UInt64.random(in: 1...UInt64.max) }
            fixed = current &+ 1
            return current
        }
    }
}
