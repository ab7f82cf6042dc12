import Foundation
import Testing

@testable import Engine
@testable import Server

/// Requests of the table with bytes changed, doubled and left out: each is routed or refused as a client's error,
/// and every refusal is valid JSON.
@Suite struct HostileRequestTests {
    /// The same sequence for the same seed: a failing run is repeated by its seed.
    struct SeededGenerator: RandomNumberGenerator {
        var state: UInt64

        mutating func next() -> UInt64 {
            state &+= 0x9E37_79B9_7F4A_7C15
            var value = (state ^ state >> 30) &* 0xBF58_476D_1CE4_E5B9
            value = (value ^ value >> 27) &* 0x94D0_49BB_1331_11EB
            return value ^ value >> 31
        }
    }

    static let bodies: [(method: String, path: String, body: String)] =
        RoutingTableTests.rows.compactMap { row in row.body.map { (row.method, row.path, $0) } } + [
            (
                "PUT", "/api/v1/events/show",
                #"{"id":"a","starts_at":"2026-11-21T08:00:00.5+02:00","sales_end_at":null,"x":{"y":[1,-2.5e3,"\u00e9"]}}"#
            ),
            (
                "PUT", "/api/v1/pricing/\(KnownIDs.pricing)",
                #"{"base_price":12.34,"min_price":null,"tax_rate":0.19,"group_discount_percentage":12.5,"is_dynamic":true}"#
            ),
            (
                "POST", "/api/v1/orders/\(KnownIDs.order)/refund",
                "{\"tickets\":[\"\(KnownIDs.ticket(1))\",\"\(KnownIDs.ticket(2))\"],\"restock\":false}"
            ),
        ]

    @Test(arguments: [1, 2, 3, 4] as [UInt64])
    func changedBodiesAreRoutedOrRefused(_ seed: UInt64) throws {
        var generator = SeededGenerator(state: seed)
        let alphabet = Array("{}[]\",:\\/0123456789-+.eEtrufalsn \n\u{0}\u{1F}é\u{10FFFF}".utf8)
        for round in 0..<1_500 {
            let row = Self.bodies.randomElement(using: &generator)!
            var body = Array(row.body.utf8)
            for _ in 0..<Int.random(in: 1...3, using: &generator) where !body.isEmpty {
                let place = body.indices.randomElement(using: &generator)!
                switch Int.random(in: 0..<4, using: &generator) {
                case 0: body[place] = alphabet.randomElement(using: &generator)!
                case 1: body.remove(at: place)
                case 2: body.insert(alphabet.randomElement(using: &generator)!, at: place)
                default: body.insert(contentsOf: body[place...].prefix(8), at: place)
                }
            }
            try check(row.method, row.path, body, "seed \(seed) round \(round)")
        }
    }

    private func check(_ method: String, _ path: String, _ body: [UInt8], _ name: String) throws {
        let head = "\(method) \(path) HTTP/1.1\r\nHost: x\r\nContent-Type: application/json\r\n"
        let whole = Array("\(head)Content-Length: \(body.count)\r\n\r\n".utf8) + body
        let routed = try whole.withUnsafeBytes { bytes in
            var parser = RequestParser(limits: RequestLimits())
            guard case .request(let request, _) = parser.parse(bytes) else { throw TestFailure("no request: \(name)") }
            var sections = KnownSections()
            return Router().route(request, bytes, now: 0, random: (1, 2), sections: &sections)
        }
        guard case .problem(let problem, let reply) = routed else { return }
        #expect((400..<500).contains(problem.status.rawValue), "\(name)")
        var writer = ResponseWriter()
        let range = writer.write(problem, reply)
        let response = try Response(writer.bytes.withBytes(in: range) { Array($0) })
        #expect(throws: Never.self, "\(name): \(response.body)") { try response.json() }
    }

    @Test func changedPathsAreRoutedOrRefused() throws {
        var generator = SeededGenerator(state: 5)
        let alphabet = Array("/abc-_.~%2F0eventscapacity".utf8)
        for _ in 0..<2_000 {
            let row = RoutingTableTests.rows.randomElement(using: &generator)!
            var path = Array(row.path.utf8)
            for _ in 0..<Int.random(in: 1...3, using: &generator) {
                let place = Int.random(in: 1..<path.count, using: &generator)
                path[place] = alphabet.randomElement(using: &generator)!
            }
            let request = TestRequest(row.method, String(decoding: path, as: UTF8.self), row.body)
            guard case .problem(let problem, _) = try request.route() else { continue }
            #expect((400..<500).contains(problem.status.rawValue), "\(request.target)")
        }
    }
}
