import Synchronization

/// The buckets of everybody who asks, in a fixed number of places that all loops share.
///
/// Somebody comes over several loops, so the buckets are common, and as each is one number, spending is one exchange of it:
/// no lock, and no loop waits for another. A key belongs to one set of `ways` places. One that is new there takes over the
/// fullest bucket of its set **as it is**:
///
/// - one that is full is nobody's any more: whoever it was finds another full one when coming back;
/// - where none is full, what is missing in it is missing for its new owner. So nobody gets a fresh bucket by pushing out
///   another, and nobody whose bucket was pushed out comes back to a fuller one: at that time every other bucket of the set was
///   emptier. However many keys there are, all of them together get no more than the table's places do.
// Sound because the memory is written through atomics only, and lives as long as the table.
final class RateTable: @unchecked Sendable {
    /// Places of a set: their keys fill a cache line, their buckets another.
    static let ways = 8
    /// Sixteen bytes each.
    static let defaultPlaces = 65_536

    let rule: RateRule
    private let words: UnsafeMutablePointer<Atomic<UInt64>>
    private let setMask: UInt64
    private let refused = Atomic<UInt64>(0)

    /// - Parameter places: a power of two, `ways` at least.
    init(_ rule: RateRule, places: Int = RateTable.defaultPlaces) {
        precondition(
            places >= Self.ways && places & (places - 1) == 0,
            "a table of rates whose size is no power of two"
        )
        self.rule = rule
        setMask = UInt64(places / Self.ways - 1)
        let memory = UnsafeMutableRawPointer.allocate(byteCount: 16 * places, alignment: 128)
        words = memory.bindMemory(to: Atomic<UInt64>.self, capacity: 2 * places)
        for word in 0..<2 * places { (words + word).initialize(to: Atomic(0)) }
    }

    deinit { words.deallocate() }

    /// How often there were not enough tokens.
    var refusals: UInt64 { refused.load(ordering: .relaxed) }

    /// Takes `cost` tokens of the key's bucket; see `RateBucket.take`.
    /// - Parameters:
    ///   - key: a hash that nobody can choose.
    ///   - now: nanoseconds of a clock that never steps back.
    func take(_ cost: UInt32, of key: UInt64, at now: UInt64) -> RateBucket.Outcome {
        let place = place(of: key)
        var found = words[place].load(ordering: .relaxed)
        while true {
            var bucket = RateBucket(fullAt: found)
            let outcome = bucket.take(cost, at: now, rule)
            guard outcome.isGranted else {
                refused.add(1, ordering: .relaxed)
                return outcome
            }
            let (exchanged, original) = words[place].weakCompareExchange(
                expected: found,
                desired: bucket.fullAt,
                ordering: .relaxed
            )
            if exchanged { return outcome }
            found = original
        }
    }

    /// Where the key's bucket is, which it may have taken over just now.
    private func place(of key: UInt64) -> Int {
        let keys = Int(key & setMask) * 2 * Self.ways
        let buckets = keys + Self.ways
        // Another loop may bring in a key at the same moment; after a few times the place is shared, which does no harm.
        for _ in 0..<4 {
            for way in 0..<Self.ways where words[keys + way].load(ordering: .relaxed) == key { return buckets + way }
            let way = fullest(buckets)
            let owner = words[keys + way].load(ordering: .relaxed)
            if words[keys + way].compareExchange(expected: owner, desired: key, ordering: .relaxed).exchanged {
                return buckets + way
            }
        }
        return buckets + fullest(buckets)
    }

    private func fullest(_ buckets: Int) -> Int {
        var (fullest, earliest) = (0, UInt64.max)
        for way in 0..<Self.ways {
            let fullAt = words[buckets + way].load(ordering: .relaxed)
            if fullAt < earliest { (fullest, earliest) = (way, fullAt) }
        }
        return fullest
    }
}
