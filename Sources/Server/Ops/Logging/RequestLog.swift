import Logging
import NIOCore

/// Writes a line for each request that is to have one: what was asked of which route, what came of it, and how long it
/// took. Never who asked, for what, or with which body: route, status, code and the request's id lead to the rest.
///
/// One for each loop, used on that loop only.
final class RequestLog {
    private struct Pending {
        let sequence: UInt32
        let method: HTTPMethod
        let route: StaticString
        let began: NIODeadline
    }

    /// How much of an answer is searched for what it says of itself.
    private static let searchedBytesMax = 2_048

    private let logger: Logger
    private let requests: LoggedRequests
    private let linesMax: Int
    private var lines = 0
    private var leftOut = 0
    /// Requests that are not answered yet; as many as connections may have in flight.
    private var pending: [ObjectIdentifier: [Pending]] = [:]

    /// - Parameter linesMax: lines between two ticks.
    init(logger: Logger, requests: LoggedRequests, linesMax: Int) {
        self.logger = logger
        self.requests = requests
        self.linesMax = linesMax
    }

    func began(_ request: HTTPRequest, _ bytes: UnsafeRawBufferPointer, on connection: Connection, _ sequence: UInt32) {
        let segments = try? PathSegments(bytes[request.path])
        let endpoint = segments.flatMap { Endpoint.match($0)?.endpoint }
        pending[ObjectIdentifier(connection), default: []].append(
            Pending(
                sequence: sequence,
                method: request.method,
                route: endpoint?.path ?? "none",
                began: .now()
            )
        )
    }

    /// - Parameter answer: a whole response, or the head of a stream.
    func answered(on connection: Connection, _ sequence: UInt32, _ answer: UnsafeRawBufferPointer) {
        let request = take(sequence, of: connection)
        guard answer.count > 12, let status = Int(String(decoding: answer[9..<12], as: UTF8.self)) else { return }
        if requests == .errors, status < 400 { return }
        guard mayWrite() else { return }
        var metadata: Logger.Metadata = [
            "status": .stringConvertible(status),
            "bytes": .stringConvertible(answer.count),
            "request_id": .string(Self.text(after: "\r\nX-Request-Id: ", until: "\r", in: answer) ?? ""),
        ]
        if status >= 400, let code = Self.text(after: #""code":""#, until: "\"", in: answer) {
            metadata["code"] = .string(code)
        }
        if let request { describe(request, &metadata) }
        logger.info("request answered", metadata: metadata)
    }

    /// What is not answered by now never will be.
    func closed(_ connection: Connection) {
        guard let requests = pending.removeValue(forKey: ObjectIdentifier(connection)) else { return }
        for request in requests where mayWrite() {
            var metadata: Logger.Metadata = [:]
            describe(request, &metadata)
            logger.info("request not answered: its connection is gone", metadata: metadata)
        }
    }

    /// To be called once a second.
    func tick() {
        lines = 0
        guard leftOut > 0 else { return }
        logger.info("requests were left out of the log", metadata: ["left_out": .stringConvertible(leftOut)])
        leftOut = 0
    }

    private func mayWrite() -> Bool {
        guard lines < linesMax else {
            leftOut += 1
            return false
        }
        lines += 1
        return true
    }

    private func take(_ sequence: UInt32, of connection: Connection) -> Pending? {
        let key = ObjectIdentifier(connection)
        guard let index = pending[key]?.firstIndex(where: { $0.sequence == sequence }) else { return nil }
        let request = pending[key]?.remove(at: index)
        if pending[key]?.isEmpty == true { pending[key] = nil }
        return request
    }

    private func describe(_ request: Pending, _ metadata: inout Logger.Metadata) {
        metadata["method"] = .string("\(request.method)".uppercased())
        metadata["route"] = .string("\(request.route)")
        metadata["microseconds"] = .stringConvertible((NIODeadline.now() - request.began).nanoseconds / 1_000)
    }

    private static func text(
        after mark: StaticString,
        until end: Character,
        in answer: UnsafeRawBufferPointer
    ) -> String? {
        let searched = UnsafeRawBufferPointer(rebasing: answer.prefix(searchedBytesMax))
        let markBytes = UnsafeRawBufferPointer(start: mark.utf8Start, count: mark.utf8CodeUnitCount)
        guard searched.count > markBytes.count else { return nil }
        let found = (0..<(searched.count - markBytes.count)).first { offset in
            searched[offset] == markBytes[0] && searched[offset...].starts(with: markBytes)
        }
        guard let found else { return nil }
        let rest = searched[(found + markBytes.count)...]
        guard let last = rest.firstIndex(of: end.asciiValue!) else { return nil }
        return String(decoding: rest[..<last], as: UTF8.self)
    }
}
