/// Decides how long the writer lets records gather before the next batch.
///
/// Under load every commit costs processor time that the shards want, so batches should be few and large; an idle log
/// should answer at once. The pacer remembers how many records recent batches had. While fewer than the most of them
/// have gathered, more are probably on their way (those who were just answered come back), and it waits, at most
/// until `paceMicroseconds` after the last submission. So a lone caller, and a crowd that is complete, never wait.
struct Pacer {
    /// Below this many records a batch says nothing about load.
    static let crowdMin = 16

    private let paceMicroseconds: Int
    private var recent: (Int, Int, Int, Int) = (0, 0, 0, 0)
    private var lastSubmission: MonotonicTime?

    init(paceMicroseconds: Int) { self.paceMicroseconds = paceMicroseconds }

    /// A batch of so many records is submitted now.
    mutating func submitted(records: Int, at now: MonotonicTime) {
        recent = (recent.1, recent.2, recent.3, records)
        lastSubmission = now
    }

    /// What to wait for when `gathered` records are there; nil to go at once.
    func patience(gathered: Int, now: MonotonicTime) -> (records: Int, deadline: MonotonicTime)? {
        let expected = max(max(recent.0, recent.1), max(recent.2, recent.3))
        guard expected >= Self.crowdMin, gathered < expected, let lastSubmission else { return nil }
        let deadline = lastSubmission.advanced(microseconds: paceMicroseconds)
        return now < deadline ? (expected, deadline) : nil
    }
}
