/// How many values there were up to each of some fixed bounds, and their sum: a histogram that can be added up over
/// threads and over time. Adding a value allocates nothing.
public struct BucketCounts: Equatable, Sendable {
    /// Ascending; a value that is equal to a bound belongs to it.
    public let bounds: ContiguousArray<UInt64>
    /// One more than there are bounds: the last counts what is above all of them.
    public private(set) var counts: ContiguousArray<UInt64>
    public private(set) var sum: UInt64 = 0

    /// - Precondition: the bounds are ascending.
    public init(bounds: [UInt64]) {
        precondition(zip(bounds, bounds.dropFirst()).allSatisfy { $0 < $1 }, "bounds that are not ascending")
        self.bounds = ContiguousArray(bounds)
        counts = ContiguousArray(repeating: 0, count: bounds.count + 1)
    }

    public var count: UInt64 { counts.reduce(0, +) }

    public mutating func add(_ value: UInt64) {
        var bucket = 0
        while bucket < bounds.count, value > bounds[bucket] { bucket += 1 }
        counts[bucket] &+= 1
        sum &+= value
    }

    /// - Precondition: both have the same bounds.
    public static func += (left: inout BucketCounts, right: BucketCounts) {
        precondition(left.bounds == right.bounds, "histograms of different bounds can't be added up")
        for bucket in left.counts.indices { left.counts[bucket] &+= right.counts[bucket] }
        left.sum &+= right.sum
    }
}
