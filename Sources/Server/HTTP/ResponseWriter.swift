/// The media types this server answers in.
enum ContentType: Sendable {
    case json, problem, text, metrics, html, eventStream, lines, svg

    var headerLine: StaticString {
        switch self {
        case .json: "Content-Type: application/json\r\n"
        case .problem: "Content-Type: application/problem+json\r\n"
        case .text: "Content-Type: text/plain; charset=utf-8\r\n"
        case .metrics: "Content-Type: text/plain; version=0.0.4; charset=utf-8\r\n"
        case .html: "Content-Type: text/html; charset=utf-8\r\n"
        case .eventStream: "Content-Type: text/event-stream\r\nCache-Control: no-store\r\n"
        case .lines: "Content-Type: application/x-ndjson\r\n"
        case .svg: "Content-Type: image/svg+xml\r\n"
        }
    }
}

/// Writes whole responses into one reusable buffer: `begin`, `header` as often as needed, then either `end`, or
/// `beginBody`, the body into `bytes`, and `end`.
///
/// Several responses may be written one after the other; `end` says where each of them lies. The connection adds
/// `Connection: close` to the last one it sends, so that nobody who writes a response needs to know.
///
/// Between `beginLines` and `endLines` the same calls write a line of a batch's answer instead of a response:
/// `{"status":409,"body":{…}}`. Header fields are left out there.
struct ResponseWriter: ~Copyable, Sendable {
    private enum Step { case idle, head, body }

    /// Room left for the digits of Content-Length: bodies stay below 10^9 bytes.
    private static let lengthDigits = 9

    /// Where bodies are written, between `beginBody` and `end`.
    var bytes: ByteWriter
    private var step = Step.idle
    private var start = 0
    private var lengthOffset = 0
    private var bodyOffset = 0
    private var forbidsBody = false
    private var isLine = false
    private var date = HTTPDate()
    /// Those of the loop on which it is written; nil where nobody counts.
    var problems: ProblemCounts?

    /// Whether what is written is a line of a batch's answer, which has no header fields.
    var isWritingLines: Bool { isLine }

    /// - Parameter capacity: bytes to begin with.
    init(capacity: Int = 4096, counting problems: ProblemCounts? = nil) {
        bytes = ByteWriter(capacity: capacity)
        self.problems = problems
    }

    /// - Parameter bytes: memory to write into.
    init(_ bytes: consuming ByteWriter) { self.bytes = bytes }

    /// The second that responses begun from here on carry as their Date; without one they carry none.
    mutating func setDate(epochSeconds: Int64) { date.set(epochSeconds: epochSeconds) }

    /// Forgets all responses, keeps the memory.
    mutating func removeAll() {
        bytes.removeAll()
        step = .idle
    }

    /// Begins a response. Without a content type it has no body.
    mutating func begin(_ status: HTTPStatus, _ contentType: ContentType? = nil) {
        precondition(step == .idle, "a response is begun before the last one ended")
        step = .head
        if isLine { return beginLine(status) }
        start = bytes.count
        forbidsBody = status.forbidsBody
        bytes.append(status.statusLine)
        date.append(to: &bytes)
        if let contentType, !forbidsBody { bytes.append(contentType.headerLine) }
    }

    /// - Parameters:
    ///   - name: as it goes on the wire, without the colon.
    ///   - value: without control characters: the caller's own text, or bytes that the request parser let through.
    mutating func header(_ name: StaticString, _ value: UnsafeRawBufferPointer) {
        if isLine { return }
        beginHeader(name)
        bytes.append(value)
        bytes.append("\r\n")
    }

    mutating func header(_ name: StaticString, _ value: String) {
        if isLine { return }
        beginHeader(name)
        bytes.append(value)
        bytes.append("\r\n")
    }

    mutating func header(_ name: StaticString, _ value: Int64) {
        if isLine { return }
        beginHeader(name)
        bytes.append(decimal: value)
        bytes.append("\r\n")
    }

    private mutating func beginHeader(_ name: StaticString) {
        precondition(step == .head, "a header field outside the head")
        bytes.append(name)
        bytes.append(": ")
    }

    /// Ends the head; what is written into `bytes` from here on is the body.
    mutating func beginBody() {
        precondition(step == .head, "a body without a head")
        step = .body
        if isLine { return bytes.append(",\"body\":") }
        bytes.append("Content-Length: ")
        lengthOffset = bytes.count
        bytes.append("000000000\r\n\r\n")
        bodyOffset = bytes.count
    }

    /// Ends the response and says where in `bytes` it lies.
    /// - Parameter omitBody: for HEAD: the length is told, the body left out.
    @discardableResult
    mutating func end(omitBody: Bool = false) -> Range<Int> {
        if isLine { return endLine() }
        switch step {
        case .idle: preconditionFailure("end without begin")
        case .head: bytes.append(forbidsBody ? "\r\n" : "Content-Length: 0\r\n\r\n")
        case .body: endBody(omitBody: omitBody)
        }
        step = .idle
        return start..<bytes.count
    }

    /// Ends the head of a response whose body is a stream: what follows is not written here.
    /// - Parameter isChunked: by HTTP/1.1's chunked coding, else until the connection is closed.
    /// - Returns: where in `bytes` the head lies.
    mutating func endStreamHead(isChunked: Bool) -> Range<Int> {
        precondition(step == .head && !isLine, "a stream without a head")
        if isChunked { header("Transfer-Encoding", "chunked") }
        bytes.append("\r\n")
        step = .idle
        return start..<bytes.count
    }

    private mutating func endBody(omitBody: Bool) {
        precondition(!forbidsBody, "a body where the status forbids one")
        let length = UInt64(bytes.count - bodyOffset)
        let digits = ByteWriter.decimalDigits(of: length)
        precondition(digits <= Self.lengthDigits)
        if omitBody { bytes.truncate(to: bodyOffset) }
        // The head moves towards the body, not the other way round: it is shorter.
        let unused = Self.lengthDigits - digits
        bytes.overwrite(decimal: length, digits: digits, at: lengthOffset + unused)
        bytes.move(start..<lengthOffset, by: unused)
        start += unused
    }
}

// MARK: - Lines

extension ResponseWriter {
    /// From here on each `begin` … `end` writes a line. Before the first response, or within a body.
    mutating func beginLines() {
        precondition(step != .head && !isLine, "lines within a head or within lines")
        isLine = true
        step = .idle
    }

    /// - Parameter isBody: whether the lines were the body of a response, which goes on.
    mutating func endLines() {
        precondition(isLine && step == .idle, "lines that have not begun, or one that has not ended")
        isLine = false
    }

    /// Ends lines that are the body of a response, and the response: it begins with the first of all bytes. Blanks
    /// before the length (RFC 9112, 5) are cheaper than moving a head away from so large a body, or the other way round.
    mutating func endResponseOfLines() {
        endLines()
        let length = UInt64(bytes.count - bodyOffset)
        let digits = ByteWriter.decimalDigits(of: length)
        precondition(digits <= Self.lengthDigits)
        bytes.overwrite(decimal: length, digits: digits, at: lengthOffset + Self.lengthDigits - digits)
        for offset in 0..<(Self.lengthDigits - digits) { bytes.overwrite(UInt8(ascii: " "), at: lengthOffset + offset) }
    }

    /// Seconds after which to try again: a header field of a response, a member of a line.
    mutating func retryAfter(seconds: UInt32) {
        guard isLine else { return header("Retry-After", Int64(seconds)) }
        bytes.append(",\"retry_after\":")
        bytes.append(decimal: Int64(seconds))
    }

    private mutating func beginLine(_ status: HTTPStatus) {
        bytes.append("{\"status\":")
        bytes.append(decimal: Int64(status.rawValue))
    }

    private mutating func endLine() -> Range<Int> {
        precondition(step != .idle, "end without begin")
        step = .idle
        bytes.append("}\n")
        return 0..<bytes.count
    }
}
