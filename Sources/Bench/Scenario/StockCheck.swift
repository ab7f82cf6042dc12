#if canImport(FoundationEssentials)
    import FoundationEssentials
#else
    import Foundation
#endif

/// Holds the server's account of its stock against the client's, once the load is over.
///
/// For every section:
/// 1. `available + reserved + sold + buffer = total`, and none of them negative;
/// 2. `sold ≤ total`: nothing was sold twice;
/// 3. `sold` is what the client's confirms add up to, give or take those whose answer never came;
/// 4. the client itself was not told of more confirms than there were tickets;
/// 5. `total` is what was put on sale, and all of it sold where that was to be expected;
/// 6. no more is reserved than the client holds (less is right: holds expire).
struct StockCheck {
    /// One section as `GET /api/v1/events/{id}/capacity` shows it.
    struct SectionStock: Decodable, Equatable {
        let id: String
        let total: Int
        let available: Int
        let reserved: Int
        let sold: Int
        let buffer: Int?

        enum CodingKeys: String, CodingKey {
            case id
            case total = "total_capacity"
            case available = "available_capacity"
            case reserved = "reserved_capacity"
            case sold = "sold_count"
            case buffer = "buffer_capacity"
        }
    }

    struct Outcome {
        var sectionsChecked = 0
        var sold = 0
        var reserved = 0
        var available = 0
        var total = 0
        var violations: [String] = []

        var isSound: Bool { violations.isEmpty && sectionsChecked > 0 }

        func joined(with other: Outcome) -> Outcome {
            Outcome(
                sectionsChecked: sectionsChecked + other.sectionsChecked,
                sold: sold + other.sold,
                reserved: reserved + other.reserved,
                available: available + other.available,
                total: total + other.total,
                violations: violations + other.violations
            )
        }
    }

    let sections: [SaleSetup.Section]
    let stockPerSection: Int
    let ledger: SaleLedger
    /// More wanted to buy than there was, and all who got a ticket paid.
    var expectsSoldOut = false

    func run(endpoint: Endpoint) throws -> Outcome {
        let client = try SetupClient(endpoint: endpoint)
        var stock: [String: SectionStock] = [:]
        for event in Set(sections.map(\.event)) {
            let path = "/api/v1/events/\(event)/capacity"
            let response = try client.get(path)
            guard response.status == 200 else {
                throw SetupClient.Failure.unexpectedStatus(
                    request: "GET \(path)",
                    status: response.status,
                    body: response.text
                )
            }
            for section in try Self.decode(response.body) { stock[section.id] = section }
        }
        return compare(stock)
    }

    static func decode(_ body: [UInt8]) throws -> [SectionStock] {
        struct Answer: Decodable { let capacity: [SectionStock] }
        return try JSONDecoder().decode(Answer.self, from: Data(body)).capacity
    }

    func compare(_ stock: [String: SectionStock]) -> Outcome {
        var outcome = Outcome()
        for (index, section) in sections.enumerated() {
            guard let found = stock[section.id] else {
                outcome.violations.append("\(section.id): the server no longer lists it")
                continue
            }
            outcome.sectionsChecked += 1
            outcome.sold += found.sold
            outcome.reserved += found.reserved
            outcome.available += found.available
            outcome.total += found.total
            outcome.violations += violations(of: found, ledger.sections[index]).map { "\(section.id): \($0)" }
        }
        return outcome
    }

    private func violations(of stock: SectionStock, _ ledger: SaleLedger.Section) -> [String] {
        var found: [String] = []
        let parts = [stock.available, stock.reserved, stock.sold, stock.buffer ?? 0]
        if parts.reduce(0, +) != stock.total {
            let sum = parts.map(String.init).joined(separator: " + ")
            found.append("available + reserved + sold + buffer = \(sum), which is not the total of \(stock.total)")
        }
        if parts.contains(where: { $0 < 0 }) { found.append("a count is negative: \(parts)") }
        if stock.sold > stock.total { found.append("OVERSOLD: \(stock.sold) sold of \(stock.total)") }
        if ledger.confirmed > stockPerSection {
            found.append(
                "OVERSOLD: \(ledger.confirmed) buyers were told that they have one of \(stockPerSection) tickets"
            )
        }
        if expectsSoldOut, stock.sold < stock.total {
            found.append("\(stock.sold) sold of \(stock.total), although more was wanted than there was")
        }
        if stock.total != stockPerSection {
            found.append("the total is \(stock.total), but \(stockPerSection) were put on sale")
        }
        let soldRange = ledger.confirmed...(ledger.confirmed + ledger.confirmsUnknown)
        if !soldRange.contains(stock.sold) {
            found.append("\(stock.sold) sold, but the client has \(Self.text(soldRange)) confirmed")
        }
        let heldMax = ledger.reserved + ledger.reservesUnknown - ledger.confirmed - ledger.released
        if stock.reserved > heldMax {
            found.append("\(stock.reserved) reserved, but the client holds at most \(heldMax)")
        }
        return found
    }

    private static func text(_ range: ClosedRange<Int>) -> String {
        range.count == 1 ? "\(range.lowerBound)" : "between \(range.lowerBound) and \(range.upperBound)"
    }
}
