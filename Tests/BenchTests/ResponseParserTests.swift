import Testing

@testable import Bench

@Suite struct ResponseParserTests {
    private static let response =
        "HTTP/1.1 200 OK\r\nServer: x\r\ncontent-LENGTH:  11 \r\nConnection: Close\r\nX-Long: \(String(repeating: "a", count: 300))\r\n\r\nhello world"

    /// Offers the bytes in two pieces, as a socket might, and answers the parser once it is done.
    private func parse(_ text: String, splitAt split: Int? = nil) throws -> ResponseParser? {
        let bytes = Array(text.utf8)
        var parser = ResponseParser()
        for end in [split, bytes.count].compactMap({ $0 }) {
            let isComplete = try bytes[..<end].withUnsafeBytes { try parser.parse($0) }
            if isComplete { return parser }
        }
        return nil
    }

    @Test func readsAResponseSplitAtEveryByte() throws {
        for split in 0..<Self.response.utf8.count {
            let parser = try #require(try parse(Self.response, splitAt: split), "split at \(split)")
            #expect(parser.status == 200)
            #expect(parser.bodyBytes == 11)
            #expect(parser.totalBytes == Self.response.utf8.count)
            #expect(parser.closesConnection)
        }
    }

    @Test func readsAResponseByteByByte() throws {
        let bytes = Array(Self.response.utf8)
        var parser = ResponseParser()
        for end in 0...bytes.count {
            let isComplete = try bytes[..<end].withUnsafeBytes { try parser.parse($0) }
            #expect(isComplete == (end == bytes.count), "after \(end) bytes")
        }
    }

    @Test func everyPrefixIsIncomplete() throws {
        for end in 0..<Self.response.utf8.count {
            #expect(
                try parse(String(decoding: Self.response.utf8.prefix(end), as: UTF8.self)) == nil,
                "after \(end) bytes"
            )
        }
    }

    @Test func aResponseWithoutABodyEndsWithItsHead() throws {
        let parser = try #require(try parse("HTTP/1.1 204 No Content\r\nDate: x\r\n\r\n"))
        #expect(parser.status == 204 && parser.bodyBytes == 0 && !parser.closesConnection)
    }

    @Test func anOlderServerClosesItsConnection() throws {
        let parser = try #require(try parse("HTTP/1.0 200 OK\r\nContent-Length: 0\r\n\r\n"))
        #expect(parser.closesConnection)
    }

    @Test func readsTheNextResponseAfterAReset() throws {
        var parser = try #require(try parse(Self.response))
        parser.reset()
        let next = Array("HTTP/1.1 409 Conflict\r\nContent-Length: 0\r\n\r\n".utf8)
        #expect(try next.withUnsafeBytes { try parser.parse($0) })
        #expect(parser.status == 409 && !parser.closesConnection)
    }

    @Test(arguments: [
        ("HTTP/2 200 OK\r\n\r\n", ResponseParser.ParseError.malformed),
        ("HTTP/1.1 2x0 OK\r\n\r\n", .malformed),
        ("HTTP/1.1 600 No\r\nContent-Length: 0\r\n\r\n", .malformed),
        ("HTTP/1.1 200 OK\nContent-Length: 0\n\n", .malformed),
        ("HTTP/1.1 200 OK\r\n\r\n", .malformed),
        ("HTTP/1.1 200 OK\r\nContent-Length: 1\r\nContent-Length: 1\r\n\r\na", .malformed),
        ("HTTP/1.1 200 OK\r\nContent-Length: -1\r\n\r\n", .malformed),
        ("HTTP/1.1 200 OK\r\nContent-Length: 99999999999999999999\r\n\r\n", .malformed),
        ("HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n", .chunked),
        ("HTTP/1.1 100 Continue\r\n\r\n", .interim),
        ("HTTP/1.1 200 OK\r\nContent-Length: 1\r\n\r\nab", .trailingBytes),
        ("HTTP/1.1 200 OK\r\nX: \(String(repeating: "a", count: 20_000))", .malformed),
    ])
    func refusesWhatItDoesNotUnderstand(text: String, error: ResponseParser.ParseError) {
        #expect(throws: error) { try parse(text) }
    }

    @Test func findsAnIdInABody() {
        func find(_ body: String) -> String? {
            var body = body
            return body.withUTF8 { bytes in
                BodyScanner.text(after: "\"id\":\"rsv_", keeping: 4, in: UnsafeRawBufferPointer(bytes))
                    .map { String(decoding: $0, as: UTF8.self) }
            }
        }
        #expect(find(#"{"message":"ok","reservation":{"id":"rsv_a1","event_id":"e"}}"#) == "rsv_a1")
        #expect(find(#"{"capacity":{"id":"sec_1"},"reservation":{"id":"rsv_b2"}}"#) == "rsv_b2")
        #expect(find(#"{"id":"rsv_cut"#) == nil)
        #expect(find(#"{"id":"rsv"#) == nil)
        #expect(find("") == nil)
    }
}
