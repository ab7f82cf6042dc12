import Glibc

/// A plain blocking client for what happens before and after the load: creating the sale, reading the stock.
/// One connection, one request at a time, every wait bounded.
final class SetupClient {
    static let timeoutSeconds = 30

    struct Response {
        let status: Int
        let body: [UInt8]

        var text: String { String(decoding: body, as: UTF8.self) }
    }

    enum Failure: Error, CustomStringConvertible {
        case connectionClosed
        case notUnderstood(ResponseParser.ParseError)
        case unexpectedStatus(request: String, status: Int, body: String)

        var description: String {
            switch self {
            case .connectionClosed: "the server closed the connection during setup"
            case .notUnderstood(let error): "the server's answer was not understood: \(error)"
            case .unexpectedStatus(let request, let status, let body): "\(request) answered \(status): \(body)"
            }
        }
    }

    private let endpoint: Endpoint
    private var descriptor: Int32

    init(endpoint: Endpoint) throws(SystemCallError) {
        self.endpoint = endpoint
        descriptor = try Socket.connect(to: endpoint, nonBlocking: false)
        try Socket.setTimeout(descriptor, seconds: Self.timeoutSeconds)
    }

    deinit {
        close(descriptor)
    }

    func get(_ path: String) throws -> Response {
        try exchange("GET \(path) HTTP/1.1\r\n\(endpoint.fields)\r\n")
    }

    func post(_ path: String, body: String, key: String) throws -> Response {
        try exchange(
            """
            POST \(path) HTTP/1.1\r
            \(endpoint.fields)Content-Type: application/json\r
            Idempotency-Key: \(key)\r
            Content-Length: \(body.utf8.count)\r
            \r
            \(body)
            """
        )
    }

    private func exchange(_ request: String) throws -> Response {
        try send(Array(request.utf8))
        var received: [UInt8] = []
        var parser = ResponseParser()
        while true {
            let more = try receive()
            received.append(contentsOf: more)
            do {
                guard try received.withUnsafeBytes({ try parser.parse($0) }) else { continue }
            } catch let error as ResponseParser.ParseError {
                throw Failure.notUnderstood(error)
            }
            if parser.closesConnection { try reconnect() }
            return Response(status: parser.status, body: Array(received[parser.headBytes...]))
        }
    }

    private func send(_ bytes: [UInt8]) throws {
        var sent = 0
        while sent < bytes.count {
            let count = bytes[sent...].withUnsafeBytes {
                Glibc.send(descriptor, $0.baseAddress, $0.count, Int32(MSG_NOSIGNAL))
            }
            guard count > 0 else { throw SystemCallError("send") }
            sent += count
        }
    }

    private func receive() throws -> [UInt8] {
        try withUnsafeTemporaryAllocation(byteCount: 64 * 1024, alignment: 1) { buffer in
            let count = recv(descriptor, buffer.baseAddress, buffer.count, 0)
            if count == 0 { throw Failure.connectionClosed }
            guard count > 0 else { throw SystemCallError("recv") }
            return Array(buffer[..<count])
        }
    }

    private func reconnect() throws {
        close(descriptor)
        descriptor = -1
        descriptor = try Socket.connect(to: endpoint, nonBlocking: false)
        try Socket.setTimeout(descriptor, seconds: Self.timeoutSeconds)
    }
}
