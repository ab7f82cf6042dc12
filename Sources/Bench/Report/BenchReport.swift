/// A whole run: its phases, the figures that its scenario is about, the check of the stock.
///
/// In JSON the first phase's fields stand at the top, beside `mode` and `target`, and the others under
/// `furtherPhases`.
struct BenchReport: Encodable {
    /// One number that the scenario is about.
    struct Figure: Encodable, Equatable {
        var name: String
        var value: Double
        var unit: String
    }

    struct Stock: Encodable {
        var isSound: Bool
        var sectionsChecked: Int
        var total, available, reserved, sold: Int
        var violations: [String]
    }

    var mode: String
    var target: String
    var phases: [LoadReport]
    var figures: [Figure] = []
    var stock: Stock?
    /// What somebody who reads the figures has to know, one sentence each.
    var remarks: [String] = []
    /// What the run found wrong, beside the stock. Any of it makes the run fail.
    var faults: [String] = []
    /// Pictures of the scenario's own, in front of those that every run has.
    var charts: [Chart] = []

    private enum CodingKeys: CodingKey {
        case mode, target, furtherPhases, figures, stock, remarks, faults
    }

    init(mode: String, target: String, phases: [LoadReport], stock: StockCheck.Outcome? = nil) {
        self.mode = mode
        self.target = target
        self.phases = phases
        self.stock = stock.map(Stock.init)
        let start = phases.first?.startNanoseconds ?? 0
        for index in phases.indices {
            self.phases[index].startedSeconds = Double(phases[index].startNanoseconds - start) / 1e9
        }
    }

    init(mode: String, server: ServerUnderTest, phases: [LoadReport], stock: StockCheck.Outcome? = nil) {
        self.init(mode: mode, target: "http://\(server.endpoint.authority)", phases: phases, stock: stock)
    }

    func encode(to encoder: any Encoder) throws {
        try phases.first?.encode(to: encoder)
        var container = encoder.container(keyedBy: CodingKeys.self)
        try container.encode(mode, forKey: .mode)
        try container.encode(target, forKey: .target)
        if phases.count > 1 { try container.encode(Array(phases.dropFirst()), forKey: .furtherPhases) }
        if !figures.isEmpty { try container.encode(figures, forKey: .figures) }
        try container.encodeIfPresent(stock, forKey: .stock)
        if !remarks.isEmpty { try container.encode(remarks, forKey: .remarks) }
        if !faults.isEmpty { try container.encode(faults, forKey: .faults) }
    }

    mutating func add(_ name: String, _ value: Double, _ unit: String) {
        figures.append(Figure(name: name, value: value, unit: unit))
    }

    /// Why the run can't be called good; empty when it can.
    var complaints: [String] {
        var found = faults
        if !phases.contains(where: { $0.calls.contains { $0.succeeded > 0 } }) { found.append("no call succeeded") }
        found += phases.compactMap { phase in phase.failure.map { "\(phase.phase): \($0)" } }
        if let stock, !stock.isSound {
            found.append("the server's stock does not add up:")
            found += stock.violations.map { "  " + $0 }
        }
        return found
    }
}

extension BenchReport.Stock {
    init(_ outcome: StockCheck.Outcome) {
        isSound = outcome.isSound
        sectionsChecked = outcome.sectionsChecked
        total = outcome.total
        available = outcome.available
        reserved = outcome.reserved
        sold = outcome.sold
        violations = outcome.violations
    }
}
