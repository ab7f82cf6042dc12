import Testing

@testable import Server

@Suite struct RequestParserTests {
    private static let reserve = """
        POST /api/v1/capacity/sec_1/reserve?a=1 HTTP/1.1\r
        Host: localhost:8080\r
        Content-Type: application/json\r
        idempotency-KEY:  k-1\t \r
        X-Tenant-Id: t1\r
        X-Customer-Id: c1\r
        Authorization: Bearer x.y.z\r
        If-Match: "3"\r
        If-None-Match: *\r
        X-Request-Id: r-9\r
        Last-Event-ID: 17\r
        Accept: */*\r
        Content-Length: 14\r
        \r
        {"quantity":2}
        """

    @Test func aRequestIsReadInPlace() {
        let run = ParsedRun(Array(Self.reserve.utf8))
        #expect(run.rejection == nil)
        #expect(
            run.requests == [
                ParsedRequest(
                    method: "POST",
                    target: "/api/v1/capacity/sec_1/reserve?a=1",
                    headers: [
                        "idempotency-key": "k-1", "x-tenant-id": "t1", "x-customer-id": "c1",
                        "content-type": "application/json", "authorization": "Bearer x.y.z", "if-match": "\"3\"",
                        "if-none-match": "*", "x-request-id": "r-9", "last-event-id": "17",
                    ],
                    bodyBytes: 14,
                    endOffset: Self.reserve.utf8.count,
                    keepAlive: true
                )
            ]
        )
    }

    static let good: [(String, requests: Int, keepAlive: Bool)] = [
        ("GET / HTTP/1.1\r\nHost: a\r\n\r\n", 1, true),
        ("GET /?x=%20[y] HTTP/1.1\r\nhost:a\r\n\r\n", 1, true),
        ("GET / HTTP/1.0\r\n\r\n", 1, false),
        ("GET / HTTP/1.0\r\nHost: a\r\nConnection: keep-alive\r\n\r\n", 1, false),
        ("GET / HTTP/1.1\r\nHost: a\r\nConnection: keep-alive, Close\r\n\r\n", 1, false),
        ("GET / HTTP/1.1\r\nHost: [::1]:80\r\nConnection: closed\r\n\r\n", 1, true),
        ("HEAD / HTTP/1.1\r\nHost: a\r\n\r\nDELETE /x HTTP/1.1\r\nHost: a\r\n\r\n", 2, true),
        ("PUT / HTTP/1.1\r\nHost: a\r\nContent-Length: 3\r\n\r\nabcPUT /b HTTP/1.1\r\nHost: a\r\n\r\n", 2, true),
        ("POST / HTTP/1.1\r\nHost: a\r\nContent-Length: 0\r\n\r\n", 1, true),
        ("POST / HTTP/1.1\r\nHost: a\r\nContent-Length: 00002\r\n\r\n{}", 1, true),
        ("POST / HTTP/1.1\r\nHost: a\r\nExpect: 100-Continue\r\nContent-Length: 2\r\n\r\n{}", 1, true),
        ("GET / HTTP/1.1\r\nHost: a\r\nX-Empty:\r\nX-Latin: caf\u{E9}\r\nAccept: a\r\nAccept: b\r\n\r\n", 1, true),
        ("BREW /pot HTTP/1.1\r\nHost: a\r\n\r\n", 1, true),
    ]

    @Test(arguments: good)
    func goodRequestsAreAcceptedHoweverTheyArrive(_ given: (String, requests: Int, keepAlive: Bool)) {
        let bytes = Array(given.0.utf8)
        let whole = ParsedRun(bytes)
        #expect(whole.rejection == nil)
        #expect(whole.requests.count == given.requests)
        #expect(whole.requests.last?.keepAlive == given.keepAlive)
        #expect(whole.requests.last?.endOffset == bytes.count)
        expectSameAtEverySplit(bytes, whole)
    }

    static let evil: [(String, HTTPStatus)] = [
        ("\r\nGET / HTTP/1.1\r\nHost: a\r\n\r\n", .badRequest),
        ("\u{16}\u{03}\u{01}\u{02}", .badRequest),
        ("GET / HTTP/1.1\nHost: a\n\n", .badRequest),
        ("GET / HTTP/1.1\r\nHost: a\n\r\n", .badRequest),
        ("GET / HTTP/1.1\r\nHost: a\r\n\n", .badRequest),
        ("GET / HTTP/1.1\r\nHost: a\rX: b\r\n\r\n", .badRequest),
        ("GET  / HTTP/1.1\r\nHost: a\r\n\r\n", .badRequest),
        ("GET / HTTP/1.1 \r\nHost: a\r\n\r\n", .badRequest),
        (" GET / HTTP/1.1\r\nHost: a\r\n\r\n", .badRequest),
        ("GET\t/\tHTTP/1.1\r\nHost: a\r\n\r\n", .badRequest),
        ("GET /\r\nHost: a\r\n\r\n", .badRequest),
        ("GET http://a/ HTTP/1.1\r\nHost: a\r\n\r\n", .badRequest),
        ("OPTIONS * HTTP/1.1\r\nHost: a\r\n\r\n", .badRequest),
        ("CONNECT a:443 HTTP/1.1\r\nHost: a\r\n\r\n", .badRequest),
        ("GET /a#b HTTP/1.1\r\nHost: a\r\n\r\n", .badRequest),
        ("GET /a\"b HTTP/1.1\r\nHost: a\r\n\r\n", .badRequest),
        ("GET /caf\u{E9} HTTP/1.1\r\nHost: a\r\n\r\n", .badRequest),
        ("GET / http/1.1\r\nHost: a\r\n\r\n", .badRequest),
        ("GET / HTTP/1.1\r\n\r\n", .badRequest),
        ("GET / HTTP/1.1\r\nHost:\r\n\r\n", .badRequest),
        ("GET / HTTP/1.1\r\nHost: a b\r\n\r\n", .badRequest),
        ("GET / HTTP/1.1\r\nHost: u@a\r\n\r\n", .badRequest),
        ("GET / HTTP/1.1\r\nHost: a\r\nhost: a\r\n\r\n", .badRequest),
        ("GET / HTTP/1.1\r\nHost: a\r\nX : b\r\n\r\n", .badRequest),
        ("GET / HTTP/1.1\r\nHost: a\r\nX: b\r\n folded\r\n\r\n", .badRequest),
        ("GET / HTTP/1.1\r\n Host: a\r\n\r\n", .badRequest),
        ("GET / HTTP/1.1\r\nHost: a\r\n: b\r\n\r\n", .badRequest),
        ("GET / HTTP/1.1\r\nHost: a\r\nX\r\n\r\n", .badRequest),
        ("GET / HTTP/1.1\r\nHost: a\r\nX\u{E9}: b\r\n\r\n", .badRequest),
        ("GET / HTTP/1.1\r\nHost: a\r\nX: b\u{0}\r\n\r\n", .badRequest),
        ("GET / HTTP/1.1\r\nHost: a\r\nX: \u{7F}\r\n\r\n", .badRequest),
        ("POST / HTTP/1.1\r\nHost: a\r\nContent-Length: 2\r\nContent-Length: 2\r\n\r\n{}", .badRequest),
        ("POST / HTTP/1.1\r\nHost: a\r\nContent-Length: 2\r\nContent-Length: 3\r\n\r\n{}", .badRequest),
        ("POST / HTTP/1.1\r\nHost: a\r\nContent-Length: 2, 2\r\n\r\n{}", .badRequest),
        ("POST / HTTP/1.1\r\nHost: a\r\nContent-Length: +2\r\n\r\n{}", .badRequest),
        ("POST / HTTP/1.1\r\nHost: a\r\nContent-Length: -2\r\n\r\n{}", .badRequest),
        ("POST / HTTP/1.1\r\nHost: a\r\nContent-Length: 0x2\r\n\r\n{}", .badRequest),
        ("POST / HTTP/1.1\r\nHost: a\r\nContent-Length: 1 2\r\n\r\n{}", .badRequest),
        ("POST / HTTP/1.1\r\nHost: a\r\nContent-Length:\r\n\r\n", .badRequest),
        ("POST / HTTP/1.1\r\nHost: a\r\nContent-Length: 65537\r\n\r\n", .contentTooLarge),
        ("POST / HTTP/1.1\r\nHost: a\r\nContent-Length: 18446744073709551618\r\n\r\n", .contentTooLarge),
        ("POST / HTTP/1.1\r\nHost: a\r\nTransfer-Encoding: chunked\r\n\r\n", .notImplemented),
        ("POST / HTTP/1.1\r\nHost: a\r\ntransfer-encoding: identity\r\n\r\n", .notImplemented),
        ("POST / HTTP/1.1\r\nHost: a\r\nContent-Length: 2\r\nTransfer-Encoding: x\r\n\r\n", .notImplemented),
        ("POST / HTTP/1.1\r\nHost: a\r\nIdempotency-Key: a\r\nIdempotency-Key: a\r\n\r\n", .badRequest),
        ("POST / HTTP/1.1\r\nHost: a\r\nX-Tenant-Id: a\r\nX-Tenant-ID: b\r\n\r\n", .badRequest),
        ("POST / HTTP/1.1\r\nHost: a\r\nAuthorization: a\r\nAuthorization: b\r\n\r\n", .badRequest),
        ("POST / HTTP/1.1\r\nHost: a\r\nExpect: 200-ok\r\n\r\n", .expectationFailed),
        ("PRI * HTTP/2.0\r\n\r\nSM\r\n\r\n", .versionNotSupported),
        ("GET / HTTP/1.2\r\nHost: a\r\n\r\n", .versionNotSupported),
        ("GET / HTTP/0.9\r\nHost: a\r\n\r\n", .versionNotSupported),
    ]

    @Test(arguments: evil)
    func evilRequestsAreRefusedHoweverTheyArrive(_ given: (String, HTTPStatus)) {
        // One byte per scalar, so that bytes above 127 arrive as such.
        let bytes = given.0.unicodeScalars.map { UInt8($0.value) }
        let whole = ParsedRun(bytes)
        #expect(whole.requests.isEmpty)
        #expect(whole.rejection?.status == given.1)
        expectSameAtEverySplit(bytes, whole)
    }

    private func expectSameAtEverySplit(_ bytes: [UInt8], _ whole: ParsedRun) {
        #expect(ParsedRun(bytes, chunk: { 1 }) == whole)
        for split in 1..<max(2, bytes.count) {
            var chunks = [split, bytes.count]
            #expect(ParsedRun(bytes, chunk: { chunks.removeFirst() }) == whole, "split at \(split)")
        }
    }

    @Test func limitsHoldToTheByte() {
        var limits = RequestLimits()
        limits.requestLineBytesMax = 40
        limits.headBytesMax = 100
        limits.headerFieldsMax = 3
        limits.bodyBytesMax = 5
        func status(_ request: String) -> UInt16? {
            let whole = ParsedRun(Array(request.utf8), limits: limits)
            #expect(ParsedRun(Array(request.utf8), limits: limits, chunk: { 1 }) == whole)
            return whole.rejection?.status.rawValue ?? (whole.requests.isEmpty ? nil : 200)
        }
        func line(_ bytes: Int) -> String {
            "GET /" + String(repeating: "a", count: bytes - 16) + " HTTP/1.1\r\n"
        }
        func head(_ bytes: Int) -> String {
            line(30) + "Host: a\r\nX: " + String(repeating: "b", count: bytes - 46) + "\r\n\r\n"
        }
        #expect(status(line(40) + "Host: a\r\n\r\n") == 200)
        #expect(status(line(41) + "Host: a\r\n\r\n") == 414)
        #expect(status(String(repeating: "G", count: 40)) == 414)
        #expect(status(head(100)) == 200)
        #expect(status(head(101)) == 431)
        #expect(status(line(30) + "Host: a\r\nA: 1\r\nB: 2\r\n\r\n") == 200)
        #expect(status(line(30) + "Host: a\r\nA: 1\r\nB: 2\r\nC: 3\r\n\r\n") == 431)
        #expect(status(line(30) + "Host: a\r\nContent-Length: 5\r\n\r\n12345") == 200)
        #expect(status(line(30) + "Host: a\r\nContent-Length: 6\r\n\r\n") == 413)
    }

    @Test func aRouteMayTakeALargerBody() {
        var limits = RequestLimits()
        limits.bodyBytesMaxOfRoute = { method, path in
            method == .post && path.equals("/api/v1/batch") ? 100_000 : 64 * 1024
        }
        func rejection(_ path: String, _ length: Int) -> HTTPStatus? {
            let head = "POST \(path)?x=1 HTTP/1.1\r\nHost: a\r\nContent-Length: \(length)\r\n\r\n"
            return ParsedRun(Array(head.utf8), limits: limits).rejection?.status
        }
        #expect(rejection("/api/v1/batch", 100_000) == nil)
        #expect(rejection("/api/v1/batch", 100_001) == .contentTooLarge)
        #expect(rejection("/api/v1/other", 100_000) == .contentTooLarge)
    }

    @Test func theHeadOfARequestThatWaitsForLeaveIsKnown() {
        var parser = RequestParser(limits: RequestLimits())
        let head = Array("PUT / HTTP/1.1\r\nHost: a\r\nExpect: 100-continue\r\nContent-Length: 2\r\n\r\n".utf8)
        let outcome = head.withUnsafeBytes { parser.parse($0) }
        #expect(outcome == .needMore)
        #expect(parser.awaitsContinue)
        #expect(parser.bodyStart == head.count)
    }
}
