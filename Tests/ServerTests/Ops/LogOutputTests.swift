import Foundation
import Glibc
import Logging
import Testing

@testable import Server

/// Lines of the log, and what becomes of them when nobody reads.
@Suite struct LogOutputTests {
    private func pipe() throws -> (reading: Int32, writing: Int32) {
        var ends: [Int32] = [0, 0]
        try #require(Glibc.pipe(&ends) == 0)
        return (ends[0], ends[1])
    }

    private func text(_ bytes: [UInt8]) -> String { String(decoding: bytes, as: UTF8.self) }

    @Test func aReaderThatDoesNotReadHoldsNobodyUpAndHearsWhatItMissed() throws {
        let pipe = try pipe()
        let output = try LogOutput(descriptor: pipe.writing, format: .json)
        let long = String(repeating: "x", count: 1_000)
        let lines = 4_000
        let began = ContinuousClock.now
        for _ in 0..<lines { output.write(.info, long, [:]) }
        #expect(ContinuousClock.now - began < .seconds(10))

        var bytes: [UInt8] = []
        var chunk = [UInt8](repeating: 0, count: 1 << 16)
        var leftOut = 0
        var whole = 0
        while leftOut == 0 {
            let count = read(pipe.reading, &chunk, chunk.count)
            try #require(count > 0)
            bytes += chunk[..<count]
            while let end = bytes.firstIndex(of: UInt8(ascii: "\n")) {
                let line = try JSONSerialization.jsonObject(with: Data(bytes[..<end])) as? [String: Any]
                bytes.removeFirst(end + 1)
                whole += 1
                leftOut = (line?["metadata"] as? [String: Any])?["left_out"] as? Int ?? 0
            }
        }
        #expect(leftOut > 0 && leftOut + whole - 1 == lines)
        // A pipe's worth and the memory for what waits, once in each of its two places.
        #expect(whole < 3 * LogOutput.waitingBytesMax / 1_000)
        close(pipe.reading)
    }

    @Test func aReaderThatIsGoneIsPassedOver() throws {
        signal(SIGPIPE, SIG_IGN)
        let pipe = try pipe()
        let output = try LogOutput(descriptor: pipe.writing, format: .text)
        close(pipe.reading)
        for _ in 0..<5_000 { output.write(.info, String(repeating: "x", count: 1_000), [:]) }
        output.flush(waitingMilliseconds: 5_000)
        output.write(.info, "still here", [:])
    }

    @Test func aLineOfJSONIsAnObjectWithFourMembers() throws {
        let metadata: Logger.Metadata = [
            "count": .stringConvertible(7), "list": ["a", "b"], "inner": ["key": "va\"lue"], "text": "two\nlines",
        ]
        let bytes = LogLine(format: .json).render(.warning, "\u{1B}[31m \"hot\"\n", metadata, epochMilliseconds: 1_000)
        let line = text(bytes)
        #expect(
            line == #"{"ts":"1970-01-01T00:00:01.000Z","level":"warning","message":"\u001b[31m \"hot\"\n","metadata":"#
                + #"{"count":7,"inner":{"key":"va\"lue"},"list":["a","b"],"text":"two\nlines"}}"# + "\n"
        )
        _ = try JSONSerialization.jsonObject(with: Data(bytes))
    }

    @Test func aLineOfTextStaysOneLine() {
        let bytes = LogLine(format: .text)
            .render(.info, "one\ntwo \u{1B}[2J é", ["b": "2", "a": "1\r"], epochMilliseconds: 0)
        #expect(text(bytes) == "1970-01-01T00:00:00.000Z info one\\u{a}two \\u{1b}[2J é a=1\\u{d} b=2\n")
    }

    @Test func aLineIsOfBoundedLength() {
        for format in LogLineFormat.allCases {
            let bytes = LogLine(format: format)
                .render(.info, String(repeating: "x", count: 100_000), [:], epochMilliseconds: 0)
            #expect(bytes.count < 2 * LogLine.textBytesMax)
        }
    }
}
