import Auth
import Engine
import Glibc

/// A batch whose head has been read: who asks, and where in the request the lines are.
struct BatchRequest: Sendable {
    /// The body, in bytes.
    static let bodyBytesMax = 4 << 20
    /// Lines of a batch, blank ones included.
    static let linesMax = 10_000
    /// One line, in bytes: what a single request's body may have.
    static let lineBytesMax = 64 << 10
    /// Bytes of an answer from which on no more lines are tried.
    static let answerBytesMax = 12 << 20
    /// What the answer to a line has on average, for setting memory aside.
    static let lineAnswerBytes = 1_024

    /// Tenant and principal; the rest is each line's own.
    let context: CommandContext
    /// Nil where no tokens are asked for.
    let role: Role?
    let reply: ReplyContext
    let body: ByteRange
    let lineCount: Int

    /// Memory to be set aside for the body and the answer.
    var expectedBytes: Int { Int(body.count) + lineCount * Self.lineAnswerBytes }

    /// The limit of a route's body, asked for those beyond the general one. In bytes.
    static func bodyBytesMax(of method: HTTPMethod, _ path: UnsafeRawBufferPointer) -> Int {
        if method == .post, path.equals("/api/v1/batch") { return bodyBytesMax }
        if method == .post, path.equals("/api/v1/tickets/validate") { return ScanFields.bodyBytesMax }
        return RequestLimits().bodyBytesMax
    }
}

extension Call {
    /// Reads everything of a batch but its lines.
    func batch() throws(Problem) -> BatchRequest {
        guard request.idempotencyKey.isAbsent else {
            throw .invalidHeader("A batch has no Idempotency-Key: each line has an idempotency_key of its own.")
        }
        let type = bytes[request.contentType]
        guard Self.isType(type, "x-ndjson") || Self.isType(type, "ndjson") || Self.isType(type, "jsonl") else {
            throw .notLines
        }
        let lines = Self.lineCount(body)
        guard lines <= BatchRequest.linesMax else { throw .tooManyLines }
        var remaining = BatchLines(body)
        guard remaining.next() != nil else { throw .emptyBatch }
        return BatchRequest(context: context, role: role, reply: reply, body: request.body, lineCount: lines)
    }

    /// Line feeds, and one more where the last line has none.
    private static func lineCount(_ body: UnsafeRawBufferPointer) -> Int {
        var count = 0
        var offset = 0
        while offset < body.count, let found = memchr(body.baseAddress! + offset, 0x0A, body.count - offset) {
            count += 1
            offset = UnsafeRawPointer(found) - body.baseAddress! + 1
        }
        return body.last == UInt8(ascii: "\n") || body.isEmpty ? count : count + 1
    }
}

/// The lines of a batch without their line feeds; blank ones are passed over.
struct BatchLines {
    private let body: UnsafeRawBufferPointer
    /// Where the next line begins, in bytes.
    private(set) var offset: Int

    init(_ body: UnsafeRawBufferPointer, from offset: Int = 0) {
        self.body = body
        self.offset = offset
    }

    mutating func next() -> UnsafeRawBufferPointer? {
        while offset < body.count {
            let start = body.baseAddress! + offset
            let rest = body.count - offset
            let end = memchr(start, Int32(UInt8(ascii: "\n")), rest).map { UnsafeRawPointer($0) - start } ?? rest
            offset += end + 1
            let line = UnsafeRawBufferPointer(start: start, count: end)
            if line.contains(where: { $0 != 0x20 && $0 != 0x09 && $0 != 0x0D }) { return line }
        }
        return nil
    }
}

extension Problem {
    static var notLines: Problem {
        Problem(
            .unsupportedMediaType,
            "UNSUPPORTED_MEDIA_TYPE",
            "Unsupported media type",
            "A batch must come with Content-Type: application/x-ndjson."
        )
    }

    static var tooManyLines: Problem {
        Problem(
            .contentTooLarge,
            "TOO_MANY_LINES",
            "Too many lines",
            "A batch may have \(BatchRequest.linesMax) lines; nothing of this one has been tried."
        )
    }

    static var emptyBatch: Problem {
        Problem(.badRequest, "EMPTY_BATCH", "Empty batch", "A batch has at least one line that is not blank.")
    }

    static var lineTooLarge: Problem {
        Problem(
            .contentTooLarge,
            "LINE_TOO_LARGE",
            "Line too large",
            "A line of a batch may have \(BatchRequest.lineBytesMax) bytes."
        )
    }

    static var tooManyBatches: Problem {
        var problem = Problem(
            .serviceUnavailable,
            "TOO_MANY_LARGE_REQUESTS",
            "Too many large requests",
            "The server has as many large requests at once as it takes; nothing has happened. Send the batch again."
        )
        problem.retryAfterSeconds = 1
        return problem
    }

    /// For the lines that a batch's answer has no room for.
    static var answerTooLarge: Problem {
        var problem = Problem(
            .serviceUnavailable,
            "BATCH_ANSWER_TOO_LARGE",
            "Answer too large",
            "The answers before take all the room there is; this line has not been tried. Send it in a batch of its own."
        )
        problem.retryAfterSeconds = 1
        return problem
    }
}
