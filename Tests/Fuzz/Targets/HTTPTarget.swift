import Engine

@testable import Server

/// Requests. Whatever our parser accepts llhttp must read the same way, to the byte, or a proxy in front of us could see
/// other requests than we do; and no piece of the way from bytes to work may trap.
enum HTTPTarget {
    static func run(_ input: UnsafeRawBufferPointer) throws(Finding) {
        let ours = HTTPReading(input)
        var random = InputRandom(input)
        let longest = Int.random(in: 1...48, using: &random)
        guard HTTPReading(input, chunk: { Int.random(in: 1...longest, using: &random) }) == ours else {
            throw Finding("pieces of up to \(longest) bytes change what is read")
        }
        let found = spacesForTabs(input).withUnsafeBytes { difference(HTTPReading($0), LLHTTPReading($0)) }
        if let found { throw Finding(found) }
        var start = 0
        for request in ours.requests {
            route(request.parsed, UnsafeRawBufferPointer(rebasing: input[start...]))
            start = request.endOffset
        }
    }

    /// The input with spaces in the place of tabs that end a line.
    ///
    /// Both mean nothing at the end of a field (RFC 9110, 5.5), but llhttp refuses the tab after a Content-Length.
    private static func spacesForTabs(_ input: UnsafeRawBufferPointer) -> [UInt8] {
        var bytes = Array(input)
        var endsLine = false
        for index in bytes.indices.reversed() {
            switch bytes[index] {
            case 0x0d, 0x0a: endsLine = true
            case 0x09 where endsLine: bytes[index] = 0x20
            case 0x20: break
            default: endsLine = false
            }
        }
        return bytes
    }

    /// What is wrong with our reading, given llhttp's; nil when nothing is.
    static func difference(_ ours: HTTPReading, _ theirs: LLHTTPReading) -> String? {
        for (index, request) in ours.requests.enumerated() {
            // llhttp knows a fixed list of methods; we leave unknown ones to the routes, which refuse them.
            if request.parsed.method == .other { return nil }
            guard index < theirs.requests.count else { return "llhttp refuses request \(index): \(theirs.error ?? "")" }
            if let difference = request.difference(theirs.requests[index]) {
                return "request \(index): \(difference)"
            }
        }
        let isOpen = ours.rejection == nil && (ours.requests.last?.parsed.keepAlive ?? true)
        if isOpen, theirs.requests.count > ours.requests.count { return "llhttp sees a request that we do not" }
        return nil
    }

    private static func route(_ request: HTTPRequest, _ bytes: UnsafeRawBufferPointer) {
        var sections = FixtureSections()
        let routed = Router().route(request, bytes, now: SaleFixture.start, random: (1, 2), sections: &sections)
        guard case .problem(let problem, let reply) = routed else { return }
        var writer = ResponseWriter()
        _ = writer.write(problem, reply)
    }

    static let seeds: [[UInt8]] = [
        "GET / HTTP/1.1\r\nHost: a\r\n\r\n",
        "GET /health HTTP/1.0\r\n\r\n",
        "POST /api/v1/capacity/floor/reserve HTTP/1.1\r\nHost: a:80\r\nContent-Type: application/json\r\n"
            + "Idempotency-Key: k-1\r\nX-Tenant-Id: shop\r\nX-Customer-Id: ada\r\nContent-Length: 35\r\n\r\n"
            + "{\"quantity\":2,\"customer_id\":\"ada\"}  GET /a?b=%20 HTTP/1.1\r\nhost:b\r\nConnection: close\r\n\r\n",
        "PUT /api/v1/events/gala HTTP/1.1\r\nHost: a\r\nIf-Match: \"1\"\r\nIf-None-Match: W/\"2\", *\r\nExpect: 100-continue\r\n"
            + "Content-Length: 2\r\nContent-Type: application/json; charset=utf-8\r\n\r\n{}",
        "POST /a HTTP/1.1\r\nHost: a\r\nTransfer-Encoding: chunked\r\n\r\n0\r\n\r\n",
        "GET /api/v1/events?limit=3&cursor=YQ HTTP/1.1\r\nHost: a\r\nAccept: */*\r\nAuthorization: Bearer a\r\n"
            + "Last-Event-ID: 4\r\nX-Request-Id: r\r\n\r\nDELETE /api/v1/events/gala HTTP/1.1\r\nHost: a\r\n\r\n",
        "PATCH /api/v1/events/gala/capacity/total HTTP/1.1\r\nHost: [::1]:8080\r\n X: folded\r\n\r\n",
        "POST /api/v1/batch HTTP/1.1\r\nHost: a\r\nContent-Type: application/x-ndjson\r\nContent-Length: 15\r\n\r\n"
            + "{\"op\":\"refund\"}",
        "POST /api/v1/events/gala/pricing HTTP/1.1\r\nHost: a\r\nContent-Type: application/json\r\nContent-Length: 59\r\n\r\n"
            + "{\"name\":\"Standard\",\"base_price\":50.00,\"service_fee\":5.00}\r\n",
    ].map { Array($0.utf8) }
}

/// What our parser makes of a run of bytes, fed chunk by chunk, the way a connection does.
struct HTTPReading: Equatable {
    struct Request: Equatable {
        /// Its ranges count from the request's first byte.
        var parsed: HTTPRequest
        var method: [UInt8]
        var target: [UInt8]
        /// The fields that mean something to the server, by their names in lowercase.
        var fields: [String: [UInt8]]
        var body: [UInt8]
        var endOffset: Int
    }

    private(set) var requests: [Request] = []
    private(set) var rejection: HTTPRejection?

    init(_ input: UnsafeRawBufferPointer, chunk: () -> Int = { .max }) {
        var parser = RequestParser(limits: RequestLimits())
        var start = 0
        var received = 0
        while received < input.count {
            received += min(input.count - received, chunk())
            reading: while start < received {
                let rest = UnsafeRawBufferPointer(rebasing: input[start..<received])
                switch parser.parse(rest) {
                case .needMore: break reading
                case .request(let request, let consumedBytes):
                    start += consumedBytes
                    requests.append(Request(request, rest, endOffset: start))
                    if !request.keepAlive { return }
                case .failure(let rejection):
                    self.rejection = rejection
                    return
                }
            }
        }
    }
}

extension HTTPReading.Request {
    fileprivate init(_ request: HTTPRequest, _ bytes: UnsafeRawBufferPointer, endOffset: Int) {
        parsed = request
        method = Array(bytes.prefix { $0 != 0x20 })
        target = Array(bytes[request.path])
        if !request.query.isAbsent { target += [UInt8(ascii: "?")] + bytes[request.query] }
        let places: [(String, ByteRange)] = [
            ("idempotency-key", request.idempotencyKey), ("x-tenant-id", request.tenantId),
            ("x-customer-id", request.customerId), ("content-type", request.contentType), ("if-match", request.ifMatch),
            ("if-none-match", request.ifNoneMatch), ("x-request-id", request.requestId),
            ("authorization", request.authorization), ("last-event-id", request.lastEventId),
            ("accept", request.accept),
        ]
        fields = [:]
        for (name, place) in places where !place.isAbsent { fields[name] = Array(bytes[place]) }
        body = Array(bytes[request.body])
        self.endOffset = endOffset
    }

    /// In what it differs from the same request as llhttp read it; nil when it doesn't.
    fileprivate func difference(_ theirs: LLHTTPReading.Request) -> String? {
        func differs<Value: Equatable>(_ what: String, _ ours: Value, _ theirs: Value) -> String? {
            ours == theirs ? nil : "\(what) is \(ours) to us, \(theirs) to llhttp"
        }
        func text(_ bytes: [UInt8]) -> String { String(decoding: bytes, as: UTF8.self).debugDescription }
        if let difference = differs("the method", text(method), text(theirs.method))
            ?? differs("the target", text(target), text(theirs.target))
            ?? differs("the body", text(body), text(theirs.body)) ?? differs("the end", endOffset, theirs.endOffset)
        {
            return difference
        }
        for (name, _) in theirs.fields where fields[name] == nil && Self.known.contains(name) {
            return "only llhttp sees the field \(name)"
        }
        for (name, value) in fields {
            guard let first = theirs.fields.first(where: { $0.name == name }) else { return "llhttp has no \(name)" }
            if let difference = differs(name, text(value), text(first.value)) { return difference }
        }
        // A connection that we leave open and a proxy closes, or the other way round, only costs a connection.
        return nil
    }

    private static let known: Set<String> = [
        "idempotency-key", "x-tenant-id", "x-customer-id", "content-type", "if-match", "if-none-match", "x-request-id",
        "authorization", "last-event-id", "accept",
    ]
}
