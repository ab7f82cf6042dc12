import Testing

@testable import Bench

@Suite struct RequestTemplateTests {
    private let endpoint: Endpoint

    init() throws {
        endpoint = try Endpoint(url: "http://127.0.0.1:8080")
    }

    private func text(_ template: RequestTemplate, number: UInt64, id: String? = nil) throws -> String {
        var buffer = RequestBuffer()
        defer { buffer.deallocate() }
        let bytes = try id.map { id in
            try #require(Array(id.utf8).withUnsafeBytes { IdentifierBytes($0) })
        }
        buffer.fill(template, number: number, id: bytes)
        return String(decoding: buffer.unsent, as: UTF8.self)
    }

    @Test func writesNumbersAndIdIntoTheirPlaces() throws {
        let body = #"{"payment_reference":"pay-\#(RequestTemplate.counterMark)"}"#
        let template = RequestTemplate(
            method: "POST",
            path: "/api/v1/reservations/*/confirm",
            body: body,
            endpoint: endpoint,
            runPrefix: "0badcafe"
        )
        #expect(
            try text(template, number: 17, id: "rsv_x") == """
                POST /api/v1/reservations/rsv_x/confirm HTTP/1.1\r
                Host: 127.0.0.1:8080\r
                Content-Type: application/json\r
                Idempotency-Key: 0badcafe-0000000017\r
                Content-Length: 38\r
                \r
                {"payment_reference":"pay-0000000017"}
                """
        )
    }

    @Test func aReusedBufferHoldsOnlyTheLastRequest() throws {
        var buffer = RequestBuffer()
        defer { buffer.deallocate() }
        let long = RequestTemplate(
            method: "POST",
            path: "/long",
            body: String(repeating: "x", count: 500),
            endpoint: endpoint,
            runPrefix: "0"
        )
        let short = RequestTemplate(method: "POST", path: "/s", body: "", endpoint: endpoint, runPrefix: "0")
        buffer.fill(long, number: 1)
        buffer.markSent(buffer.count)
        buffer.fill(short, number: 2)
        #expect(String(decoding: buffer.unsent, as: UTF8.self) == (try text(short, number: 2)))
    }

    @Test func anIdTooLongIsNone() {
        let bytes = [UInt8](repeating: 0x61, count: IdentifierBytes.countMax + 1)
        #expect(bytes.withUnsafeBytes { IdentifierBytes($0) } == nil)
        #expect(bytes.dropLast().withUnsafeBytes { IdentifierBytes($0) } != nil)
    }

    @Test(arguments: [
        ("http://127.0.0.1:8080", 8080), ("http://localhost:81/", 81), ("http://127.1.2.3", 80),
    ])
    func acceptsThisMachine(url: String, port: UInt16) throws {
        #expect(try Endpoint(url: url).port == port)
    }

    @Test(arguments: [
        ("http://10.0.0.1:80", Endpoint.ParseError.notLoopback("10.0.0.1")),
        ("https://127.0.0.1", .notPlainHTTP("https://127.0.0.1")),
        ("http://example.com", .notNumeric("example.com")),
        ("http://127.0.0.1:0", .badPort("0")),
        ("http://127.0.0.1:80/path", .notPlainHTTP("http://127.0.0.1:80/path")),
    ])
    func refusesOtherTargets(url: String, error: Endpoint.ParseError) {
        #expect(throws: error) { try Endpoint(url: url) }
    }

    @Test func anotherMachineNeedsToBeAskedFor() throws {
        #expect(try Endpoint(url: "http://10.0.0.1:80", allowRemote: true).address == "10.0.0.1")
    }
}
