import Testing

@testable import WAL

@Suite struct PacerTests {
    private let start = MonotonicTime(nanoseconds: 1_000_000_000)

    @Test func loneCallerNeverWaits() {
        var pacer = Pacer(paceMicroseconds: 500)
        for turn in 0..<20 {
            let now = start.advanced(microseconds: 100 * turn)
            #expect(pacer.patience(gathered: 1, now: now) == nil)
            pacer.submitted(records: 1, at: now)
        }
    }

    @Test func waitsForThoseWhoCameLastTime() throws {
        var pacer = Pacer(paceMicroseconds: 500)
        pacer.submitted(records: 256, at: start)
        let patience = try #require(pacer.patience(gathered: 40, now: start.advanced(microseconds: 200)))
        #expect(patience.records == 256)
        #expect(patience.deadline == start.advanced(microseconds: 500))
        #expect(pacer.patience(gathered: 256, now: start.advanced(microseconds: 200)) == nil, "the crowd is complete")
        #expect(pacer.patience(gathered: 40, now: start.advanced(microseconds: 500)) == nil, "long enough")
    }

    @Test func forgetsACrowdThatLeft() {
        var pacer = Pacer(paceMicroseconds: 500)
        pacer.submitted(records: 256, at: start)
        for _ in 0..<4 { pacer.submitted(records: 1, at: start) }
        #expect(pacer.patience(gathered: 1, now: start) == nil)
    }
}
