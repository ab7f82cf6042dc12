import Testing

@testable import Bench

@Suite struct StockCheckTests {
    private typealias Stock = StockCheck.SectionStock

    /// A client that was told of 100 holds, 60 confirmed and 10 given back, of a stock of 1,000.
    private func check(confirmsLost: Int = 0, reservesLost: Int = 0) -> StockCheck {
        var ledger = SaleLedger(sectionCount: 1)
        for _ in 0..<100 { ledger.succeeded(.reserve, section: 0) }
        for _ in 0..<60 { ledger.succeeded(.confirm, section: 0) }
        for _ in 0..<10 { ledger.succeeded(.release, section: 0) }
        for _ in 0..<confirmsLost { ledger.lost(.confirm, section: 0) }
        for _ in 0..<reservesLost { ledger.lost(.reserve, section: 0) }
        let section = SaleSetup.Section(event: "e", id: "s", pricing: "p")
        return StockCheck(sections: [section], stockPerSection: 1000, ledger: ledger)
    }

    private func violations(_ stock: Stock, confirmsLost: Int = 0, reservesLost: Int = 0) -> [String] {
        check(confirmsLost: confirmsLost, reservesLost: reservesLost).compare(["s": stock]).violations
    }

    private func stock(total: Int = 1000, available: Int, reserved: Int, sold: Int, buffer: Int? = 0) -> Stock {
        Stock(id: "s", total: total, available: available, reserved: reserved, sold: sold, buffer: buffer)
    }

    @Test func anHonestServerIsSound() {
        let outcome = check().compare(["s": stock(available: 910, reserved: 30, sold: 60)])
        #expect(outcome.isSound && outcome.sold == 60 && outcome.sectionsChecked == 1)
    }

    @Test func expiredHoldsAreNoViolation() {
        #expect(violations(stock(available: 935, reserved: 5, sold: 60)) == [])
    }

    @Test func aBufferCounts() {
        #expect(violations(stock(available: 810, reserved: 30, sold: 60, buffer: 100)) == [])
    }

    @Test func everyLieIsFound() {
        #expect(violations(stock(available: 911, reserved: 30, sold: 60)).count == 1)
        #expect(violations(stock(available: 911, reserved: 30, sold: 59)).contains { $0.contains("59 sold") })
        #expect(violations(stock(available: 909, reserved: 30, sold: 61)).contains { $0.contains("61 sold") })
        #expect(violations(stock(available: 909, reserved: 31, sold: 60)).contains { $0.contains("31 reserved") })
        #expect(violations(stock(available: -31, reserved: 30, sold: 1001)).contains { $0.contains("OVERSOLD") })
        #expect(violations(stock(available: 940, reserved: 0, sold: 60)) == [])
        #expect(violations(stock(available: 945, reserved: -5, sold: 60)).contains { $0.contains("negative") })
        #expect(
            violations(stock(total: 2000, available: 1910, reserved: 30, sold: 60)).contains { $0.contains("2000") }
        )
    }

    /// The server's own account adds up; the buyers know better.
    @Test func aServerThatSoldMoreThanItShowsIsFoundOut() {
        var ledger = SaleLedger(sectionCount: 1)
        for _ in 0..<6 { ledger.succeeded(.reserve, section: 0) }
        for _ in 0..<6 { ledger.succeeded(.confirm, section: 0) }
        let check = StockCheck(
            sections: [SaleSetup.Section(event: "e", id: "s", pricing: "p")],
            stockPerSection: 5,
            ledger: ledger
        )
        let found = check.compare(["s": stock(total: 5, available: 0, reserved: 0, sold: 5)]).violations
        #expect(found.contains { $0.contains("OVERSOLD: 6 buyers") })
    }

    @Test func ticketsLeftOverAreFoundWhereAllShouldBeSold() {
        var check = check()
        check.expectsSoldOut = true
        let left = check.compare(["s": stock(available: 910, reserved: 30, sold: 60)])
        #expect(left.violations.count == 1 && left.violations[0].contains("60 sold of 1000"))
    }

    @Test func confirmsWithoutAnAnswerLeaveRoom() {
        #expect(violations(stock(available: 909, reserved: 29, sold: 62), confirmsLost: 2) == [])
        #expect(violations(stock(available: 908, reserved: 29, sold: 63), confirmsLost: 2).count == 1)
        #expect(violations(stock(available: 908, reserved: 32, sold: 60), reservesLost: 2) == [])
    }

    @Test func aMissingSectionIsAViolation() {
        let outcome = check().compare([:])
        #expect(!outcome.isSound && outcome.violations.count == 1)
    }

    @Test func decodesTheServersAnswer() throws {
        let body = """
            {"capacity":[{"id":"s","section_name":"Floor","total_capacity":5,"available_capacity":2,
            "reserved_capacity":1,"sold_count":2,"buffer_capacity":0}]}
            """
        #expect(
            try StockCheck.decode(Array(body.utf8)) == [
                stock(total: 5, available: 2, reserved: 1, sold: 2)
            ]
        )
    }
}
