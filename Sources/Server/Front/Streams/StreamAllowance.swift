import Synchronization

/// The places that the whole server has for streams.
final class StreamAllowance: Sendable {
    static let defaultLimit = 8_192

    let limit: Int
    private let count = Atomic<Int>(0)

    /// - Parameter limit: streams at a time.
    init(limit: Int = StreamAllowance.defaultLimit) { self.limit = limit }

    /// Streams there are.
    var taken: Int { count.load(ordering: .relaxed) }

    /// Takes a place, to be given back.
    /// - Returns: false when all are taken.
    func take() -> Bool {
        if count.add(1, ordering: .relaxed).newValue <= limit { return true }
        giveBack()
        return false
    }

    func giveBack() { count.subtract(1, ordering: .relaxed) }
}
