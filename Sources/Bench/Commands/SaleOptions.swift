import ArgumentParser

/// What is put on sale.
struct SaleOptions: ParsableArguments {
    static let stockMax = 10_000_000

    @Option(help: "Events to put on sale.")
    var events = 1

    @Option(help: "Sections per event.")
    var sections = 4

    @Option(help: "Tickets per section.")
    var stock = 10_000_000

    @Option(help: "Seed of the buyers' choices.")
    var seed: UInt64 = 1

    func validate() throws {
        guard 1...10_000 ~= events, 1...1_000 ~= sections, events * sections <= 100_000 else {
            throw ValidationError("--events is 1 to 10,000, --sections 1 to 1,000, together at most 100,000.")
        }
        guard 1...Self.stockMax ~= stock else { throw ValidationError("--stock is 1 to 10,000,000.") }
    }

    func putOnSale(_ endpoint: Endpoint, runPrefix: String = RunPrefix.make()) throws -> Sale {
        try Sale(
            eventCount: events,
            sectionsPerEvent: sections,
            stockPerSection: stock,
            endpoint: endpoint,
            runPrefix: runPrefix
        )
    }
}

/// A sale that was put up, its requests, and the check of its stock.
struct Sale {
    let sections: [SaleSetup.Section]
    let templates: SaleTemplates
    let stockPerSection: Int
    let endpoint: Endpoint

    init(
        eventCount: Int = 1,
        sectionsPerEvent: Int = 1,
        stockPerSection: Int,
        endpoint: Endpoint,
        runPrefix: String = RunPrefix.make()
    ) throws {
        sections = try SaleSetup(
            eventCount: eventCount,
            sectionsPerEvent: sectionsPerEvent,
            stockPerSection: stockPerSection,
            endpoint: endpoint,
            runPrefix: runPrefix
        ).create()
        templates = SaleTemplates(sections: sections, endpoint: endpoint, runPrefix: runPrefix)
        self.stockPerSection = stockPerSection
        self.endpoint = endpoint
    }

    func scenario(_ mix: SaleMix, seed: UInt64) -> SaleScenario {
        SaleScenario(templates: templates, mix: mix, seed: seed)
    }

    func check(_ ledger: SaleLedger, expectsSoldOut: Bool = false) throws -> StockCheck.Outcome {
        try StockCheck(
            sections: sections,
            stockPerSection: stockPerSection,
            ledger: ledger,
            expectsSoldOut: expectsSoldOut
        ).run(endpoint: endpoint)
    }
}
