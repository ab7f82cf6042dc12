import Testing

@testable import Engine
@testable import ReferenceModel

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
            index.insert(hash, number)
            order.append(number)
            if random.chance(30) {
                let gone = order.remove(at: random.below(order.count))
                index.remove(known[gone]!, gone)
                let hash = known.removeValue(forKey: gone)!
                #expect(index.find(hash) { $0 == gone } == nil)
            }
        }
        #expect(index.count == known.count)
        for (number, hash) in known { #expect(index.find(hash) { $0 == number } == number) }
        let counted = index.count
        index.remove(0x1234_5678_9abc_def0, .max - 1)
        #expect(index.count == counted, "what was never there can't be taken out")
    }
}
