/// Why a request is refused before any route sees it. The connection answers and closes.
struct HTTPRejection: Error, Sendable {
    let status: HTTPStatus
    /// Stable, for programs: SCREAMING_SNAKE.
    let code: StaticString
    /// For people: a sentence.
    let reason: StaticString

    static func malformed(_ reason: StaticString) -> HTTPRejection {
        HTTPRejection(status: .badRequest, code: "MALFORMED_REQUEST", reason: reason)
    }

    static let targetTooLong = HTTPRejection(
        status: .uriTooLong,
        code: "URI_TOO_LONG",
        reason: "The request line is longer than this server reads."
    )
    static let headTooLarge = HTTPRejection(
        status: .headerFieldsTooLarge,
        code: "HEADERS_TOO_LARGE",
        reason: "The header fields are larger or more numerous than this server reads."
    )
    static let bodyTooLarge = HTTPRejection(
        status: .contentTooLarge,
        code: "BODY_TOO_LARGE",
        reason: "The body is larger than this route accepts."
    )
    static let transferEncoding = HTTPRejection(
        status: .notImplemented,
        code: "TRANSFER_ENCODING_UNSUPPORTED",
        reason: "Transfer-Encoding is not supported; send a Content-Length."
    )
    static let version = HTTPRejection(
        status: .versionNotSupported,
        code: "HTTP_VERSION_UNSUPPORTED",
        reason: "This server speaks HTTP/1.1."
    )
    static let expectation = HTTPRejection(
        status: .expectationFailed,
        code: "EXPECTATION_UNSUPPORTED",
        reason: "The only expectation this server meets is 100-continue."
    )
    static let timeout = HTTPRejection(
        status: .requestTimeout,
        code: "REQUEST_TIMEOUT",
        reason: "The request did not arrive completely in time."
    )
    static let tooManyLargeRequests = HTTPRejection(
        status: .serviceUnavailable,
        code: "TOO_MANY_LARGE_REQUESTS",
        reason: "The server has as many large requests at once as it takes; nothing has happened, try again shortly."
    )
    static let tooManyConnections = HTTPRejection(
        status: .serviceUnavailable,
        code: "TOO_MANY_CONNECTIONS",
        reason: "The server has as many connections as it accepts; try again shortly."
    )
    static let notEncrypted = HTTPRejection(
        status: .badRequest,
        code: "TLS_REQUIRED",
        reason: "This port speaks TLS only; use https."
    )
}

extension HTTPRejection: Equatable {
    static func == (left: HTTPRejection, right: HTTPRejection) -> Bool {
        left.status == right.status && left.code.description == right.code.description
            && left.reason.description == right.reason.description
    }
}

extension ResponseWriter {
    /// Writes a whole response.
    mutating func write(_ rejection: HTTPRejection, _ reply: borrowing ReplyContext) -> Range<Int> {
        var problem = ProblemDetails(
            status: rejection.status,
            code: rejection.code,
            title: rejection.status.phrase,
            detail: rejection.reason.description
        )
        if rejection.status == .serviceUnavailable { problem.retryAfterSeconds = 1 }
        return reply.withRequestID { writeProblem(problem, requestId: $0) }
    }
}
