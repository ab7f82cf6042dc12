import Testing

@testable import Engine

/// The flat index against a dictionary, through its growth, its split into parts, and removals.
@Suite struct ModelIndexTests {
    /// Few distinct tags make long runs of entries that stand in each other's places.
    @Test(arguments: [10_000, 1 << 20, 1 << 32])
    func itFindsWhatADictionaryFinds(distinctTags: Int) {
        var random = SeededRandom(seed: UInt64(distinctTags))
        var index = FlatIndex()
        var known: [UInt32: UInt64] = [:]
        var order: [UInt32] = []
        for number in 0..<12_000 as Range<UInt32> {
            // The index tells entries apart by the low half and spreads them by its highest byte.
            let hash = UInt64(random.below(distinctTags)) &* 0x9e37_79b1
            index.insert(hash, number)
            known[number] = hash
            order.append(number)
            if random.chance(30) {
                let gone = order.remove(at: random.below(order.count))
                index.remove(known[gone]!, gone)
                known[gone] = nil
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
