import Testing

@testable import Engine
@testable import Server
@testable import WAL

/// Negative controls: each comparison that a fuzz target makes must be able to fail.
@Suite struct OracleTests {
    @Test func aMovedBoundaryIsADifference() {
        let bytes = Array("GET /a HTTP/1.1\r\nHost: a\r\n\r\nGET /b HTTP/1.1\r\nHost: a\r\n\r\n".utf8)
        bytes.withUnsafeBytes { bytes in
            let theirs = LLHTTPReading(bytes)
            let ours = HTTPReading(bytes)
            #expect(ours.requests.count == 2)
            #expect(HTTPTarget.difference(ours, theirs) == nil)
            let shorter = HTTPReading(UnsafeRawBufferPointer(rebasing: bytes[..<(bytes.count / 2)]))
            #expect(HTTPTarget.difference(shorter, theirs) != nil)
            #expect(HTTPTarget.difference(ours, LLHTTPReading(UnsafeRawBufferPointer(rebasing: bytes[1...]))) != nil)
        }
    }

    @Test func anotherValueIsADifference() throws {
        #expect(throws: Never.self) { try JSONValue.string("a").check(against: "a") }
        #expect(throws: Finding.self) { try JSONValue.string("a").check(against: "b") }
        #expect(throws: Finding.self) { try JSONValue.list([.null]).check(against: [Any]()) }
        #expect(throws: Finding.self) { try JSONValue.number("1.5", integer: nil, decimal: 1_500).check(against: 1.5) }
    }

    @Test func mendedDamageGetsBehindTheChecksums() throws {
        // The first batch's payload, changed under a checksum that is made right again: it is delivered as it is now.
        #expect(throws: Never.self) { try run(.log, [0, 1, 0x88, 0x10, 0, 0xAA]) }
        #expect(throws: Never.self) { try run(.log, [2, 1, 0x88, 0x10, 0, 0xAA]) }
        var file = LogImage.sound[1]
        #expect(file.wholeRecords.count == 6)
        file.bytes[0x1088] ^= 1
        #expect(file.wholeRecords.count == 3)
        file.mend(headers: false, bodies: true, chain: false)
        #expect(file.wholeRecords.count == 6)
    }

    private func run(_ target: FuzzTarget, _ input: [UInt8]) throws { try input.withUnsafeBytes { try target.run($0) } }
}
