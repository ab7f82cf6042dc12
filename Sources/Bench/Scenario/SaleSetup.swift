#if canImport(FoundationEssentials)
    import FoundationEssentials
#else
    import Foundation
#endif

/// Puts a sale up over HTTP, as an organizer would: events, a price for each, sections, publish.
struct SaleSetup {
    let eventCount: Int
    let sectionsPerEvent: Int
    let stockPerSection: Int
    let endpoint: Endpoint
    /// Makes this run's ids and keys its own: eight hexadecimal digits.
    let runPrefix: String

    /// One section on sale, and the event it belongs to.
    struct Section {
        let event: String
        let id: String
        let pricing: String
    }

    func create() throws -> [Section] {
        let client = try SetupClient(endpoint: endpoint)
        return try (0..<eventCount).flatMap { try createEvent($0, client) }
    }

    private func createEvent(_ number: Int, _ client: SetupClient) throws -> [Section] {
        let event = "bench-\(runPrefix)-\(number)"
        let path = "/api/v1/events/\(event)"
        try post(client, "/api/v1/events", #"{"id":"\#(event)","name":"Bench sale \#(number)","currency":"EUR"}"#)
        let price = """
            {"name":"Standard","base_price":50.00,"service_fee":5.00,"facility_fee":2.50,"tax_rate":0.08,\
            "currency":"EUR","max_per_customer":10}
            """
        let answer = try post(client, path + "/pricing", price)
        let pricing = try JSONDecoder().decode(PricingAnswer.self, from: Data(answer.body)).pricing.id
        let sections = try (0..<sectionsPerEvent).map { index in
            let section = "\(event)-s\(index)"
            let body = #"{"id":"\#(section)","section_name":"Floor \#(index)","total_capacity":\#(stockPerSection)}"#
            try post(client, path + "/capacity", body)
            return Section(event: event, id: section, pricing: pricing)
        }
        try post(client, path + "/publish", "{}")
        return sections
    }

    @discardableResult
    private func post(_ client: SetupClient, _ path: String, _ body: String) throws -> SetupClient.Response {
        let key = "\(runPrefix)-setup-\(path)-\(Self.checksum(body))"
        let response = try client.post(path, body: body, key: key)
        guard 200...299 ~= response.status else {
            throw SetupClient.Failure.unexpectedStatus(
                request: "POST \(path)",
                status: response.status,
                body: response.text
            )
        }
        return response
    }

    /// Tells the setup's requests to one path apart (FNV-1a).
    private static func checksum(_ text: String) -> String {
        let value = text.utf8.reduce(0xCBF2_9CE4_8422_2325 as UInt64) { ($0 ^ UInt64($1)) &* 0x100_0000_01B3 }
        return String(value, radix: 16)
    }

    private struct PricingAnswer: Decodable {
        struct Pricing: Decodable { let id: String }
        let pricing: Pricing
    }
}
