import Testing

@testable import Engine
@testable import ReferenceModel

/// The documented range of every field an organizer can set: the last value inside, the first outside.
@Suite struct ModelValidationTests {
    struct Edge<Details: Sendable>: Sendable, CustomTestStringConvertible {
        var testDescription: String
        /// Nil: accepted.
        var refusal: Rejection?
        var change: @Sendable (inout Details) -> Void

        init(_ name: String, _ field: Rejection.Field?, _ change: @escaping @Sendable (inout Details) -> Void) {
            testDescription = name
            refusal = field.map { .invalid($0) }
            self.change = change
        }
    }

    private static let context = CommandContext(
        tenant: MachineFixture.tenant,
        now: MachineFixture.start,
        random: (1, 2)
    )

    private static func text(_ bytes: Int) -> String { String(repeating: "n", count: bytes) }

    /// A member of so many bytes.
    private static func member(_ bytes: Int) -> String { "\"a\":\"\(text(bytes - 6))\"" }

    private func expect(_ refusal: Rejection?, _ command: Command) throws {
        var subject = try MachineFixture.event(places: 10)
        let answer = subject.perform(command, Self.context)
        if let refusal {
            #expect(answer == .rejected(refusal))
        } else if case .rejected(let rejection) = answer {
            Issue.record("refused: \(rejection)")
        }
    }

    // MARK: - Events

    static let events: [Edge<EventDetails>] = [
        Edge("as it is", nil) { _ in },
        Edge("no name", .name) { $0.name = "" },
        Edge("longest name", nil) { $0.name = text(1_024) },
        Edge("name too long", .name) { $0.name = text(1_025) },
        Edge("window of a millisecond", nil) {
            $0.salesStartAt = 1
            $0.salesEndAt = 2
        },
        Edge("window of nothing", .salesWindow) {
            $0.salesStartAt = 2
            $0.salesEndAt = 2
        },
        Edge("window backwards", .salesWindow) {
            $0.salesStartAt = 3
            $0.salesEndAt = 2
        },
        Edge("no hold time", .holdTime) { $0.holdTimeSeconds = 0 },
        Edge("shortest hold time", nil) { $0.holdTimeSeconds = 1 },
        Edge("hold time up to the longest", nil) { $0.holdTimeSeconds = $0.holdTimeMaxSeconds },
        Edge("hold time beyond the longest", .holdTime) { $0.holdTimeSeconds = $0.holdTimeMaxSeconds + 1 },
        Edge("a day", nil) { $0.holdTimeMaxSeconds = 86_400 },
        Edge("longer than a day", .holdTime) { $0.holdTimeMaxSeconds = 86_401 },
        Edge("longest attributes", nil) { $0.attributes = member(32 * 1_024) },
        Edge("attributes too long", .attributes) { $0.attributes = member(32 * 1_024 + 1) },
        Edge("attributes that are no members", .attributes) { $0.attributes = text(100) },
    ]

    @Test(arguments: events)
    func event(edge: Edge<EventDetails>) throws {
        var details = EventDetails(id: "gala", name: "Gala", currency: "EUR")
        edge.change(&details)
        try expect(edge.refusal, .updateEvent(details, expectedVersion: nil))
        if let refusal = edge.refusal {
            #expect(throws: refusal) { try EventInventory.decideCreation(details, Self.context) }
        } else {
            #expect(throws: Never.self) { try EventInventory.decideCreation(details, Self.context) }
        }
    }

    @Test(arguments: ["", "EU", "EURO", "eur", "E1R", "€"])
    func currency(text: String) {
        let details = EventDetails(id: "gala", name: "Gala", currency: ShortText(text)!)
        #expect(throws: Rejection.invalid(.currency)) { try EventInventory.decideCreation(details, Self.context) }
    }

    // MARK: - Sections

    static let sections: [Edge<SectionDetails>] = [
        Edge("as it is", nil) { _ in },
        Edge("no name", nil) { $0.name = "" },
        Edge("longest name", nil) { $0.name = text(1_024) },
        Edge("name too long", .name) { $0.name = text(1_025) },
        Edge("code too long", .name) { $0.code = text(1_025) },
        Edge("no places", nil) { $0.total = 0 },
        Edge("most places", nil) { $0.total = 10_000_000 },
        Edge("too many places", .total) { $0.total = 10_000_001 },
        Edge("all kept back", nil) { $0.buffer = $0.total },
        Edge("more kept back than there are", .buffer) { $0.buffer = $0.total + 1 },
        Edge("minimum of none", .purchaseRange) { $0.minimumPurchase = 0 },
        Edge("one number only", nil) {
            $0.minimumPurchase = 4
            $0.maximumPurchase = 4
        },
        Edge("minimum above maximum", .purchaseRange) {
            $0.minimumPurchase = 5
            $0.maximumPurchase = 4
        },
        Edge("maximum too large", .purchaseRange) { $0.maximumPurchase = 1_001 },
    ]

    @Test(arguments: sections)
    func section(edge: Edge<SectionDetails>) throws {
        var details = SectionDetails(id: "stalls", name: "Stalls", total: 100)
        edge.change(&details)
        try expect(edge.refusal, .addSection(details))
        details.id = "floor"
        try expect(edge.refusal, .updateSection(0, details))
    }

    // MARK: - Price tiers

    static let money: [(String, WritableKeyPath<PriceTierDetails, Int64?> & Sendable)] = [
        ("minimum", \.minPrice), ("maximum", \.maxPrice), ("current", \.currentPrice),
        ("early bird", \.earlyBirdPrice), ("last minute", \.lastMinutePrice),
    ]

    /// Prices for a time with the time that they are for.
    private static func edges(
        _ name: String,
        _ path: WritableKeyPath<PriceTierDetails, Int64?> & Sendable
    ) -> [Edge<PriceTierDetails>] {
        func edge(_ name: String, _ refusal: Rejection.Field?, _ amount: Int64) -> Edge<PriceTierDetails> {
            Edge(name, refusal) {
                $0[keyPath: path] = amount
                $0.earlyBirdEndsAt = 1
                $0.lastMinuteStartsAt = 2
            }
        }
        return [
            edge("\(name) price of zero", nil, 0), edge("\(name) price below zero", .price, -1),
            edge("highest \(name) price", nil, InventoryLimits.priceMax),
            edge("\(name) price too high", .price, InventoryLimits.priceMax + 1),
        ]
    }

    static let fees: [(String, WritableKeyPath<PriceTierDetails, Int64> & Sendable)] = [
        ("base", \.basePrice), ("service", \.serviceFee), ("facility", \.facilityFee),
    ]

    static let tiers: [Edge<PriceTierDetails>] =
        [
            Edge("as it is", nil) { _ in },
            Edge("no name", nil) { $0.name = "" },
            Edge("name too long", .name) { $0.name = text(1_025) },
            Edge("highest tax", nil) { $0.taxBasisPoints = 10_000 },
            Edge("tax too high", .taxRate) { $0.taxBasisPoints = 10_001 },
            Edge("highest discount", nil) {
                $0.groupDiscountBasisPoints = 10_000
                $0.groupSizeMin = 1
            },
            Edge("discount of no group", .groupSize) { $0.groupDiscountBasisPoints = 1 },
            Edge("early bird for ever", .earlyBird) { $0.earlyBirdPrice = 0 },
            Edge("early bird without a price", nil) { $0.earlyBirdEndsAt = 0 },
            Edge("last minute never", .lastMinute) { $0.lastMinutePrice = 0 },
            Edge("last minute without a price", nil) { $0.lastMinuteStartsAt = 0 },
            Edge("discount too high", .groupDiscount) { $0.groupDiscountBasisPoints = 10_001 },
            Edge("window of nothing", .salesWindow) {
                $0.salesStartAt = 2
                $0.salesEndAt = 2
            },
            Edge("floor at the ceiling", nil) {
                $0.minPrice = 5
                $0.maxPrice = 5
            },
            Edge("floor above the ceiling", .price) {
                $0.minPrice = 6
                $0.maxPrice = 5
            },
        ]
        + money.flatMap { edges($0, $1) }
        + fees.flatMap { name, path in
            [
                Edge("\(name) of zero", nil) { $0[keyPath: path] = 0 },
                Edge("\(name) below zero", .price) { $0[keyPath: path] = -1 },
                Edge("highest \(name)", nil) { $0[keyPath: path] = InventoryLimits.priceMax },
                Edge("\(name) too high", .price) { $0[keyPath: path] = InventoryLimits.priceMax + 1 },
            ]
        }

    @Test(arguments: tiers)
    func tier(edge: Edge<PriceTierDetails>) throws {
        var details = PriceTierDetails(name: "Half", basePrice: 500)
        edge.change(&details)
        try expect(edge.refusal, .addTier(details))
        try expect(edge.refusal, .updateTier(0, details))
    }

    @Test func aTierForASectionThatIsNotThere() throws {
        var details = PriceTierDetails(name: "Half", basePrice: 500)
        details.section = 1
        try expect(.sectionNotFound, .addTier(details))
        details.section = .max
        try expect(.sectionNotFound, .updateTier(0, details))
    }

    // MARK: - Limits of the whole event

    @Test func tiersAreLimited() throws {
        var subject = try MachineFixture.event(places: 1)
        for _ in 1..<InventoryLimits.tiersPerEventMax {
            let answer = subject.perform(.addTier(PriceTierDetails(name: "Tier", basePrice: 1)), Self.context)
            guard case .tier = answer else {
                Issue.record("\(answer)")
                return
            }
        }
        let answer = subject.perform(.addTier(PriceTierDetails(name: "Tier", basePrice: 1)), Self.context)
        #expect(answer == .rejected(.limitReached(.tiers)))
    }
}
