import Engine

/// A refusal as a client sees it (RFC 9457), built without touching the heap unless single fields are named.
struct Problem: Error, Sendable {
    var status: HTTPStatus
    /// Stable, for programs: SCREAMING_SNAKE.
    var code: StaticString
    /// Short, and the same for every occurrence of the code.
    var title: StaticString
    /// What was asked this time, and what was there.
    var detail: Sentence
    /// Every field that has a value it can't take; empty for other problems.
    var errors: [ProblemDetails.FieldError] = []
    /// With a limit of the sale: what was asked, and what the limit is.
    var numbers = ProblemNumbers()
    /// With 405: what the path does allow.
    var allowed: AllowedMethods = []
    /// With 503: when to try again; 0 where there is nothing to say.
    var retryAfterSeconds: UInt32 = 0
    /// With 410 of the log: the oldest position that it has; 0 for other problems.
    var oldestPosition: UInt64 = 0
    /// With 401 and 403: the value of `WWW-Authenticate`; empty where there is nothing to say.
    var challenge: StaticString = ""

    init(_ status: HTTPStatus, _ code: StaticString, _ title: StaticString, _ detail: Sentence) {
        self.status = status
        self.code = code
        self.title = title
        self.detail = detail
    }
}

// MARK: - Problems of requests

extension Problem {
    static var routeNotFound: Problem {
        Problem(.notFound, "ROUTE_NOT_FOUND", "Route not found", "This server has nothing at this path.")
    }

    static func methodNotAllowed(_ allowed: AllowedMethods) -> Problem {
        var problem = Problem(
            .methodNotAllowed,
            "METHOD_NOT_ALLOWED",
            "Method not allowed",
            "This path answers to \(allowed.fieldValue)."
        )
        problem.allowed = allowed
        return problem
    }

    static var malformedTarget: Problem {
        Problem(.badRequest, "MALFORMED_TARGET", "Malformed target", "The path or the query can't be decoded.")
    }

    static func invalidHeader(_ detail: Sentence) -> Problem {
        Problem(.badRequest, "INVALID_HEADER", "Invalid header field", detail)
    }

    static var unsupportedMediaType: Problem {
        Problem(
            .unsupportedMediaType,
            "UNSUPPORTED_MEDIA_TYPE",
            "Unsupported media type",
            "A body must come with Content-Type: application/json."
        )
    }

    static var idempotencyKeyRequired: Problem {
        Problem(
            .preconditionRequired,
            "IDEMPOTENCY_KEY_REQUIRED",
            "Idempotency key required",
            "This request changes something: it needs an Idempotency-Key."
        )
    }

    static var customerMismatch: Problem {
        Problem(
            .forbidden,
            "CUSTOMER_MISMATCH",
            "Another customer",
            "A customer may act only in the customer's own name."
        )
    }

    static func preconditionFailed(_ detail: Sentence) -> Problem {
        Problem(.preconditionFailed, "PRECONDITION_FAILED", "Precondition failed", detail)
    }

    static func malformedBody(_ error: JSONError) -> Problem {
        guard !error.field.isEmpty else {
            return Problem(
                .badRequest,
                "MALFORMED_BODY",
                "Malformed body",
                "The body can't be read as JSON: \(error.message)."
            )
        }
        return Problem(
            .badRequest,
            "MALFORMED_BODY",
            "Malformed body",
            "The body can't be read as JSON: \(error.message) (in \(error.field))."
        )
    }

    static func validationFailed(_ errors: [ProblemDetails.FieldError]) -> Problem {
        var problem = Problem(
            .unprocessableContent,
            "VALIDATION_FAILED",
            "Validation failed",
            "\(errors.count) of the request's values can't be taken; see errors."
        )
        problem.errors = errors
        return problem
    }

    /// Refused unread by the engine, because its answer would come too late.
    static var overloaded: Problem {
        var problem = Problem(
            .serviceUnavailable,
            "OVERLOADED",
            "Too busy",
            "More has arrived than can be answered in time; nothing has happened. Send the request again."
        )
        problem.retryAfterSeconds = 1
        return problem
    }

    /// Whoever listens to something may as well ask again and again.
    static var tooManyStreams: Problem {
        var problem = Problem(
            .serviceUnavailable,
            "TOO_MANY_STREAMS",
            "Too many streams",
            "The server has as many streams as it takes; ask without one, or try again later."
        )
        problem.retryAfterSeconds = 10
        return problem
    }

    static func unavailable(_ reason: Unavailability) -> Problem {
        var problem =
            switch reason {
            case .logSaturated:
                Problem(
                    .serviceUnavailable,
                    "LOG_SATURATED",
                    "Too busy",
                    "More is waiting to be written than the limit; nothing has happened. Send the request again."
                )
            case .storageFull:
                Problem(
                    .serviceUnavailable,
                    "STORAGE_FULL",
                    "Storage full",
                    "The server has no room to record more; nothing has happened. Send the request again later."
                )
            case .closed:
                Problem(
                    .serviceUnavailable,
                    "SHUTTING_DOWN",
                    "Shutting down",
                    "The server takes no more requests; nothing has happened. Send the request again."
                )
            }
        // Room comes back when somebody makes some, or with the next snapshot.
        problem.retryAfterSeconds = reason == .storageFull ? 10 : 1
        return problem
    }
}

// MARK: - Rendering

extension ResponseWriter {
    /// Writes a whole response from a problem.
    @discardableResult
    mutating func write(_ problem: borrowing Problem, _ reply: borrowing ReplyContext) -> Range<Int> {
        write(problem, reply) { _ in }
    }

    /// The same with members of the problem's own (RFC 9457, 3.2).
    mutating func write(
        _ problem: borrowing Problem,
        _ reply: borrowing ReplyContext,
        members: (inout ByteWriter) -> Void
    ) -> Range<Int> {
        problems?.count(problem.code)
        begin(problem.status, .problem)
        echo(reply)
        if problem.status == .methodNotAllowed { header("Allow", problem.allowed.fieldValue) }
        if problem.challenge.utf8CodeUnitCount > 0 { header("WWW-Authenticate", "\(problem.challenge)") }
        if problem.retryAfterSeconds > 0 { retryAfter(seconds: problem.retryAfterSeconds) }
        beginBody()
        bytes.beginObject()
        bytes.key("type")
        bytes.append("\"/docs#")
        bytes.append(problem.code)
        bytes.append("\"")
        bytes.field("title", problem.title)
        bytes.field("status", Int64(problem.status.rawValue))
        problem.detail.withBytes { bytes.field("detail", $0) }
        bytes.field("code", problem.code)
        reply.withRequestID { bytes.field("request_id", $0) }
        if problem.numbers.count > 0 { bytes.numbers(problem.numbers) }
        if problem.oldestPosition > 0 { bytes.field("oldest_position", Int64(problem.oldestPosition)) }
        if !problem.errors.isEmpty { write(problem.errors) }
        members(&bytes)
        bytes.endObject()
        return end(omitBody: reply.isHead)
    }

    private mutating func write(_ errors: [ProblemDetails.FieldError]) {
        bytes.key("errors")
        bytes.beginArray()
        for error in errors {
            bytes.beginObject()
            bytes.field("field", error.field)
            bytes.field("message", error.message)
            bytes.endObject()
        }
        bytes.endArray()
    }

    /// What the request is called: every answer says it.
    mutating func echo(_ reply: borrowing ReplyContext) {
        if isWritingLines { return }
        reply.withRequestID { header("X-Request-Id", $0) }
    }
}
