import Testing

@testable import Server

/// A bucket and a table of buckets against what a token bucket is by its definition.
@Suite struct RateBucketTests {
    /// Tokens are counted, and come in with time; in units of a token's interval.
    private struct Reference {
        let rule: RateRule
        var tokens: UInt64
        var at: UInt64 = 0

        init(_ rule: RateRule) {
            self.rule = rule
            tokens = UInt64(rule.burst) * rule.intervalNanoseconds
        }

        mutating func take(_ cost: UInt32, at now: UInt64) -> RateBucket.Outcome {
            let full = UInt64(rule.burst) * rule.intervalNanoseconds
            tokens = min(full, tokens + (now - at))
            at = now
            let price = UInt64(cost) * rule.intervalNanoseconds
            let needed = max(price, rule.intervalNanoseconds)
            let isGranted = tokens >= needed
            let wait = isGranted ? 0 : needed - tokens
            if isGranted { tokens -= price }
            return .init(
                isGranted: isGranted,
                remaining: UInt32(tokens / rule.intervalNanoseconds),
                fullInNanoseconds: full - tokens,
                waitNanoseconds: wait
            )
        }
    }

    private static let rules = [(1, 1), (1, 10), (3, 2), (7, 1_000), (1_000, 1), (1_000_000, 1_000_000), (999_983, 13)]

    @Test(arguments: rules)
    func aBucketDoesWhatTheReferenceDoes(_ requestsPerSecond: Int, _ burst: Int) {
        let rule = RateRule(requestsPerSecond: requestsPerSecond, burst: burst)
        var random = SeededBytes(seed: UInt64(requestsPerSecond * 31 + burst))
        var reference = Reference(rule)
        var bucket = RateBucket()
        var now: UInt64 = 1
        var granted = 0
        for _ in 0..<20_000 {
            // Mostly close together, so that the bucket is emptied; at times long enough to be filled.
            let span = random.next() % 50 == 0 ? 2 * rule.refillNanoseconds : 2 * rule.intervalNanoseconds
            now += random.next() % (span + 1)
            // Large ones for a large bucket, so that it is emptied at all.
            let cost = UInt32(random.next() % (UInt64(burst) / 10 + 4))
            let expected = reference.take(cost, at: now)
            #expect(bucket.take(cost, at: now, rule) == expected)
            if expected.isGranted { granted += 1 }
        }
        #expect(granted > 0 && granted < 20_000)
    }

    @Test func whoWaitsAsToldIsGranted() {
        let rule = RateRule(requestsPerSecond: 3, burst: 5)
        var bucket = RateBucket()
        for _ in 0..<5 { #expect(bucket.take(1, at: 100, rule).isGranted) }
        let refused = bucket.take(1, at: 100, rule)
        #expect(!refused.isGranted && refused.remaining == 0)
        var early = bucket
        #expect(!early.take(1, at: 100 + refused.waitNanoseconds - 1, rule).isGranted)
        #expect(bucket.take(1, at: 100 + refused.waitNanoseconds, rule).isGranted)
    }

    /// Never more than the burst and the rate's share of the time, whatever is asked.
    @Test func theRateHoldsOverAnyTime() {
        let rule = RateRule(requestsPerSecond: 7, burst: 20)
        var bucket = RateBucket()
        var granted = 0
        for tick in 0..<100_000 as Range<UInt64> where bucket.take(1, at: tick * 1_000_000, rule).isGranted {
            granted += 1
        }
        #expect((719...720).contains(granted), "\(granted)")
    }
}

@Suite struct RateTableTests {
    private static let rule = RateRule(requestsPerSecond: 10, burst: 10)

    @Test func everyKeyHasABucketOfItsOwn() {
        let table = RateTable(Self.rule, places: 1_024)
        var random = SeededBytes(seed: 1)
        let keys = (0..<100).map { _ in random.next() }
        for round in 0..<12 {
            for key in keys { #expect(table.take(1, of: key, at: 1).isGranted == (round < 10)) }
        }
    }

    /// Whatever keys come, none gets more than its own bucket would have given: pushing out and being pushed out gains
    /// nothing.
    @Test(arguments: 1...20 as ClosedRange<UInt64>)
    func nobodyGainsByCrowding(_ seed: UInt64) {
        var random = SeededBytes(seed: seed)
        let table = RateTable(Self.rule, places: RateTable.ways)
        let keys = (0..<(4 + random.next() % 60)).map { _ in random.next() }
        var alone: [UInt64: RateBucket] = [:]
        var now: UInt64 = 0
        var refused = 0
        for _ in 0..<20_000 {
            now += random.next() % 20_000_000
            let key = keys[Int(random.next() % UInt64(keys.count))]
            var bucket = alone[key] ?? RateBucket()
            if table.take(1, of: key, at: now).isGranted {
                #expect(bucket.take(1, at: now, Self.rule).isGranted, "more than a bucket of one's own gives")
                alone[key] = bucket
            } else {
                refused += 1
            }
        }
        #expect(refused > 0)
    }

    /// An attacker with as many keys as there are gets what the places give, and no fresh bucket for each.
    @Test func aFloodOfKeysIsBoundedByThePlaces() {
        let table = RateTable(Self.rule, places: 64)
        var random = SeededBytes(seed: 7)
        var granted = 0
        for _ in 0..<100_000 where table.take(1, of: random.next(), at: 1).isGranted { granted += 1 }
        #expect(granted == 64 * 10)
        // Somebody's exhausted bucket among them is not fresh afterwards.
        #expect(!table.take(1, of: random.next(), at: 1).isGranted)
        // Time gives everybody's share back.
        #expect(table.take(1, of: random.next(), at: 1_000_000_002).isGranted)
    }

    /// Loops that spend from one bucket at once spend each token once.
    @Test func manyLoopsSpendEachTokenOnce() async {
        let rule = RateRule(requestsPerSecond: 1, burst: 10_000)
        let table = RateTable(rule, places: 64)
        let granted = await withTaskGroup(of: Int.self) { group in
            for _ in 0..<4 {
                group.addTask {
                    (0..<4_000).reduce(0) { sum, _ in sum + (table.take(1, of: 42, at: 5).isGranted ? 1 : 0) }
                }
            }
            return await group.reduce(0, +)
        }
        #expect(granted == 10_000)
    }
}
