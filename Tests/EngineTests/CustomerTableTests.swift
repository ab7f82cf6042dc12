import Testing

@testable import Engine
@testable import ReferenceModel

/// Customers are known as long as a slot names them, and no longer.
@Suite struct CustomerTableTests {
    @Test func itKnowsWhatADictionaryKnows() {
        var random = SeededRandom(seed: 11)
        var table = CustomerTable()
        var slots: [ShortText: Int] = [:]
        var numbers: [ShortText: UInt32] = [:]
        let ids = (0..<6_000).map { number in
            ShortText(String(repeating: "é", count: number % 30) + "-\(number)")!
        }
        for _ in 0..<60_000 {
            let id = random.one(of: ids)
            if random.chance(55) {
                let number = table.join(id)
                #expect(numbers[id] == nil || numbers[id] == number)
                numbers[id] = number
                slots[id, default: 0] += 1
            } else if let count = slots[id], let number = numbers[id] {
                table.leave(number)
                slots[id] = count == 1 ? nil : count - 1
                if count == 1 { numbers[id] = nil }
            }
        }
        #expect(table.count == slots.count)
        for id in ids {
            #expect(table.find(id) == numbers[id])
            if let number = numbers[id] { #expect(table.id(number) == id) }
        }
    }

    @Test func strangersLeaveNothingBehind() {
        var table = CustomerTable()
        for number in 0..<10_000 { table.leave(table.join(ShortText("visit \(number)")!)) }
        let bytes = table.byteCounts
        for number in 0..<100_000 { table.leave(table.join(ShortText("visit \(number)")!)) }
        #expect(table.count == 0)
        #expect(table.byteCounts == bytes)
        #expect(table.join(.empty) == CustomerTable.none)
    }
}
