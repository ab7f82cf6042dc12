import Testing

@testable import Server

@Suite struct ResponseWriterTests {
    private func text(of writer: borrowing ResponseWriter, _ range: Range<Int>) -> String {
        writer.bytes.withBytes(in: range) { String(decoding: $0, as: UTF8.self) }
    }

    @Test func aBodyGetsItsLengthAfterwards() {
        var writer = ResponseWriter(capacity: 64)
        writer.setDate(epochSeconds: 784_111_777)
        writer.begin(.created, .json)
        writer.header("Location", "/api/v1/events/evt_1")
        writer.header("Retry-After", 3)
        writer.beginBody()
        writer.bytes.beginObject()
        writer.bytes.field("a", 1)
        writer.bytes.endObject()
        let first = writer.end()
        writer.begin(.ok)
        let second = writer.end()
        let head = "HTTP/1.1 201 Created\r\nDate: Sun, 06 Nov 1994 08:49:37 GMT\r\nContent-Type: application/json\r\n"
        #expect(
            text(of: writer, first) == head
                + "Location: /api/v1/events/evt_1\r\nRetry-After: 3\r\nContent-Length: 7\r\n\r\n{\"a\":1}"
        )
        let empty = "HTTP/1.1 200 OK\r\nDate: Sun, 06 Nov 1994 08:49:37 GMT\r\nContent-Length: 0\r\n\r\n"
        #expect(text(of: writer, second) == empty)
    }

    @Test(arguments: [0, 1, 9, 10, 99, 100, 12_345])
    func theLengthIsExactAndHeadLeavesOnlyTheBodyOut(bodyBytes: Int) {
        let body = String(repeating: "x", count: bodyBytes)
        let head = "HTTP/1.1 200 OK\r\nContent-Type: text/html; charset=utf-8\r\nContent-Length: \(bodyBytes)\r\n\r\n"
        for omitBody in [false, true] {
            var writer = ResponseWriter()
            writer.begin(.ok, .html)
            writer.beginBody()
            writer.bytes.append(body)
            let range = writer.end(omitBody: omitBody)
            #expect(text(of: writer, range) == head + (omitBody ? "" : body))
        }
    }

    @Test func noContentHasNeitherLengthNorType() {
        var writer = ResponseWriter()
        writer.begin(.noContent, .json)
        #expect(text(of: writer, writer.end()) == "HTTP/1.1 204 No Content\r\n\r\n")
        writer.begin(.notModified)
        writer.header("ETag", "\"7\"")
        #expect(text(of: writer, writer.end()) == "HTTP/1.1 304 Not Modified\r\nETag: \"7\"\r\n\r\n")
    }

    @Test func aProblemHasOneShape() {
        var problem = ProblemDetails(status: .unprocessableContent, code: "INVALID_REQUEST", title: "Invalid request")
        problem.detail = "say \"no\""
        problem.errors = [.init(field: "items[1].quantity", message: "must be from 1 to 10")]
        problem.retryAfterSeconds = 2
        var writer = ResponseWriter()
        var requestId = "req_1"
        let range = requestId.withUTF8 { writer.writeProblem(problem, requestId: UnsafeRawBufferPointer($0)) }
        let body =
            #"{"type":"/docs#INVALID_REQUEST","title":"Invalid request","status":422,"detail":"say \"no\"","#
            + #""code":"INVALID_REQUEST","request_id":"req_1","#
            + #""errors":[{"field":"items[1].quantity","message":"must be from 1 to 10"}]}"#
        #expect(
            text(of: writer, range)
                == "HTTP/1.1 422 Unprocessable Content\r\nContent-Type: application/problem+json\r\nX-Request-Id: req_1\r\n"
                + "Retry-After: 2\r\nContent-Length: \(body.utf8.count)\r\n\r\n\(body)"
        )
    }

    @Test func everyStatusLineSaysItsCode() {
        for code in UInt16(100)...599 {
            guard let status = HTTPStatus(rawValue: code) else { continue }
            let line = status.statusLine.description
            #expect(line.hasPrefix("HTTP/1.1 \(code) ") && line.hasSuffix("\r\n"))
        }
    }
}
