import Testing

@testable import Engine

/// The flat index against a dictionary, through its growth, its split into parts, and removals.
@Suite struct ModelIndexTests {
    /// Few distinct hashes make long runs of entries that stand in each other's places.
    @Test(arguments: [10_000, 1 << 20, 1 << 32])
    func itFindsWhatADictionaryFinds(distinctHashes: Int) {
        var random = SeededRandom(seed: UInt64(distinctHashes))
        var index = FlatIndex()
        var known: [UInt32: UInt64] = [:]
        var order: [UInt32] = []
        for number in 0..<12_000 as Range<UInt32> {
            let hash = UInt64(random.below(distinctHashes)) &* 0x9e37_79b9_7f4a_7c15
            known[number] = hash
            if index.isFull(at: hash) { index.grow(at: hash) { known[$0]! } }
            index.insert(hash, number)
            order.append(number)
            if random.chance(30) {
                let gone = order.remove(at: random.below(order.count))
                index.remove(known[gone]!, gone) { known[$0]! }
                known[gone] = nil
                #expect(index.find(known[gone] ?? hash) { $0 == gone } == nil)
            }
        }
        #expect(index.count == known.count)
        for (number, hash) in known { #expect(index.find(hash) { $0 == number } == number) }
        let counted = index.count
        index.remove(0x1234_5678_9abc_def0, FlatIndex.numberMax) { known[$0]! }
        #expect(index.count == counted, "what was never there can't be taken out")
    }
}
