import Testing

@testable import Server

@Suite struct AnswerQueueTests {
    /// What a test asks of a queue, which itself can't be copied into an expectation.
    private struct Look: Equatable {
        var ready: String
        var inFlight: UInt32
        var earlyBytes = 0
        var isFinished: Bool
    }

    private func look(_ queue: borrowing AnswerQueue) -> Look {
        Look(
            ready: queue.ready.withBytes { String(decoding: $0, as: UTF8.self) },
            inFlight: queue.inFlight,
            earlyBytes: queue.earlyBytes,
            isFinished: queue.isFinished
        )
    }

    private func answer(_ queue: inout AnswerQueue, _ sequence: UInt32) {
        let bytes = Array("line\r\n\(sequence);".utf8)
        bytes.withUnsafeBytes { queue.answer(sequence, $0) }
    }

    @Test(arguments: 0..<50 as Range<UInt64>)
    func answersLeaveInTheOrderOfTheirRequests(seed: UInt64) {
        var random = SeededBytes(seed: seed)
        var queue = AnswerQueue()
        let sequences = (0..<64).map { _ in queue.begin() }
        #expect(look(queue) == Look(ready: "", inFlight: 64, isFinished: false))
        for sequence in sequences.shuffled(using: &random) { answer(&queue, sequence) }
        let expected = sequences.map { "line\r\n\($0);" }.joined()
        #expect(look(queue) == Look(ready: expected, inFlight: 0, isFinished: false))
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
        #expect(!look(queue).isFinished)
        answer(&queue, 0)
        #expect(look(queue).isFinished)
        answer(&queue, 3)
        #expect(look(queue).ready == "line\r\n0;line\r\nConnection: close\r\n1;")
    }

    @Test func withNothingInFlightFinishingIsImmediate() {
        var queue = AnswerQueue()
        queue.finish()
        #expect(look(queue).isFinished)
        var used = AnswerQueue()
        _ = used.begin()
        answer(&used, 0)
        used.finish()
        #expect(look(used) == Look(ready: "line\r\n0;", inFlight: 0, isFinished: true))
    }
}
