/// Counts answers between one progress line and the next.
struct ProgressMeter {
    static let intervalNanoseconds: UInt64 = 1_000_000_000

    var answers: UInt64 = 0
    private let startNanoseconds: UInt64
    private var lastNanoseconds: UInt64

    init(startNanoseconds: UInt64 = 0) {
        self.startNanoseconds = startNanoseconds
        self.lastNanoseconds = startNanoseconds
    }

    func isDue(_ now: UInt64) -> Bool { now >= lastNanoseconds + Self.intervalNanoseconds }

    mutating func take(_ now: UInt64, isWarmingUp: Bool, errors: UInt64, waiting: UInt64) -> Progress {
        let seconds = Double(now - lastNanoseconds) / 1e9
        defer {
            answers = 0
            lastNanoseconds = now
        }
        return Progress(
            secondsSinceStart: Double(now - startNanoseconds) / 1e9,
            isWarmingUp: isWarmingUp,
            answersPerSecond: Double(answers) / seconds,
            errors: errors,
            waiting: waiting
        )
    }
}
