import Engine
import Testing

@testable import Server

/// Header fields, and bodies that can't be read.
@Suite struct RequestRuleTests {
    static let reserve = "/api/v1/capacity/floor/reserve"

    @Test func withoutATenantTheDefaultOneIsMeant() throws {
        let context = try TestRequest("POST", Self.reserve, #"{"quantity":1}"#).submission().context
        #expect(context.tenant == "default")
        #expect(context.principal == .empty)
        #expect(context.idempotency == nil)
        #expect(context.now == TestRequest.now)
        #expect(context.random == (0x0123_4567_89AB_CDEF, 0xFEDC_BA98_7654_3210))
    }

    @Test(arguments: ["X-Tenant-Id", "X-Customer-Id"], ["", "a b", "sch\u{F6}n", String(repeating: "x", count: 65)])
    func tenantAndCustomerAreVisibleASCII(_ field: String, _ value: String) throws {
        let problem = try TestRequest("GET", "/api/v1/events/show", fields: [(field, value)]).problem()
        #expect(problem.summary == "400 INVALID_HEADER")
        #expect(problem.detail.description.contains(field))
        let longest = String(repeating: "~", count: 64)
        _ = try TestRequest("GET", "/api/v1/events/show", fields: [(field, longest)]).submission()
    }

    @Test(arguments: ["", "a key", "\u{E9}", String(repeating: "k", count: 256)])
    func idempotencyKeysAreVisibleASCII(_ key: String) throws {
        let problem = try TestRequest("POST", Self.reserve, #"{"quantity":1}"#, key: key).problem()
        #expect(problem.summary == "400 INVALID_HEADER")
        let longest = String(repeating: "k", count: 255)
        _ = try TestRequest("POST", Self.reserve, #"{"quantity":1}"#, key: longest).submission()
    }

    @Test func aKeyIsRequiredWhereTheConfigurationSaysSo() throws {
        let router = Router(requiresIdempotencyKey: true)
        for row in RoutingTableTests.rows {
            let isChange = row.method != "GET" && !row.path.hasSuffix("/check") && !row.path.hasSuffix("/calculate")
            let isRefused =
                if case .problem(let problem, _) = try TestRequest(row.method, row.path, row.body).route(router) {
                    problem.summary == "428 IDEMPOTENCY_KEY_REQUIRED"
                } else { false }
            #expect(isRefused == isChange, "\(row.method) \(row.path)")
        }
    }

    @Test func theKeyIsTheSameForTheSameCallerOnly() throws {
        func key(_ request: TestRequest) throws -> IdempotencyKey { try request.submission().context.idempotency! }
        let body = #"{"quantity":1}"#
        let first = try key(TestRequest("POST", Self.reserve, body, key: "k"))
        #expect(try key(TestRequest("POST", Self.reserve, body, key: "k")) == first)
        #expect(try key(TestRequest("POST", Self.reserve, body, key: "l")).high != first.high)
        #expect(try key(TestRequest("POST", Self.reserve, body, key: "k", tenant: "shop")).high != first.high)
        #expect(try key(TestRequest("POST", Self.reserve, body, key: "k", customer: "ann")).high != first.high)
    }

    @Test func theFingerprintCoversMethodPathAndBody() throws {
        func key(_ request: TestRequest) throws -> IdempotencyKey { try request.submission().context.idempotency! }
        let path = "/api/v1/reservations/\(KnownIDs.reservation)"
        let first = try key(TestRequest("POST", Self.reserve, #"{"quantity":1}"#, key: "k"))
        let others = [
            TestRequest("POST", Self.reserve, #"{"quantity":2}"#, key: "k"),
            TestRequest("POST", "/api/v1/capacity/balcony/reserve", #"{"quantity":1}"#, key: "k"),
            TestRequest("POST", "\(path)/release", key: "k"),
            TestRequest("DELETE", path, key: "k"),
        ]
        var fingerprints: Set<UInt64> = [first.fingerprint]
        for other in others {
            #expect(try key(other).high == first.high)
            fingerprints.insert(try key(other).fingerprint)
        }
        #expect(fingerprints.count == 5)
    }

    @Test(arguments: [nil, "", "text/plain", "application/jsonp", "application/problem+json", "application/xjson"])
    func bodiesMustBeSaidToBeJSON(_ type: String?) throws {
        let fields = [("Content-Type", type ?? "")]
        let request = TestRequest("POST", Self.reserve, #"{"quantity":1}"#, fields: fields)
        #expect(try request.problem().summary == "415 UNSUPPORTED_MEDIA_TYPE")
    }

    @Test(arguments: ["application/json", "Application/JSON", "application/json; charset=utf-8", "application/json ;x"])
    func parametersAndCaseOfTheTypeDoNotMatter(_ type: String) throws {
        _ = try TestRequest("POST", Self.reserve, #"{"quantity":1}"#, fields: [("Content-Type", type)]).submission()
    }

    @Test(arguments: [
        "{", "[]", "1", "null", "{\"quantity\":1}x", "{\"quantity\":01}", "{'quantity':1}", "{\"quantity\":1,}",
        "{\"quantity\":}", "\"\\ud800\"", "{\"quantity\":1,\"quantity\":1}", "{\"quantity\":+1}", "{\"quantity\":NaN}",
        "{\"x\":\(String(repeating: "[", count: 40))\(String(repeating: "]", count: 40)),\"quantity\":1}",
        "{\"quantity\":tru}", "\u{FEFF}{\"quantity\":1}",
    ])
    func whatIsNotJSONIsMalformed(_ body: String) throws {
        #expect(try TestRequest("POST", Self.reserve, body).problem().summary == "400 MALFORMED_BODY")
    }

    @Test func theRequestIdComesFromTheKeyWhereThereIsOne() throws {
        func id(_ request: TestRequest) throws -> String {
            try request.submission().reply.requestID.withBytes { String(decoding: $0, as: UTF8.self) }
        }
        var first = TestRequest("POST", Self.reserve, #"{"quantity":1}"#, key: "k")
        var second = first
        second.random = (1, 2)
        #expect(try id(first) == id(second))
        first.fields = []
        second.fields = []
        #expect(try id(first) != id(second))
        #expect(try id(first).wholeMatch(of: /req_[0-9a-f]{32}/) != nil)
        #expect(try !id(first).contains(String(first.random.0, radix: 16)))
    }

    @Test func theClientsRequestIdIsKept() throws {
        let request = TestRequest("GET", "/api/v1/events/show", fields: [("X-Request-Id", "abc-1")])
        #expect(try request.submission().reply.clientRequestID == "abc-1")
        let long = TestRequest("GET", "/health", fields: [("X-Request-Id", String(repeating: "x", count: 65))])
        guard case .operation(.health, let reply) = try long.route() else { throw TestFailure("not health") }
        #expect(reply.clientRequestID.isEmpty)
    }

    @Test func ifNoneMatchIsForReadingOnly() throws {
        let tags = [("If-None-Match", "\"1\", W/\"22\", \"x\", \"007\", \"18446744073709551616\"")]
        let known = try TestRequest("GET", "/api/v1/events/show", fields: tags).submission().reply.known
        #expect(known.contains(1) && known.contains(22) && !known.contains(7) && known.count == 2)
        let change = try TestRequest("POST", "/api/v1/events/show/publish", fields: tags).submission()
        #expect(change.reply.known.count == 0)
        let any = try TestRequest("GET", "/api/v1/events/show", fields: [("If-None-Match", "*")]).submission()
        #expect(any.reply.known.contains(99))
    }
}
