import Testing

@testable import Engine
@testable import ReferenceModel

/// Prices: the order of the rules, and every rounding.
@Suite struct PricingTests {
    private static let noon: Milliseconds = 1_800_000_000_000

    private static func lock(
        unit: Int64,
        service: Int64 = 0,
        facility: Int64 = 0,
        tax: UInt32 = 0
    ) -> PriceLock {
        PriceLock(
            tierVersion: 1,
            unitPrice: unit,
            serviceFee: service,
            facilityFee: facility,
            taxBasisPoints: tax,
            lockedAt: noon
        )
    }

    /// The contract's own example: 2 × 50.00, service 5.00, facility 2.50, tax 8 %.
    @Test func theExampleOfTheContract() {
        let quote = Quote(lock: Self.lock(unit: 5_000, service: 500, facility: 250, tax: 800), quantity: 2)
        #expect(quote.base == 10_000)
        #expect(quote.serviceFee == 1_000)
        #expect(quote.facilityFee == 500)
        #expect(quote.subtotal == 11_500)
        #expect(quote.tax == 920)
        #expect(quote.total == 12_420)
        #expect(quote.perTicket == 6_210)
    }

    // MARK: - The rules

    struct Rule: Sendable, CustomTestStringConvertible {
        var testDescription: String
        var expected: Int64
        var quantity: UInt32 = 1
        var now: Milliseconds = PricingTests.noon
        var change: @Sendable (inout PriceTierDetails) -> Void

        init(
            _ name: String,
            _ expected: Int64,
            quantity: UInt32 = 1,
            now: Milliseconds = PricingTests.noon,
            _ change: @escaping @Sendable (inout PriceTierDetails) -> Void
        ) {
            testDescription = name
            self.expected = expected
            self.quantity = quantity
            self.now = now
            self.change = change
        }
    }

    /// Each changes a tier of 100.00 in one way, then in several.
    static let rules: [Rule] = [
        Rule("base", 10_000) { _ in },
        Rule("a static tier ignores its current price", 10_000) { $0.currentPrice = 500 },
        Rule("a dynamic tier's current price", 12_300) {
            $0.isDynamic = true
            $0.currentPrice = 12_300
        },
        Rule("a dynamic tier without current price", 10_000) { $0.isDynamic = true },
        Rule("a current price of zero is a price", 0) {
            $0.isDynamic = true
            $0.currentPrice = 0
        },
        Rule("early bird, a millisecond before its end", 8_000, now: noon - 1) {
            $0.earlyBirdPrice = 8_000
            $0.earlyBirdEndsAt = noon
        },
        Rule("early bird is over at its end", 10_000) {
            $0.earlyBirdPrice = 8_000
            $0.earlyBirdEndsAt = noon
        },
        Rule("early bird without an end is none", 10_000) { $0.earlyBirdPrice = 8_000 },
        Rule("early bird of zero", 0, now: noon - 1) {
            $0.earlyBirdPrice = 0
            $0.earlyBirdEndsAt = noon
        },
        Rule("last minute begins at its start", 6_000) {
            $0.lastMinutePrice = 6_000
            $0.lastMinuteStartsAt = noon
        },
        Rule("last minute, a millisecond before its start", 10_000, now: noon - 1) {
            $0.lastMinutePrice = 6_000
            $0.lastMinuteStartsAt = noon
        },
        Rule("last minute without a start is none", 10_000) { $0.lastMinutePrice = 6_000 },
        Rule("last minute goes over early bird", 6_000) {
            $0.earlyBirdPrice = 8_000
            $0.earlyBirdEndsAt = noon + 1
            $0.lastMinutePrice = 6_000
            $0.lastMinuteStartsAt = noon
        },
        Rule("early bird goes over the current price", 8_000) {
            $0.isDynamic = true
            $0.currentPrice = 12_300
            $0.earlyBirdPrice = 8_000
            $0.earlyBirdEndsAt = noon + 1
        },
        Rule("group, one too few", 10_000, quantity: 9) {
            $0.groupSizeMin = 10
            $0.groupDiscountBasisPoints = 1_500
        },
        Rule("group, just enough", 8_500, quantity: 10) {
            $0.groupSizeMin = 10
            $0.groupDiscountBasisPoints = 1_500
        },
        Rule("group of zero never", 10_000, quantity: 1_000) { $0.groupDiscountBasisPoints = 1_500 },
        Rule("group, all of it off", 0, quantity: 2) {
            $0.groupSizeMin = 2
            $0.groupDiscountBasisPoints = 10_000
        },
        Rule("group on top of last minute", 5_400, quantity: 2) {
            $0.lastMinutePrice = 6_000
            $0.lastMinuteStartsAt = noon
            $0.groupSizeMin = 2
            $0.groupDiscountBasisPoints = 1_000
        },
        Rule("group rounds half up: 0.5", 1, quantity: 2) {
            $0.basePrice = 1
            $0.groupSizeMin = 2
            $0.groupDiscountBasisPoints = 5_000
        },
        Rule("group rounds below a half down: 0.4999", 0, quantity: 2) {
            $0.basePrice = 1
            $0.groupSizeMin = 2
            $0.groupDiscountBasisPoints = 5_001
        },
        Rule("floor", 9_000) {
            $0.isDynamic = true
            $0.currentPrice = 100
            $0.minPrice = 9_000
        },
        Rule("ceiling", 11_000) {
            $0.isDynamic = true
            $0.currentPrice = 99_999
            $0.maxPrice = 11_000
        },
        Rule("the floor holds after the group's discount", 9_000, quantity: 2) {
            $0.isDynamic = true
            $0.groupSizeMin = 2
            $0.groupDiscountBasisPoints = 5_000
            $0.minPrice = 9_000
        },
        Rule("a static tier is not clamped", 10_000) {
            $0.minPrice = 20_000
            $0.maxPrice = 30_000
        },
    ]

    @Test(arguments: rules)
    func unitPrice(rule: Rule) {
        var tier = PriceTierDetails(name: "Full", basePrice: 10_000)
        rule.change(&tier)
        #expect(tier.unitPrice(at: rule.now, quantity: rule.quantity) == rule.expected)
        #expect(ModelPrice.unit(tier, quantity: rule.quantity, at: rule.now) == rule.expected, "the model disagrees")
    }

    // MARK: - Rounding and bounds

    /// Subtotal, basis points, tax: rounded once for the line, half away from zero.
    @Test(
        arguments: [
            (0, 800, 0), (1, 5_000, 1), (1, 4_999, 0), (3, 5_000, 2), (10, 500, 1), (10, 499, 0), (99, 10_000, 99),
            (12_345, 1_900, 2_346), (12_344, 1_900, 2_345), (12_350, 1_900, 2_347), (100, 0, 0),
        ] as [(Int64, UInt32, Int64)]
    )
    func taxIsRoundedHalfAwayFromZero(subtotal: Int64, basisPoints: UInt32, tax: Int64) {
        let quote = Quote(lock: Self.lock(unit: subtotal, tax: basisPoints), quantity: 1)
        #expect(quote.tax == tax)
        #expect(quote.total == subtotal + tax)
    }

    /// Three tickets of 0.33 at 7 %: 0.0693 for the line is 0.07; ticket by ticket it would be 3 × 0.02.
    @Test func taxIsRoundedOnceForTheLineNotPerTicket() {
        #expect(Quote(lock: Self.lock(unit: 33, tax: 700), quantity: 3).tax == 7)
        #expect(Quote(lock: Self.lock(unit: 33, tax: 700), quantity: 1).tax * 3 == 6)
    }

    /// Tax makes totals that don't divide: 9 + 1 among three, 10 + 1 and 8 + 1 between two.
    @Test(
        arguments: [
            (3, 3, 1_000, 10, 3), (5, 2, 1_000, 11, 6), (4, 2, 1_250, 9, 5), (5_000, 1, 800, 5_400, 5_400),
        ] as [(Int64, UInt32, UInt32, Int64, Int64)]
    )
    func perTicketIsRoundedHalfUp(unit: Int64, quantity: UInt32, tax: UInt32, total: Int64, perTicket: Int64) {
        let quote = Quote(lock: Self.lock(unit: unit, tax: tax), quantity: quantity)
        #expect(quote.total == total)
        #expect(quote.perTicket == perTicket)
    }

    @Test func aLineOfNothingCostsNothing() {
        let quote = Quote(lock: Self.lock(unit: 5_000, service: 1, tax: 800), quantity: 0)
        #expect(quote.total == 0)
        #expect(quote.perTicket == 0)
    }

    @Test func zeroIsAPrice() {
        let quote = Quote(lock: Self.lock(unit: 0, tax: 10_000), quantity: 1_000)
        #expect(quote.total == 0)
        #expect(quote.perTicket == 0)
    }

    @Test func theMaximumOfEverythingDoesNotOverflow() {
        let most = InventoryLimits.priceMax
        let lock = Self.lock(unit: most, service: most, facility: most, tax: InventoryLimits.basisPointsMax)
        let quote = Quote(lock: lock, quantity: InventoryLimits.quantityPerLineMax)
        #expect(quote.subtotal == 3 * most * 1_000)
        #expect(quote.tax == quote.subtotal)
        #expect(quote.total == 600_000_000_000_000)
        #expect(quote.perTicket == 6 * most)
        let order = Int64(InventoryLimits.linesPerHoldMax).multipliedReportingOverflow(by: quote.total)
        #expect(!order.overflow)
    }

    @Test func theMaximumOfARuleDoesNotOverflow() {
        var tier = PriceTierDetails(name: "Full", basePrice: InventoryLimits.priceMax)
        tier.groupSizeMin = 1
        tier.groupDiscountBasisPoints = 1
        #expect(tier.unitPrice(at: Self.noon, quantity: 1_000) == 99_990_000_000)
    }

    /// Against 128-bit arithmetic, for ten thousand random lines.
    @Test func totalsAgreeWithWideArithmetic() {
        var random = SeededRandom(seed: 11)
        for _ in 0..<10_000 {
            let scale = [1, 100, 100_000, InventoryLimits.priceMax][random.below(4)]
            let lock = Self.lock(
                unit: Int64.random(in: 0...scale, using: &random),
                service: Int64.random(in: 0...scale, using: &random),
                facility: Int64.random(in: 0...scale, using: &random),
                tax: UInt32.random(in: 0...10_000, using: &random)
            )
            let quantity = UInt32.random(in: 1...1_000, using: &random)
            #expect(Quote(lock: lock, quantity: quantity).total == ModelPrice.total(lock, quantity: quantity))
        }
    }

    @Test func aLockKeepsWhatTheTierSaidThen() {
        var tier = PriceTierDetails(name: "Full", basePrice: 10_000)
        tier.serviceFee = 250
        tier.facilityFee = 100
        tier.taxBasisPoints = 1_900
        let lock = tier.lock(version: 7, at: Self.noon, quantity: 2)
        #expect(lock.tierVersion == 7)
        #expect(lock.unitPrice == 10_000)
        #expect(lock.serviceFee == 250)
        #expect(lock.facilityFee == 100)
        #expect(lock.taxBasisPoints == 1_900)
        #expect(lock.lockedAt == Self.noon)
    }
}
