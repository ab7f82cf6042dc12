@testable import Server

/// A request with its parts copied out, for comparing.
struct ParsedRequest: Equatable {
    var method: String
    var target: String
    var headers: [String: String]
    var bodyBytes: Int
    var endOffset: Int
    var keepAlive: Bool

    init(method: String, target: String, headers: [String: String], bodyBytes: Int, endOffset: Int, keepAlive: Bool) {
        self.method = method
        self.target = target
        self.headers = headers
        self.bodyBytes = bodyBytes
        self.endOffset = endOffset
        self.keepAlive = keepAlive
    }

    init(_ request: HTTPRequest, _ bytes: UnsafeRawBufferPointer, endOffset: Int) {
        method = text(UnsafeRawBufferPointer(rebasing: bytes.prefix { $0 != 0x20 }))
        target = text(bytes[request.path])
        if !request.query.isAbsent { target += "?" + text(bytes[request.query]) }
        headers = [:]
        for (name, place) in Self.fields where !request[keyPath: place].isAbsent {
            headers[name] = text(bytes[request[keyPath: place]])
        }
        bodyBytes = Int(request.body.count)
        self.endOffset = endOffset
        keepAlive = request.keepAlive
    }

    /// The fields whose values the parser hands out; `accept` is left out, it may be sent more than once.
    nonisolated(unsafe) static let fields: [(String, KeyPath<HTTPRequest, ByteRange>)] = [
        ("idempotency-key", \.idempotencyKey), ("x-tenant-id", \.tenantId), ("x-customer-id", \.customerId),
        ("content-type", \.contentType), ("if-match", \.ifMatch), ("if-none-match", \.ifNoneMatch),
        ("x-request-id", \.requestId), ("authorization", \.authorization), ("last-event-id", \.lastEventId),
    ]
}

/// What a parser made of a run of bytes.
struct ParsedRun: Equatable {
    var requests: [ParsedRequest] = []
    var rejection: HTTPRejection?

    /// Feeds our parser chunk by chunk, the way a connection does.
    init(_ bytes: [UInt8], limits: RequestLimits = RequestLimits(), chunk: () -> Int = { .max }) {
        var parser = RequestParser(limits: limits)
        var start = 0
        var received = 0
        bytes.withUnsafeBytes { bytes in
            while received < bytes.count {
                received += min(bytes.count - received, max(1, chunk()))
                while start < received {
                    let rest = UnsafeRawBufferPointer(rebasing: bytes[start..<received])
                    switch parser.parse(rest) {
                    case .needMore: break
                    case .request(let request, let consumedBytes):
                        start += consumedBytes
                        requests.append(ParsedRequest(request, rest, endOffset: start))
                        if !request.keepAlive { return }
                        continue
                    case .failure(let rejection):
                        self.rejection = rejection
                        return
                    }
                    break
                }
            }
        }
    }
}

func text(_ bytes: UnsafeRawBufferPointer) -> String { String(decoding: bytes, as: UTF8.self) }
