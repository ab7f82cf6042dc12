import Testing

@testable import Loop

@Suite struct BacklogTests {
    private let start: UInt64 = 1_000_000_000
    private let millisecond: UInt64 = 1_000_000

    @Test func aQuietLoopSendsNoMarks() {
        var backlog = Backlog()
        for turn in 0..<100 as Range<UInt64> {
            #expect(backlog.turnEnded(completions: 3, now: start + turn * millisecond) == false)
        }
        #expect(!backlog.isBehind)
    }

    @Test func oneMarkIsUnderWayAtATimeAndOneAMillisecond() {
        var backlog = Backlog()
        #expect(backlog.turnEnded(completions: 50, now: start) == true)
        #expect(backlog.turnEnded(completions: 50, now: start + 5 * millisecond) == false)
        backlog.markArrived(now: start + 5 * millisecond)
        #expect(backlog.turnEnded(completions: 50, now: start + 5 * millisecond) == true)
        backlog.markArrived(now: start + 5 * millisecond + 1)
        #expect(backlog.turnEnded(completions: 50, now: start + 5 * millisecond + 2) == false)
    }

    @Test func aLateMarkMeansBehindBeforeItArrives() {
        var backlog = Backlog()
        _ = backlog.turnEnded(completions: 50, now: start)
        _ = backlog.turnEnded(completions: 50, now: start + 20 * millisecond)
        #expect(!backlog.isBehind)
        _ = backlog.turnEnded(completions: 50, now: start + 21 * millisecond)
        #expect(backlog.isBehind)
        backlog.markArrived(now: start + 30 * millisecond)
        #expect(backlog.isBehind)
    }

    @Test func caughtUpIsBelowHalfOfBehind() {
        var backlog = Backlog()
        _ = backlog.turnEnded(completions: 50, now: start)
        backlog.markArrived(now: start + 25 * millisecond)
        _ = backlog.turnEnded(completions: 50, now: start + 25 * millisecond)
        backlog.markArrived(now: start + 40 * millisecond)
        #expect(backlog.isBehind)
        _ = backlog.turnEnded(completions: 50, now: start + 40 * millisecond)
        backlog.markArrived(now: start + 49 * millisecond)
        #expect(!backlog.isBehind)
    }

    @Test func aTurnWithLittleToDoHasLeftNothingBehind() {
        var backlog = Backlog()
        _ = backlog.turnEnded(completions: 50, now: start)
        backlog.markArrived(now: start + 25 * millisecond)
        #expect(backlog.isBehind)
        _ = backlog.turnEnded(completions: 2, now: start + 26 * millisecond)
        #expect(!backlog.isBehind)
    }
}
