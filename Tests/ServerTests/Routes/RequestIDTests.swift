import Foundation
import Testing

@testable import Engine
@testable import Server

/// What a request is called: in every answer, and the same in a problem's body.
@Suite struct RequestIDTests {
    /// Requests that end in all kinds of ways, without the header fields that all have.
    private static let requests: [(line: String, fields: String, body: String, status: Int)] = [
        ("GET /health", "", "", 200), ("GET /metrics", "", "", 200), ("GET /openapi.json", "", "", 200),
        ("GET /api/v1/events/gala", "", "", 200), ("GET /api/v1/events", "", "", 200),
        ("GET /api/v1/events/gala/availability", "", "", 200), ("GET /api/v1/feed", "", "", 200),
        ("GET /api/v1/reports/sales", "", "", 200), ("GET /api/v1/events/none", "", "", 404),
        ("GET /nowhere", "", "", 404), ("DELETE /health", "", "", 405), ("GET /api/v1/events/%zz", "", "", 400),
        (
            "POST /api/v1/capacity/gala/reserve", "Content-Type: application/json\r\n",
            #"{"quantity":1,"customer_id":"a"}"#, 200
        ),
        ("POST /api/v1/capacity/gala/reserve", "Content-Type: application/json\r\n", "{", 400),
        ("POST /api/v1/capacity/gala/reserve", "Content-Type: text/plain\r\n", "{}", 415),
        ("POST /api/v1/batch", "Content-Type: application/x-ndjson\r\n", "{}", 200),
    ]

    private func exchange(_ client: LoopbackClient, _ line: String, _ fields: String, _ body: String) throws
        -> LoopbackClient.Reply
    {
        try client.send("\(line) HTTP/1.1\r\nHost: a\r\n\(fields)Content-Length: \(body.utf8.count)\r\n\r\n\(body)")
        return try client.next()
    }

    private func id(in body: String) throws -> String? {
        (try JSONSerialization.jsonObject(with: Data(body.utf8)) as? [String: Any])?["request_id"] as? String
    }

    @Test func everyAnswerSaysItAndAProblemSaysTheSame() async throws {
        try await SaleServer.run { server in
            try server.putOnSale("gala")
            let client = try server.connect()
            for request in Self.requests {
                let ours = try exchange(client, request.line, request.fields, request.body)
                #expect(ours.status == request.status, "\(request.line): \(ours)")
                let made = try #require(ours.headers["x-request-id"], "\(request.line)")
                #expect(made.wholeMatch(of: /req_[0-9a-f]{32}/) != nil, "\(request.line): \(made)")
                if request.status >= 400 { #expect(try id(in: ours.body) == made, "\(request.line)") }

                let named = "X-Request-Id: client-7/~!\r\n" + request.fields
                let theirs = try exchange(client, request.line, named, request.body)
                #expect(theirs.headers["x-request-id"] == "client-7/~!", "\(request.line)")
                if request.status >= 400 { #expect(try id(in: theirs.body) == "client-7/~!", "\(request.line)") }
            }
        }
    }

    /// The bits may become a reservation's secret: nobody else may be able to try out which they were.
    @Test func itIsMadeWithAKeyThatNobodyKnows() {
        let id = RequestID(random: (1, 2)).withBytes { String(decoding: $0, as: UTF8.self) }
        #expect(RequestID(random: (1, 2)).withBytes { String(decoding: $0, as: UTF8.self) } == id)
        for seed in [0, 0x7265_7175_6573_7431, 0x7265_7175_6573_7432] as [UInt64] {
            var hash = StableHash(seed: seed)
            hash.combine(1 as UInt64)
            hash.combine(2 as UInt64)
            let digits = String(hash.finish(), radix: 16)
            #expect(!id.contains(digits))
        }
    }

    @Test(arguments: [String(repeating: "x", count: 65), "a b", "é", ""])
    func whatIsNoIdIsReplacedByOurs(_ id: String) async throws {
        try await SaleServer.run { server in
            let reply = try exchange(try server.connect(), "GET /health", "X-Request-Id: \(id)\r\n", "")
            #expect(reply.headers["x-request-id"]?.wholeMatch(of: /req_[0-9a-f]{32}/) != nil)
        }
    }

    @Test func whatTheParserRefusesHasOneToo() async throws {
        try await SaleServer.run { server in
            let large = try server.connect()
            try large.send(
                "POST /api/v1/events HTTP/1.1\r\nHost: a\r\nX-Request-Id: mine\r\nContent-Length: 99999999\r\n\r\n"
            )
            let tooLarge = try large.next()
            #expect(tooLarge.status == 413 && tooLarge.headers["x-request-id"] == "mine")
            #expect(try id(in: tooLarge.body) == "mine")
            let broken = try server.connect()
            try broken.send("GARBAGE\r\n\r\n")
            let malformed = try broken.next()
            #expect(malformed.status == 400)
            #expect(malformed.headers["x-request-id"]?.wholeMatch(of: /req_[0-9a-f]{32}/) != nil)
        }
    }

    @Test func aStreamsHeadAndANotModifiedHaveOne() async throws {
        try await SaleServer.run { server in
            try server.putOnSale("gala")
            let client = try server.connect()
            let event = try client.get("/api/v1/events/gala")
            let tag = try #require(event.headers["etag"])
            let known = try exchange(client, "GET /api/v1/events/gala", "If-None-Match: \(tag)\r\n", "")
            #expect(known.status == 304 && known.headers["x-request-id"] != nil)
            try client.send(
                "GET /api/v1/events/gala/availability/stream HTTP/1.1\r\nHost: a\r\nX-Request-Id: mine\r\n\r\n"
            )
            let head = try #require(try client.receive(hasBody: false))
            #expect(head.status == 200 && head.headers["x-request-id"] == "mine")
        }
    }

    @Test func digitsAreThoseOfTheKey() {
        for number in 0..<1_000 {
            let bytes = Array("key-\(number)".utf8)
            let key = bytes.withUnsafeBytes { IdempotencyKey(tenant: "t", principal: "p", key: $0, fingerprint: 0) }
            let expected = [key.high, key.low].map { word in
                let digits = String(word, radix: 16)
                return String(repeating: "0", count: 16 - digits.count) + digits
            }
            let id = RequestID(key).withBytes { String(decoding: $0, as: UTF8.self) }
            #expect(id == "req_" + expected.joined())
        }
    }
}
