/// An answer that says what went wrong (RFC 9457), the same shape for every refusal.
struct ProblemDetails: Error, Sendable {
    /// What is wrong with one field of the request; `field` as in `items[1].quantity`.
    struct FieldError: Equatable, Sendable {
        let field: String
        let message: String
    }

    let status: HTTPStatus
    /// Stable, for programs: SCREAMING_SNAKE.
    let code: StaticString
    /// Short and the same for every occurrence of the code.
    let title: String
    /// What happened this time; nil when the title says it all.
    var detail: String?
    var errors: [FieldError] = []
    /// With 429 and 503: when to try again.
    var retryAfterSeconds: Int64?
}

extension ResponseWriter {
    /// Writes a whole response from a problem.
    /// - Parameter requestId: visible ASCII; goes into the body and into X-Request-Id.
    mutating func writeProblem(
        _ problem: ProblemDetails,
        requestId: UnsafeRawBufferPointer,
        omitBody: Bool = false
    ) -> Range<Int> {
        begin(problem.status, .problem)
        header("X-Request-Id", requestId)
        if let seconds = problem.retryAfterSeconds { header("Retry-After", seconds) }
        beginBody()
        bytes.beginObject()
        writeType(of: problem)
        bytes.field("title", problem.title)
        bytes.field("status", Int64(problem.status.rawValue))
        if let detail = problem.detail { bytes.field("detail", detail) }
        bytes.field("code", problem.code)
        bytes.field("request_id", requestId)
        if !problem.errors.isEmpty { writeErrors(problem.errors) }
        bytes.endObject()
        return end(omitBody: omitBody)
    }

    /// The type is a place in this server's own documentation.
    private mutating func writeType(of problem: ProblemDetails) {
        bytes.key("type")
        bytes.append("\"/docs#")
        bytes.append(problem.code)
        bytes.append("\"")
    }

    private mutating func writeErrors(_ errors: [ProblemDetails.FieldError]) {
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
}
