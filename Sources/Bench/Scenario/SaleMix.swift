/// What visitors come for, in parts of all visits: `availability=50,event=20,abandon=5,release=5,extend=5,confirm=15`.
struct SaleMix: Equatable {
    enum Visit: String, CaseIterable {
        /// Looks at one section's stock.
        case availability
        /// Looks at the event.
        case event
        /// Reserves and walks away: the hold stays until its deadline.
        case abandon
        /// Reserves and gives the hold back.
        case release
        /// Reserves, asks for more time, and pays.
        case extend
        /// Reserves, locks the price, and pays.
        case confirm
    }

    enum ParseError: Error, Equatable, CustomStringConvertible {
        case notAPart(String)
        case nobodyComes

        var description: String {
            switch self {
            case .notAPart(let text):
                "'\(text)' is not of the form confirm=15, with one of "
                    + Visit.allCases.map(\.rawValue).joined(separator: ", ")
            case .nobodyComes: "no kind of visit has a part above 0"
            }
        }
    }

    static let weightMax = 1_000_000.0

    // Kept, since `allCases` makes its array anew each time.
    private static let visits = Visit.allCases

    /// Upper bounds in [0, 1] of each kind's share, in the order of `visits`.
    private var bounds: [Double]

    init(_ text: String) throws(ParseError) {
        var weights: [Visit: Double] = [:]
        for part in text.split(separator: ",") {
            let words = part.split(separator: "=", omittingEmptySubsequences: false).map(String.init)
            guard words.count == 2, let visit = Visit(rawValue: words[0]), let weight = Double(words[1]),
                0...Self.weightMax ~= weight, weights[visit] == nil
            else { throw .notAPart(String(part)) }
            weights[visit] = weight
        }
        try self.init(weights)
    }

    init(_ weights: [Visit: Double]) throws(ParseError) {
        let total = Self.visits.reduce(0) { $0 + (weights[$1] ?? 0) }
        guard total > 0 else { throw .nobodyComes }
        var sum = 0.0
        bounds = Self.visits.map { visit in
            sum += (weights[visit] ?? 0) / total
            return sum
        }
    }

    /// Everybody comes for the same.
    static func all(_ visit: Visit) -> SaleMix { SaleMix(only: visit) }

    private init(only visit: Visit) {
        let first = Self.visits.firstIndex(of: visit)!
        bounds = Self.visits.indices.map { $0 >= first ? 1 : 0 }
    }

    /// - Parameter draw: uniform in [0, 1).
    @inline(__always)
    func visit(_ draw: Double) -> Visit {
        for index in bounds.indices where draw < bounds[index] { return Self.visits[index] }
        return .confirm
    }
}
