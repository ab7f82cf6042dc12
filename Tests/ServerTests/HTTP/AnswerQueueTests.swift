import NIOCore
import Testing

@testable import Server

@Suite struct AnswerQueueTests {
    private func answer(_ queue: inout AnswerQueue, _ sequence: UInt32) {
        let bytes = Array("line\r\n\(sequence);".utf8)
        bytes.withUnsafeBytes { queue.answer(sequence, $0) }
    }

    @Test(arguments: 0..<50 as Range<UInt64>)
    func answersLeaveInTheOrderOfTheirRequests(seed: UInt64) {
        var random = SeededBytes(seed: seed)
        var queue = AnswerQueue()
        let sequences = (0..<64).map { _ in queue.begin() }
        #expect(queue.inFlight == 64)
        for sequence in sequences.shuffled(using: &random) { answer(&queue, sequence) }
        let expected = sequences.map { "line\r\n\($0);" }.joined()
        #expect(queue.ready.readBytes(length: queue.ready.readableBytes) == Array(expected.utf8))
        #expect(queue.inFlight == 0)
        #expect(queue.earlyBytes == 0)
        #expect(!queue.isFinished)
    }

    @Test func theLastAnswerSaysSoAndThoseBehindItAreDropped() {
        var queue = AnswerQueue()
        for _ in 0..<4 { _ = queue.begin() }
        answer(&queue, 3)
        answer(&queue, 2)
        queue.finish(after: 2)
        queue.finish(after: 3)
        queue.finish(after: 1)
        answer(&queue, 1)
        #expect(!queue.isFinished)
        answer(&queue, 0)
        #expect(queue.isFinished)
        answer(&queue, 3)
        #expect(String(buffer: queue.ready) == "line\r\n0;line\r\nConnection: close\r\n1;")
    }

    @Test func withNothingInFlightFinishingIsImmediate() {
        var queue = AnswerQueue()
        queue.finish()
        #expect(queue.isFinished)
        var used = AnswerQueue()
        _ = used.begin()
        answer(&used, 0)
        used.finish()
        #expect(used.isFinished)
        #expect(used.inFlight == 0)
    }
}
