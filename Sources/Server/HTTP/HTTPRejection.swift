/// Why a request is refused before any route sees it. The connection answers and closes.
struct HTTPRejection: Error, Sendable {
    let status: HTTPStatus
    /// Stable, for programs: SCREAMING_SNAKE.
    let code: StaticString
    /// Short, and the same for every occurrence of the code.
    let title: StaticString
    /// For people: a sentence.
    let reason: StaticString

    static func malformed(_ reason: StaticString) -> HTTPRejection {
        HTTPRejection(status: .badRequest, code: "MALFORMED_REQUEST", title: "Malformed request", reason: reason)
    }

    static let targetTooLong = HTTPRejection(
        status: .uriTooLong,
        code: "URI_TOO_LONG",
        title: "URI too long",
        reason: "The request line is longer than this server reads."
    )
    static let headTooLarge = HTTPRejection(
        status: .headerFieldsTooLarge,
        code: "HEADERS_TOO_LARGE",
        title: "Headers too large",
        reason: "The header fields are larger or more numerous than this server reads."
    )
    static let bodyTooLarge = HTTPRejection(
        status: .contentTooLarge,
        code: "BODY_TOO_LARGE",
        title: "Body too large",
        reason: "The body is larger than this route accepts."
    )
    static let transferEncoding = HTTPRejection(
        status: .notImplemented,
        code: "TRANSFER_ENCODING_UNSUPPORTED",
        title: "Transfer encoding unsupported",
        reason: "Transfer-Encoding is not supported; send a Content-Length."
    )
    static let version = HTTPRejection(
        status: .versionNotSupported,
        code: "HTTP_VERSION_UNSUPPORTED",
        title: "HTTP version unsupported",
        reason: "This server speaks HTTP/1.1."
    )
    static let expectation = HTTPRejection(
        status: .expectationFailed,
        code: "EXPECTATION_UNSUPPORTED",
        title: "Expectation unsupported",
        reason: "The only expectation this server meets is 100-continue."
    )
    static let timeout = HTTPRejection(
        status: .requestTimeout,
        code: "REQUEST_TIMEOUT",
        title: "Request timeout",
        reason: "The request did not arrive completely in time."
    )
    static let tooManyLargeRequests = HTTPRejection(
        status: .serviceUnavailable,
        code: "TOO_MANY_LARGE_REQUESTS",
        title: "Too many large requests",
        reason: "The server has as many large requests at once as it takes; nothing has happened, try again shortly."
    )
    static let tooManyConnections = HTTPRejection(
        status: .serviceUnavailable,
        code: "TOO_MANY_CONNECTIONS",
        title: "Too many connections",
        reason: "The server has as many connections as it accepts; try again shortly."
    )
    static let notEncrypted = HTTPRejection(
        status: .badRequest,
        code: "TLS_REQUIRED",
        title: "TLS required",
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
            title: rejection.title.description,
            detail: rejection.reason.description
        )
        if rejection.status == .serviceUnavailable { problem.retryAfterSeconds = 1 }
        return reply.withRequestID { writeProblem(problem, requestId: $0) }
    }
}
