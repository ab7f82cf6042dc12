import Testing

@testable import Engine

@Suite struct TicketSharesTests {
    private static func lock(_ unitPrice: Int64, _ service: Int64, _ facility: Int64, _ tax: UInt32) -> PriceLock {
        PriceLock(
            tierVersion: 1,
            unitPrice: unitPrice,
            serviceFee: service,
            facilityFee: facility,
            taxBasisPoints: tax,
            lockedAt: 0
        )
    }

    @Test func sharesAddUpToTheQuote() {
        for (price, service, facility, tax) in [
            (0, 0, 0, 0), (1, 0, 0, 10_000), (99, 1, 2, 1), (5_000, 500, 250, 800), (3_333, 17, 3, 1_925),
            (100_000_000_000, 100_000_000_000, 100_000_000_000, 9_999),
        ] as [(Int64, Int64, Int64, UInt32)] {
            for quantity in [1, 2, 3, 7, 999, 1_000] as [UInt32] {
                let lock = Self.lock(price, service, facility, tax)
                let quote = Quote(lock: lock, quantity: quantity)
                let shares = TicketShares(lock: lock, quantity: quantity)
                let sum = (0..<quantity).reduce(Amounts.zero) { $0 + shares[$1] }
                #expect(sum == shares.line)
                #expect(sum.base == quote.base)
                #expect(sum.fees == quote.serviceFee + quote.facilityFee)
                #expect(sum.tax == quote.tax)
                #expect(sum.total == quote.total)
            }
        }
    }

    @Test func sharesDifferByOneUnitOfTaxAtMost() {
        // 3 × 33.33 at 8 %: 8.00 of tax, which three tickets can't bear alike.
        let shares = TicketShares(lock: Self.lock(3_333, 0, 0, 800), quantity: 3)
        #expect((0..<3).map { shares[$0].tax } == [267, 267, 266])
        #expect((0..<3).map { shares[$0].base } == [3_333, 3_333, 3_333])
    }
}
